/* RSA public keys from numbers, and encryption under them. */
#include "backends/base/rsa.h"
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/rsa_info.h"
#include "backends/base/rsa_private.h"
#include "backends/base/scope.h"
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_BITS = 512, MOST_BITS = 16384, MOST_EXPONENT_BYTES = 8, MOST_PEM = 64 * 1024 };

static const struct {
    int padding;
    const EVP_MD *(*hash)(void); /* of OAEP and of its MGF1; a name would not reach a host's engine */
    size_t overhead;             /* bytes of the block that are not plaintext */
} paddings[PADDINGS] = {
    [RSA_PADDING_OAEP_SHA1] = {RSA_PKCS1_OAEP_PADDING, EVP_sha1, 2 * 20 + 2},
    [RSA_PADDING_OAEP_SHA256] = {RSA_PKCS1_OAEP_PADDING, EVP_sha256, 2 * 32 + 2},
    [RSA_PADDING_PKCS1] = {RSA_PKCS1_PADDING, NULL, RSA_PKCS1_PADDING_SIZE},
};

static void rsa_public_scoped(struct rsa_public **key)
{
    rsa_public_free(*key);
}
DEFINE_SCOPED(BIO, BIO_free_all)
DEFINE_SCOPED(BIGNUM, BN_free)
DEFINE_SCOPED(X509, X509_free)
DEFINE_SCOPED(EVP_PKEY, EVP_PKEY_free)
DEFINE_SCOPED(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_SCOPED(OSSL_PARAM, OSSL_PARAM_free)
DEFINE_SCOPED(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)

static struct bytes without_leading_zeros(struct bytes number)
{
    while (number.size != 0 && number.data[0] == 0) {
        number.data++;
        number.size--;
    }
    return number;
}

/* Of a number without leading zeros. */
static unsigned bits_of(struct bytes number)
{
    unsigned bits = (unsigned)number.size * 8, top;

    if (number.size == 0) {
        return 0;
    }
    for (top = number.data[0]; (top & 0x80) == 0; top <<= 1) {
        bits--;
    }
    return bits;
}

static bool is_odd(struct bytes number)
{
    return number.size != 0 && (number.data[number.size - 1] & 1) != 0;
}

static bool acceptable(struct bytes n, struct bytes e)
{
    if (n.size > MOST_BITS / 8 || bits_of(n) < LEAST_BITS || !is_odd(n)) {
        return false;
    }
    return e.size <= MOST_EXPONENT_BYTES && is_odd(e) && bits_of(e) > 1;
}

/*
 * RSA by its OID (RFC 8017, A.1): a name that OpenSSL's engines are not looked up by. By "RSA" the host's
 * default engine would be taken, in our context too, and no engine makes a key from numbers.
 */
#define RSA_WITHOUT_ENGINES "1.2.840.113549.1.1.1"

static EVP_PKEY *pkey_new(OSSL_LIB_CTX *library, struct bytes n, struct bytes e)
{
    BIGNUM *modulus SCOPED(BN_free_scoped) = BN_bin2bn(n.data, (int)n.size, NULL);
    BIGNUM *exponent SCOPED(BN_free_scoped) = BN_bin2bn(e.data, (int)e.size, NULL);
    OSSL_PARAM_BLD *builder SCOPED(OSSL_PARAM_BLD_free_scoped) = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params SCOPED(OSSL_PARAM_free_scoped) = NULL;
    EVP_PKEY_CTX *context SCOPED(EVP_PKEY_CTX_free_scoped) =
        EVP_PKEY_CTX_new_from_name(library, RSA_WITHOUT_ENGINES, NULL);
    EVP_PKEY *key = NULL;

    if (modulus == NULL || exponent == NULL || builder == NULL || context == NULL ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) != 1) {
        return NULL;
    }
    params = OSSL_PARAM_BLD_to_param(builder);
    if (params == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        return NULL;
    }
    return key;
}

bool rsa_set_padding(EVP_PKEY_CTX *context, enum rsa_padding padding)
{
    const EVP_MD *hash = paddings[padding].hash == NULL ? NULL : paddings[padding].hash();

    if (EVP_PKEY_CTX_set_rsa_padding(context, paddings[padding].padding) != 1) {
        return false;
    }
    return hash == NULL || (EVP_PKEY_CTX_set_rsa_oaep_md(context, hash) == 1 &&
                            EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) == 1);
}

