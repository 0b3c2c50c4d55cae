/*
 * How long a data key can still be used after its key-encryption key was taken away, measured: for each way of
 * taking it away a token with a key of its own, a data key unwrapped under it, and threads that use the data key
 * all the time, each in another way. All of them at the same time.
 */
#ifndef BYOK_TESTS_SCENARIOS_BOUNDS_H
#define BYOK_TESTS_SCENARIOS_BOUNDS_H

#include "tests/built_module.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

extern CK_FUNCTION_LIST *p11;

enum { WORKERS = 8, BLOB_MOST = 512 };

/* Milliseconds of the clock that leases go by. */
int64_t now(void);
void wait_until(int64_t time);

/* What all threads of one bound share. */
struct use {
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE kek, key; /* the private key; the data key */
    CK_BYTE blob[BLOB_MOST];
    CK_ULONG blob_size;
    CK_RV closed;             /* what a closed key shall answer */
    atomic_bool taken, given; /* set before it is done */
    atomic_bool done;
};

/* A thread that uses the data key in one way. */
struct worker {
    pthread_t thread;
    struct use *use;
    unsigned way;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    bool streaming; /* in the middle of an operation */
    unsigned long count;
    int64_t last_good; /* when the last use began that went well before it was given back */
    int64_t first_bad; /* when the first one had failed; 0: none */
    CK_RV early, odd;  /* the first code before it was taken away; one that a closed key does not answer */
    CK_RV last;        /* the last code of all */
    atomic_bool back;  /* it works again */
    int64_t back_at;
};

/* Milliseconds. What is five minutes and an hour by default; and a token of the caller's. */
enum {
    LEASE_CHECK = 2000,
    LEASE = 8000,
    LONG_LEASE = 120000, /* of what is refused: its end, and the code of that, never comes first */
    CHECK = 2000,        /* what a check may take */
    TOKEN = 6000
};

/* One way to take a key away. */
struct bound {
    const char *name; /* the token's label, and the key's name in the vault */
    const char *promise;
    bool mhsm;                        /* it is in the Managed HSM, and its name there is "kek" */
    const char *caller;               /* NULL: the usual one */
    const char *options;              /* more of the token's section */
    const char *path, *taken, *given; /* PUT to the control port */
    const char *fault;                /* or this fault */
    int64_t not_before, not_after;    /* of closing; 0: it never closes */
    CK_RV closed;
    bool never_taken;
};

/* --- bounds_world.c --- */

enum { BOUNDS = 9 };
extern const struct bound bounds[BOUNDS];

/* The keys and callers of all bounds, and $BYOK_PKCS11_CONF with a token for each, in their order. */
void world_make(void);
/* Takes the key of bounds[which] away, or gives it back. Any thread. */
void world_take(size_t which, bool away);

/* --- bounds_work.c --- */

/* A data key under the key "kek" (or of another label) of a slot, from a blob. False: *ret_where failed. */
bool use_begin(struct use *use, CK_SLOT_ID slot, const char *label, const char **ret_where, CK_RV *ret_rv);
/* Makes the worker's own handle of the data key. False: likewise. */
bool worker_begin(struct worker *worker, struct use *use, unsigned way, const char **ret_where,
                  CK_RV *ret_rv);
/* For pthread_create: uses it until it is done. */
void *worker_run(void *worker);

#endif
