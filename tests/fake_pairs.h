/* Key pairs of the key service in memory, and what they compute. */
#ifndef BYOK_TESTS_FAKE_PAIRS_H
#define BYOK_TESTS_FAKE_PAIRS_H

#include "backends/key_service.h"

/* Lent: pairs are dear to make, and all services of a process share them. `bits` as of fake_add. */
EVP_PKEY *fake_make_pair(unsigned bits, unsigned number);
bool fake_is_rsa(EVP_PKEY *pair);
/* The public halves, to be freed. */
struct rsa_public *fake_rsa_public(EVP_PKEY *pair);
struct ec_public *fake_ec_public(EVP_PKEY *pair);

/* False: it does not open, or the pair is not RSA. `out` has room for 512 bytes. */
bool fake_rsa(EVP_PKEY *pair, bool seals, enum rsa_padding padding, struct bytes in, unsigned char *out,
              size_t *size);
/* False: the algorithm is not the pair's, or the digest has another length. */
bool fake_sign_digest(EVP_PKEY *pair, enum signature_algorithm algorithm, struct bytes digest,
                      unsigned char out[512], size_t *ret_size);

#endif
