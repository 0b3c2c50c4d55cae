/* RSA and EC, as the service's algorithm names say. */
#include "tests/standin/crypto.h"
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

struct algorithm {
    const char *name;
    bool signs;
    const char *crv; /* NULL: RSA */
    int padding;
    const char *hash; /* NULL: none */
};

static const struct algorithm algorithms[] = {
    {"RSA-OAEP", false, NULL, RSA_PKCS1_OAEP_PADDING, "SHA1"},
    {"RSA-OAEP-256", false, NULL, RSA_PKCS1_OAEP_PADDING, "SHA256"},
    {"RSA1_5", false, NULL, RSA_PKCS1_PADDING, NULL},
    {"RS256", true, NULL, RSA_PKCS1_PADDING, "SHA256"},
    {"RS384", true, NULL, RSA_PKCS1_PADDING, "SHA384"},
    {"RS512", true, NULL, RSA_PKCS1_PADDING, "SHA512"},
    {"PS256", true, NULL, RSA_PKCS1_PSS_PADDING, "SHA256"},
    {"PS384", true, NULL, RSA_PKCS1_PSS_PADDING, "SHA384"},
    {"PS512", true, NULL, RSA_PKCS1_PSS_PADDING, "SHA512"},
    {"ES256", true, "P-256", 0, "SHA256"},
    {"ES384", true, "P-384", 0, "SHA384"},
    {"ES512", true, "P-521", 0, "SHA512"},
};

const struct algorithm *algorithm_find(const char *name, enum operation operation,
                                       const struct key_kind *kind)
{
    bool signs = operation == OPERATION_SIGN || operation == OPERATION_VERIFY;

    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        const struct algorithm *how = &algorithms[i];

        if (strcmp(how->name, name) == 0 && how->signs == signs &&
            (how->crv == NULL ? key_kind_is_rsa(kind) : strcmp(how->crv, kind->crv) == 0)) {
            return how;
        }
    }
    return NULL;
}

static void free_context(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
    ERR_clear_error();
}

static void free_signature(ECDSA_SIG **signature)
{
    ECDSA_SIG_free(*signature);
}

/* Between the init and the operation. */
static bool set_padding(EVP_PKEY_CTX *context, const struct algorithm *how)
{
    const EVP_MD *hash = how->hash == NULL ? NULL : EVP_get_digestbyname(how->hash);

    if (how->crv != NULL) {
        return true;
    }
    if (EVP_PKEY_CTX_set_rsa_padding(context, how->padding) != 1) {
        return false;
    }
    if (!how->signs) {
        return hash == NULL || (EVP_PKEY_CTX_set_rsa_oaep_md(context, hash) == 1 &&
                                EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) == 1);
    }
    return EVP_PKEY_CTX_set_signature_md(context, hash) == 1 &&
           (how->padding != RSA_PKCS1_PSS_PADDING ||
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static struct blob room_for(EVP_PKEY *key)
{
    size_t size = (size_t)EVP_PKEY_get_size(key);

    return (struct blob){need(malloc(size)), size};
}

static bool hand_over(struct blob *made, struct blob *ret_blob)
{
    *ret_blob = *made;
    made->data = NULL;
    return true;
}

bool crypto_encrypt(EVP_PKEY *key, const struct algorithm *how, const struct blob *plain,
                    struct blob *ret_blob)
{
    EVP_PKEY_CTX *context OWNED(free_context) = need(EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL));
    struct blob out OWNED(owned_blob) = room_for(key);

    return EVP_PKEY_encrypt_init(context) == 1 && set_padding(context, how) &&
           EVP_PKEY_encrypt(context, out.data, &out.size, plain->data, plain->size) == 1 &&
           hand_over(&out, ret_blob);
}

bool crypto_decrypt(EVP_PKEY *key, const struct algorithm *how, const struct blob *blob,
                    struct blob *ret_plain)
{
    EVP_PKEY_CTX *context OWNED(free_context) = need(EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL));
    struct blob out OWNED(owned_blob) = room_for(key);

    if (EVP_PKEY_decrypt_init(context) != 1 || !set_padding(context, how)) {
        return false;
    }
    if (how->hash == NULL) {
        /* Newer libraries would answer bad padding with random bytes; the service is asked to say no. */
        EVP_PKEY_CTX_ctrl_str(context, "rsa_pkcs1_implicit_rejection", "0");
    }
    return blob->size == out.size &&
           EVP_PKEY_decrypt(context, out.data, &out.size, blob->data, blob->size) == 1 &&
           hand_over(&out, ret_plain);
}

static size_t field_size(EVP_PKEY *key)
{
    return ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
}

/* DER to r and s of fixed length. */
static bool to_raw(EVP_PKEY *key, struct blob *signature)
{
    const unsigned char *der = signature->data;
    ECDSA_SIG *parsed OWNED(free_signature) = d2i_ECDSA_SIG(NULL, &der, (long)signature->size);
    int size = (int)field_size(key);
    unsigned char *raw = need(calloc(2, (size_t)size));

    if (parsed == NULL || BN_bn2binpad(ECDSA_SIG_get0_r(parsed), raw, size) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(parsed), raw + size, size) < 0) {
        free(raw);
        return false;
    }
    free(signature->data);
    *signature = (struct blob){raw, 2 * (size_t)size};
    return true;
}

static bool to_der(EVP_PKEY *key, const struct blob *raw, struct blob *ret_der)
{
    ECDSA_SIG *made OWNED(free_signature) = need(ECDSA_SIG_new());
    int size = (int)field_size(key);
    unsigned char *der = NULL;
    int length;

    if (raw->size != 2 * (size_t)size) {
        return false;
    }
    ECDSA_SIG_set0(made, BN_bin2bn(raw->data, size, NULL), BN_bin2bn(raw->data + size, size, NULL));
    length = i2d_ECDSA_SIG(made, &der);
    if (length < 0) {
        return false;
    }
    *ret_der = (struct blob){der, (size_t)length};
    return true;
}

static bool fits(const struct algorithm *how, const struct blob *digest)
{
    return digest->size == (size_t)EVP_MD_get_size(EVP_get_digestbyname(how->hash));
}

bool crypto_sign(EVP_PKEY *key, const struct algorithm *how, const struct blob *digest,
                 struct blob *ret_signature)
{
    EVP_PKEY_CTX *context OWNED(free_context) = need(EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL));
    struct blob out OWNED(owned_blob) = room_for(key);

    return fits(how, digest) && EVP_PKEY_sign_init(context) == 1 && set_padding(context, how) &&
           EVP_PKEY_sign(context, out.data, &out.size, digest->data, digest->size) == 1 &&
           (how->crv == NULL || to_raw(key, &out)) && hand_over(&out, ret_signature);
}

bool crypto_verify(EVP_PKEY *key, const struct algorithm *how, const struct blob *digest,
                   const struct blob *signature, bool *ret_good)
{
    EVP_PKEY_CTX *context OWNED(free_context) = need(EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL));
    struct blob der = {NULL, 0};
    const struct blob *judged = how->crv == NULL ? signature : &der;

    if (!fits(how, digest) || EVP_PKEY_verify_init(context) != 1 || !set_padding(context, how)) {
        return false;
    }
    *ret_good = (how->crv == NULL || to_der(key, signature, &der)) &&
                EVP_PKEY_verify(context, judged->data, judged->size, digest->data, digest->size) == 1;
    OPENSSL_free(der.data);
    return true;
}
