# The module as a whole over a PKCS#11 module that does nothing.
check_LTLIBRARIES += tests/pkcs11/fake_module.la
tests_pkcs11_fake_module_la_SOURCES = tests/pkcs11/fake_module.c tests/pkcs11/fake_module.h
tests_pkcs11_fake_module_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -rpath /nowhere

house = tests/pkcs11/house.c tests/pkcs11/house.h tests/pkcs11/fake_module.h

check_PROGRAMS += \
	tests/pkcs11/test_function_list \
	tests/pkcs11/test_module \
	tests/pkcs11/test_session \
	tests/pkcs11/test_slot \
	tests/pkcs11/test_token_policy

tests_pkcs11_test_function_list_SOURCES = tests/pkcs11/test_function_list.c $(house)
tests_pkcs11_test_module_SOURCES = tests/pkcs11/test_module.c $(house)
tests_pkcs11_test_session_SOURCES = tests/pkcs11/test_session.c $(house)
tests_pkcs11_test_slot_SOURCES = tests/pkcs11/test_slot.c $(house)
tests_pkcs11_test_token_policy_SOURCES = tests/pkcs11/test_token_policy.c $(house)

# A guest's manners: of the built module, as its hosts see it.
noinst_PROGRAMS += tests/pkcs11/manners
tests_pkcs11_manners_SOURCES = \
	tests/pkcs11/manners.c tests/pkcs11/manners.h \
	tests/pkcs11/manners_mode.c tests/pkcs11/manners_work.c
tests_pkcs11_manners_LDADD = $(CMOCKA_LIBS) $(OPENSSL_LIBS)
check_PROGRAMS += tests/pkcs11/test_manners_symbols
tests_pkcs11_test_manners_symbols_SOURCES = tests/pkcs11/test_manners_symbols.c
tests_pkcs11_test_manners_symbols_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_pkcs11_test_manners_symbols_LDADD = $(CMOCKA_LIBS)
check_SCRIPTS += tests/pkcs11/test_manners tests/pkcs11/test_manners_exports
EXTRA_DIST += tests/pkcs11/test_manners tests/pkcs11/test_manners_exports
check_LTLIBRARIES += tests/pkcs11/host_provider.la
tests_pkcs11_host_provider_la_SOURCES = tests/pkcs11/host_provider.c tests/built_module.h
tests_pkcs11_host_provider_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -rpath /nowhere
