/* The hash functions that this module knows: FIPS 180-4. They are computed by libcrypto (libcrypto_hash). */
#ifndef BYOK_BASE_HASH_H
#define BYOK_BASE_HASH_H

#include <stddef.h>

enum hash { HASH_NONE, HASH_SHA1, HASH_SHA224, HASH_SHA256, HASH_SHA384, HASH_SHA512, HASHES };

enum { LONGEST_HASH = 64 };

/* Bytes of a digest; 0 for HASH_NONE. */
size_t hash_size(enum hash hash);
/* The name that libcrypto has for it; NULL for HASH_NONE. */
const char *hash_word(enum hash hash);

#endif
