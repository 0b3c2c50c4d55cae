/* One works, the others wait. */
#include "backends/keyvault/flight.h"
#include <time.h>

void flight_done(struct flight *flight)
{
    pthread_cond_destroy(&flight->landed);
    pthread_mutex_destroy(&flight->lock);
}

bool flight_wait(struct flight *flight, struct deadline deadline)
{
    int64_t left = deadline_left(deadline);
    struct timespec until;

    if (left == 0) {
        return false;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += left / 1000;
    until.tv_nsec += (left % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_clockwait(&flight->landed, &flight->lock, CLOCK_MONOTONIC, &until);
    return true;
}

void flight_land(struct flight *flight)
{
    flight->in_air = false;
    pthread_cond_broadcast(&flight->landed);
}
