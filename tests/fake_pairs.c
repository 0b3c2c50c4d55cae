/* Key pairs of the key service in memory. */
#include "tests/fake_pairs.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/scope.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <pthread.h>

enum { KINDS = 3 + EC_CURVES, MOST_OF_A_KIND = 8 };

static EVP_PKEY *pairs[KINDS][MOST_OF_A_KIND];
static pthread_mutex_t pairs_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct kind {
    unsigned bits;
    const char *curve; /* NULL: RSA */
} kinds[KINDS] = {{2048, NULL}, {3072, NULL}, {4096, NULL}, {256, "P-256"}, {384, "P-384"}, {521, "P-521"}};

static unsigned kind_of(unsigned bits)
{
    unsigned kind = 0;

    while (kind < KINDS && kinds[kind].bits != bits) {
        kind++;
    }
    return kind < KINDS ? kind : 0;
}

EVP_PKEY *fake_make_pair(unsigned bits, unsigned number)
{
    unsigned kind = kind_of(bits);
    EVP_PKEY **pair = &pairs[kind][number % MOST_OF_A_KIND];

    pthread_mutex_lock(&pairs_lock);
    if (*pair == NULL) {
        *pair = kinds[kind].curve == NULL ? EVP_RSA_gen(bits) : EVP_EC_gen(kinds[kind].curve);
    }
    pthread_mutex_unlock(&pairs_lock);
    return *pair;
}

struct rsa_public *fake_rsa_public(EVP_PKEY *pair)
{
    unsigned char n[512], e[8];
    struct rsa_public *key = NULL;
    BIGNUM *number = NULL;
    int n_size, e_size;

    EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_N, &number);
    n_size = BN_bn2bin(number, n);
    EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_E, &number);
    e_size = BN_bn2bin(number, e);
    BN_free(number);
    return rsa_public_new(bytes_of(n, (size_t)n_size), bytes_of(e, (size_t)e_size), &key) == CKR_OK ? key
                                                                                                    : NULL;
}

bool fake_is_rsa(EVP_PKEY *pair)
{
    return pair != NULL && EVP_PKEY_get_base_id(pair) == EVP_PKEY_RSA;
}

static enum ec_curve curve_of(EVP_PKEY *pair)
{
    int bits = EVP_PKEY_get_bits(pair);

    return bits == 256 ? EC_P256 : bits == 384 ? EC_P384 : EC_P521;
}

struct ec_public *fake_ec_public(EVP_PKEY *pair)
{
    struct ec_public *key = NULL;
    unsigned char point[140];
    size_t size = 0, half;

    EVP_PKEY_get_octet_string_param(pair, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &size);
    half = (size - 1) / 2;
    return ec_public_new(curve_of(pair), bytes_of(point + 1, half), bytes_of(point + 1 + half, half), &key) ==
                   CKR_OK
               ? key
               : NULL;
}

static void context_free(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static bool pad(EVP_PKEY_CTX *context, enum rsa_padding padding)
{
    const EVP_MD *hash = padding == RSA_PADDING_OAEP_SHA256 ? EVP_sha256() : EVP_sha1();

    if (padding == RSA_PADDING_PKCS1) {
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    }
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(context, hash) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) == 1;
}

bool fake_rsa(EVP_PKEY *pair, bool seals, enum rsa_padding padding, struct bytes in, unsigned char *out,
              size_t *size)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("the fake's RSA");
    EVP_PKEY_CTX *context SCOPED(context_free) = pair == NULL ? NULL : EVP_PKEY_CTX_new(pair, NULL);

    if (context == NULL) {
        return false;
    }
    return (seals ? EVP_PKEY_encrypt_init(context) : EVP_PKEY_decrypt_init(context)) == 1 &&
           pad(context, padding) &&
           (seals ? EVP_PKEY_encrypt(context, out, size, in.data, in.size)
                  : EVP_PKEY_decrypt(context, out, size, in.data, in.size)) == 1;
}

static const struct algorithm {
    const EVP_MD *(*hash)(void);
    int padding;   /* 0: ECDSA */
    unsigned bits; /* of the curve */
} algorithms[] = {
    [SIGNATURE_RS256] = {EVP_sha256, RSA_PKCS1_PADDING, 0},
    [SIGNATURE_RS384] = {EVP_sha384, RSA_PKCS1_PADDING, 0},
    [SIGNATURE_RS512] = {EVP_sha512, RSA_PKCS1_PADDING, 0},
    [SIGNATURE_PS256] = {EVP_sha256, RSA_PKCS1_PSS_PADDING, 0},
    [SIGNATURE_PS384] = {EVP_sha384, RSA_PKCS1_PSS_PADDING, 0},
    [SIGNATURE_PS512] = {EVP_sha512, RSA_PKCS1_PSS_PADDING, 0},
    [SIGNATURE_ES256] = {EVP_sha256, 0, 256},
    [SIGNATURE_ES384] = {EVP_sha384, 0, 384},
    [SIGNATURE_ES512] = {EVP_sha512, 0, 521},
};

/* The key is of the algorithm's kind and the digest has its length: no service looks away. */
static bool fits(EVP_PKEY *pair, const struct algorithm *how, struct bytes digest)
{
    if (pair == NULL || digest.size != (size_t)EVP_MD_get_size(how->hash())) {
        return false;
    }
    return fake_is_rsa(pair) ? how->padding != 0
                             : how->padding == 0 && (unsigned)EVP_PKEY_get_bits(pair) == how->bits;
}

static bool compute(EVP_PKEY *pair, const struct algorithm *how, struct bytes digest, unsigned char out[512],
                    size_t *size)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("the fake's signature");
    EVP_PKEY_CTX *context SCOPED(context_free) = EVP_PKEY_CTX_new(pair, NULL);

    if (context == NULL || EVP_PKEY_sign_init(context) != 1) {
        return false;
    }
    if (how->padding != 0 && (EVP_PKEY_CTX_set_rsa_padding(context, how->padding) != 1 ||
                              EVP_PKEY_CTX_set_signature_md(context, how->hash()) != 1)) {
        return false;
    }
    if (how->padding == RSA_PKCS1_PSS_PADDING &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) != 1) {
        return false;
    }
    return EVP_PKEY_sign(context, out, size, digest.data, digest.size) == 1;
}

/* r and s one after the other, from OpenSSL's DER. */
static bool flatten(unsigned char out[512], size_t *size, size_t half)
{
    const unsigned char *from = out;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &from, (long)*size);
    bool good = signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, (int)half) > 0 &&
                BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + half, (int)half) > 0;

    ECDSA_SIG_free(signature);
    *size = 2 * half;
    return good;
}

bool fake_sign_digest(EVP_PKEY *pair, enum signature_algorithm algorithm, struct bytes digest,
                      unsigned char out[512], size_t *ret_size)
{
    const struct algorithm *how = &algorithms[algorithm];

    *ret_size = 512;
    return fits(pair, how, digest) && compute(pair, how, digest, out, ret_size) &&
           (how->padding != 0 || flatten(out, ret_size, (how->bits + 7) / 8));
}
