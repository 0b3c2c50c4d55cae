/*
 * The REST verbs of the key service: paths and api-version, tokens and repeats, and what an answer means as a
 * CK_RV and a verdict. One line in the log for each operation that fails. All threads; no lock is held
 * meanwhile.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_VAULT_CLIENT_H
#define BYOK_BACKENDS_KEYVAULT_VAULT_CLIENT_H

#include "backends/keyvault/endpoint.h"
#include "backends/keyvault/identity/identity.h"
#include "backends/keyvault/key_id.h"
#include "backends/keyvault/sign_in.h"
#include "backends/keyvault/vault_error.h"

/* All lent, and constant. */
struct vault_client {
    const char *about;
    const struct place *vault;
    const char *url; /* https://HOST[:PORT], without a slash at the end */
    const char *api_version;
    struct endpoint *endpoint;
    struct token_cache *tokens;
    struct token_scope scope;
    struct sign_in *sign_in; /* NULL: the scope is known; else it is learned from the vault */
};

/* As in key_service.h, where the errors are; ret_answer is filled in whatever the result. */
MUST_USE CK_RV vault_client_each_key(const struct vault_client *client, struct deadline deadline,
                                     key_visitor *visit, void *arg, struct service_answer *ret_answer);
MUST_USE CK_RV vault_client_each_version(const struct vault_client *client, const char *name,
                                         struct deadline deadline, key_visitor *visit, void *arg,
                                         struct service_answer *ret_answer);
MUST_USE CK_RV vault_client_get(const struct vault_client *client, const struct key_ref *key,
                                struct deadline deadline, struct key_info *ret_info,
                                struct service_answer *ret_answer);

/*
 * VAULT_WRAP and VAULT_ENCRYPT: a key or plaintext in, a ciphertext of 256, 384 or 512 bytes out.
 * VAULT_UNWRAP and VAULT_DECRYPT: the reverse; ret_value is a buffer that wipes.
 */
MUST_USE CK_RV vault_client_seal(const struct vault_client *client, enum vault_verb verb,
                                 const struct key_ref *key, enum rsa_padding padding, struct bytes plain,
                                 struct deadline deadline, struct buffer *ret_blob,
                                 struct service_answer *ret_answer);
MUST_USE CK_RV vault_client_open(const struct vault_client *client, enum vault_verb verb,
                                 const struct key_ref *key, enum rsa_padding padding, struct bytes blob,
                                 struct deadline deadline, struct secret *ret_plain,
                                 struct service_answer *ret_answer);

MUST_USE CK_RV vault_client_sign(const struct vault_client *client, const struct key_ref *key,
                                 enum signature_algorithm algorithm, struct bytes digest,
                                 struct deadline deadline, struct buffer *ret_signature,
                                 struct service_answer *ret_answer);

/* CKR_MECHANISM_INVALID: not at this api-version. CKR_DATA_LEN_RANGE: more than 32 KiB. */
MUST_USE CK_RV vault_client_aes(const struct vault_client *client, const struct key_ref *key,
                                const struct aes_task *task, struct deadline deadline,
                                struct secret *ret_value, struct aes_extra *ret_extra,
                                struct service_answer *ret_answer);

/* Of certificates the permissions list and get. */
MUST_USE CK_RV vault_client_each_certificate(const struct vault_client *client, struct deadline deadline,
                                             certificate_name_visitor *visit, void *arg,
                                             struct service_answer *ret_answer);
MUST_USE CK_RV vault_client_certificate(const struct vault_client *client, const char *name,
                                        struct deadline deadline, certificate_visitor *visit, void *arg,
                                        struct service_answer *ret_answer);

/* Of a Managed HSM; a request for each 128 bytes. */
MUST_USE CK_RV vault_client_random(const struct vault_client *client, unsigned char *ret_data, size_t size,
                                   struct deadline deadline, struct service_answer *ret_answer);

#endif
