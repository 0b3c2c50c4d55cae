# what goes wrong outside, over both tokens, run under tests/with-tokens by tests/failures-in-words
noinst_PROGRAMS += tests/failures/failures
tests_failures_failures_SOURCES = \
	tests/failures/configuration.c \
	tests/failures/failures.c tests/failures/failures.h \
	tests/failures/hsm.c \
	tests/failures/needles.c tests/failures/needles.h \
	tests/failures/requests.c \
	tests/failures/secrets.c \
	tests/failures/vault.c \
	tests/built_module.h tests/suite.h
tests_failures_failures_LDADD = $(CMOCKA_LIBS) $(CJSON_LIBS)

check_SCRIPTS += tests/failures-in-words
