# the checks of attackers and strict test suites, by number
check_PROGRAMS += tests/pkcs11/soft/checks/test_checks
tests_pkcs11_soft_checks_test_checks_SOURCES = \
	tests/pkcs11/soft/checks/checks.c tests/pkcs11/soft/checks/checks.h \
	tests/pkcs11/soft/checks/forgery.c \
	tests/pkcs11/soft/checks/handles.c \
	tests/pkcs11/soft/checks/keys.c \
	tests/pkcs11/soft/checks/main.c \
	tests/pkcs11/soft/checks/oracles.c \
	tests/pkcs11/soft/checks/oracles_aes.c \
	tests/pkcs11/soft/checks/padding.c tests/pkcs11/soft/checks/padding.h \
	tests/pkcs11/soft/checks/private_keys.c \
	tests/pkcs11/soft/checks/roles.c \
	tests/pkcs11/soft/checks/service_data.c \
	tests/pkcs11/soft/checks/sessions.c \
	tests/pkcs11/soft/checks/signing.c \
	tests/pkcs11/soft/checks/suites.c \
	tests/pkcs11/soft/checks/templates.c \
	tests/pkcs11/soft/checks/usage.c \
	tests/pkcs11/soft/checks/wrapping.c \
	tests/built_module.h tests/suite.h \
	$(sign_test_sources)
