/* Time that nothing turns back. */
#include "backends/base/deadline.h"
#include <errno.h>
#include <time.h>

int64_t clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct deadline deadline_in(int64_t milliseconds)
{
    return (struct deadline){clock_now() + milliseconds};
}

int64_t deadline_left(struct deadline deadline)
{
    int64_t left = deadline.at - clock_now();

    return left > 0 ? left : 0;
}

bool deadline_sleep(struct deadline deadline, int64_t milliseconds)
{
    struct timespec wait = {.tv_sec = milliseconds / 1000, .tv_nsec = (milliseconds % 1000) * 1000000};

    if (milliseconds >= deadline_left(deadline)) {
        return false;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, &wait) == EINTR) {
    }
    return true;
}
