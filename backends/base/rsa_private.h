/* What rsa.c and rsa_verify.c know of a key. */
#ifndef BYOK_BASE_RSA_PRIVATE_H
#define BYOK_BASE_RSA_PRIVATE_H

#include "backends/base/rsa.h"
#include <stdatomic.h>

enum { PADDINGS = 3, RSA_CHECKS = 2 * HASHES };

/*
 * Made at first use, for OpenSSL takes 2.5 KiB for a key that encrypts, and many are only looked at. Contexts
 * are never used themselves, only duplicated: so all threads may.
 */
struct prepared {
    EVP_PKEY *_Atomic key;
    EVP_PKEY_CTX *_Atomic context[PADDINGS]; /* that encrypt */
    EVP_PKEY_CTX *_Atomic check[RSA_CHECKS]; /* that verify: rsa_verify.c */
};

struct rsa_public {
    struct prepared *prepared;
    struct bytes modulus, exponent; /* in `info` */
    unsigned bits;
    size_t info_size;
    unsigned char info[]; /* SubjectPublicKeyInfo */
};

#endif
