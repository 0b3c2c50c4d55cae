/*
 * The blob that was opened last, and what was in it.
 *
 * Threads: the caller holds the lock of struct standin.
 */
#ifndef STANDIN_OPENED_H
#define STANDIN_OPENED_H

#include "tests/standin/crypto.h"
#include "tests/standin/keypair.h"

struct opened {
    const struct keypair *pair; /* which may be gone: only compared */
    const struct algorithm *how;
    struct blob blob, plain;
};

/* False: it was another, or under another key or algorithm. The copy is the caller's. */
bool opened_recall(const struct opened *opened, const struct keypair *pair, const struct algorithm *how,
                   const struct blob *blob, struct blob *ret_plain);
/* Copies both. */
void opened_keep(struct opened *opened, const struct keypair *pair, const struct algorithm *how,
                 const struct blob *blob, const struct blob *plain);
void opened_done(struct opened *opened);

#endif
