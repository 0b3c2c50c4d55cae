/*
 * libcurl as a guest in somebody else's process: what must happen once before it is used, and what surrounds
 * each call of it. Between enter and leave the thread's default OpenSSL context is ours, and a broken
 * connection raises no SIGPIPE that the host could see.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_LIBCURL_H
#define BYOK_BACKENDS_KEYVAULT_LIBCURL_H

#include "backends/base/deadline.h"
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/sigpipe.h"

struct libcurl_visit {
    OSSL_LIB_CTX *before;
    struct sigpipe sigpipe;
    struct libcrypto_kept *errors; /* the host's: libcurl empties the queue again and again */
};

/*
 * Global initialisation at first use, with no lock held; other threads wait for it until the deadline.
 * CKR_DEVICE_ERROR with a line in the log: libcurl cannot be used in this process (its TLS is not OpenSSL's;
 * a set-id process with SSLKEYLOGFILE), or this very thread is inside that initialisation (the host's OpenSSL
 * configuration has led it back to us), or the time is over.
 */
MUST_USE CK_RV libcurl_ready(const char *about, struct deadline deadline);

/* CKR_HOST_MEMORY; CKR_DEVICE_ERROR after OpenSSL's clean-up at exit, when nothing may be called any more. */
MUST_USE CK_RV libcurl_enter(struct libcurl_visit *ret_visit);
void libcurl_leave(const struct libcurl_visit *visit);

/* In a forked child, one thread alone. */
void libcurl_after_fork(void);

#endif
