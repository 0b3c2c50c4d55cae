/* RSA decryption with a private key that lives in this process. */
#include "backends/base/rsa_decrypt.h"
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/scope.h"

DEFINE_SCOPED(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

/* libcrypto may write as much as the modulus has, whatever it says in the end. */
CK_RV rsa_decrypt(EVP_PKEY *key, enum rsa_padding padding, struct bytes blob, struct secret *ret_plain)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("RSA decryption");
    OSSL_LIB_CTX *library = libcrypto_context();
    EVP_PKEY_CTX *context SCOPED(EVP_PKEY_CTX_free_scoped) =
        library == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(library, key, NULL);
    struct secret plain SCOPED(secret_free) = SECRET_INIT;
    size_t size = (size_t)EVP_PKEY_get_size(key);
    CK_RV rv;

    if (context == NULL || EVP_PKEY_decrypt_init(context) != 1 || !rsa_set_padding(context, padding)) {
        return CKR_FUNCTION_FAILED;
    }
    rv = secret_new(size, &plain);
    if (rv != CKR_OK) {
        return rv;
    }
    if (EVP_PKEY_decrypt(context, plain.data, &size, blob.data, blob.size) != 1) {
        return CKR_ENCRYPTED_DATA_INVALID;
    }
    secret_shorten(&plain, size);
    *ret_plain = plain;
    plain = (struct secret)SECRET_INIT;
    return CKR_OK;
}
