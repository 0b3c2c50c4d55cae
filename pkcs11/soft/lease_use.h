/*
 * Values in use: what every call does that works with the value of a key that lives here. Without a lease it
 * costs nothing. With one: as long as the lease is quiet one atomic exchange each way, else somebody asks the
 * service, and where that refuses, what was unwrapped is wiped, in sessions that are in the middle of something,
 * too.
 */
#ifndef BYOK_PKCS11_SOFT_LEASE_USE_H
#define BYOK_PKCS11_SOFT_LEASE_USE_H

#include "pkcs11/soft/leasehold.h"

struct soft_session;
struct soft_token;
struct object;
struct mechanism;
struct mechanism_parameter;

static inline void value_leave(struct key_value *value)
{
    if (value != NULL) {
        leasehold_leave(value->leasehold);
    }
}

static inline void value_leave_scoped(struct key_value **value)
{
    value_leave(*value);
}

/*
 * The value of a key that lives here may be used until value_leave(*ret_entered); NULL where there is nothing to
 * leave: also for other keys and for none. One that is closed is opened again first, where the service allows
 * it; else CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_DEVICE_ERROR.
 */
MUST_USE CK_RV soft_value_enter(struct soft_session *session, const struct object *key,
                                struct key_value **ret_entered);
/* The same for an operation that is under way: CKR_FUNCTION_CANCELED where the value has been closed since. */
MUST_USE CK_RV soft_value_resume(struct soft_session *session, const struct object *key,
                                 const struct value_use *use, struct key_value **ret_entered);
/* For one who only looks: false where it is closed. */
bool value_look_in(struct key_value *value, struct key_value **ret_entered);

/* An operation begins with the value that has been entered (NULL: one without a lease). */
void value_use_begin(struct value_use *use, struct key_value *entered);
bool value_use_is_over(const struct value_use *use);

/* The session's own lock. Whoever gives it back wipes what has been closed meanwhile. */
void soft_session_lock(struct soft_session *session);
void soft_session_unlock(struct soft_session *session);

/* What has ended by time alone is closed. At the beginning of every call. */
void soft_leases_look(struct soft_token *token, int64_t now);

/* --- lease_kek.c: what the application does under a key of the service --- */

/* C_UnwrapKey has opened a value. `first`: as of opener_new. */
struct unwrapped {
    const struct mechanism *mechanism;
    const struct mechanism_parameter *parameter;
    struct bytes blob;
    size_t first;
    const char *version; /* of the service's key */
    int64_t began;
};
/* Where the value holds a lease afterwards the caller is inside, and leaves it. */
MUST_USE CK_RV soft_lease_begin(struct soft_session *session, const struct object *kek,
                                const struct unwrapped *how, struct key_value *value);
/* C_WrapKey has wrapped the value under `version` of a key of the service: the next check may go by that. */
void soft_lease_rewrapped(struct soft_session *session, const struct object *kek, const struct unwrapped *how,
                          struct key_value *value);

/*
 * What the service answered to an unwrapKey of the application. `version` "": it was asked for the latest and did not
 * tell which one that is, maybe one that nobody has seen yet. A refusal then makes a check of all versions due, each
 * by its name, and says no more.
 */
void soft_lease_answered(struct soft_token *token, struct service_key *key, const char *version,
                         const struct service_answer *answer, int64_t began);

/* C_WrapKey: CKR_OK, or the code of a key of the service that is closed and could not be opened again. */
MUST_USE CK_RV soft_kek_open(struct soft_session *session, struct service_key *key);

/* Another verb was refused. `version` "": not told. */
void soft_lease_hint(struct lease_book *book, const struct service_key *key, const char *version);

/* --- Among lease_use.c, lease_kek.c and lease_check.c, which makes the requests --- */

/* Wipes, sweeps, logs; no lock is held. */
void lease_finish(struct soft_token *token, const struct lease_news *news,
                  const struct service_answer *answer);
MUST_USE CK_RV value_enter(struct soft_session *session, struct key_value *value, bool reopens);
/* A check, if one is due and nobody else makes it. */
void lease_renew(struct soft_session *session, struct leasehold *hold);
/* What is closed is opened again, or the code of why not. */
MUST_USE CK_RV lease_reopen(struct soft_session *session, struct leasehold *hold);
/* One attempt in a second, shared by all who come meanwhile. `root` NULL: with any blob. */
void lease_attempt_locked(struct soft_session *session, struct lease *lease, struct leasehold *root,
                          struct deadline deadline);

#endif
