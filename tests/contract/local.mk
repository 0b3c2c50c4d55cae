# one suite over every kind of token, run under tests/with-tokens by tests/contract-*
contract_sources = \
	tests/contract/bad_calls.c \
	tests/contract/contract.c tests/contract/contract.h \
	tests/contract/objects.c \
	tests/contract/secret_keys.c \
	tests/contract/sessions.c \
	tests/contract/sign.c \
	tests/contract/wrap.c \
	tests/built_module.h tests/suite.h

noinst_PROGRAMS += tests/contract/contract tests/contract/both
tests_contract_contract_SOURCES = tests/contract/main.c $(contract_sources)
tests_contract_contract_LDADD = $(CMOCKA_LIBS) $(P11KIT_LIBS)
tests_contract_both_SOURCES = \
	tests/contract/across.c tests/contract/across.h \
	tests/contract/both.c \
	tests/built_module.h tests/suite.h
tests_contract_both_LDADD = $(CMOCKA_LIBS) -lpthread

check_PROGRAMS += tests/contract/test_soft
tests_contract_test_soft_SOURCES = \
	tests/contract/test_soft.c \
	$(fake_sources) \
	$(contract_sources)

noinst_PROGRAMS += tests/contract/mhsm_keys
tests_contract_mhsm_keys_SOURCES = tests/contract/mhsm_keys.c tests/built_module.h tests/suite.h
tests_contract_mhsm_keys_LDADD = $(CMOCKA_LIBS) $(P11KIT_LIBS)

check_SCRIPTS += \
	tests/contract-hsm \
	tests/contract-vault \
	tests/contract-mhsm \
	tests/contract-mhsm-keys \
	tests/contract-both
