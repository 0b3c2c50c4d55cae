/*
 * The key of a certificate that stays in an HSM: another PKCS#11 module signs assertions with it. A session
 * is open while one is signed, and no longer.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_IDENTITY_HSM_KEY_H
#define BYOK_BACKENDS_KEYVAULT_IDENTITY_HSM_KEY_H

#include "backends/keyvault/identity/assertion.h"

struct hsm_key;

/* `uri` names one private key (RFC 7512); it has been read before. Loads nothing. CKR_HOST_MEMORY. */
MUST_USE CK_RV hsm_key_new(const char *about, const char *uri, struct hsm_key **ret_key);
void hsm_key_free(struct hsm_key *key);

struct hsm_mechanism;

struct hsm_signing {
    struct hsm_key *key;
    const CK_FUNCTION_LIST *functions;
    CK_SESSION_HANDLE session;
    unsigned life; /* of the module, for hsm_module_session_end() */
    const struct hsm_mechanism *mechanism;
    enum assertion_algorithm algorithm;
};

/*
 * Finds the token, logs in, finds the key, and begins to sign with PS256, or with RS256 where it cannot. On
 * failure false, and nothing is to be ended.
 */
bool hsm_key_begin(struct hsm_key *key, struct hsm_signing *ret_signing,
                   struct identity_failure *ret_failure);
/* assertion_signer, once; arg is the struct hsm_signing. */
bool hsm_key_sign(void *arg, struct bytes text, struct buffer *ret_signature,
                  struct identity_failure *ret_failure);
/* An empty one is allowed. */
void hsm_key_end(struct hsm_signing *signing);

#endif
