/*
 * One thread at a time does something slow; the others wait for it. No lock is held meanwhile, because the
 * vendor's module may call this one on the same thread: such a thread is told so instead of waiting for
 * itself.
 */
#ifndef BYOK_BASE_HSM_TURN_H
#define BYOK_BASE_HSM_TURN_H

#include <pthread.h>
#include <stdbool.h>

struct hsm_turn {
    pthread_mutex_t lock;
    pthread_cond_t given;
    pthread_t owner; /* while taken */
    bool taken;
};

/* Also in a forked child: whoever had it there is gone. */
void hsm_turn_init(struct hsm_turn *turn);
void hsm_turn_done(struct hsm_turn *turn);

/* Waits for the turn. False: this thread has it already, and must not give it. */
bool hsm_turn_take(struct hsm_turn *turn);
void hsm_turn_give(struct hsm_turn *turn);

#endif
