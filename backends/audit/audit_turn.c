/* Turns: one thread after the other. */
#include "backends/audit/audit_turn.h"
#include "backends/base/deadline.h"
#include <time.h>

static struct timespec in(int64_t milliseconds)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += milliseconds / 1000;
    at.tv_nsec += milliseconds % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Where others have it meanwhile, the patience is with the one who has it now. */
static bool wait_locked(struct audit_turn *turn, int64_t patience)
{
    while (turn->busy) {
        int64_t left = turn->since + patience - clock_now();

        if (left <= 0) {
            return false;
        }
        struct timespec until = in(left);

        pthread_cond_clockwait(&turn->free, &turn->gate, CLOCK_MONOTONIC, &until);
    }
    return true;
}

bool audit_turn_take(struct audit_turn *turn, int64_t patience)
{
    bool mine;

    pthread_mutex_lock(&turn->gate);
    mine = wait_locked(turn, patience);
    if (mine) {
        turn->busy = true;
        turn->since = clock_now();
    }
    pthread_mutex_unlock(&turn->gate);
    return mine;
}

void audit_turn_give(struct audit_turn *turn)
{
    pthread_mutex_lock(&turn->gate);
    turn->busy = false;
    pthread_mutex_unlock(&turn->gate);
    pthread_cond_signal(&turn->free);
}

void audit_turn_after_fork(struct audit_turn *turn)
{
    pthread_mutex_init(&turn->gate, NULL);
    pthread_cond_init(&turn->free, NULL);
    turn->busy = false;
}
