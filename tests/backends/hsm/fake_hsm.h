/*
 * A vendor's module that does what a test tells it and says what it was asked. A test loads its own copy of
 * the library, and gets at its state through fake_hsm_state().
 */
#ifndef BYOK_TESTS_BACKENDS_HSM_FAKE_HSM_H
#define BYOK_TESTS_BACKENDS_HSM_FAKE_HSM_H

#include "backends/function_table.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* M(a) M(b) ... for all but the first of MAP(M, first, a, b, ...). */
#define MAP_0(M, first)
#define MAP_1(M, first, a)                                  M(a)
#define MAP_2(M, first, a, b)                               M(a) M(b)
#define MAP_3(M, first, a, b, c)                            M(a) M(b) M(c)
#define MAP_4(M, first, a, b, c, d)                         M(a) M(b) M(c) M(d)
#define MAP_5(M, first, a, b, c, d, e)                      M(a) M(b) M(c) M(d) M(e)
#define MAP_6(M, first, a, b, c, d, e, f)                   M(a) M(b) M(c) M(d) M(e) M(f)
#define MAP_7(M, first, a, b, c, d, e, f, g)                M(a) M(b) M(c) M(d) M(e) M(f) M(g)
#define MAP_8(M, first, a, b, c, d, e, f, g, h)             M(a) M(b) M(c) M(d) M(e) M(f) M(g) M(h)
#define MAP_CHOOSE(first, a, b, c, d, e, f, g, h, map, ...) map
#define MAP(M, ...)                                                                                          \
    MAP_CHOOSE(__VA_ARGS__, MAP_8, MAP_7, MAP_6, MAP_5, MAP_4, MAP_3, MAP_2, MAP_1, MAP_0)(M, __VA_ARGS__)

/* An argument, pointer or number, as a number; for a list. */
#define FAKE_WORD(argument) (CK_ULONG)(uintptr_t)(argument),

enum { FAKE_WORDS = 8, FAKE_SLOTS = 2, FAKE_FIRST_SLOT = 5, FAKE_EVENTS = 4, FAKE_MECHANISMS = 8 };

struct fake_call {
    const char *name;
    CK_SESSION_HANDLE session;
    CK_ULONG word[FAKE_WORDS]; /* unused: 0 */
};

struct fake_hsm {
    /* what happened */
    atomic_uint initialized, finalized, logged_in, logged_out, opened, closed, closed_all;
    atomic_uint calls;
    atomic_uint looked; /* C_GetSlotList */
    struct fake_call last;
    CK_FLAGS initialize_flags; /* CK_UNAVAILABLE_INFORMATION: no arguments */
    CK_SESSION_HANDLE session; /* the youngest */
    CK_NOTIFY notify;
    void *application;

    atomic_uint hangs; /* calls from inside of another one, for which it would wait */

    /* what it is to do */
    atomic_bool alive;       /* between C_Initialize and C_Finalize */
    CK_RV initialize_answer; /* of C_Initialize, unless CKR_OK */
    CK_SLOT_ID first_slot;   /* its number; the others follow */
    bool there[FAKE_SLOTS];
    bool looks_once; /* what is there is seen at C_Initialize only */
    char label[FAKE_SLOTS][33];
    CK_FLAGS flags; /* of tokens */
    char pin[16];
    CK_RV login_answer;   /* CKR_OK: as the PIN is */
    unsigned login_takes; /* milliseconds */
    void (*during_login)(void);
    CK_RV answer; /* of all functions of a session but C_Login and C_Logout; of these too when `literal` */
    bool literal;
    atomic_uint events;
    CK_SLOT_ID event[FAKE_EVENTS];
    void (*during)(void); /* called on the same thread from inside of each function, as libcrypto may */
    CK_FUNCTION_LIST *table;
    CK_FUNCTION_LIST_3_0 *table_3_0;
    CK_VERSION interface; /* the only one that it has; of table_3_0. {0, 0}: it has no interfaces */

    struct {
        CK_MECHANISM_TYPE type;
        CK_FLAGS flags;
    } mechanism[FAKE_MECHANISMS]; /* as many as have flags */
    bool has_keys;                /* key functions do what they should: fake_keys.c */
    const char *fails;            /* the function that fails, after so many calls that do not; NULL: none */
    int fails_after;
    CK_RV fails_with;
    struct {
        unsigned bits; /* 0: it is described by its modulus' length alone */
        CK_KEY_TYPE type;
        bool on_token, hides_modulus, hides_bits, is_gone;
    } key;    /* what every key is, by its attributes */
    int keys; /* there are now */
    unsigned keys_ever;
    CK_MECHANISM_TYPE used; /* to wrap or unwrap last */

    /* its own */
    _Atomic CK_SLOT_ID session_slot; /* of the youngest session */
    bool inside;             /* of `during` */
    bool seen[FAKE_SLOTS];
    atomic_uint sessions;
    atomic_bool user;
};

typedef struct fake_hsm *fake_hsm_state_function(void);

/* False: not a call that is about keys. */
bool fake_keys_call(struct fake_hsm *fake, const struct fake_call *call, CK_RV *ret_rv);

#endif
