# tests of backends/keyvault/
check_LTLIBRARIES += tests/backends/keyvault/libserver.la
tests_backends_keyvault_libserver_la_SOURCES = \
	tests/backends/keyvault/https_server.c tests/backends/keyvault/https_server.h \
	tests/backends/keyvault/http_world.c tests/backends/keyvault/http_world.h \
	tests/backends/keyvault/proxy_server.c tests/backends/keyvault/proxy_server.h \
	tests/backends/keyvault/token_world.c tests/backends/keyvault/token_world.h \
	tests/backends/keyvault/vault_world.c tests/backends/keyvault/vault_world.h \
	tests/backends/keyvault/way_world.c tests/backends/keyvault/way_world.h \
	tests/backends/keyvault/traces.c tests/backends/keyvault/traces.h
keyvault_ldadd = tests/backends/keyvault/libserver.la $(LDADD)

assertion_sources = \
	tests/backends/keyvault/certificates.c tests/backends/keyvault/certificates.h \
	tests/backends/keyvault/sent.c tests/backends/keyvault/sent.h

machine_sources = \
	tests/backends/keyvault/machine_world.c tests/backends/keyvault/machine_world.h

diagnose_sources = \
	tests/backends/keyvault/diagnose_world.c tests/backends/keyvault/diagnose_world.h \
	tests/standin/run_standin.c tests/standin/run_standin.h

check_PROGRAMS += \
	tests/backends/keyvault/test_arc_key \
	tests/backends/keyvault/test_azure_cli \
	tests/backends/keyvault/test_client_certificate \
	tests/backends/keyvault/test_ca_bundle \
	tests/backends/keyvault/test_client_secret \
	tests/backends/keyvault/test_endpoint \
	tests/backends/keyvault/test_health \
	tests/backends/keyvault/test_hsm_key \
	tests/backends/keyvault/test_http \
	tests/backends/keyvault/test_http_kept \
	tests/backends/keyvault/test_http_trust \
	tests/backends/keyvault/test_http_way \
	tests/backends/keyvault/test_http_date \
	tests/backends/keyvault/test_identity_config \
	tests/backends/keyvault/test_key_id \
	tests/backends/keyvault/test_key_traces \
	tests/backends/keyvault/test_keyvault \
	tests/backends/keyvault/test_libcurl \
	tests/backends/keyvault/test_managed_environment \
	tests/backends/keyvault/test_managed_identity \
	tests/backends/keyvault/test_managed_services \
	tests/backends/keyvault/test_principal \
	tests/backends/keyvault/test_retry \
	tests/backends/keyvault/test_sign_in \
	tests/backends/keyvault/test_token_cache \
	tests/backends/keyvault/test_token_file \
	tests/backends/keyvault/test_token_json \
	tests/backends/keyvault/test_traces \
	tests/backends/keyvault/test_vault_aes \
	tests/backends/keyvault/test_vault_call \
	tests/backends/keyvault/test_vault_certificate \
	tests/backends/keyvault/test_vault_challenge \
	tests/backends/keyvault/test_vault_client \
	tests/backends/keyvault/test_vault_client_list \
	tests/backends/keyvault/test_vault_config \
	tests/backends/keyvault/test_vault_diagnose \
	tests/backends/keyvault/test_vault_diagnose_key \
	tests/backends/keyvault/test_vault_error \
	tests/backends/keyvault/test_vault_fleet \
	tests/backends/keyvault/test_vault_json \
	tests/backends/keyvault/test_vault_json_key \
	tests/backends/keyvault/test_vault_random \
	tests/backends/keyvault/test_vault_report \
	tests/backends/keyvault/test_vault_sign \
	tests/backends/keyvault/test_vault_versions \
	tests/backends/keyvault/test_workload_identity
tests_backends_keyvault_test_arc_key_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_azure_cli_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_client_certificate_SOURCES = \
	tests/backends/keyvault/test_client_certificate.c $(assertion_sources)
tests_backends_keyvault_test_client_certificate_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_ca_bundle_LDADD = $(LDADD) $(OPENSSL_LIBS)
tests_backends_keyvault_test_client_secret_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_endpoint_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_health_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_hsm_key_SOURCES = tests/backends/keyvault/test_hsm_key.c $(assertion_sources)
tests_backends_keyvault_test_hsm_key_CFLAGS = $(AM_CFLAGS) -DMAKE_TOKEN='"$(abs_top_srcdir)/softhsm-conf/make-token"'
tests_backends_keyvault_test_hsm_key_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_http_trust_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_http_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_http_kept_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_http_way_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_http_date_LDADD = $(LDADD) $(LIBCURL_LIBS)
tests_backends_keyvault_test_key_id_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_key_traces_SOURCES = \
	tests/backends/keyvault/test_key_traces.c \
	tests/backends/keyvault/certificates.c tests/backends/keyvault/certificates.h
tests_backends_keyvault_test_key_traces_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_keyvault_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_libcurl_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_managed_identity_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_managed_identity_SOURCES = \
	tests/backends/keyvault/test_managed_identity.c $(machine_sources)
tests_backends_keyvault_test_managed_services_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_managed_services_SOURCES = \
	tests/backends/keyvault/test_managed_services.c $(machine_sources)
tests_backends_keyvault_test_sign_in_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_principal_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_retry_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_token_cache_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_token_file_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_challenge_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_call_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_traces_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_aes_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_certificate_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_client_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_client_list_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_config_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_diagnose_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_diagnose_SOURCES = \
	tests/backends/keyvault/test_vault_diagnose.c $(diagnose_sources)
tests_backends_keyvault_test_vault_diagnose_key_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_diagnose_key_SOURCES = \
	tests/backends/keyvault/test_vault_diagnose_key.c $(diagnose_sources)
tests_backends_keyvault_test_vault_error_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_fleet_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_json_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_json_key_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_random_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_report_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_sign_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_vault_versions_LDADD = $(keyvault_ldadd)
tests_backends_keyvault_test_workload_identity_LDADD = $(keyvault_ldadd)
