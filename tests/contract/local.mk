# one suite over every kind of token, run under tests/with-tokens by tests/contract-*
noinst_PROGRAMS += tests/contract/contract tests/contract/both
tests_contract_contract_SOURCES = \
	tests/contract/bad_calls.c \
	tests/contract/contract.c tests/contract/contract.h \
	tests/contract/main.c \
	tests/contract/module.h \
	tests/contract/objects.c \
	tests/contract/secret_keys.c \
	tests/contract/sessions.c \
	tests/contract/wrap.c
tests_contract_contract_CFLAGS = $(test_cflags)
tests_contract_contract_LDADD = $(CMOCKA_LIBS) $(P11KIT_LIBS)
tests_contract_both_SOURCES = tests/contract/both.c tests/contract/module.h
tests_contract_both_CFLAGS = $(test_cflags)
tests_contract_both_LDADD = $(CMOCKA_LIBS) -lpthread

check_SCRIPTS += tests/contract-hsm tests/contract-vault tests/contract-both
