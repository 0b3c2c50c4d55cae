/*
 * The numbers of an RSA or EC key: its public part as the ground floor has it, what libcrypto calculates with,
 * and the attributes that name them. Constant once made; all threads. PKCS#11 2.40 mechanisms, 2.1 and 2.3.
 */
#ifndef BYOK_PKCS11_SOFT_KEY_NUMBERS_H
#define BYOK_PKCS11_SOFT_KEY_NUMBERS_H

#include "backends/base/ec.h"
#include "backends/base/rsa.h"
#include "backends/base/secret.h"
#include "pkcs11/soft/attribute.h"

struct key_numbers {
    EVP_PKEY *pkey;         /* with the private half where there is one; NULL: none of all this */
    struct rsa_public *rsa; /* one of the two */
    struct ec_public *ec;
};

/*
 * CKR_ATTRIBUTE_VALUE_INVALID where it is no key, or one of a curve that is not known here. A point may come
 * with or without its OCTET STRING.
 */
MUST_USE CK_RV key_numbers_from_rsa(struct bytes modulus, struct bytes exponent,
                                    struct key_numbers *ret_numbers);
MUST_USE CK_RV key_numbers_from_ec(struct bytes parameters, struct bytes point,
                                   struct key_numbers *ret_numbers);
/* SubjectPublicKeyInfo in DER and nothing after it. CKR_DATA_INVALID. */
MUST_USE CK_RV key_numbers_from_info(struct bytes info, struct key_numbers *ret_numbers);
/* A private key: PrivateKeyInfo in DER and nothing after it. CKR_DATA_INVALID. */
MUST_USE CK_RV key_numbers_from_pkcs8(struct bytes der, struct key_numbers *ret_numbers);
void key_numbers_done(struct key_numbers *numbers);

/* MODULUS, EC_POINT, PUBLIC_KEY_INFO and their like; absent where such a key has none. */
struct attribute_value key_numbers_public(const struct rsa_public *rsa, const struct ec_public *ec,
                                          CK_ATTRIBUTE_TYPE type);
bool key_numbers_is_public(CK_ATTRIBUTE_TYPE type);

/* True for the numbers of a private key of this type that nobody else may know. */
bool key_numbers_is_private(CK_KEY_TYPE key_type, CK_ATTRIBUTE_TYPE type);
/* One of them, read out of libcrypto. CKR_ATTRIBUTE_TYPE_INVALID where the key has it not. */
MUST_USE CK_RV key_numbers_private(const struct key_numbers *numbers, CK_ATTRIBUTE_TYPE type,
                                   struct secret *ret_number);

#endif
