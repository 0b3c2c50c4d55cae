/* The hash functions that this module knows. */
#include "backends/base/hash.h"

static const struct {
    const char *name;
    size_t size;
} hashes[HASHES] = {
    [HASH_NONE] = {NULL, 0},        [HASH_SHA1] = {"SHA1", 20},     [HASH_SHA224] = {"SHA224", 28},
    [HASH_SHA256] = {"SHA256", 32}, [HASH_SHA384] = {"SHA384", 48}, [HASH_SHA512] = {"SHA512", 64},
};

size_t hash_size(enum hash hash)
{
    return hashes[hash].size;
}

const char *hash_word(enum hash hash)
{
    return hashes[hash].name;
}
