/* One asks for all. */
#include "backends/base/ask_once.h"
#include <time.h>

void ask_once_init(struct ask_once *asking)
{
    *asking = (struct ask_once)ASK_ONCE_INIT;
}

void ask_once_done(struct ask_once *asking)
{
    pthread_cond_destroy(&asking->answered);
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

bool ask_once_join(struct ask_once *asking, pthread_mutex_t *lock, struct deadline deadline,
                   CK_RV *ret_result)
{
    unsigned long number = asking->number;
    struct timespec at;

    if (!asking->running) {
        asking->running = true;
        return true;
    }
    at = until(deadline);
    while (asking->number == number) {
        if (pthread_cond_clockwait(&asking->answered, lock, CLOCK_MONOTONIC, &at) != 0 &&
            asking->number == number) {
            *ret_result = CKR_DEVICE_ERROR;
            return false;
        }
    }
    *ret_result = asking->result;
    return false;
}

void ask_once_answer(struct ask_once *asking, CK_RV result)
{
    asking->running = false;
    asking->number++;
    asking->result = result;
    pthread_cond_broadcast(&asking->answered);
}
