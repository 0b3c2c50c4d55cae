libbyok_la_SOURCES += \
	pkcs11/soft/token.c pkcs11/soft/token.h
