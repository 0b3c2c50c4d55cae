/*
 * How often a key may fail to open: attacks on RSAES-PKCS1-v1_5 need many answers (RFC 8017, 7.2.2), so bad
 * blobs are slowed to ten a second. Good ones never are, unless bad ones came before. The owner's lock guards
 * it; it does not wait itself.
 */
#ifndef BYOK_PKCS11_SOFT_FAILURE_LIMIT_H
#define BYOK_PKCS11_SOFT_FAILURE_LIMIT_H

#include <stddef.h>
#include <stdint.h>

enum { MOST_FAILURES = 10, FAILURE_SPAN = 1000 /* ms */ };

/* Each key has two: the times of the last ones take as little room as they can. */
struct failure_limit {
    int64_t newest; /* clock_now(), 0: none yet */
    uint16_t gaps[MOST_FAILURES -
                  1]; /* before each of the last ones, FAILURE_SPAN for all that are longer; a ring */
    uint8_t oldest;   /* among the gaps */
    uint8_t count;    /* of failures, up to MOST_FAILURES */
};

/* Milliseconds from `now` until the next may be tried, 0: at once. */
int64_t failure_limit_wait(const struct failure_limit *limit, int64_t now);
void failure_limit_note(struct failure_limit *limit, int64_t now);

#endif
