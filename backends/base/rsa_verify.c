/* Verification under RSA public keys. */
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/rsa_private.h"

static EVP_PKEY_CTX *ready_of(const struct rsa_public *key, struct signature_way how)
{
    EVP_PKEY_CTX *_Atomic *place =
        &key->prepared->check[(how.scheme == SIGNATURE_PSS ? HASHES : 0) + (unsigned)how.hash];
    EVP_PKEY_CTX *present = atomic_load_explicit(place, memory_order_acquire), *made;

    if (present != NULL) {
        return present;
    }
    made = signature_prepare(rsa_public_pkey(key), how, false);
    if (made != NULL && !atomic_compare_exchange_strong(place, &present, made)) {
        EVP_PKEY_CTX_free(made);
        return present;
    }
    return made;
}

CK_RV rsa_verify(const struct rsa_public *key, struct signature_way how, struct bytes digest,
                 struct bytes signature)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("an RSA signature");
    EVP_PKEY_CTX *ready;

    if (signature.size != key->modulus.size) {
        return CKR_SIGNATURE_LEN_RANGE;
    }
    ready = libcrypto_usable() ? ready_of(key, how) : NULL;
    return ready == NULL ? CKR_HOST_MEMORY : signature_check_ready(ready, digest, signature);
}
