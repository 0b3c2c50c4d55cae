/* The numbers of an RSA or EC key. */
#include "pkcs11/soft/key_numbers.h"
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/private_info.h"
#include <openssl/core_names.h>
#include <openssl/x509.h>
#include <string.h>

enum {
    OCTET_STRING = 0x04,
    UNCOMPRESSED = 0x04,
    LARGEST_NUMBER = 2048, /* bytes: RSA of 16384 bits, the most that rsa_public_new takes */
};

static void numbers_scoped(struct key_numbers *numbers)
{
    key_numbers_done(numbers);
}

static void bignum_free(BIGNUM **number)
{
    BN_clear_free(*number);
}

static void pkcs8_free(PKCS8_PRIV_KEY_INFO **info)
{
    PKCS8_PRIV_KEY_INFO_free(*info);
}

void key_numbers_done(struct key_numbers *numbers)
{
    if (numbers->pkey != NULL && libcrypto_usable()) {
        EVP_PKEY_free(numbers->pkey);
    }
    rsa_public_free(numbers->rsa);
    ec_public_free(numbers->ec);
    memset(numbers, 0, sizeof *numbers);
}

static struct key_numbers give(struct key_numbers *numbers)
{
    struct key_numbers given = *numbers;

    memset(numbers, 0, sizeof *numbers);
    return given;
}

static CK_RV set_public_pkey(struct key_numbers *numbers)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("reading a public key");
    struct bytes info = numbers->rsa != NULL ? rsa_public_info(numbers->rsa) : ec_public_info(numbers->ec);
    OSSL_LIB_CTX *library = libcrypto_context();
    const unsigned char *from = info.data;

    if (library == NULL) {
        return CKR_HOST_MEMORY;
    }
    numbers->pkey = d2i_PUBKEY_ex(NULL, &from, (long)info.size, library, NULL);
    return numbers->pkey == NULL ? CKR_FUNCTION_FAILED : CKR_OK;
}

static CK_RV finish_public(CK_RV rv, struct key_numbers *numbers, struct key_numbers *ret_numbers)
{
    if (rv == CKR_OK) {
        rv = set_public_pkey(numbers);
    }
    if (rv == CKR_OK) {
        *ret_numbers = give(numbers);
    }
    return rv == CKR_DATA_INVALID ? CKR_ATTRIBUTE_VALUE_INVALID : rv;
}

CK_RV key_numbers_from_rsa(struct bytes modulus, struct bytes exponent, struct key_numbers *ret_numbers)
{
    struct key_numbers numbers SCOPED(numbers_scoped) = {NULL, NULL, NULL};

    return finish_public(rsa_public_new(modulus, exponent, &numbers.rsa), &numbers, ret_numbers);
}

/* The two coordinates of an uncompressed point, and the curve they must be of by their length. */
static bool split_point(struct bytes point, struct bytes *ret_x, struct bytes *ret_y,
                        enum ec_curve *ret_curve)
{
    size_t size, header;

    for (enum ec_curve curve = EC_P256; curve < EC_CURVES; curve++) {
        size = ec_curve_size(curve);
        header = 1 + 2 * size > 0x7f ? 3 : 2;
        if (point.size == header + 1 + 2 * size && point.data[0] == OCTET_STRING &&
            point.data[header - 1] == 1 + 2 * size && (header == 2 || point.data[1] == 0x81)) {
            point = bytes_of(point.data + header, point.size - header);
        }
        if (point.size == 1 + 2 * size && point.data[0] == UNCOMPRESSED) {
            *ret_x = bytes_of(point.data + 1, size);
            *ret_y = bytes_of(point.data + 1 + size, size);
            *ret_curve = curve;
            return true;
        }
    }
    return false;
}

CK_RV key_numbers_from_ec(struct bytes parameters, struct bytes point, struct key_numbers *ret_numbers)
{
    struct key_numbers numbers SCOPED(numbers_scoped) = {NULL, NULL, NULL};
    struct bytes x, y;
    enum ec_curve curve;
    CK_RV rv = CKR_DATA_INVALID;

    if (split_point(point, &x, &y, &curve)) {
        rv = ec_public_new(curve, x, y, &numbers.ec);
    }
    if (rv == CKR_OK && !bytes_equal(parameters, ec_public_parameters(numbers.ec))) {
        rv = CKR_DATA_INVALID;
    }
    return finish_public(rv, &numbers, ret_numbers);
}

