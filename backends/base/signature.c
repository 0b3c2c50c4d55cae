/* Signatures made and checked by OpenSSL. */
#include "backends/base/signature.h"
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/scope.h"
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

enum { LONGEST_DER = 144 }; /* two numbers of 66 bytes */

DEFINE_SCOPED(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_SCOPED(ECDSA_SIG, ECDSA_SIG_free)
DEFINE_SCOPED(BIGNUM, BN_free)

/* Of a coordinate; the three curves have orders as long as their fields. */
static size_t half_of(const EVP_PKEY *key)
{
    return ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
}

size_t signature_size(const EVP_PKEY *key)
{
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC ? 2 * half_of(key) : (size_t)EVP_PKEY_get_size(key);
}

static bool set_scheme(EVP_PKEY_CTX *context, struct signature_way how)
{
    const EVP_MD *hash = libcrypto_hash(how.hash);

    if (how.scheme == SIGNATURE_ECDSA) {
        return true;
    }
    if (EVP_PKEY_CTX_set_rsa_padding(context, how.scheme == SIGNATURE_PSS ? RSA_PKCS1_PSS_PADDING
                                                                          : RSA_PKCS1_PADDING) != 1 ||
        (hash != NULL && EVP_PKEY_CTX_set_signature_md(context, hash) != 1)) {
        return false;
    }
    return how.scheme != SIGNATURE_PSS ||
           (hash != NULL && EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

EVP_PKEY_CTX *signature_prepare(EVP_PKEY *key, struct signature_way how, bool make)
{
    EVP_PKEY_CTX *context SCOPED(EVP_PKEY_CTX_free_scoped) =
        key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(libcrypto_context(), key, NULL);

    if (context == NULL || (make ? EVP_PKEY_sign_init(context) : EVP_PKEY_verify_init(context)) != 1 ||
        !set_scheme(context, how)) {
        return NULL;
    }
    return take(context);
}

static CK_RV make_with(EVP_PKEY_CTX *context, struct bytes digest, size_t room, struct buffer *ret_signature)
{
    size_t size = room;
    CK_RV rv = buffer_resize(ret_signature, room);

    if (rv != CKR_OK) {
        return rv;
    }
    if (EVP_PKEY_sign(context, ret_signature->data, &size, digest.data, digest.size) != 1) {
        buffer_clear(ret_signature);
        return CKR_FUNCTION_FAILED;
    }
    return buffer_resize(ret_signature, size);
}

/* From DER to r and s one after the other. */
static CK_RV flatten(struct buffer *signature, size_t half)
{
    const unsigned char *from = signature->data;
    ECDSA_SIG *read SCOPED(ECDSA_SIG_free_scoped) = d2i_ECDSA_SIG(NULL, &from, (long)signature->size);
    CK_RV rv;

    if (read == NULL) {
        return CKR_FUNCTION_FAILED;
    }
    rv = buffer_resize(signature, 2 * half);
    if (rv != CKR_OK) {
        return rv;
    }
    return BN_bn2binpad(ECDSA_SIG_get0_r(read), signature->data, (int)half) == (int)half &&
                   BN_bn2binpad(ECDSA_SIG_get0_s(read), signature->data + half, (int)half) == (int)half
               ? CKR_OK
               : CKR_FUNCTION_FAILED;
}

CK_RV signature_make(EVP_PKEY *key, struct signature_way how, struct bytes digest,
                     struct buffer *ret_signature)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("making a signature");
    EVP_PKEY_CTX *context SCOPED(EVP_PKEY_CTX_free_scoped) = signature_prepare(key, how, true);
    CK_RV rv;

    if (context == NULL) {
        return CKR_FUNCTION_FAILED;
    }
    rv = make_with(context, digest, (size_t)EVP_PKEY_get_size(key), ret_signature);
    return rv == CKR_OK && how.scheme == SIGNATURE_ECDSA ? flatten(ret_signature, half_of(key)) : rv;
}

static CK_RV check_with(EVP_PKEY_CTX *context, struct bytes digest, struct bytes signature)
{
    return EVP_PKEY_verify(context, signature.data, signature.size, digest.data, digest.size) == 1
               ? CKR_OK
               : CKR_SIGNATURE_INVALID;
}

CK_RV signature_check_ready(const EVP_PKEY_CTX *ready, struct bytes digest, struct bytes signature)
{
    EVP_PKEY_CTX *context SCOPED(EVP_PKEY_CTX_free_scoped) = EVP_PKEY_CTX_dup(ready);

    return context == NULL ? CKR_HOST_MEMORY : check_with(context, digest, signature);
}

/* r and s to DER. */
static CK_RV write_der(struct bytes signature, unsigned char der[LONGEST_DER], size_t *ret_size)
{
    size_t half = signature.size / 2;
    ECDSA_SIG *written SCOPED(ECDSA_SIG_free_scoped) = ECDSA_SIG_new();
    BIGNUM *r SCOPED(BN_free_scoped) = BN_bin2bn(signature.data, (int)half, NULL);
    BIGNUM *s SCOPED(BN_free_scoped) = BN_bin2bn(signature.data + half, (int)half, NULL);
    int size;

    if (written == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(written, r, s) != 1) {
        return CKR_HOST_MEMORY;
    }
    r = s = NULL; /* the signature's now */
    size = i2d_ECDSA_SIG(written, NULL);
    if (size <= 0 || size > LONGEST_DER) {
        return CKR_SIGNATURE_INVALID;
    }
    *ret_size = (size_t)i2d_ECDSA_SIG(written, &der);
    return CKR_OK;
}

CK_RV signature_check(EVP_PKEY *key, struct signature_way how, struct bytes digest, struct bytes signature)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("checking a signature");
    EVP_PKEY_CTX *context SCOPED(EVP_PKEY_CTX_free_scoped) = NULL;
    unsigned char der[LONGEST_DER];
    CK_RV rv = signature.size == signature_size(key) ? CKR_OK : CKR_SIGNATURE_LEN_RANGE;

    if (rv == CKR_OK && how.scheme == SIGNATURE_ECDSA) {
        rv = write_der(signature, der, &signature.size);
        signature.data = der;
    }
    if (rv != CKR_OK) {
        return rv;
    }
    context = signature_prepare(key, how, false);
    return context == NULL ? CKR_FUNCTION_FAILED : check_with(context, digest, signature);
}
