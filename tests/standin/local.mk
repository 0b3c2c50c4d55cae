# the stand-in vault: a program that tests run, and its own tests; nothing of the product is linked
noinst_PROGRAMS += tests/standin/standin
tests_standin_standin_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_standin_standin_CFLAGS = $(AM_CFLAGS) $(MICROHTTPD_CFLAGS) $(GNUTLS_CFLAGS)
tests_standin_standin_LDADD = $(OPENSSL_LIBS) $(CJSON_LIBS) $(MICROHTTPD_LIBS) $(GNUTLS_LIBS) -lpthread
tests_standin_standin_SOURCES = \
	tests/standin/main.c \
	tests/standin/aadsts.c tests/standin/aadsts.h \
	tests/standin/access.c tests/standin/access.h \
	tests/standin/answer.c tests/standin/answer.h \
	tests/standin/arc.c \
	tests/standin/asked.c tests/standin/asked.h \
	tests/standin/assertion.c tests/standin/assertion.h \
	tests/standin/callers.c tests/standin/callers.h \
	tests/standin/challenge.c tests/standin/challenge.h \
	tests/standin/control.c tests/standin/control.h \
	tests/standin/control_callers.c tests/standin/control_keys.c \
	tests/standin/counts.c tests/standin/counts.h \
	tests/standin/credentials.c tests/standin/credentials.h \
	tests/standin/crypto.c tests/standin/crypto.h tests/standin/crypto_aes.c \
	tests/standin/discovery.c \
	tests/standin/door.c tests/standin/door.h \
	tests/standin/fault.c tests/standin/fault_spoil.c \
	tests/standin/faults.c tests/standin/faults.h \
	tests/standin/federation.c tests/standin/federation.h \
	tests/standin/files.c tests/standin/files.h \
	tests/standin/forbid.c tests/standin/forbid.h \
	tests/standin/form.c tests/standin/form.h \
	tests/standin/headers.c tests/standin/headers.h \
	tests/standin/identity.c tests/standin/identity.h \
	tests/standin/jwt.c tests/standin/jwt.h \
	tests/standin/keypair.c tests/standin/keypair.h \
	tests/standin/keys.c tests/standin/keys.h \
	tests/standin/key_past.c \
	tests/standin/machine.c tests/standin/machine.h \
	tests/standin/opened.c tests/standin/opened.h \
	tests/standin/publish.c \
	tests/standin/quota.c tests/standin/quota.h \
	tests/standin/route.c tests/standin/route.h \
	tests/standin/send.c tests/standin/send.h \
	tests/standin/server.c tests/standin/server.h \
	tests/standin/settings.c tests/standin/settings.h \
	tests/standin/standin.h \
	tests/standin/text.c tests/standin/text.h \
	tests/standin/tls.c tests/standin/tls.h \
	tests/standin/tokens.c tests/standin/tokens.h \
	tests/standin/vault.c tests/standin/vault.h \
	tests/standin/vault_call.h \
	tests/standin/vault_attributes.c tests/standin/vault_backup.c tests/standin/vault_bundle.c \
	tests/standin/vault_byok.c tests/standin/vault_certificate.c tests/standin/vault_delete.c \
	tests/standin/vault_import.c tests/standin/vault_keys.c tests/standin/vault_list.c \
	tests/standin/vault_random.c tests/standin/vault_release.c tests/standin/vault_rotate.c \
	tests/standin/vault_secure.c \
	tests/standin/vault_use.c \
	tests/standin/wire.c tests/standin/wire.h \
	tests/standin/words.c tests/standin/words.h \
	tests/standin/world.c tests/standin/world.h
EXTRA_DIST += tests/vault-curl

# A test program of any room may link this (and libcurl) to have a stand-in of its own.
standin_runner = tests/standin/run_standin.c tests/standin/run_standin.h

check_PROGRAMS += tests/standin/test_standin
tests_standin_test_standin_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_standin_test_standin_LDADD = $(CMOCKA_LIBS) $(LIBCURL_LIBS) $(OPENSSL_LIBS) $(CJSON_LIBS) -lpthread
tests_standin_test_standin_SOURCES = $(standin_runner) \
	tests/standin/test_standin.c tests/standin/test_standin.h \
	tests/standin/test_client.c tests/standin/test_client.h \
	tests/standin/test_keys.c tests/standin/test_access.c tests/standin/test_refusals.c tests/standin/test_challenges.c tests/standin/test_quota.c tests/standin/test_doors.c tests/standin/test_identity.c tests/standin/test_machine.c tests/standin/test_pages.c \
	tests/standin/test_faults.c tests/standin/test_vault_curl.c \
	tests/standin/test_forms.c tests/standin/test_import.c tests/standin/test_material.c tests/standin/test_material.h \
	tests/standin/test_deleted.c tests/standin/test_rotation.c tests/standin/test_backup.c \
	tests/standin/test_oct.c tests/standin/test_mhsm.c tests/standin/test_versions.c \
	tests/standin/text.c tests/standin/text.h

CLEANFILES += tests/standin/key-cache/*.pem
