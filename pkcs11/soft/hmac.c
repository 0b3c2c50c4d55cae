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

static void spare_give(struct hmac_spares *spares, EVP_MAC_CTX *context)
{
    for (size_t i = 0; i < MOST_SPARES; i++) {
        EVP_MAC_CTX *none = NULL;

        if (atomic_compare_exchange_strong(&spares->slot[i], &none, context)) {
            return;
        }
    }
    EVP_MAC_CTX_free(atomic_exchange(&spares->slot[0], context));
}

/* Of the three hashes there are for it none is as long as another. */
static EVP_MAC_CTX *spare_take(struct hmac_spares *spares, enum hash hash)
{
    EVP_MAC_CTX *context;

    for (size_t i = 0; i < MOST_SPARES; i++) {
        context = atomic_load_explicit(&spares->slot[i], memory_order_relaxed) == NULL
                      ? NULL
                      : atomic_exchange(&spares->slot[i], NULL);
        if (context != NULL && EVP_MAC_CTX_get_mac_size(context) == hash_size(hash)) {
            return context;
        }
        if (context != NULL) {
            spare_give(spares, context);
        }
    }
    return NULL;
}

void hmac_spares_move(struct hmac_spares *from, struct hmac_spares *to)
{
    for (size_t i = 0; i < MOST_SPARES; i++) {
        atomic_init(&to->slot[i], atomic_exchange(&from->slot[i], NULL));
    }
}

void hmac_spares_done(struct hmac_spares *spares)
{
    for (size_t i = 0; i < MOST_SPARES; i++) {
        EVP_MAC_CTX *context = atomic_exchange(&spares->slot[i], NULL);

        if (libcrypto_usable()) {
            EVP_MAC_CTX_free(context);
        }
    }
}

static CK_RV begin_new(struct hmac_set *set, enum hash hash, struct bytes key, EVP_MAC_CTX **ret_context)
{
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

/* A context that waited begins again with the key that it holds. */
static CK_RV begin(struct hmac_set *set, struct hmac_spares *spares, enum hash hash, struct bytes key,
                   EVP_MAC_CTX **ret_context)
{
    EVP_MAC_CTX *spare SCOPED(EVP_MAC_CTX_free_scoped) = spare_take(spares, hash);

    if (spare == NULL) {
        return begin_new(set, hash, key, ret_context);
    }
    if (EVP_MAC_init(spare, NULL, 0, NULL) != 1) {
        return CKR_FUNCTION_FAILED;
    }
    *ret_context = take(spare);
    return CKR_OK;
}

static bool end(EVP_MAC_CTX **context, struct hmac_spares *spares, unsigned char ret_mac[LONGEST_HASH])
{
    size_t size;

    if (EVP_MAC_final(*context, ret_mac, &size, LONGEST_HASH) != 1) {
        return false;
    }
    spare_give(spares, take(*context));
    return true;
}

CK_RV hmac_begin(struct hmac_set *set, struct hmac_spares *spares, enum hash hash, struct bytes key,
                 EVP_MAC_CTX **ret_context)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("beginning HMAC");

    return begin(set, spares, hash, key, ret_context);
}

CK_RV hmac_add(EVP_MAC_CTX *context, struct bytes data)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("HMAC");

    errors.none = EVP_MAC_update(context, data.data, data.size) == 1;
    return errors.none ? CKR_OK : CKR_FUNCTION_FAILED;
}

CK_RV hmac_end(EVP_MAC_CTX **context, struct hmac_spares *spares, unsigned char ret_mac[LONGEST_HASH])
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("ending HMAC");

    errors.none = end(context, spares, ret_mac);
    return errors.none ? CKR_OK : CKR_FUNCTION_FAILED;
}

CK_RV hmac_whole(struct hmac_set *set, struct hmac_spares *spares, enum hash hash, struct bytes key,
                 struct bytes data, unsigned char ret_mac[LONGEST_HASH])
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("HMAC");
    EVP_MAC_CTX *context SCOPED(EVP_MAC_CTX_free_scoped) = NULL;
    CK_RV rv = begin(set, spares, hash, key, &context);

    if (rv != CKR_OK) {
        return rv;
    }
    errors.none = EVP_MAC_update(context, data.data, data.size) == 1 && end(&context, spares, ret_mac);
    return errors.none ? CKR_OK : CKR_FUNCTION_FAILED;
}
