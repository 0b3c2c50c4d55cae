libbyok_la_SOURCES += \
	pkcs11/soft/aes_service.c \
	pkcs11/soft/attribute.c pkcs11/soft/attribute.h \
	pkcs11/soft/attribute_list.c pkcs11/soft/attribute_list.h \
	pkcs11/soft/cancel.c \
	pkcs11/soft/catalogue.c pkcs11/soft/catalogue.h \
	pkcs11/soft/catalogue_version.c \
	pkcs11/soft/certificate.c pkcs11/soft/certificate.h \
	pkcs11/soft/certificate_attribute.c pkcs11/soft/certificate_attribute.h \
	pkcs11/soft/certificate_files.c \
	pkcs11/soft/certificate_service.c \
	pkcs11/soft/certificates.c pkcs11/soft/certificates.h \
	pkcs11/soft/cipher.c pkcs11/soft/cipher.h \
	pkcs11/soft/crypt.c pkcs11/soft/crypt.h \
	pkcs11/soft/crypt_block.c \
	pkcs11/soft/crypt_cbc.c \
	pkcs11/soft/crypt_gcm.c \
	pkcs11/soft/crypt_kept.c pkcs11/soft/crypt_kept.h \
	pkcs11/soft/crypt_rsa.c \
	pkcs11/soft/crypt_service.c \
	pkcs11/soft/digest.c \
	pkcs11/soft/digest_state.c pkcs11/soft/digest_state.h \
	pkcs11/soft/digest_info.c pkcs11/soft/digest_info.h \
	pkcs11/soft/failure_limit.c pkcs11/soft/failure_limit.h \
	pkcs11/soft/find.c pkcs11/soft/find.h \
	pkcs11/soft/find_certificates.c \
	pkcs11/soft/find_keys.c \
	pkcs11/soft/generate.c \
	pkcs11/soft/hmac.c pkcs11/soft/hmac.h \
	pkcs11/soft/key_attribute.c pkcs11/soft/key_attribute.h \
	pkcs11/soft/key_numbers.c pkcs11/soft/key_numbers.h \
	pkcs11/soft/key_value.c pkcs11/soft/key_value.h \
	pkcs11/soft/lease.c pkcs11/soft/lease.h \
	pkcs11/soft/lease_check.c \
	pkcs11/soft/lease_report.c \
	pkcs11/soft/lease_kek.c \
	pkcs11/soft/lease_use.c pkcs11/soft/lease_use.h \
	pkcs11/soft/leasehold.c pkcs11/soft/leasehold.h \
	pkcs11/soft/key_policy.c pkcs11/soft/key_policy.h \
	pkcs11/soft/local_change.c \
	pkcs11/soft/local_key.c pkcs11/soft/local_key.h \
	pkcs11/soft/local_new.c \
	pkcs11/soft/local_template.c pkcs11/soft/local_template.h \
	pkcs11/soft/manage.c \
	pkcs11/soft/mechanism.c pkcs11/soft/mechanism.h \
	pkcs11/soft/mechanism_parameter.c pkcs11/soft/mechanism_parameter.h \
	pkcs11/soft/message.c pkcs11/soft/message.h \
	pkcs11/soft/message_gcm.c \
	pkcs11/soft/message_iv.c \
	pkcs11/soft/object.c pkcs11/soft/object.h \
	pkcs11/soft/opener.c pkcs11/soft/opener.h \
	pkcs11/soft/operation.c pkcs11/soft/operation.h \
	pkcs11/soft/pem.c pkcs11/soft/pem.h \
	pkcs11/soft/policy.c pkcs11/soft/policy.h \
	pkcs11/soft/profile.c pkcs11/soft/profile.h \
	pkcs11/soft/private_info.c pkcs11/soft/private_info.h \
	pkcs11/soft/public_part.c pkcs11/soft/public_part.h \
	pkcs11/soft/rsa.c pkcs11/soft/rsa_words.h \
	pkcs11/soft/rsa_open.c \
	pkcs11/soft/rsa_seal.c \
	pkcs11/soft/service_key.c pkcs11/soft/service_key.h \
	pkcs11/soft/service_key_public.c \
	pkcs11/soft/service_key_version.c pkcs11/soft/service_key_version.h \
	pkcs11/soft/service_key_wrap.c \
	pkcs11/soft/sign.c \
	pkcs11/soft/sign_hmac.c \
	pkcs11/soft/sign_local.c \
	pkcs11/soft/sign_service.c \
	pkcs11/soft/signing.c pkcs11/soft/signing.h \
	pkcs11/soft/soft.h \
	pkcs11/soft/soft_audit.c pkcs11/soft/soft_audit.h \
	pkcs11/soft/token.c pkcs11/soft/token.h \
	pkcs11/soft/token_session.c \
	pkcs11/soft/token_settings.c \
	pkcs11/soft/version.c pkcs11/soft/version.h \
	pkcs11/soft/version_blob.c \
	pkcs11/soft/version_failure.c \
	pkcs11/soft/version_list.c pkcs11/soft/version_list.h \
	pkcs11/soft/version_memory.c pkcs11/soft/version_memory.h \
	pkcs11/soft/version_older.c \
	pkcs11/soft/version_trial.c pkcs11/soft/version_trial.h \
	pkcs11/soft/wrap.c pkcs11/soft/wrap.h \
	pkcs11/soft/wrap_aes.c \
	pkcs11/soft/wrap_rsa.c \
	pkcs11/soft/wrap_rsa_aes.c
