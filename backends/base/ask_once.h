/*
 * One asks for all: while one thread does a thing that takes long, others that need its outcome wait for it,
 * each until its own deadline. The lock is the caller's and guards what the thing brings, too; nobody holds
 * it meanwhile:
 *
 *     lock;
 *     if (not there && ask_once_join(...)) { unlock; rv = work; lock; publish; ask_once_answer(..., rv); }
 *     unlock;
 */
#ifndef BYOK_BASE_ASK_ONCE_H
#define BYOK_BASE_ASK_ONCE_H

#include "backends/base/cryptoki.h"
#include "backends/base/deadline.h"
#include <pthread.h>

struct ask_once {
    pthread_cond_t answered;
    bool running;
    unsigned long number; /* of answers so far */
    CK_RV result;         /* of the last one */
};

#define ASK_ONCE_INIT                                                                                        \
    {                                                                                                        \
        .answered = PTHREAD_COND_INITIALIZER                                                                 \
    }

/* Also in a forked child: whoever was asking there is gone. */
void ask_once_init(struct ask_once *asking);
void ask_once_done(struct ask_once *asking);

/*
 * Under the lock. True: the caller is the one who asks, and calls ask_once_answer afterwards. False: another
 * one asked, and *ret_result is how that went; CKR_DEVICE_ERROR where the deadline came first.
 */
MUST_USE bool ask_once_join(struct ask_once *asking, pthread_mutex_t *lock, struct deadline deadline,
                            CK_RV *ret_result);
/* Under the lock. */
void ask_once_answer(struct ask_once *asking, CK_RV result);

#endif
