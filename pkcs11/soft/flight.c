/* One asks for all. */
#include "pkcs11/soft/flight.h"
#include <time.h>

void flight_init(struct flight *flight)
{
    pthread_condattr_t attributes;

    *flight = (struct flight){.running = false};
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&flight->landed, &attributes);
    pthread_condattr_destroy(&attributes);
}

void flight_done(struct flight *flight)
{
    pthread_cond_destroy(&flight->landed);
}

static struct timespec until(struct deadline deadline)
{
    int64_t left = deadline_left(deadline);
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(left / 1000);
    at.tv_nsec += (long)(left % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

bool flight_join(struct flight *flight, pthread_mutex_t *lock, struct deadline deadline, CK_RV *ret_result)
{
    unsigned long number = flight->number;
    struct timespec at;

    if (!flight->running) {
        flight->running = true;
        return true;
    }
    at = until(deadline);
    while (flight->number == number) {
        if (pthread_cond_timedwait(&flight->landed, lock, &at) != 0 && flight->number == number) {
            *ret_result = CKR_DEVICE_ERROR;
            return false;
        }
    }
    *ret_result = flight->result;
    return false;
}

void flight_land(struct flight *flight, CK_RV result)
{
    flight->running = false;
    flight->number++;
    flight->result = result;
    pthread_cond_broadcast(&flight->landed);
}
