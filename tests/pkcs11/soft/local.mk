# tests of pkcs11/soft/
soft_test_sources = \
	tests/fake_key_service.c tests/fake_key_service.h \
	tests/pkcs11/soft/soft_test.c tests/pkcs11/soft/soft_test.h

check_PROGRAMS += tests/pkcs11/soft/test_find
tests_pkcs11_soft_test_find_SOURCES = tests/pkcs11/soft/test_find.c $(soft_test_sources)
tests_pkcs11_soft_test_find_CFLAGS = $(test_cflags)
tests_pkcs11_soft_test_find_LDADD = $(test_ldadd)
