/* Key material that tests bring along: JSON Web Keys and transfer blobs. */
#ifndef STANDIN_TEST_MATERIAL_H
#define STANDIN_TEST_MATERIAL_H

#include "tests/standin/text.h"
#include <openssl/evp.h>

/* {"kty":...,...} with the private half, and more members. kty as OpenSSL's key is, or with -HSM. zeros: each
 * public number begins with a needless zero octet. From malloc. */
char *jwk_of(EVP_PKEY *key, const char *kty, bool zeros, const char *more);

/* An RSA key of two primes, made once. Borrowed. */
EVP_PKEY *rsa_key(void);
void forget_rsa_key(void);
EVP_PKEY *ec_key(const char *group);

/* How a transfer blob is spoiled. */
enum spoil { SPOIL_NOTHING, SPOIL_FIRST_HALF, SPOIL_SECOND_HALF, SPOIL_ENC, SPOIL_SCHEMA, SPOIL_CUT };

/*
 * The Base64 of a file with the target under that key,
 * whose public half GET of its path tells. From malloc.
 */
char *transfer_blob(const char *kek_path, const struct blob *target, enum spoil how);
/* The PKCS#8 of a key. */
struct blob pkcs8_of(EVP_PKEY *key);

#endif
