/* Algorithms by name; RSA, EC and HMAC. */
#include "tests/standin/crypto.h"
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

enum family { RSA_CRYPT, RSA_SIGN, EC_SIGN, AES_CRYPT, AES_KEYS, HMAC_SIGN };

struct algorithm {
    const char *name;
    enum family family;
    int padding;      /* of RSA, or the mode of AES */
    const char *hash; /* NULL: none */
    const char *crv;  /* of EC */
    unsigned bits;    /* of an AES key; 0: any */
    enum api since;
};

static const struct algorithm algorithms[] = {
    {"RSA-OAEP", RSA_CRYPT, RSA_PKCS1_OAEP_PADDING, "SHA1", NULL, 0, API_2015_06},
    {"RSA-OAEP-256", RSA_CRYPT, RSA_PKCS1_OAEP_PADDING, "SHA256", NULL, 0, API_2016_10},
    {"RSA1_5", RSA_CRYPT, RSA_PKCS1_PADDING, NULL, NULL, 0, API_2015_06},
    {"RSNULL", RSA_SIGN, RSA_PKCS1_PADDING, NULL, NULL, 0, API_2015_06},
    {"RS256", RSA_SIGN, RSA_PKCS1_PADDING, "SHA256", NULL, 0, API_2015_06},
    {"RS384", RSA_SIGN, RSA_PKCS1_PADDING, "SHA384", NULL, 0, API_2015_06},
    {"RS512", RSA_SIGN, RSA_PKCS1_PADDING, "SHA512", NULL, 0, API_2015_06},
    {"PS256", RSA_SIGN, RSA_PKCS1_PSS_PADDING, "SHA256", NULL, 0, API_2016_10},
    {"PS384", RSA_SIGN, RSA_PKCS1_PSS_PADDING, "SHA384", NULL, 0, API_2016_10},
    {"PS512", RSA_SIGN, RSA_PKCS1_PSS_PADDING, "SHA512", NULL, 0, API_2016_10},
    {"ES256", EC_SIGN, 0, "SHA256", "P-256", 0, API_2016_10},
    {"ES384", EC_SIGN, 0, "SHA384", "P-384", 0, API_2016_10},
    {"ES512", EC_SIGN, 0, "SHA512", "P-521", 0, API_2016_10},
    {"ES256K", EC_SIGN, 0, "SHA256", "P-256K", 0, API_7_0},
    {"HS256", HMAC_SIGN, 0, "SHA256", NULL, 0, API_7_6},
    {"HS384", HMAC_SIGN, 0, "SHA384", NULL, 0, API_7_6},
    {"HS512", HMAC_SIGN, 0, "SHA512", NULL, 0, API_7_6},
    {"A128GCM", AES_CRYPT, AES_GCM, NULL, NULL, 128, API_7_2},
    {"A192GCM", AES_CRYPT, AES_GCM, NULL, NULL, 192, API_7_2},
    {"A256GCM", AES_CRYPT, AES_GCM, NULL, NULL, 256, API_7_2},
    {"A128CBC", AES_CRYPT, AES_CBC, NULL, NULL, 128, API_7_2},
    {"A192CBC", AES_CRYPT, AES_CBC, NULL, NULL, 192, API_7_2},
    {"A256CBC", AES_CRYPT, AES_CBC, NULL, NULL, 256, API_7_2},
    {"A128CBCPAD", AES_CRYPT, AES_CBC_PADDED, NULL, NULL, 128, API_7_2},
    {"A192CBCPAD", AES_CRYPT, AES_CBC_PADDED, NULL, NULL, 192, API_7_2},
    {"A256CBCPAD", AES_CRYPT, AES_CBC_PADDED, NULL, NULL, 256, API_7_2},
    {"A128KW", AES_KEYS, AES_WRAP, NULL, NULL, 128, API_7_2},
    {"A192KW", AES_KEYS, AES_WRAP, NULL, NULL, 192, API_7_2},
    {"A256KW", AES_KEYS, AES_WRAP, NULL, NULL, 256, API_7_2},
    {"A128KWPAD", AES_KEYS, AES_WRAP_PADDED, NULL, NULL, 128, API_2026_04},
    {"A192KWPAD", AES_KEYS, AES_WRAP_PADDED, NULL, NULL, 192, API_2026_04},
    {"A256KWPAD", AES_KEYS, AES_WRAP_PADDED, NULL, NULL, 256, API_2026_04},
    {"CKM_AES_KEY_WRAP", AES_KEYS, AES_WRAP, NULL, NULL, 0, API_7_6},
    {"CKM_AES_KEY_WRAP_PAD", AES_KEYS, AES_WRAP_PADDED, NULL, NULL, 0, API_7_6},
};

static bool does(const struct algorithm *how, enum operation operation)
{
    switch (operation) {
    case OPERATION_SIGN:
    case OPERATION_VERIFY:
        return how->family == RSA_SIGN || how->family == EC_SIGN || how->family == HMAC_SIGN;
    case OPERATION_WRAP:
    case OPERATION_UNWRAP:
        return how->family == RSA_CRYPT || how->family == AES_KEYS;
    default:
        return how->family == RSA_CRYPT || how->family == AES_CRYPT;
    }
}

static bool suits(const struct algorithm *how, const struct key_kind *kind)
{
    switch (how->family) {
    case RSA_CRYPT:
    case RSA_SIGN:
        return key_kind_is_rsa(kind);
    case EC_SIGN:
        return strcmp(how->crv, kind->crv) == 0;
    default:
        return key_kind_is_oct(kind) && (how->bits == 0 || how->bits == kind->bits);
    }
}