static CK_RV number_bytes(const EVP_PKEY *pkey, const char *name, struct secret *ret_number)
{
    BIGNUM *number SCOPED(bignum_free) = NULL;
    CK_RV rv;

    if (EVP_PKEY_get_bn_param(pkey, name, &number) != 1 || BN_num_bytes(number) > LARGEST_NUMBER) {
        return CKR_DATA_INVALID;
    }
    rv = secret_new((size_t)BN_num_bytes(number), ret_number);
    if (rv == CKR_OK && BN_bn2bin(number, ret_number->data) < 0) {
        return CKR_FUNCTION_FAILED;
    }
    return rv;
}

static CK_RV two_numbers(const EVP_PKEY *pkey, const char *first, const char *second,
                         struct secret *ret_first, struct secret *ret_second)
{
    CK_RV rv = number_bytes(pkey, first, ret_first);

    return rv == CKR_OK ? number_bytes(pkey, second, ret_second) : rv;
}

static CK_RV curve_of(const EVP_PKEY *pkey, enum ec_curve *ret_curve)
{
    static const char *const names[EC_CURVES] = {
        [EC_P256] = "prime256v1", [EC_P384] = "secp384r1", [EC_P521] = "secp521r1"};
    char name[32];
    size_t size;

    if (EVP_PKEY_get_group_name(pkey, name, sizeof name, &size) != 1) {
        return CKR_DATA_INVALID;
    }
    for (enum ec_curve curve = EC_P256; curve < EC_CURVES; curve++) {
        if (strcmp(name, names[curve]) == 0) {
            *ret_curve = curve;
            return CKR_OK;
        }
    }
    return CKR_DATA_INVALID;
}

/* Through the same checks as every public key. */
static CK_RV set_public_part(struct key_numbers *numbers)
{
    struct secret a SCOPED(secret_free) = SECRET_INIT;
    struct secret b SCOPED(secret_free) = SECRET_INIT;
    enum ec_curve curve;
    CK_RV rv;

    if (EVP_PKEY_is_a(numbers->pkey, "RSA") == 1) {
        rv = two_numbers(numbers->pkey, OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E, &a, &b);
        return rv == CKR_OK ? rsa_public_new(secret_bytes(&a), secret_bytes(&b), &numbers->rsa) : rv;
    }
    if (EVP_PKEY_is_a(numbers->pkey, "EC") != 1) {
        return CKR_DATA_INVALID;
    }
    rv = curve_of(numbers->pkey, &curve);
    if (rv == CKR_OK) {
        rv = two_numbers(numbers->pkey, OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y, &a, &b);
    }
    return rv == CKR_OK ? ec_public_new(curve, secret_bytes(&a), secret_bytes(&b), &numbers->ec) : rv;
}

static CK_RV finish(struct key_numbers *numbers, struct key_numbers *ret_numbers)
{
    CK_RV rv = numbers->pkey == NULL ? CKR_DATA_INVALID : set_public_part(numbers);

    if (rv == CKR_OK) {
        *ret_numbers = give(numbers);
    }
    return rv;
}

CK_RV key_numbers_from_info(struct bytes info, struct key_numbers *ret_numbers)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("reading a public key");
    struct key_numbers numbers SCOPED(numbers_scoped) = {NULL, NULL, NULL};
    OSSL_LIB_CTX *library = libcrypto_context();
    const unsigned char *from = info.data;

    if (library == NULL) {
        return CKR_HOST_MEMORY;
    }
    numbers.pkey = d2i_PUBKEY_ex(NULL, &from, (long)info.size, library, NULL);
    return from == info.data + info.size ? finish(&numbers, ret_numbers) : CKR_DATA_INVALID;
}

