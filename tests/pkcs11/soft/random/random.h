/*
 * Every function of the soft token with arguments that nobody should pass, from several threads that share
 * sessions and keys. What comes back must be one of the codes that the standard has for that function, nothing
 * is written where it should not be, and a sanitizer has nothing to say. A run is a seed; with one thread it
 * repeats itself.
 */
#ifndef BYOK_TESTS_SOFT_RANDOM_H
#define BYOK_TESTS_SOFT_RANDOM_H

#include "pkcs11/soft/token.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    SESSIONS = 6,
    OBJECTS = 32,
    KEYS = 6,
    MOST_THREADS = 4,
    KEY_ATTRIBUTES = 6,
    MOST_ATTRIBUTES = 12,
    MOST_OUT = 640
};

/* What all threads share. */
struct world {
    struct token *token;
    struct token_session *sessions[SESSIONS]; /* stay open */
    CK_OBJECT_HANDLE
    keys[KEYS]; /* of the service: the KEK's public and private, and what else there is; they stay */
    _Atomic CK_OBJECT_HANDLE objects[OBJECTS];
    CK_MECHANISM_TYPE mechanisms[128];
    CK_ULONG mechanism_count;
};

/* A thread's own. */
struct caller {
    struct world *world;
    uint64_t seed, random;
    unsigned thread, turn;
    const char *name;             /* of the function */
    struct token_session *own;    /* closed and opened by this thread alone */
    struct token_session *last;   /* that was used; NULL: none that is open */
    unsigned char kept[MOST_OUT]; /* what a call gave, to be passed to others */
    CK_ULONG kept_size;
};

uint64_t roll(struct caller *caller);
static inline unsigned pick(struct caller *caller, unsigned below)
{
    return (unsigned)(roll(caller) % below);
}
static inline bool one_in(struct caller *caller, unsigned n)
{
    return pick(caller, n) == 0;
}
#define PICK(caller, list) ((list)[pick((caller), sizeof(list) / sizeof(list)[0])])

/* Ends the program with the seed and what was done. */
void fail(const struct caller *caller, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* Exactly so many bytes on the heap, or a lie about them. */
struct input {
    unsigned char *memory, *data;
    CK_ULONG size;
};

/* Room for an answer, with a canary behind it. `data` NULL: a size query; `size_place` NULL: none is wanted. */
struct output {
    unsigned char *memory, *data;
    CK_ULONG room, size, *size_place;
};

struct template
{
    CK_ATTRIBUTE *list, memory[MOST_ATTRIBUTES];
    unsigned char values[MOST_ATTRIBUTES][1 + 80]; /* each at an odd address */
    CK_ULONG count;
};

/* One of everything that a function may want. */
struct arguments {
    struct token_session *session;
    CK_MECHANISM *mechanism, mechanism_memory;
    unsigned char *parameter_memory, iv[144];
    struct gcm_message_params message;
    void *parameter; /* of a message */
    CK_ULONG parameter_size;
    CK_OBJECT_HANDLE key, other_key, made[2], *ret_made[2];
    CK_OBJECT_HANDLE found[8];
    CK_ULONG most, number, *ret_number;
    CK_FLAGS flags;
    struct input in, more;
    struct output out;
    struct template template, other_template;
};

void arguments_new(struct caller *caller, struct arguments *arguments);
void arguments_free(struct arguments *arguments);
/* What an earlier call gave, now and then with a bit changed. */
struct input input_kept(struct caller *caller);
/* What must hold whatever was called. */
void arguments_check(struct caller *caller, struct arguments *arguments, CK_RV rv);
void mechanism_new(struct caller *caller, struct arguments *arguments);

/* One random call. */
void random_call(struct caller *caller);
/* Fails where a function that the token has was never called. */
void check_all_called(const struct caller *caller);

#endif
