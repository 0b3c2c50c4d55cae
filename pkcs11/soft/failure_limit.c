/* How often a key may fail to open. */
#include "pkcs11/soft/failure_limit.h"

enum { GAPS = MOST_FAILURES - 1 };

/* A gap that was cut does no harm: whatever came before it is over. */
static int64_t next_at(const struct failure_limit *limit)
{
    int64_t first = limit->newest;

    if (limit->count < MOST_FAILURES) {
        return 0;
    }
    for (size_t i = 0; i < GAPS; i++) {
        first -= limit->gaps[i];
    }
    return first + FAILURE_SPAN;
}

int64_t failure_limit_wait(const struct failure_limit *limit, int64_t now)
{
    int64_t at = next_at(limit);

    return at > now ? at - now : 0;
}

static uint16_t gap_before(const struct failure_limit *limit, int64_t at)
{
    int64_t gap = at - limit->newest;

    return gap < 0 ? 0 : gap > FAILURE_SPAN ? FAILURE_SPAN : (uint16_t)gap;
}

/* Threads that failed at once count as if they had waited for each other: in the end it is ten a second. */
void failure_limit_note(struct failure_limit *limit, int64_t now)
{
    int64_t at = now + failure_limit_wait(limit, now);

    limit->gaps[limit->oldest] = gap_before(limit, at);
    limit->oldest = (uint8_t)((limit->oldest + 1) % GAPS);
    limit->newest = at > limit->newest ? at : limit->newest;
    limit->count = (uint8_t)(limit->count + (limit->count < MOST_FAILURES));
}
