/*
 * When to ask again. Every verb of the key service and every token request may be repeated: they change
 * nothing. Who waits, and for what else, is endpoint.c's.
 *
 * After 408, 429, 5xx, a broken connection or none (`machine`: 404 and 410, too): as long as Retry-After
 * says, else 1, 2, 4, 8, 8, ... seconds with full jitter, so that many that failed together do not come back
 * together.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_RETRY_H
#define BYOK_BACKENDS_KEYVAULT_RETRY_H

#include "backends/keyvault/http.h"

struct retry {
    struct deadline deadline;
    unsigned tries;    /* made so far */
    unsigned waits;    /* before the next */
    bool went_at_once; /* a kept connection broke or was silent, and a new one is tried without waiting */
    bool has_turn;     /* endpoint.c: the wait before the next try is over */
    bool took_probe;   /* endpoint.c: it has waited for a probe of its own */
    bool machine;      /* of a metadata service of this machine: 404 and 410 mean that it is being updated */
};

#define RETRY_INIT(until)                                                                                    \
    {                                                                                                        \
        .deadline = (until)                                                                                  \
    }

/* Counts the try that gave `reply`. False: it is the answer. */
bool retry_is_due(struct retry *retry, const struct http_reply *reply);

/* Milliseconds to the next try, of which 0 means: at once, over a new connection. */
int64_t retry_next_wait(struct retry *retry, const struct http_reply *reply);
/*
 * For who has been told to wait as everybody else:
 * how much longer, so that they do not come back together.
 */
int64_t retry_spread(struct retry *retry);

/* 1, 2, 4, 8, 8, ... seconds after `waits` waits. */
int64_t retry_own_wait(unsigned waits);
/* A random number of milliseconds from 0 to most. */
int64_t retry_jitter(int64_t most);

#endif