const struct algorithm *algorithm_find(const char *name, enum operation operation,
                                       const struct key_kind *kind)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        const struct algorithm *how = &algorithms[i];

        if (strcmp(how->name, name) == 0 && does(how, operation) && suits(how, kind)) {
            return how;
        }
    }
    return NULL;
}

enum api algorithm_since(const struct algorithm *how)
{
    return how->since;
}

bool algorithm_serves(const struct algorithm *how, bool secure)
{
    if (secure) {
        return how->family == AES_KEYS || strcmp(how->name, "RSA-OAEP-256") == 0;
    }
    return strstr(how->name, "KWPAD") == NULL;
}

void parcel_done(struct parcel *parcel)
{
    owned_blob(&parcel->value);
    owned_blob(&parcel->iv);
    owned_blob(&parcel->aad);
    owned_blob(&parcel->tag);
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

    if (how->family == EC_SIGN) {
        return true;
    }
    if (EVP_PKEY_CTX_set_rsa_padding(context, how->padding) != 1) {
        return false;
    }
    if (how->family == RSA_CRYPT) {
        return hash == NULL || (EVP_PKEY_CTX_set_rsa_oaep_md(context, hash) == 1 &&
                                EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) == 1);
    }
    return (hash == NULL || EVP_PKEY_CTX_set_signature_md(context, hash) == 1) &&
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

static bool rsa_encrypt(EVP_PKEY *key, const struct algorithm *how, const struct blob *plain,
                        struct blob *ret_blob)
{
    EVP_PKEY_CTX *context OWNED(free_context) = need(EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL));
    struct blob out OWNED(owned_blob) = room_for(key);

    return EVP_PKEY_encrypt_init(context) == 1 && set_padding(context, how) &&
           EVP_PKEY_encrypt(context, out.data, &out.size, plain->data, plain->size) == 1 &&
           hand_over(&out, ret_blob);
}

static bool rsa_decrypt(EVP_PKEY *key, const struct algorithm *how, const struct blob *blob,
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

bool crypto_encrypt(struct keypair *pair, const struct algorithm *how, const struct parcel *plain,
                    struct parcel *ret_parcel)
{
    if (how->family == RSA_CRYPT) {
        return rsa_encrypt(keypair_key(pair), how, &plain->value, &ret_parcel->value);
    }
    return aes_encrypt(keypair_secret(pair), (enum aes_mode)how->padding, plain, ret_parcel);
}

bool crypto_decrypt(struct keypair *pair, const struct algorithm *how, const struct parcel *parcel,
                    struct parcel *ret_plain)
{
    if (how->family == RSA_CRYPT) {
        return rsa_decrypt(keypair_key(pair), how, &parcel->value, &ret_plain->value);
    }
    return aes_decrypt(keypair_secret(pair), (enum aes_mode)how->padding, parcel, ret_plain);
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

/* RSNULL takes what it gets: the padding says what fits. */
static bool fits(const struct algorithm *how, const struct blob *digest)
{
    return how->hash == NULL || digest->size == (size_t)EVP_MD_get_size(EVP_get_digestbyname(how->hash));
}

static struct blob hmac(const struct blob *key, const struct algorithm *how, const struct blob *digest)
{
    struct blob made = {need(malloc(EVP_MAX_MD_SIZE)), 0};
    unsigned size = 0;

    need(HMAC(EVP_get_digestbyname(how->hash), key->data, (int)key->size, digest->data, digest->size,
              made.data, &size));
    made.size = size;
    return made;
}

bool crypto_sign(struct keypair *pair, const struct algorithm *how, const struct blob *digest,
                 struct blob *ret_signature)
{
    EVP_PKEY_CTX *context OWNED(free_context) = NULL;
    struct blob out OWNED(owned_blob) = {NULL, 0};
    EVP_PKEY *key;

    if (!fits(how, digest)) {
        return false;
    }
    if (how->family == HMAC_SIGN) {
        *ret_signature = hmac(keypair_secret(pair), how, digest);
        return true;
    }
    key = keypair_key(pair);
    context = need(EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL));
    out = room_for(key);
    return EVP_PKEY_sign_init(context) == 1 && set_padding(context, how) &&
           EVP_PKEY_sign(context, out.data, &out.size, digest->data, digest->size) == 1 &&
           (how->family != EC_SIGN || to_raw(key, &out)) && hand_over(&out, ret_signature);
}

static bool verify_with_key(EVP_PKEY *key, const struct algorithm *how, const struct blob *digest,
                            const struct blob *signature)
{
    EVP_PKEY_CTX *context OWNED(free_context) = need(EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL));
    bool ec = how->family == EC_SIGN;
    struct blob der = {NULL, 0};
    const struct blob *judged = ec ? &der : signature;
    bool good = EVP_PKEY_verify_init(context) == 1 && set_padding(context, how) &&
                (!ec || to_der(key, signature, &der)) &&
                EVP_PKEY_verify(context, judged->data, judged->size, digest->data, digest->size) == 1;

    OPENSSL_free(der.data);
    return good;
}

bool crypto_verify(struct keypair *pair, const struct algorithm *how, const struct blob *digest,
                   const struct blob *signature, bool *ret_good)
{
    struct blob mac OWNED(owned_blob) = {NULL, 0};

    if (!fits(how, digest)) {
        return false;
    }
    if (how->family != HMAC_SIGN) {
        *ret_good = verify_with_key(keypair_key(pair), how, digest, signature);
        return true;
    }
    mac = hmac(keypair_secret(pair), how, digest);
    *ret_good = mac.size == signature->size && CRYPTO_memcmp(mac.data, signature->data, mac.size) == 0;
    return true;
}
