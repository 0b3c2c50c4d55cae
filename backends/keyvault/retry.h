/*
 * When to ask again. Every verb of the key service and every token request may be repeated: they change
 * nothing.
 *
 *     struct retry again = RETRY_INIT(deadline);
 *     do {
 *         http_exchange(client, &request, deadline, &reply);
 *     } while (retry_wait(&again, &reply));
 *
 * After 408, 429, 5xx, a broken connection or none (`machine`: 404 and 410, too): as long as Retry-After
 * says, else 1, 2, 4, 8, 8, ... seconds with full jitter, so that many that failed together do not come back
 * together. Where that is beyond the deadline, the last answer stands, at once.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_RETRY_H
#define BYOK_BACKENDS_KEYVAULT_RETRY_H

#include "backends/keyvault/http.h"

struct retry {
    struct deadline deadline;
    unsigned tries;    /* made so far */
    unsigned waits;    /* that were our own choice */
    bool went_at_once; /* a connection that had been idle broke, and a new one was tried without waiting */
    bool machine;      /* of a metadata service of this machine: 404 and 410 mean that it is being updated */
};

#define RETRY_INIT(until)                                                                                    \
    {                                                                                                        \
        .deadline = (until)                                                                                  \
    }

/* Counts the try that gave `reply`, and waits before the next. False: there is none, `reply` is the answer.
 */
bool retry_wait(struct retry *retry, const struct http_reply *reply);

/* A random number of milliseconds from 0 to most. */
int64_t retry_jitter(int64_t most);

#endif
