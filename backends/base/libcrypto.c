/* OpenSSL of our own: one library context for the process, made whole and then published. */
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdlib.h>

struct library {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *provider;
    EVP_MD *_Atomic hash[HASHES]; /* fetched when first used */
    struct library *parents;      /* in a forked child: never used, never freed, only reachable */
};

static struct {
    struct library *_Atomic library;
    struct library *parents;
} state;

bool libcrypto_usable(void)
{
    return OPENSSL_init_crypto(0, NULL) == 1;
}

static void library_free(struct library *library)
{
    for (int hash = 0; hash < HASHES; hash++) {
        EVP_MD_free(library->hash[hash]);
    }
    if (library->provider != NULL) {
        OSSL_PROVIDER_unload(library->provider);
    }
    OSSL_LIB_CTX_free(library->context);
    free(library);
}

static const EVP_MD *hash_of(struct library *library, enum hash hash)
{
    EVP_MD *known = atomic_load_explicit(&library->hash[hash], memory_order_acquire), *fetched;

    if (known != NULL || hash == HASH_NONE) {
        return known;
    }
    fetched = EVP_MD_fetch(library->context, hash_word(hash), NULL);
    if (fetched == NULL || atomic_compare_exchange_strong(&library->hash[hash], &known, fetched)) {
        return fetched;
    }
    EVP_MD_free(fetched); /* another thread was first */
    return known;
}

static struct library *library_new(void)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) =
        libcrypto_errors("making a library context");
    struct library *library = calloc(1, sizeof *library);

    if (library == NULL) {
        return NULL;
    }
    library->context = OSSL_LIB_CTX_new();
    if (library->context != NULL) {
        library->provider = OSSL_PROVIDER_load(library->context, "default");
    }
    if (library->provider == NULL || hash_of(library, HASH_SHA256) == NULL) {
        library_free(library);
        return NULL;
    }
    library->parents = state.parents;
    return library;
}

/* Two threads may both make one (or one thread twice, called back by a host's provider): the first stays. */
static struct library *library_get(void)
{
    struct library *present = atomic_load_explicit(&state.library, memory_order_acquire), *made;

    if (!libcrypto_usable()) {
        return NULL;
    }
    if (present != NULL) {
        return present;
    }
    made = library_new();
    if (made == NULL) {
        log_error(NULL, "OpenSSL gives no library context with its default provider; out of memory?");
        return NULL;
    }
    if (!atomic_compare_exchange_strong(&state.library, &present, made)) {
        library_free(made);
        return present;
    }
    return made;
}

OSSL_LIB_CTX *libcrypto_context(void)
{
    struct library *library = library_get();

    return library == NULL ? NULL : library->context;
}

CK_RV libcrypto_enter(OSSL_LIB_CTX **ret_before)
{
    OSSL_LIB_CTX *ours = libcrypto_context(), *before;

    before = ours == NULL ? NULL : OSSL_LIB_CTX_set0_default(ours);
    if (before == NULL) {
        return CKR_HOST_MEMORY;
    }
    *ret_before = before;
    return CKR_OK;
}

void libcrypto_leave(OSSL_LIB_CTX *before)
{
    OSSL_LIB_CTX_set0_default(before);
}

void libcrypto_after_fork(void)
{
    struct library *library = atomic_exchange(&state.library, NULL);

    if (library != NULL) {
        state.parents = library; /* which keeps its own parents reachable */
    }
}

const EVP_MD *libcrypto_hash(enum hash hash)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("fetching a hash");
    struct library *library = library_get();

    return library == NULL ? NULL : hash_of(library, hash);
}

CK_RV libcrypto_sha256(struct bytes data, unsigned char ret_digest[32])
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("SHA-256");
    struct library *library = library_get();

    if (library == NULL ||
        EVP_Digest(data.data, data.size, ret_digest, NULL, hash_of(library, HASH_SHA256), NULL) != 1) {
        return CKR_FUNCTION_FAILED;
    }
    return CKR_OK;
}

CK_RV libcrypto_random(unsigned char *ret_data, size_t size)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("random bytes");
    OSSL_LIB_CTX *context = libcrypto_context();

    if (context == NULL || RAND_priv_bytes_ex(context, ret_data, size, 0) != 1) {
        return CKR_RANDOM_NO_RNG;
    }
    return CKR_OK;
}
