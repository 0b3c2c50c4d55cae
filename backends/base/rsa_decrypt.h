/* RSA decryption with a private key that lives in this process. */
#ifndef BYOK_BASE_RSA_DECRYPT_H
#define BYOK_BASE_RSA_DECRYPT_H

#include "backends/base/rsa.h"
#include "backends/base/secret.h"

/*
 * CKR_ENCRYPTED_DATA_INVALID whatever is wrong with the blob. ret_plain must be empty. All threads, also for
 * one key.
 */
MUST_USE CK_RV rsa_decrypt(EVP_PKEY *key, enum rsa_padding padding, struct bytes blob,
                           struct secret *ret_plain);

#endif
