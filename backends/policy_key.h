/*
 * How large an HSM's RSA key is, asked of the HSM. A key on the token that was large enough is remembered by its
 * handle, in the session that asked, until some key of the token was destroyed or somebody logged out: after that
 * the handle may be another's. What was created in a session is asked about each time.
 */
#ifndef BYOK_BACKENDS_POLICY_KEY_H
#define BYOK_BACKENDS_POLICY_KEY_H

#include "backends/backend.h"
#include <pthread.h>
#include <stdatomic.h>

enum { POLICY_TOLD = 32, POLICY_KNOWN = 8 };

/* Of a token: all its sessions share it. */
struct policy_keys {
    const char *title, *label; /* of its section, for the log; what this module calls it. Lent */
    unsigned min_bits;
    atomic_ulong changing; /* calls that are just making handles invalid */
    atomic_ulong epoch;    /* such calls that have returned */
    pthread_mutex_t lock;  /* for all below */
    struct {
        CK_OBJECT_HANDLE handle;
        unsigned bits;
    } told[POLICY_TOLD]; /* which refusals are in the log */
    size_t told_count, told_next;
};

/* Of a session. */
struct policy_known {
    pthread_mutex_t lock;
    struct {
        CK_OBJECT_HANDLE handle;
        unsigned long epoch;
    } key[POLICY_KNOWN];
    size_t count, next;
};

void policy_keys_init(struct policy_keys *keys, const char *title, const char *label, unsigned min_bits);
void policy_keys_done(struct policy_keys *keys);
void policy_known_init(struct policy_known *known);
void policy_known_done(struct policy_known *known);

/* Round each call that takes handles away. */
void policy_keys_change(struct policy_keys *keys);
void policy_keys_changed(struct policy_keys *keys);

/*
 * CKR_OK for a key that is large enough, and for one that is not RSA. CKR_KEY_FUNCTION_NOT_PERMITTED for one that is
 * too small or does not tell: why is in the log once, and in the records each time. `bad_handle` where there is no such
 * key; else what the HSM answered.
 */
MUST_USE CK_RV policy_key_check(struct policy_keys *keys, struct policy_known *known,
                                struct token_session *below, CK_OBJECT_HANDLE key, CK_RV bad_handle);

#endif
