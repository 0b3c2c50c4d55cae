# The operator's command: the same library as the module, and a command line.
bin_PROGRAMS = tools/byok-pkcs11
tools_byok_pkcs11_SOURCES = \
	tools/answers.c tools/answers.h \
	tools/audit.c \
	tools/check.c tools/check.h \
	tools/check_files.c \
	tools/check_outage.c \
	tools/check_token.c \
	tools/command.h \
	tools/duration.c tools/duration.h \
	tools/kek_try.c \
	tools/keks.c tools/keks.h \
	tools/keys.c tools/keys.h \
	tools/keys_service.c \
	tools/keys_token.c \
	tools/main.c \
	tools/print.c tools/print.h \
	tools/report.c tools/report.h \
	tools/start.c tools/start.h
tools_byok_pkcs11_LDADD = libbyok.la $(CJSON_LIBS)
