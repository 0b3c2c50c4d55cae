/*
 * EC public keys of the curves that key services sign with, from coordinates. A key is constant and safe for
 * all threads at once. SEC 1, 2.3.3; RFC 5480; PKCS#11 2.40 mechanisms, 2.3.3.
 */
#ifndef BYOK_BASE_EC_H
#define BYOK_BASE_EC_H

#include "backends/base/buffer.h"
#include <openssl/evp.h>

enum ec_curve { EC_P256, EC_P384, EC_P521, EC_CURVES };

struct ec_public;

/*
 * x and y are big-endian; leading zeros are accepted, and their absence. Hostile input is refused with
 * CKR_DATA_INVALID: numbers too long for the curve, a point that is not on it.
 */
MUST_USE CK_RV ec_public_new(enum ec_curve curve, struct bytes x, struct bytes y, struct ec_public **ret_key);
void ec_public_free(struct ec_public *key);

enum ec_curve ec_public_curve(const struct ec_public *key);
/* Lent for the life of the key, all in DER: CKA_EC_PARAMS (the curve's OID), CKA_EC_POINT (the uncompressed
 * point in an OCTET STRING), CKA_PUBLIC_KEY_INFO. */
struct bytes ec_public_parameters(const struct ec_public *key);
struct bytes ec_public_point(const struct ec_public *key);
struct bytes ec_public_info(const struct ec_public *key);
/* Lent: whoever needs a context of its own makes it from this. */
EVP_PKEY *ec_public_pkey(const struct ec_public *key);

/* Bits of the curve's field: 256, 384, 521. */
unsigned ec_curve_bits(enum ec_curve curve);
/* Bytes of a coordinate, and of each half of a signature: 32, 48, 66. */
size_t ec_curve_size(enum ec_curve curve);

#endif
