# every function with hostile arguments
check_PROGRAMS += tests/pkcs11/soft/random/test_random_calls
tests_pkcs11_soft_random_test_random_calls_SOURCES = \
	$(fake_sources) \
	tests/pkcs11/soft/random/arguments.c \
	tests/pkcs11/soft/random/calls.c \
	tests/pkcs11/soft/random/mechanisms.c \
	tests/pkcs11/soft/random/random.h \
	tests/pkcs11/soft/random/test_random_calls.c
