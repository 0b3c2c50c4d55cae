/* The HMAC of libcrypto. */
#include "pkcs11/soft/hmac.h"
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"
#include <openssl/core_names.h>

DEFINE_SCOPED(EVP_MAC, EVP_MAC_free)
DEFINE_SCOPED(EVP_MAC_CTX, EVP_MAC_CTX_free)

static EVP_MAC_CTX *prepare(enum hash hash)
{
    EVP_MAC *mac SCOPED(EVP_MAC_free_scoped) = EVP_MAC_fetch(libcrypto_context(), "HMAC", NULL);
    EVP_MAC_CTX *context SCOPED(EVP_MAC_CTX_free_scoped) = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    char *name = (char *)(uintptr_t)hash_word(hash);
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                 OSSL_PARAM_construct_end()};

    return context != NULL && EVP_MAC_CTX_set_params(context, params) == 1 ? take(context) : NULL;
}

static EVP_MAC_CTX *ready_of(struct hmac_set *set, enum hash hash)
{
    EVP_MAC_CTX *known = atomic_load_explicit(&set->ready[hash], memory_order_acquire), *made;

    if (known != NULL) {
        return known;
    }
    made = prepare(hash);
    if (made == NULL || atomic_compare_exchange_strong(&set->ready[hash], &known, made)) {
        return made;
    }
    EVP_MAC_CTX_free(made); /* another thread was first */
    return known;
}

void hmac_set_done(struct hmac_set *set)
{
    for (size_t hash = 0; hash < HASHES; hash++) {
        EVP_MAC_CTX_free(atomic_exchange(&set->ready[hash], NULL));
    }
}

CK_RV hmac_begin(struct hmac_set *set, enum hash hash, struct bytes key, EVP_MAC_CTX **ret_context)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("beginning HMAC");
    const EVP_MAC_CTX *ready = ready_of(set, hash);
    EVP_MAC_CTX *context SCOPED(EVP_MAC_CTX_free_scoped) = NULL;

    if (ready == NULL) {
        return CKR_FUNCTION_FAILED;
    }
    context = EVP_MAC_CTX_dup(ready);
    if (context == NULL) {
        return CKR_HOST_MEMORY;
    }
    if (EVP_MAC_init(context, key.data, key.size, NULL) != 1) {
        return CKR_FUNCTION_FAILED;
    }
    *ret_context = take(context);
    return CKR_OK;
}

CK_RV hmac_add(EVP_MAC_CTX *context, struct bytes data)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("HMAC");

    return EVP_MAC_update(context, data.data, data.size) == 1 ? CKR_OK : CKR_FUNCTION_FAILED;
}

CK_RV hmac_end(EVP_MAC_CTX *context, unsigned char ret_mac[LONGEST_HASH])
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("ending HMAC");
    size_t size;

    return EVP_MAC_final(context, ret_mac, &size, LONGEST_HASH) == 1 ? CKR_OK : CKR_FUNCTION_FAILED;
}
