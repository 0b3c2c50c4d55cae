/*
 * Writing where the other end may be gone raises SIGPIPE, which ends a host that did not expect it. Between
 * sigpipe_hold() and sigpipe_release() this thread gets none; one that the host had pending stays pending.
 */
#ifndef BYOK_BASE_SIGPIPE_H
#define BYOK_BASE_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

struct sigpipe {
    sigset_t mask;    /* the thread's, from before */
    bool was_pending; /* so it is not ours to take away */
};

void sigpipe_hold(struct sigpipe *ret_before);
void sigpipe_release(const struct sigpipe *before); /* errno stays */

#endif
