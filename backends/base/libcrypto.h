/*
 * An OpenSSL library context of our own, with the default provider: the host's may be routed back through
 * this module. Every fetch in our code names it; where a library of somebody else's (libcurl) cannot be told,
 * it is made the thread's default for the time of the call. Made at first use, with no lock held. All
 * threads.
 */
#ifndef BYOK_BASE_LIBCRYPTO_H
#define BYOK_BASE_LIBCRYPTO_H

#include "backends/base/buffer.h"
#include "backends/base/hash.h"
#include <openssl/evp.h>
#include <stdbool.h>

/*
 * False once the host has called OPENSSL_cleanup(), as every program does at exit: whatever touches OpenSSL
 * then crashes, freeing too. Some hosts finalise us that late; so ask before freeing what OpenSSL made, and
 * leave it.
 */
bool libcrypto_usable(void);

/*
 * NULL, with a line in the log, when OpenSSL has no memory or no default provider; NULL without one once it
 * is not usable any more.
 */
OSSL_LIB_CTX *libcrypto_context(void);

/* Makes our context the thread's default; what was it before comes back in ret_before. CKR_HOST_MEMORY. */
MUST_USE CK_RV libcrypto_enter(OSSL_LIB_CTX **ret_before);
void libcrypto_leave(OSSL_LIB_CTX *before);

/* In a forked child: begins with a new context, the parent's may be locked for ever. One thread alone. */
void libcrypto_after_fork(void);

/* Fetched once; lent until the process ends. NULL: libcrypto has none. */
const EVP_MD *libcrypto_hash(enum hash hash);

/* SHA-256 of `data` into 32 bytes. CKR_FUNCTION_FAILED. */
MUST_USE CK_RV libcrypto_sha256(struct bytes data, unsigned char ret_digest[32]);

/* Random bytes from our context's generator. CKR_RANDOM_NO_RNG. */
MUST_USE CK_RV libcrypto_random(unsigned char *ret_data, size_t size);

#endif
