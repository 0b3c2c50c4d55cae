libbyok_la_SOURCES += \
	backends/keyvault/address.c backends/keyvault/address.h \
	backends/keyvault/ca_bundle.c backends/keyvault/ca_bundle.h \
	backends/keyvault/cloud.c backends/keyvault/cloud.h \
	backends/keyvault/endpoint.c backends/keyvault/endpoint.h \
	backends/keyvault/health.c backends/keyvault/health.h \
	backends/keyvault/http_failure.c backends/keyvault/http_failure.h \
	backends/keyvault/http.c backends/keyvault/http.h \
	backends/keyvault/http_date.c backends/keyvault/http_date.h \
	backends/keyvault/http_pool.c backends/keyvault/http_pool.h \
	backends/keyvault/http_reply.c \
	backends/keyvault/http_tls.c backends/keyvault/http_tls.h \
	backends/keyvault/identity/aadsts.c backends/keyvault/identity/aadsts.h \
	backends/keyvault/identity/arc_key.c backends/keyvault/identity/arc_key.h \
	backends/keyvault/identity/assertion.c backends/keyvault/identity/assertion.h \
	backends/keyvault/identity/azure_cli.c \
	backends/keyvault/identity/claims.c backends/keyvault/identity/claims.h \
	backends/keyvault/identity/client_certificate.c \
	backends/keyvault/identity/client_secret.c backends/keyvault/identity/identity.h \
	backends/keyvault/identity/credential.c backends/keyvault/identity/credential.h \
	backends/keyvault/identity/environment.c \
	backends/keyvault/identity/hsm_key.c backends/keyvault/identity/hsm_key.h \
	backends/keyvault/identity/identity_config.c backends/keyvault/identity/identity_config.h \
	backends/keyvault/identity/identity_kinds.c backends/keyvault/identity/identity_kinds.h \
	backends/keyvault/identity/managed_answer.c \
	backends/keyvault/identity/managed_environment.c \
	backends/keyvault/identity/managed_identity.c backends/keyvault/identity/managed_identity.h \
	backends/keyvault/identity/token_cache.c \
	backends/keyvault/identity/token_endpoint.c backends/keyvault/identity/token_endpoint.h \
	backends/keyvault/identity/token_file.c \
	backends/keyvault/identity/token_json.c backends/keyvault/identity/token_json.h \
	backends/keyvault/identity/workload_identity.c \
	backends/keyvault/json.c backends/keyvault/json.h \
	backends/keyvault/key_id.c backends/keyvault/key_id.h \
	backends/keyvault/keyvault.c backends/keyvault/keyvault.h backends/keyvault/keyvault_private.h \
	backends/keyvault/libcurl.c backends/keyvault/libcurl.h \
	backends/keyvault/libcurl_memory.c backends/keyvault/libcurl_memory.h \
	backends/keyvault/option_text.c backends/keyvault/option_text.h \
	backends/keyvault/retry.c backends/keyvault/retry.h \
	backends/keyvault/sign_in.c backends/keyvault/sign_in.h \
	backends/keyvault/tls_store.c backends/keyvault/tls_store.h \
	backends/keyvault/url_text.c backends/keyvault/url_text.h \
	backends/keyvault/vault_aes.c \
	backends/keyvault/vault_algorithm.c backends/keyvault/vault_algorithm.h \
	backends/keyvault/vault_call.c backends/keyvault/vault_call.h \
	backends/keyvault/vault_certificate.c \
	backends/keyvault/vault_challenge.c backends/keyvault/vault_challenge.h \
	backends/keyvault/vault_client.c backends/keyvault/vault_client.h \
	backends/keyvault/vault_config.c backends/keyvault/vault_config.h \
	backends/keyvault/vault_config_keys.c backends/keyvault/vault_config_private.h \
	backends/keyvault/vault_diagnose.c backends/keyvault/vault_diagnose.h \
	backends/keyvault/vault_diagnose_identity.c \
	backends/keyvault/vault_diagnose_key.c \
	backends/keyvault/vault_diagnose_permission.c \
	backends/keyvault/vault_diagnose_private.h \
	backends/keyvault/vault_diagnose_property.c \
	backends/keyvault/vault_diagnose_way.c \
	backends/keyvault/vault_error.c backends/keyvault/vault_error.h \
	backends/keyvault/vault_fleet.c backends/keyvault/vault_fleet.h \
	backends/keyvault/vault_json.c backends/keyvault/vault_json.h \
	backends/keyvault/vault_json_certificate.c backends/keyvault/vault_json_key.c \
	backends/keyvault/vault_json_private.h \
	backends/keyvault/vault_random.c \
	backends/keyvault/vault_report.c backends/keyvault/vault_report.h \
	backends/keyvault/vault_request.c backends/keyvault/vault_request.h \
	backends/keyvault/vault_sign.c
