/* The HMAC of libcrypto, out of our own context; made ready for each hash once per token. */
#ifndef BYOK_PKCS11_SOFT_HMAC_H
#define BYOK_PKCS11_SOFT_HMAC_H

#include "backends/base/hash.h"
#include <stdatomic.h>

/* Contexts without a key, which are only duplicated: so all threads may. */
struct hmac_set {
    EVP_MAC_CTX *_Atomic ready[HASHES];
};

void hmac_set_done(struct hmac_set *set);

/* One with its key, to be freed, which wipes it. CKR_FUNCTION_FAILED, CKR_HOST_MEMORY. */
MUST_USE CK_RV hmac_begin(struct hmac_set *set, enum hash hash, struct bytes key, EVP_MAC_CTX **ret_context);
MUST_USE CK_RV hmac_add(EVP_MAC_CTX *context, struct bytes data);
MUST_USE CK_RV hmac_end(EVP_MAC_CTX *context, unsigned char ret_mac[LONGEST_HASH]);

#endif
