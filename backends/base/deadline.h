/*
 * When a C_ call must have answered. One deadline is made at the door of a call and handed down through every
 * request that the call costs. CLOCK_BOOTTIME: neither suspend nor a changed clock extends it.
 */
#ifndef BYOK_BASE_DEADLINE_H
#define BYOK_BASE_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct deadline {
    int64_t at; /* milliseconds of clock_now() */
};

/* Milliseconds since the machine started. */
int64_t clock_now(void);

struct deadline deadline_in(int64_t milliseconds);
/* Milliseconds left, 0 when it has passed. */
int64_t deadline_left(struct deadline deadline);
static inline bool deadline_passed(struct deadline deadline)
{
    return deadline_left(deadline) == 0;
}
/* Sleeps, but never beyond the deadline; false, at once, when it would. */
bool deadline_sleep(struct deadline deadline, int64_t milliseconds);

#endif
