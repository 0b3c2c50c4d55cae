/* EC public keys from coordinates. */
#include "backends/base/ec.h"
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/scope.h"
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum {
    LARGEST_COORDINATE = 66,
    UNCOMPRESSED = 4,
    POINT_ROOM = 3 + 1 + 2 * LARGEST_COORDINATE,
    INFO_ROOM = 160
};

/* What stands before the point in each DER structure; the point begins with UNCOMPRESSED. */
struct prefix {
    unsigned char size;
    unsigned char bytes[25];
};

static const struct curve {
    unsigned bits;
    struct prefix parameters, point, info;
} curves[EC_CURVES] = {
    [EC_P256] = {256,
                 {10, {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}},
                 {2, {0x04, 0x41}},
                 {23, {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                       0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}}},
    [EC_P384] = {384,
                 {7, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}},
                 {2, {0x04, 0x61}},
                 {20, {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
                       0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}}},
    [EC_P521] = {521,
                 {7, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}},
                 {3, {0x04, 0x81, 0x85}},
                 {21, {0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
                       0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}}},
};

struct ec_public {
    enum ec_curve curve;
    EVP_PKEY *pkey;
    size_t point_size, info_size;
    unsigned char point[POINT_ROOM], info[INFO_ROOM];
};

static void ec_public_scoped(struct ec_public **key)
{
    ec_public_free(*key);
}

unsigned ec_curve_bits(enum ec_curve curve)
{
    return curves[curve].bits;
}

size_t ec_curve_size(enum ec_curve curve)
{
    return (curves[curve].bits + 7) / 8;
}

/* To the curve's own length; false where it is longer. */
static bool put_coordinate(struct bytes number, size_t size, unsigned char *to)
{
    while (number.size > size && number.data[0] == 0) {
        number.data++;
        number.size--;
    }
    if (number.size == 0 || number.size > size) {
        return false;
    }
    memset(to, 0, size - number.size);
    memcpy(to + size - number.size, number.data, number.size);
    return true;
}

static size_t put(const struct prefix *prefix, struct bytes rest, unsigned char *to)
{
    memcpy(to, prefix->bytes, prefix->size);
    memcpy(to + prefix->size, rest.data, rest.size);
    return prefix->size + rest.size;
}

/* A BIT STRING's contents begin with the count of unused bits. */
static void write_info(const struct curve *curve, struct bytes point, struct ec_public *key)
{
    unsigned char text[4 + 1 + 2 * LARGEST_COORDINATE];
    size_t length = point.size + 1, at = 0;

    text[at++] = 0x03;
    if (length > 0x7f) {
        text[at++] = 0x81;
    }
    text[at++] = (unsigned char)length;
    text[at++] = 0;
    memcpy(text + at, point.data, point.size);
    key->info_size = put(&curve->info, bytes_of(text, at + point.size), key->info);
}

/* OpenSSL checks that the point is on the curve. */
static CK_RV make_pkey(struct ec_public *key)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("an EC public key");
    OSSL_LIB_CTX *library = libcrypto_context();
    const unsigned char *from = key->info;

    if (library == NULL) {
        return CKR_HOST_MEMORY;
    }
    key->pkey = d2i_PUBKEY_ex(NULL, &from, (long)key->info_size, library, NULL);
    return key->pkey == NULL ? CKR_DATA_INVALID : CKR_OK;
}

CK_RV ec_public_new(enum ec_curve curve, struct bytes x, struct bytes y, struct ec_public **ret_key)
{
    struct ec_public *key SCOPED(ec_public_scoped) = NULL;
    unsigned char point[1 + 2 * LARGEST_COORDINATE] = {UNCOMPRESSED};
    size_t size = ec_curve_size(curve);
    struct bytes whole = bytes_of(point, 1 + 2 * size);
    CK_RV rv;

    if (!put_coordinate(x, size, point + 1) || !put_coordinate(y, size, point + 1 + size)) {
        return CKR_DATA_INVALID;
    }
    key = calloc(1, sizeof *key);
    if (key == NULL) {
        return CKR_HOST_MEMORY;
    }
    key->curve = curve;
    key->point_size = put(&curves[curve].point, whole, key->point);
    write_info(&curves[curve], whole, key);
    rv = make_pkey(key);
    if (rv == CKR_OK) {
        *ret_key = take(key);
    }
    return rv;
}

void ec_public_free(struct ec_public *key)
{
    if (key != NULL && libcrypto_usable()) {
        EVP_PKEY_free(key->pkey);
    }
    free(key);
}

enum ec_curve ec_public_curve(const struct ec_public *key)
{
    return key->curve;
}

struct bytes ec_public_parameters(const struct ec_public *key)
{
    return bytes_of(curves[key->curve].parameters.bytes, curves[key->curve].parameters.size);
}

struct bytes ec_public_point(const struct ec_public *key)
{
    return bytes_of(key->point, key->point_size);
}

struct bytes ec_public_info(const struct ec_public *key)
{
    return bytes_of(key->info, key->info_size);
}

EVP_PKEY *ec_public_pkey(const struct ec_public *key)
{
    return key->pkey;
}
