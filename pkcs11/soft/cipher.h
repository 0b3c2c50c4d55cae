/* The AES of libcrypto, out of our own context; each cipher is fetched once per token, when first used. */
#ifndef BYOK_PKCS11_SOFT_CIPHER_H
#define BYOK_PKCS11_SOFT_CIPHER_H

#include "backends/base/buffer.h"
#include <openssl/evp.h>
#include <stdatomic.h>

enum cipher_mode {
    CIPHER_ECB,
    CIPHER_CBC,
    CIPHER_CTR,
    CIPHER_GCM,
    CIPHER_KEY_WRAP,     /* RFC 3394 */
    CIPHER_KEY_WRAP_PAD, /* RFC 5649 */
    CIPHER_MODES
};

enum { CIPHER_KEY_SIZES = 3 };

struct cipher_set {
    EVP_CIPHER *_Atomic cipher[CIPHER_MODES][CIPHER_KEY_SIZES];
};

/* Lent for the life of the set; NULL where libcrypto has none. `key_size`: 16, 24 or 32. */
const EVP_CIPHER *cipher_get(struct cipher_set *set, enum cipher_mode mode, size_t key_size);
void cipher_set_done(struct cipher_set *set);

/* Key and IV into a context, which is made where it is NULL. CKR_FUNCTION_FAILED, CKR_HOST_MEMORY. */
MUST_USE CK_RV cipher_begin(struct cipher_set *set, EVP_CIPHER_CTX **context, enum cipher_mode mode,
                            bool encrypt, struct bytes key, struct bytes iv);
/* Any length, in pieces that libcrypto takes. `out` NULL: additional data. */
MUST_USE CK_RV cipher_update(EVP_CIPHER_CTX *context, struct bytes in, unsigned char *out,
                             size_t *ret_written);

#endif
