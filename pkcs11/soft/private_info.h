/* Private keys out of PKCS #8; nothing of them stays behind in the heap. */
#ifndef BYOK_PKCS11_SOFT_PRIVATE_INFO_H
#define BYOK_PKCS11_SOFT_PRIVATE_INFO_H

#include "backends/base/buffer.h"
#include <openssl/x509.h>

/*
 * The key that it holds, an RSA key if it has two primes; NULL: none. The caller has seen to it that libcrypto
 * may be used.
 */
EVP_PKEY *private_info_read(const PKCS8_PRIV_KEY_INFO *info);

#endif
