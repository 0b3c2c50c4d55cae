libbyok_la_SOURCES += \
	pkcs11/entry.c \
	pkcs11/function_list.c pkcs11/function_list.h \
	pkcs11/module.c pkcs11/module.h \
	pkcs11/session.c pkcs11/session.h \
	pkcs11/slot.c pkcs11/slot.h
