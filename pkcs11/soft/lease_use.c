/* Values in use: entered, left, closed under those who are in the middle of something. */
#include "pkcs11/soft/lease_use.h"
#include "pkcs11/soft/soft.h"

/* --- Values --- */

static CK_RV code_of(const struct leasehold *hold)
{
    CK_RV rv;

    pthread_mutex_lock(&hold->book->lock);
    rv = lease_code(atomic_load(&hold->lease)->state);
    pthread_mutex_unlock(&hold->book->lock);
    return rv;
}

static __attribute__((noinline)) CK_RV enter_slowly(struct soft_session *session, struct leasehold *hold,
                                                    bool reopens)
{
    CK_RV rv;

    lease_renew(session, hold);
    if (leasehold_enter(hold)) {
        return CKR_OK;
    }
    if (!reopens) {
        return CKR_FUNCTION_CANCELED;
    }
    rv = lease_reopen(session, hold);
    if (rv == CKR_OK && leasehold_enter(hold)) {
        return CKR_OK;
    }
    return rv == CKR_OK || rv == CKR_CANCEL ? code_of(hold) : rv; /* closed again meanwhile */
}

CK_RV value_enter(struct soft_session *session, struct key_value *value, bool reopens)
{
    struct leasehold *hold = value->leasehold;
    const struct lease *lease = atomic_load_explicit(&hold->lease, memory_order_acquire);

    if (atomic_load_explicit(&session->now, memory_order_relaxed) <
            atomic_load_explicit(&lease->quiet_until, memory_order_acquire) &&
        leasehold_enter(hold)) {
        return CKR_OK;
    }
    return enter_slowly(session, hold, reopens);
}

static struct key_value *leased_value_of(const struct object *key)
{
    struct local_key *local = key == NULL ? NULL : key->local;

    return local != NULL && local->value->leasehold != NULL ? local->value : NULL;
}

CK_RV soft_value_enter(struct soft_session *session, const struct object *key, struct key_value **ret_entered)
{
    struct key_value *value = leased_value_of(key);
    CK_RV rv = value == NULL ? CKR_OK : value_enter(session, value, true);

    if (rv == CKR_OK) {
        *ret_entered = value;
    }
    return rv;
}

bool value_use_is_over(const struct value_use *use)
{
    const struct leasehold *hold = use->value == NULL ? NULL : use->value->leasehold;

    return hold != NULL && (!leasehold_is_open(hold) || atomic_load(&hold->fillings) != use->filling);
}

CK_RV soft_value_resume(struct soft_session *session, const struct object *key, const struct value_use *use,
                        struct key_value **ret_entered)
{
    struct key_value *value = leased_value_of(key);
    CK_RV rv;

    if (value == NULL) {
        return CKR_OK;
    }
    rv = use->cancelled || use->value == NULL ? CKR_FUNCTION_CANCELED : value_enter(session, value, false);
    if (rv == CKR_OK && value_use_is_over(use)) {
        value_leave(value);
        rv = CKR_FUNCTION_CANCELED;
    }
    if (rv == CKR_OK) {
        *ret_entered = value;
    }
    return rv;
}

bool value_look_in(struct key_value *value, struct key_value **ret_entered)
{
    if (value->leasehold == NULL) {
        return true;
    }
    if (!leasehold_enter(value->leasehold)) {
        return false;
    }
    *ret_entered = value;
    return true;
}

void value_use_begin(struct value_use *use, struct key_value *entered)
{
    if (entered != NULL) {
        use->value = key_value_hold(entered);
        use->filling = atomic_load(&entered->leasehold->fillings);
        use->cancelled = false;
    }
}

/* --- Sessions --- */

static void sweep_locked(struct soft_session *session)
{
    operation_cancel(&session->encrypting);
    operation_cancel(&session->decrypting);
    operation_cancel(&session->messages_encrypting.operation);
    operation_cancel(&session->messages_decrypting.operation);
    signing_cancel(&session->signing);
    signing_cancel(&session->verifying);
    digesting_cancel(&session->digesting);
}

/* Whoever had to wait looks at the time again. */
void soft_session_lock(struct soft_session *session)
{
    if (pthread_mutex_trylock(&session->lock) != 0) {
        pthread_mutex_lock(&session->lock);
        soft_look(session);
    }
}

/*
 * Who closes a lease marks every session, and then looks into those that nobody is in; who is in one looks at the mark
 * after it has left. Both are exchanges of one word, so one comes first: either the session is found empty, or the
 * mark is seen.
 */
void soft_session_unlock(struct soft_session *session)
{
    bool used = atomic_load_explicit(&session->token->leases.used, memory_order_relaxed);

    do {
        if (atomic_load_explicit(&session->marked, memory_order_relaxed) != 0 &&
            atomic_exchange(&session->marked, 0) != 0) {
            sweep_locked(session);
        }
        pthread_mutex_unlock(&session->lock);
    } while (used && atomic_fetch_add(&session->marked, 0) != 0 &&
             pthread_mutex_trylock(&session->lock) == 0);
}

/* The next session that has not been looked into since, pinned; NULL: that was the last one. */
static struct soft_session *next_session(struct soft_token *token, unsigned long closings, bool *ret_locked)
{
    struct soft_session *session;

    pthread_mutex_lock(&token->lock);
    session = TAILQ_FIRST(&token->all_sessions);
    if (session != NULL && session->visited >= closings) {
        session = NULL;
    }
    if (session != NULL) {
        session->visited = closings;
        session->pins++;
        TAILQ_REMOVE(&token->all_sessions, session, of_token);
        TAILQ_INSERT_TAIL(&token->all_sessions, session, of_token);
        atomic_exchange(&session->marked, 1);
        *ret_locked = pthread_mutex_trylock(&session->lock) == 0;
    }
    pthread_mutex_unlock(&token->lock);
    return session;
}

static void unpin(struct soft_token *token, struct soft_session *session)
{
    pthread_mutex_lock(&token->lock);
    session->pins--;
    pthread_cond_broadcast(&token->unpinned);
    pthread_mutex_unlock(&token->lock);
}

static void sweep_all(struct soft_token *token)
{
    unsigned long closings = atomic_load(&token->leases.closings);
    struct soft_session *session;
    bool locked = false;

    while ((session = next_session(token, closings, &locked)) != NULL) {
        if (locked) {
            soft_session_unlock(session);
        }
        unpin(token, session);
    }
}

void lease_finish(struct soft_token *token, const struct lease_news *news,
                  const struct service_answer *answer)
{
    if (news->what == LEASE_CLOSES) {
        leaseholds_empty(&token->leases, news->lease);
        sweep_all(token);
    }
    lease_report(&token->leases, news, answer);
}

void soft_leases_look(struct soft_token *token, int64_t now)
{
    struct lease_book *book = &token->leases;
    struct lease_news news;
    bool ended;

    do {
        news = (struct lease_news){.what = LEASE_NO_NEWS};
        pthread_mutex_lock(&book->lock);
        ended = lease_end_one_locked(book, now, &news);
        pthread_mutex_unlock(&book->lock);
        lease_finish(token, &news, NULL);
    } while (ended);
}
