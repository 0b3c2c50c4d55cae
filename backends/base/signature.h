/*
 * Signatures made and checked by OpenSSL with a key of its own form, in our library context. What is signed
 * arrives hashed. An ECDSA signature is r and s one after the other, each as long as a coordinate. A key may
 * be used by all threads at once.
 */
#ifndef BYOK_BASE_SIGNATURE_H
#define BYOK_BASE_SIGNATURE_H

#include "backends/base/buffer.h"
#include "backends/base/hash.h"
#include <openssl/evp.h>

enum signature_scheme {
    SIGNATURE_PKCS1, /* RSASSA-PKCS1-v1_5; without a hash, what is signed has its DigestInfo already */
    SIGNATURE_PSS,   /* RSASSA-PSS; MGF1 with the same hash, a salt as long as the hash */
    SIGNATURE_ECDSA  /* without a hash: the leftmost bits of what is signed, as many as the order has */
};

struct signature_way {
    enum signature_scheme scheme;
    enum hash hash;
};

/* Bytes of a signature. */
size_t signature_size(const EVP_PKEY *key);

/* Replaces what ret_signature held. CKR_FUNCTION_FAILED, CKR_DATA_LEN_RANGE, CKR_HOST_MEMORY. */
MUST_USE CK_RV signature_make(EVP_PKEY *key, struct signature_way how, struct bytes digest,
                              struct buffer *ret_signature);
/* CKR_SIGNATURE_LEN_RANGE, CKR_SIGNATURE_INVALID, CKR_HOST_MEMORY. */
MUST_USE CK_RV signature_check(EVP_PKEY *key, struct signature_way how, struct bytes digest,
                               struct bytes signature);

/*
 * A context that is only duplicated, so all threads may: for keys that check often. NULL: no memory, or the
 * key is not for this. RSA alone is checked with it.
 */
EVP_PKEY_CTX *signature_prepare(EVP_PKEY *key, struct signature_way how, bool make);
MUST_USE CK_RV signature_check_ready(const EVP_PKEY_CTX *ready, struct bytes digest, struct bytes signature);

#endif
