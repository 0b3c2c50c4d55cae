/*
 * A storm of random calls, from good ones to hostile ones, over the tokens of a world: all threads share
 * sessions and objects, so that everything is closed, destroyed and interrupted while it is used. What must
 * hold whatever the call is checked behind each of them. A storm is a seed; with one thread it repeats
 * itself.
 */
#ifndef BYOK_TESTS_HAMMER_H
#define BYOK_TESTS_HAMMER_H

#include "backends/base/cryptoki.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOKENS = 2, THREADS = 8, SESSIONS = 16, OBJECTS = 48 };

/* One token of the world, and what of it all threads share. */
struct target {
    const char *name;
    /* SoftHSM: it trusts its caller's pointers and keeps to one thread what a thread made; so do we there. */
    bool tame;
    CK_RV (*open)(struct target *target, CK_FLAGS flags, CK_SESSION_HANDLE *ret_session);
    void *arg;
    CK_SLOT_ID slot;
    CK_OBJECT_HANDLE public_kek, private_kek; /* stay for the whole storm */
    _Atomic CK_SESSION_HANDLE sessions[SESSIONS];
    _Atomic CK_OBJECT_HANDLE objects[OBJECTS];
};

struct world {
    CK_FUNCTION_LIST *p11;
    struct target targets[TOKENS];
    unsigned threads;
};

extern struct world world;

/* A thread's own. */
struct storm {
    uint64_t seed, random;
    unsigned thread, turn;
    const char *call; /* the one that is made */
};

uint64_t roll(struct storm *storm);
static inline unsigned pick(struct storm *storm, unsigned below)
{
    return (unsigned)(roll(storm) % below);
}
static inline bool one_in(struct storm *storm, unsigned n)
{
    return pick(storm, n) == 0;
}

/* Ends the program with the seed and what was done. */
void fail(const struct storm *storm, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* calls.c: one random call. */
void random_call(struct storm *storm);
/* Whether a token may answer so to anything at all. */
void check_rv(const struct storm *storm, const struct target *target, CK_RV rv);

/* work.c: what an application does, in random portions; the result must be right. */
void honest_work(struct storm *storm, struct target *target);

#endif
