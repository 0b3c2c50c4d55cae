/*
 * RSA public keys from numbers, and what is done with them here: the public half of wrap, encrypt and verify.
 * A prepared key is safe for all threads at once. Its context is prepared
 * once and duplicated for each use, which costs what using one again and again costs.
 */
#ifndef BYOK_BASE_RSA_H
#define BYOK_BASE_RSA_H

#include "backends/base/signature.h"
#include <openssl/evp.h>

/* The three ways RSA encrypts; the names of the key service and of RFC 7518 in brackets. */
enum rsa_padding {
    RSA_PADDING_OAEP_SHA1,   /* RSAES-OAEP, SHA-1, MGF1 with SHA-1, empty label [RSA-OAEP] */
    RSA_PADDING_OAEP_SHA256, /* the same with SHA-256 [RSA-OAEP-256] */
    RSA_PADDING_PKCS1        /* RSAES-PKCS1-v1_5 [RSA1_5] */
};

struct rsa_public;

/*
 * n and e are big-endian; leading zeros of n are accepted (the service sends them). Hostile input is refused
 * with CKR_DATA_INVALID: n even or not of 512 to 16384 bits, e even, below 3 or above 64 bits.
 */
MUST_USE CK_RV rsa_public_new(struct bytes n, struct bytes e, struct rsa_public **ret_key);
/* From a PEM file's SubjectPublicKeyInfo or certificate. CKR_DATA_INVALID where it is not RSA. */
MUST_USE CK_RV rsa_public_from_pem(struct bytes pem, struct rsa_public **ret_key);
void rsa_public_free(struct rsa_public *key);

/* Lent for the life of the key; minimal, so the modulus has exactly `bits` bits. */
struct bytes rsa_public_modulus(const struct rsa_public *key);
struct bytes rsa_public_exponent(const struct rsa_public *key);
/* DER SubjectPublicKeyInfo (CKA_PUBLIC_KEY_INFO). */
struct bytes rsa_public_info(const struct rsa_public *key);
unsigned rsa_public_bits(const struct rsa_public *key);

/* For a context that has been prepared to encrypt or to decrypt. False where libcrypto refuses. */
bool rsa_set_padding(EVP_PKEY_CTX *context, enum rsa_padding padding);

/* The longest plaintext for a modulus of `bits` bits: k - 2h - 2 or k - 11 bytes (RFC 8017, 7.1 and 7.2). */
size_t rsa_longest_plaintext(unsigned bits, enum rsa_padding padding);

/* Ciphertext appended to `to`. CKR_DATA_LEN_RANGE where the plaintext is too long, CKR_FUNCTION_FAILED. */
MUST_USE CK_RV rsa_encrypt(const struct rsa_public *key, enum rsa_padding padding, struct bytes plain,
                           struct buffer *to);

/* `how` is not ECDSA. CKR_SIGNATURE_LEN_RANGE, CKR_SIGNATURE_INVALID, CKR_HOST_MEMORY. */
MUST_USE CK_RV rsa_verify(const struct rsa_public *key, struct signature_way how, struct bytes digest,
                          struct bytes signature);

/* Lent; made at first use. NULL: no memory. */
EVP_PKEY *rsa_public_pkey(const struct rsa_public *key);

#endif
