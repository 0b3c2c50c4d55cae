/* The hash functions that this module knows (FIPS 180-4), and digests of data that comes in parts. */
#ifndef BYOK_BASE_HASH_H
#define BYOK_BASE_HASH_H

#include "backends/base/buffer.h"
#include <openssl/evp.h>

enum hash { HASH_NONE, HASH_SHA1, HASH_SHA224, HASH_SHA256, HASH_SHA384, HASH_SHA512, HASHES };

enum { LONGEST_HASH = 64 };

/* Bytes of a digest; 0 for HASH_NONE. */
size_t hash_size(enum hash hash);
/* The name that libcrypto has for it; NULL for HASH_NONE. */
const char *hash_word(enum hash hash);

/* The context is made where it is NULL, and serves again. CKR_FUNCTION_FAILED, CKR_HOST_MEMORY. */
MUST_USE CK_RV hash_begin(EVP_MD_CTX **context, enum hash hash);
MUST_USE CK_RV hash_add(EVP_MD_CTX *context, struct bytes data);
MUST_USE CK_RV hash_end(EVP_MD_CTX *context, unsigned char ret_digest[LONGEST_HASH]);

#endif
