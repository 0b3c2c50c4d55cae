/* The hash functions that this module knows. */
#include "backends/base/hash.h"
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"

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

CK_RV hash_begin(EVP_MD_CTX **context, enum hash hash)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("beginning a digest");
    const EVP_MD *function = libcrypto_hash(hash);

    if (function == NULL) {
        return CKR_FUNCTION_FAILED;
    }
    if (*context == NULL) {
        *context = EVP_MD_CTX_new();
    }
    if (*context == NULL) {
        return CKR_HOST_MEMORY;
    }
    return EVP_DigestInit_ex2(*context, function, NULL) == 1 ? CKR_OK : CKR_FUNCTION_FAILED;
}

CK_RV hash_add(EVP_MD_CTX *context, struct bytes data)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("a digest");

    errors.none = EVP_DigestUpdate(context, data.data, data.size) == 1;
    return errors.none ? CKR_OK : CKR_FUNCTION_FAILED;
}

CK_RV hash_end(EVP_MD_CTX *context, unsigned char ret_digest[LONGEST_HASH])
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("ending a digest");

    errors.none = EVP_DigestFinal_ex(context, ret_digest, NULL) == 1;
    return errors.none ? CKR_OK : CKR_FUNCTION_FAILED;
}