static EVP_PKEY_CTX *prepare(OSSL_LIB_CTX *library, EVP_PKEY *key, enum rsa_padding padding)
{
    EVP_PKEY_CTX *context SCOPED(EVP_PKEY_CTX_free_scoped) = EVP_PKEY_CTX_new_from_pkey(library, key, NULL);

    if (context == NULL || EVP_PKEY_encrypt_init(context) != 1 || !rsa_set_padding(context, padding)) {
        return NULL;
    }
    return take(context);
}

EVP_PKEY *rsa_public_pkey(const struct rsa_public *key)
{
    EVP_PKEY *present = atomic_load_explicit(&key->prepared->key, memory_order_acquire), *made;
    OSSL_LIB_CTX *library = libcrypto_context();

    if (present != NULL || library == NULL) {
        return present;
    }
    made = pkey_new(library, key->modulus, key->exponent);
    if (made != NULL && !atomic_compare_exchange_strong(&key->prepared->key, &present, made)) {
        EVP_PKEY_free(made);
        return present;
    }
    return made;
}

static EVP_PKEY_CTX *context_of(const struct rsa_public *key, enum rsa_padding padding)
{
    EVP_PKEY_CTX *_Atomic *place = &key->prepared->context[padding];
    EVP_PKEY_CTX *present = atomic_load_explicit(place, memory_order_acquire), *made;
    EVP_PKEY *pkey;

    if (present != NULL) {
        return present;
    }
    pkey = rsa_public_pkey(key);
    made = pkey == NULL ? NULL : prepare(libcrypto_context(), pkey, padding);
    if (made != NULL && !atomic_compare_exchange_strong(place, &present, made)) {
        EVP_PKEY_CTX_free(made);
        return present;
    }
    return made;
}

CK_RV rsa_public_new(struct bytes n, struct bytes e, struct rsa_public **ret_key)
{
    struct rsa_public *key SCOPED(rsa_public_scoped) = NULL;
    size_t size;

    n = without_leading_zeros(n);
    e = without_leading_zeros(e);
    if (!acceptable(n, e)) {
        return CKR_DATA_INVALID;
    }
    size = rsa_info_size(n, e);
    key = calloc(1, sizeof *key + size);
    if (key == NULL || (key->prepared = calloc(1, sizeof *key->prepared)) == NULL) {
        return CKR_HOST_MEMORY;
    }
    rsa_info_write(n, e, key->info, &key->modulus, &key->exponent);
    key->info_size = size;
    key->bits = bits_of(n);
    *ret_key = take(key);
    return CKR_OK;
}

static void prepared_free(struct prepared *prepared)
{
    for (unsigned at = 0; at < PADDINGS; at++) {
        EVP_PKEY_CTX_free(prepared->context[at]);
    }
    for (unsigned at = 0; at < RSA_CHECKS; at++) {
        EVP_PKEY_CTX_free(prepared->check[at]);
    }
    EVP_PKEY_free(prepared->key);
}

void rsa_public_free(struct rsa_public *key)
{
    if (key == NULL) {
        return;
    }
    if (key->prepared != NULL && libcrypto_usable()) {
        prepared_free(key->prepared);
    }
    free(key->prepared);
    free(key);
}

/* Never ask a terminal: such files have no password. */
static int no_password(char *to, int size, int writing, void *arg)
{
    (void)to, (void)size, (void)writing, (void)arg;
    return -1;
}

static EVP_PKEY *pkey_of_certificate(OSSL_LIB_CTX *library, struct bytes pem)
{
    BIO *from SCOPED(BIO_free_all_scoped) = BIO_new_mem_buf(pem.data, (int)pem.size);
    X509 *certificate SCOPED(X509_free_scoped) = X509_new_ex(library, NULL);

    if (from == NULL || certificate == NULL ||
        PEM_read_bio_X509(from, &certificate, no_password, NULL) == NULL) {
        return NULL;
    }
    return X509_get_pubkey(certificate);
}