CK_RV key_numbers_from_pkcs8(struct bytes der, struct key_numbers *ret_numbers)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("reading a private key");
    struct key_numbers numbers SCOPED(numbers_scoped) = {NULL, NULL, NULL};
    PKCS8_PRIV_KEY_INFO *info SCOPED(pkcs8_free) = NULL;
    OSSL_LIB_CTX *library = libcrypto_context();
    const unsigned char *from = der.data;

    if (library == NULL) {
        return CKR_HOST_MEMORY;
    }
    info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &from, (long)der.size);
    if (info == NULL || from != der.data + der.size) {
        return CKR_DATA_INVALID;
    }
    numbers.pkey = private_info_read(info);
    return finish(&numbers, ret_numbers);
}

static const struct attribute_value absent = {.form = ATTRIBUTE_ABSENT};

bool key_numbers_is_public(CK_ATTRIBUTE_TYPE type)
{
    return type == CKA_MODULUS || type == CKA_MODULUS_BITS || type == CKA_PUBLIC_EXPONENT ||
           type == CKA_EC_PARAMS || type == CKA_EC_POINT || type == CKA_PUBLIC_KEY_INFO;
}

static struct attribute_value of_rsa(const struct rsa_public *rsa, CK_ATTRIBUTE_TYPE type)
{
    switch (type) {
    case CKA_MODULUS:
        return attribute_bytes(rsa_public_modulus(rsa));
    case CKA_MODULUS_BITS:
        return attribute_number(rsa_public_bits(rsa));
    case CKA_PUBLIC_EXPONENT:
        return attribute_bytes(rsa_public_exponent(rsa));
    case CKA_PUBLIC_KEY_INFO:
        return attribute_bytes(rsa_public_info(rsa));
    default:
        return absent;
    }
}

static struct attribute_value of_ec(const struct ec_public *ec, CK_ATTRIBUTE_TYPE type)
{
    switch (type) {
    case CKA_EC_PARAMS:
        return attribute_bytes(ec_public_parameters(ec));
    case CKA_EC_POINT:
        return attribute_bytes(ec_public_point(ec));
    case CKA_PUBLIC_KEY_INFO:
        return attribute_bytes(ec_public_info(ec));
    default:
        return absent;
    }
}

struct attribute_value key_numbers_public(const struct rsa_public *rsa, const struct ec_public *ec,
                                          CK_ATTRIBUTE_TYPE type)
{
    return rsa != NULL ? of_rsa(rsa, type) : ec != NULL ? of_ec(ec, type) : absent;
}

static const struct private_number {
    CK_ATTRIBUTE_TYPE type;
    CK_KEY_TYPE key_type;
    const char *name; /* libcrypto's */
} private_numbers[] = {
    {CKA_PRIVATE_EXPONENT, CKK_RSA, OSSL_PKEY_PARAM_RSA_D},
    {CKA_PRIME_1, CKK_RSA, OSSL_PKEY_PARAM_RSA_FACTOR1},
    {CKA_PRIME_2, CKK_RSA, OSSL_PKEY_PARAM_RSA_FACTOR2},
    {CKA_EXPONENT_1, CKK_RSA, OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {CKA_EXPONENT_2, CKK_RSA, OSSL_PKEY_PARAM_RSA_EXPONENT2},
    {CKA_COEFFICIENT, CKK_RSA, OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
    {CKA_VALUE, CKK_EC, OSSL_PKEY_PARAM_PRIV_KEY},
};

static const struct private_number *private_number_of(CK_KEY_TYPE key_type, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < sizeof private_numbers / sizeof private_numbers[0]; i++) {
        if (private_numbers[i].type == type && private_numbers[i].key_type == key_type) {
            return &private_numbers[i];
        }
    }
    return NULL;
}

bool key_numbers_is_private(CK_KEY_TYPE key_type, CK_ATTRIBUTE_TYPE type)
{
    return private_number_of(key_type, type) != NULL;
}

CK_RV key_numbers_private(const struct key_numbers *numbers, CK_ATTRIBUTE_TYPE type,
                          struct secret *ret_number)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) =
        libcrypto_errors("reading a private number");
    const struct private_number *number = private_number_of(numbers->rsa != NULL ? CKK_RSA : CKK_EC, type);
    CK_RV rv;

    if (number == NULL || numbers->pkey == NULL) {
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
    rv = number_bytes(numbers->pkey, number->name, ret_number);
    return rv == CKR_DATA_INVALID ? CKR_ATTRIBUTE_TYPE_INVALID : rv;
}
