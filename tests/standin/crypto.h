/* What the service computes with a private key. JSON, permissions and key_ops are judged elsewhere. */
#ifndef STANDIN_CRYPTO_H
#define STANDIN_CRYPTO_H

#include "tests/standin/keypair.h"
#include "tests/standin/text.h"
#include "tests/standin/words.h"

struct algorithm;

/* NULL: the service has no such algorithm for this kind of key and this operation. */
const struct algorithm *algorithm_find(const char *name, enum operation operation,
                                       const struct key_kind *kind);

/* False: the input does not fit the key or the algorithm, or the padding is bad. */
bool crypto_encrypt(EVP_PKEY *key, const struct algorithm *how, const struct blob *plain,
                    struct blob *ret_blob);
bool crypto_decrypt(EVP_PKEY *key, const struct algorithm *how, const struct blob *blob,
                    struct blob *ret_plain);

/* Over a digest. EC signatures are r and s, one after the other, each as long as the field. */
bool crypto_sign(EVP_PKEY *key, const struct algorithm *how, const struct blob *digest,
                 struct blob *ret_signature);
/* False: the digest is not as long as the algorithm's; a wrong signature is an answer. */
bool crypto_verify(EVP_PKEY *key, const struct algorithm *how, const struct blob *digest,
                   const struct blob *signature, bool *ret_good);

#endif
