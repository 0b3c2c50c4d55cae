/* Turns: one thread after the other, and nobody waits for one who hangs. All threads. */
#ifndef BYOK_BACKENDS_AUDIT_TURN_H
#define BYOK_BACKENDS_AUDIT_TURN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct audit_turn {
    pthread_mutex_t gate; /* for what follows, for a moment */
    pthread_cond_t free;
    bool busy;     /* somebody has the turn */
    int64_t since; /* clock_now() when it was taken */
};

#define AUDIT_TURN_INIT                                                                                      \
    {                                                                                                        \
        .gate = PTHREAD_MUTEX_INITIALIZER, .free = PTHREAD_COND_INITIALIZER                                  \
    }

/* False: somebody has had the turn for `patience` ms. */
bool audit_turn_take(struct audit_turn *turn, int64_t patience);
void audit_turn_give(struct audit_turn *turn);
/* In a forked child: nobody has it. One thread alone. */
void audit_turn_after_fork(struct audit_turn *turn);

#endif
