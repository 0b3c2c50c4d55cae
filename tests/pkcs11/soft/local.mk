# tests of pkcs11/soft/
soft_test_sources = \
	$(fake_sources) \
	tests/pkcs11/soft/soft_test.c tests/pkcs11/soft/soft_test.h

check_PROGRAMS += tests/pkcs11/soft/test_find
tests_pkcs11_soft_test_find_SOURCES = tests/pkcs11/soft/test_find.c $(soft_test_sources)

wrap_test_sources = tests/pkcs11/soft/wrap_test.c tests/pkcs11/soft/wrap_test.h $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_wrap
tests_pkcs11_soft_test_wrap_SOURCES = tests/pkcs11/soft/test_wrap.c $(wrap_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_wrap_state
tests_pkcs11_soft_test_wrap_state_SOURCES = tests/pkcs11/soft/test_wrap_state.c $(wrap_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_secret_key
tests_pkcs11_soft_test_secret_key_SOURCES = tests/pkcs11/soft/test_secret_key.c $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_crypt
tests_pkcs11_soft_test_crypt_SOURCES = tests/pkcs11/soft/test_crypt.c $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_crypt_block
tests_pkcs11_soft_test_crypt_block_SOURCES = tests/pkcs11/soft/test_crypt_block.c tests/vectors.c tests/vectors.h $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_wrap_aes
tests_pkcs11_soft_test_wrap_aes_SOURCES = tests/pkcs11/soft/test_wrap_aes.c tests/vectors.c tests/vectors.h $(soft_test_sources)

sign_test_sources = tests/pkcs11/soft/sign_test.c tests/pkcs11/soft/sign_test.h $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_sign
tests_pkcs11_soft_test_sign_SOURCES = tests/pkcs11/soft/test_sign.c $(sign_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_wrap_rsa_aes
tests_pkcs11_soft_test_wrap_rsa_aes_SOURCES = tests/pkcs11/soft/test_wrap_rsa_aes.c $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_sign_local
tests_pkcs11_soft_test_sign_local_SOURCES = tests/pkcs11/soft/test_sign_local.c $(sign_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_verify
tests_pkcs11_soft_test_verify_SOURCES = tests/pkcs11/soft/test_verify.c $(sign_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_digest_state
tests_pkcs11_soft_test_digest_state_SOURCES = tests/pkcs11/soft/test_digest_state.c $(sign_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_digest
tests_pkcs11_soft_test_digest_SOURCES = tests/pkcs11/soft/test_digest.c $(sign_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_service_aes
tests_pkcs11_soft_test_service_aes_SOURCES = tests/pkcs11/soft/test_service_aes.c tests/fake_aes.c tests/fake_aes.h $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_message
tests_pkcs11_soft_test_message_SOURCES = tests/pkcs11/soft/test_message.c tests/fake_aes.c tests/fake_aes.h $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_random
tests_pkcs11_soft_test_random_SOURCES = tests/pkcs11/soft/test_random.c tests/fake_aes.c tests/fake_aes.h $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_token
tests_pkcs11_soft_test_token_SOURCES = tests/pkcs11/soft/test_token.c $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_hostile
tests_pkcs11_soft_test_hostile_SOURCES = tests/pkcs11/soft/test_hostile.c $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_failure_limit
tests_pkcs11_soft_test_failure_limit_SOURCES = tests/pkcs11/soft/test_failure_limit.c $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_vectors
tests_pkcs11_soft_test_vectors_SOURCES = tests/pkcs11/soft/test_vectors.c tests/vectors.c tests/vectors.h $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_key_pair
tests_pkcs11_soft_test_key_pair_SOURCES = tests/pkcs11/soft/test_key_pair.c $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_key_types
tests_pkcs11_soft_test_key_types_SOURCES = tests/pkcs11/soft/test_key_types.c tests/fake_aes.c tests/fake_aes.h $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_certificate
tests_pkcs11_soft_test_certificate_SOURCES = tests/pkcs11/soft/test_certificate.c $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_change
tests_pkcs11_soft_test_change_SOURCES = tests/pkcs11/soft/test_change.c $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_policy
tests_pkcs11_soft_test_policy_SOURCES = tests/pkcs11/soft/test_policy.c $(soft_test_sources)

# Bound at once (-z now): the dynamic linker would save registers, with what is left in them, on the stack.
check_PROGRAMS += tests/pkcs11/soft/test_traces
tests_pkcs11_soft_test_traces_SOURCES = \
	tests/pkcs11/soft/test_traces.c \
	tests/backends/keyvault/traces.c tests/backends/keyvault/traces.h $(soft_test_sources)
tests_pkcs11_soft_test_traces_CFLAGS = $(AM_CFLAGS)
tests_pkcs11_soft_test_traces_LDFLAGS = $(AM_LDFLAGS) -Wl,-z,now

lease_test_sources = tests/pkcs11/soft/lease_test.c tests/pkcs11/soft/lease_test.h $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_lease
tests_pkcs11_soft_test_lease_SOURCES = tests/pkcs11/soft/test_lease.c $(lease_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_spares
tests_pkcs11_soft_test_spares_SOURCES = tests/pkcs11/soft/test_spares.c $(lease_test_sources)
check_PROGRAMS += tests/pkcs11/soft/test_lease_closed
tests_pkcs11_soft_test_lease_closed_SOURCES = tests/pkcs11/soft/test_lease_closed.c $(lease_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_lease_move
tests_pkcs11_soft_test_lease_move_SOURCES = tests/pkcs11/soft/test_lease_move.c tests/fake_aes.c tests/fake_aes.h $(lease_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_lease_threads
tests_pkcs11_soft_test_lease_threads_SOURCES = tests/pkcs11/soft/test_lease_threads.c $(lease_test_sources)
tests_pkcs11_soft_test_lease_threads_LDADD = $(LDADD) -lpthread

check_PROGRAMS += tests/pkcs11/soft/test_lease_operations
tests_pkcs11_soft_test_lease_operations_SOURCES = tests/pkcs11/soft/test_lease_operations.c $(lease_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_lease_audit
tests_pkcs11_soft_test_lease_audit_SOURCES = tests/pkcs11/soft/test_lease_audit.c \
	tests/backends/audit/audit_test.c tests/backends/audit/audit_test.h tests/backends/base/base_test.h $(lease_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_lease_time
tests_pkcs11_soft_test_lease_time_SOURCES = tests/pkcs11/soft/test_lease_time.c

check_PROGRAMS += tests/pkcs11/soft/test_soft_audit
tests_pkcs11_soft_test_soft_audit_SOURCES = tests/pkcs11/soft/test_soft_audit.c \
	tests/backends/audit/audit_test.c tests/backends/audit/audit_test.h tests/backends/base/base_test.h $(soft_test_sources)

version_test_sources = \
	tests/fake_versions.c tests/fake_versions.h \
	tests/pkcs11/soft/version_test.c tests/pkcs11/soft/version_test.h $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_version
tests_pkcs11_soft_test_version_SOURCES = tests/pkcs11/soft/test_version.c $(version_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_version_refused
tests_pkcs11_soft_test_version_refused_SOURCES = tests/pkcs11/soft/test_version_refused.c $(version_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_use_refused
tests_pkcs11_soft_test_use_refused_SOURCES = tests/pkcs11/soft/test_use_refused.c $(version_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_version_aes
tests_pkcs11_soft_test_version_aes_SOURCES = tests/pkcs11/soft/test_version_aes.c tests/fake_aes.c tests/fake_aes.h $(version_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_version_limit
tests_pkcs11_soft_test_version_limit_SOURCES = tests/pkcs11/soft/test_version_limit.c $(version_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_version_policy
tests_pkcs11_soft_test_version_policy_SOURCES = tests/pkcs11/soft/test_version_policy.c tests/fake_aes.c tests/fake_aes.h $(version_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_version_size
tests_pkcs11_soft_test_version_size_SOURCES = tests/pkcs11/soft/test_version_size.c $(version_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_version_threads
tests_pkcs11_soft_test_version_threads_SOURCES = tests/pkcs11/soft/test_version_threads.c $(version_test_sources)
tests_pkcs11_soft_test_version_threads_LDADD = $(LDADD) -lpthread

check_PROGRAMS += tests/pkcs11/soft/test_mechanisms
tests_pkcs11_soft_test_mechanisms_SOURCES = tests/pkcs11/soft/test_mechanisms.c $(soft_test_sources)

check_PROGRAMS += tests/pkcs11/soft/test_key_policy
tests_pkcs11_soft_test_key_policy_SOURCES = tests/pkcs11/soft/test_key_policy.c tests/fake_aes.c tests/fake_aes.h $(sign_test_sources)
