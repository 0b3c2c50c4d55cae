/*
 * A PKCS#11 module that does nothing, quickly, for the HSM token to stand on: two slots with the tokens
 * "fake-0" and "fake-1". A test in the same process looks into it and steers it: dlsym(module,
 * "fake_module").
 */
#ifndef BYOK_TESTS_FAKE_MODULE_H
#define BYOK_TESTS_FAKE_MODULE_H

#include "backends/base/cryptoki.h"
#include <stdatomic.h>
#include <stdbool.h>

enum { FAKE_SLOTS = 2 };

struct fake_module {
    atomic_int sessions;                    /* open now */
    atomic_int opened;                      /* ever */
    atomic_int inside;                      /* calls that are in C_GenerateRandom */
    atomic_bool hold;                       /* they stay in there */
    atomic_int too_late;                    /* calls with a session that was closed, or closed under a call */
    atomic_bool absent;                     /* slot 1 has no token */
    atomic_bool returns;                    /* it has one again from the next C_Initialize on */
    atomic_int event;                       /* one event for this slot, then -1 again; born as -1 */
    _Atomic CK_SESSION_HANDLE last_session; /* the last C_OpenSession: its result, and what it was given */
    _Atomic CK_FLAGS last_flags;
    _Atomic CK_NOTIFY last_notify;
    void *_Atomic last_application;
};

#endif
