/* What the service computes with a key. JSON, permissions and key_ops are judged elsewhere. */
#ifndef STANDIN_CRYPTO_H
#define STANDIN_CRYPTO_H

#include "tests/standin/keypair.h"
#include "tests/standin/text.h"
#include "tests/standin/words.h"

struct algorithm;

/* NULL: the service has no such algorithm for this kind of key and this operation. */
const struct algorithm *algorithm_find(const char *name, enum operation operation,
                                       const struct key_kind *kind);
/* The first api-version that knows it. */
enum api algorithm_since(const struct algorithm *how);
/* Is it one of the secure operations, or else of the plain ones? */
bool algorithm_serves(const struct algorithm *how, bool secure);

/* What goes in, or comes out. Only AES has more than a value. */
struct parcel {
    struct blob value, iv, aad, tag;
};

void parcel_done(struct parcel *parcel);

/* False: the input does not fit the key or the algorithm, or the padding is bad. */
bool crypto_encrypt(struct keypair *pair, const struct algorithm *how, const struct parcel *plain,
                    struct parcel *ret_parcel);
bool crypto_decrypt(struct keypair *pair, const struct algorithm *how, const struct parcel *parcel,
                    struct parcel *ret_plain);

/* Over a digest. EC signatures are r and s, one after the other, each as long as the field. */
bool crypto_sign(struct keypair *pair, const struct algorithm *how, const struct blob *digest,
                 struct blob *ret_signature);
/* False: the digest is not as long as the algorithm's; a wrong signature is an answer. */
bool crypto_verify(struct keypair *pair, const struct algorithm *how, const struct blob *digest,
                   const struct blob *signature, bool *ret_good);

/* --- crypto_aes.c: with a key of 16, 24 or 32 octets --- */

enum aes_mode { AES_GCM, AES_CBC, AES_CBC_PADDED, AES_WRAP, AES_WRAP_PADDED };

/* GCM makes its iv where none is given. */
bool aes_encrypt(const struct blob *key, enum aes_mode mode, const struct parcel *plain,
                 struct parcel *ret_parcel);
bool aes_decrypt(const struct blob *key, enum aes_mode mode, const struct parcel *parcel,
                 struct parcel *ret_plain);

#endif