static EVP_PKEY *pkey_of_pem(OSSL_LIB_CTX *library, struct bytes pem)
{
    BIO *from SCOPED(BIO_free_all_scoped) = BIO_new_mem_buf(pem.data, (int)pem.size);
    EVP_PKEY *key =
        from == NULL ? NULL : PEM_read_bio_PUBKEY_ex(from, NULL, no_password, NULL, library, NULL);

    return key != NULL ? key : pkey_of_certificate(library, pem);
}

/* Through its numbers, so that what holds for a vault's answer holds for a file as well. */
static CK_RV copy_of_pkey(EVP_PKEY *from, struct rsa_public **ret_key)
{
    BIGNUM *n SCOPED(BN_free_scoped) = NULL, *e SCOPED(BN_free_scoped) = NULL;
    unsigned char modulus[MOST_BITS / 8], exponent[MOST_EXPONENT_BYTES];

    if (EVP_PKEY_get_base_id(from) != EVP_PKEY_RSA ||
        EVP_PKEY_get_bn_param(from, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
        EVP_PKEY_get_bn_param(from, OSSL_PKEY_PARAM_RSA_E, &e) != 1 ||
        BN_bn2binpad(n, modulus, sizeof modulus) < 0 || BN_bn2binpad(e, exponent, sizeof exponent) < 0) {
        return CKR_DATA_INVALID;
    }
    return rsa_public_new(bytes_of(modulus, sizeof modulus), bytes_of(exponent, sizeof exponent), ret_key);
}

CK_RV rsa_public_from_pem(struct bytes pem, struct rsa_public **ret_key)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("a PEM file");
    OSSL_LIB_CTX *library = libcrypto_context();
    EVP_PKEY *key SCOPED(EVP_PKEY_free_scoped) = NULL;
    CK_RV rv;

    if (library == NULL) {
        return CKR_HOST_MEMORY;
    }
    key = pem.size == 0 || pem.size > MOST_PEM ? NULL : pkey_of_pem(library, pem);
    rv = key == NULL ? CKR_DATA_INVALID : copy_of_pkey(key, ret_key);
    return rv;
}

struct bytes rsa_public_modulus(const struct rsa_public *key)
{
    return key->modulus;
}

struct bytes rsa_public_exponent(const struct rsa_public *key)
{
    return key->exponent;
}

struct bytes rsa_public_info(const struct rsa_public *key)
{
    return bytes_of(key->info, key->info_size);
}

unsigned rsa_public_bits(const struct rsa_public *key)
{
    return key->bits;
}

size_t rsa_longest_plaintext(unsigned bits, enum rsa_padding padding)
{
    size_t block = ((size_t)bits + 7) / 8;

    return block < paddings[padding].overhead ? 0 : block - paddings[padding].overhead;
}

CK_RV rsa_encrypt(const struct rsa_public *key, enum rsa_padding padding, struct bytes plain,
                  struct buffer *to)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("RSA encryption");
    EVP_PKEY_CTX *ready, *context SCOPED(EVP_PKEY_CTX_free_scoped) = NULL;
    size_t before = to->size, size = key->modulus.size;
    static const unsigned char nothing;
    CK_RV rv;

    /* A block smaller than the overhead takes not even an empty plaintext. */
    if (plain.size > rsa_longest_plaintext(key->bits, padding) || size < paddings[padding].overhead ||
        size > to->limit - before) {
        return CKR_DATA_LEN_RANGE;
    }
    ready = libcrypto_usable() ? context_of(key, padding) : NULL;
    context = ready == NULL ? NULL : EVP_PKEY_CTX_dup(ready);
    if (context == NULL) {
        return CKR_HOST_MEMORY;
    }
    rv = buffer_resize(to, before + size);
    if (rv != CKR_OK) {
        return rv;
    }
    if (EVP_PKEY_encrypt(context, to->data + before, &size, plain.size == 0 ? &nothing : plain.data,
                         plain.size) == 1 &&
        size == key->modulus.size) {
        return CKR_OK;
    }
    return buffer_resize(to, before) == CKR_OK ? CKR_FUNCTION_FAILED : CKR_HOST_MEMORY;
}
