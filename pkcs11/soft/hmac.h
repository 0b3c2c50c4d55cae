/* The HMAC of libcrypto, out of our own context; made ready for each hash once per token. */
#ifndef BYOK_PKCS11_SOFT_HMAC_H
#define BYOK_PKCS11_SOFT_HMAC_H

#include "backends/base/hash.h"
#include "pkcs11/soft/cipher.h"
#include <stdatomic.h>

/* Contexts without a key, which are only duplicated: so all threads may. */
struct hmac_set {
    EVP_MAC_CTX *_Atomic ready[HASHES];
};

void hmac_set_done(struct hmac_set *set);

/* Contexts that hold a key, as those of ciphers do (cipher.h). */
struct hmac_spares {
    EVP_MAC_CTX *_Atomic slot[MOST_SPARES];
};

void hmac_spares_move(struct hmac_spares *from, struct hmac_spares *to);
void hmac_spares_done(struct hmac_spares *spares);

/* One with its key, to be freed, which wipes it, unless hmac_end takes it. CKR_FUNCTION_FAILED, CKR_HOST_MEMORY. */
MUST_USE CK_RV hmac_begin(struct hmac_set *set, struct hmac_spares *spares, enum hash hash, struct bytes key,
                          EVP_MAC_CTX **ret_context);
MUST_USE CK_RV hmac_add(EVP_MAC_CTX *context, struct bytes data);
/* The context waits among the spares of its key then, and *context is NULL. */
MUST_USE CK_RV hmac_end(EVP_MAC_CTX **context, struct hmac_spares *spares,
                        unsigned char ret_mac[LONGEST_HASH]);
/* All three. */
MUST_USE CK_RV hmac_whole(struct hmac_set *set, struct hmac_spares *spares, enum hash hash, struct bytes key,
                          struct bytes data, unsigned char ret_mac[LONGEST_HASH]);

#endif
