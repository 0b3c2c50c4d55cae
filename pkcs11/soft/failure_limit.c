/* How often a key may fail to open. */
#include "pkcs11/soft/failure_limit.h"

static int64_t next_at(const struct failure_limit *limit)
{
    int64_t oldest = limit->at[limit->oldest];

    return oldest == 0 ? 0 : oldest + FAILURE_SPAN;
}

int64_t failure_limit_wait(const struct failure_limit *limit, int64_t now)
{
    int64_t at = next_at(limit);

    return at > now ? at - now : 0;
}

/* Threads that failed at once count as if they had waited for each other: in the end it is ten a second. */
void failure_limit_note(struct failure_limit *limit, int64_t now)
{
    limit->at[limit->oldest] = now + failure_limit_wait(limit, now);
    limit->oldest = (limit->oldest + 1) % MOST_FAILURES;
}
