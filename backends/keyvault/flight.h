/*
 * One thread does a thing that takes long, others wait for its result until their deadlines, and no lock is
 * held meanwhile:
 *
 *     lock; while (not there) { if (!flight.in_air) { take off; unlock; work; lock; publish; land; }
 *                               else if (!flight_wait) give up; } unlock
 */
#ifndef BYOK_BACKENDS_KEYVAULT_FLIGHT_H
#define BYOK_BACKENDS_KEYVAULT_FLIGHT_H

#include "backends/base/deadline.h"
#include <pthread.h>

struct flight {
    pthread_mutex_t lock; /* for in_air and for what the flight fetches */
    pthread_cond_t landed;
    bool in_air;
};

#define FLIGHT_INIT                                                                                          \
    {                                                                                                        \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false                                           \
    }

void flight_done(struct flight *flight);
/* With the lock held: waits until something landed; false when the deadline has passed. */
bool flight_wait(struct flight *flight, struct deadline deadline);
/* With the lock held: the one in the air is down. */
void flight_land(struct flight *flight);

#endif
