/*
 * OpenSSL's error queue is the host's as well, and belongs to the thread. Who calls OpenSSL holds one of
 * these meanwhile; at its end what came since goes into a debug line and away, and what was there before is
 * there:
 *
 *     struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("RSA encryption");
 */
#ifndef BYOK_BASE_LIBCRYPTO_ERRORS_H
#define BYOK_BASE_LIBCRYPTO_ERRORS_H

#include "backends/base/scope.h"
#include <stdbool.h>

struct __attribute__((unused)) libcrypto_errors { /* its use is its end */
    const char *doing;
    unsigned long last; /* that was there before; 0: none */
    bool none;          /* what was called has succeeded, and is known to leave none then: done need not look */
};

/* `doing` is for the line: a literal. */
struct libcrypto_errors libcrypto_errors(const char *doing);
void libcrypto_errors_done(const struct libcrypto_errors *errors);

/*
 * For libraries that empty the queue themselves, as libcurl does: takes what is there, from malloc; NULL:
 * nothing. Given back, it is where it was, and what came meanwhile is away.
 */
struct libcrypto_kept *libcrypto_errors_take(void);
void libcrypto_errors_give_back(struct libcrypto_kept *kept, const char *doing);

#endif
