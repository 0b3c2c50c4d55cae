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

/*
 * Contexts that hold a key, which waits in them for its next message: setting it up costs more than a short message.
 * They are the value's and end with it. All threads.
 */
enum { MOST_SPARES = 4 };

struct cipher_spares {
    EVP_CIPHER_CTX *_Atomic slot[MOST_SPARES];
};

/* Whether a context that once had such an IV may wait: one of another length would stay as long. */
bool cipher_keeps(const EVP_CIPHER *cipher, struct bytes iv);
/* One of this cipher and direction; NULL: there is none. */
EVP_CIPHER_CTX *cipher_spare_take(struct cipher_spares *spares, const EVP_CIPHER *cipher, bool encrypt);
/* Where there is no room another one ends. */
void cipher_spare_give(struct cipher_spares *spares, EVP_CIPHER_CTX *context);
/* Out of the reach of all others. `to` is overwritten. */
void cipher_spares_move(struct cipher_spares *from, struct cipher_spares *to);
void cipher_spares_done(struct cipher_spares *spares);
/* The next message with the key that the context holds. CKR_FUNCTION_FAILED. */
MUST_USE CK_RV cipher_next(EVP_CIPHER_CTX *context, struct bytes iv);

#endif
