/*
 * One asks for all: while one thread makes a request, others that need the same answer wait for it. The lock
 * is the caller's and guards the answer, too; it is not held while the one asks.
 */
#ifndef BYOK_PKCS11_SOFT_FLIGHT_H
#define BYOK_PKCS11_SOFT_FLIGHT_H

#include "backends/base/cryptoki.h"
#include "backends/base/deadline.h"
#include <pthread.h>

struct flight {
    pthread_cond_t landed;
    bool running;
    unsigned long number; /* of flights that have landed */
    CK_RV result;         /* of the last one */
};

void flight_init(struct flight *flight);
void flight_done(struct flight *flight);

/*
 * Under the lock. True: the caller is the one who asks, and calls flight_land afterwards. False: another one
 * asked, and *ret_result is how that went; CKR_DEVICE_ERROR where the deadline came first.
 */
bool flight_join(struct flight *flight, pthread_mutex_t *lock, struct deadline deadline, CK_RV *ret_result);
/* Under the lock. */
void flight_land(struct flight *flight, CK_RV result);

#endif
