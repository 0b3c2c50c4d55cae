/*
 * How much a vault does in ten seconds: keys weigh what they cost it, and refused requests weigh nothing. A
 * Managed HSM does not throttle. For tests of many clients there is a plain limit too, so many requests a
 * second.
 *
 * Threads: the caller holds the lock of struct standin.
 */
#ifndef STANDIN_QUOTA_H
#define STANDIN_QUOTA_H

#include "tests/standin/keypair.h"
#include "tests/standin/words.h"
#include <stdint.h>

struct quota_window {
    int64_t start; /* milliseconds of CLOCK_MONOTONIC */
    unsigned used;
};

/* In operations with an RSA-2048 key in software, of which a vault does 4,000 in ten seconds. */
unsigned quota_weight(enum operation operation, const struct key_kind *kind);

/* False: it does not fit into the window any more. limit 0: there is none. */
bool quota_take(struct quota_window *window, int64_t length_ms, unsigned limit, unsigned weight);

#endif
