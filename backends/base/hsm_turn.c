/* Taking turns at what is slow. */
#include "backends/base/hsm_turn.h"

void hsm_turn_init(struct hsm_turn *turn)
{
    pthread_mutex_init(&turn->lock, NULL);
    pthread_cond_init(&turn->given, NULL);
    turn->taken = false;
}

void hsm_turn_done(struct hsm_turn *turn)
{
    pthread_cond_destroy(&turn->given);
    pthread_mutex_destroy(&turn->lock);
}

static bool take_locked(struct hsm_turn *turn)
{
    if (turn->taken && pthread_equal(turn->owner, pthread_self())) {
        return false;
    }
    while (turn->taken) {
        pthread_cond_wait(&turn->given, &turn->lock);
    }
    turn->taken = true;
    turn->owner = pthread_self();
    return true;
}

bool hsm_turn_take(struct hsm_turn *turn)
{
    pthread_mutex_lock(&turn->lock);
    bool taken = take_locked(turn);

    pthread_mutex_unlock(&turn->lock);
    return taken;
}

void hsm_turn_give(struct hsm_turn *turn)
{
    pthread_mutex_lock(&turn->lock);
    turn->taken = false;
    pthread_cond_signal(&turn->given);
    pthread_mutex_unlock(&turn->lock);
}
