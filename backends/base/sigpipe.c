/* No SIGPIPE of our making reaches the host, and no handler is set for that. */
#include "backends/base/sigpipe.h"
#include <errno.h>
#include <time.h>

static sigset_t only_sigpipe(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
}

static bool is_pending(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

void sigpipe_hold(struct sigpipe *ret_before)
{
    sigset_t set = only_sigpipe();

    pthread_sigmask(SIG_BLOCK, &set, &ret_before->mask);
    /* What this thread does not block cannot wait for it. */
    ret_before->was_pending = sigismember(&ret_before->mask, SIGPIPE) == 1 && is_pending();
}

void sigpipe_release(const struct sigpipe *before)
{
    const struct timespec at_once = {0, 0};
    sigset_t set = only_sigpipe();
    int errno_before = errno;

    while (!before->was_pending && sigtimedwait(&set, NULL, &at_once) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &before->mask, NULL);
    errno = errno_before;
}
