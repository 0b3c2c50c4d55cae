/* What leases ask of the service: checks, and attempts to open again what is closed. */
#include "backends/base/scope.h"
#include "pkcs11/soft/lease_use.h"
#include "pkcs11/soft/opener.h"
#include "pkcs11/soft/soft.h"
#include <string.h>

static void tell(struct soft_token *token, struct lease *lease, const struct service_answer *answer,
                 int64_t began)
{
    struct lease_news news = {.what = LEASE_NO_NEWS};

    pthread_mutex_lock(&token->leases.lock);
    lease_told_locked(&token->leases, lease, answer, began, true, &news);
    pthread_mutex_unlock(&token->leases.lock);
    lease_finish(token, &news, answer);
}

static struct opener_place place_of(struct soft_token *token, const struct lease *lease)
{
    return (struct opener_place){&token->catalogue.access, lease->key, lease->version};
}

/* The answer's value is wiped unread. */
static int64_t ask_unread(const struct opener *opener, const struct opener_place *place,
                          struct deadline deadline, struct service_answer *ret_answer)
{
    struct secret unread SCOPED(secret_free) = SECRET_INIT;
    int64_t began = clock_now();

    *ret_answer = (struct service_answer){VERDICT_NONE};
    (void)!opener_ask(opener, place, deadline, &unread, ret_answer);
    return began;
}

static struct opener *proof_of(struct lease_book *book, const struct lease *lease, bool *ret_make)
{
    struct opener *proof;

    pthread_mutex_lock(&book->lock);
    proof = opener_hold(lease->proof);
    *ret_make = !lease->made_is_bad;
    pthread_mutex_unlock(&book->lock);
    return proof;
}

/* With what was made here, and where that cannot be or is not taken, with a blob that worked before. */
static void prove(struct soft_session *session, struct lease *lease, struct deadline deadline)
{
    struct soft_token *token = session->token;
    bool make;
    struct opener *proof SCOPED(opener_unhold_scoped) = proof_of(&token->leases, lease, &make);
    struct opener *made SCOPED(opener_unhold_scoped) = NULL;
    struct opener_place place = place_of(token, lease);
    struct service_answer answer;
    int64_t began;

    if (proof == NULL) {
        return;
    }
    if (!make || opener_make(proof, &place, &made) != CKR_OK) {
        began = ask_unread(proof, &place, deadline, &answer);
        tell(token, lease, &answer, began);
        return;
    }
    began = ask_unread(made, &place, deadline, &answer);
    if (answer.verdict == VERDICT_BAD_BLOB) {
        pthread_mutex_lock(&token->leases.lock);
        lease->made_is_bad = true;
        pthread_mutex_unlock(&token->leases.lock);
        began = ask_unread(proof, &place, deadline, &answer);
    }
    tell(token, lease, &answer, began);
}

/* What the service opened again is as much a use of its key as the first time; what it only checked is none. */
static CK_RV fill(struct soft_token *token, struct leasehold *root, const struct opener *opener,
                  const struct service_answer *answer, int64_t began, struct secret *given)
{
    struct secret value SCOPED(secret_free) = SECRET_INIT;
    CK_RV rv = opener_finish(opener, &token->ciphers, given, &value);

    rv = soft_audit_use(token, atomic_load(&root->lease)->key,
                        (struct audit_use){.operation = "unwrap",
                                           .mechanism = opener_mechanism(opener),
                                           .blob = opener_blob(opener),
                                           .answer = answer,
                                           .began = began,
                                           .rv = rv});
    return rv == CKR_OK ? leasehold_fill(root, &value) : rv;
}

/* The value is wrapped under another version, too, whose lease it is going to hold. */
struct move {
    struct opener *opener;
    char version[KEY_VERSION_SIZE];
};

static bool find_move(struct leasehold *root, struct move *ret_move)
{
    pthread_mutex_lock(&root->book->lock);
    ret_move->opener = opener_hold(root->next);
    memcpy(ret_move->version, root->next_version, sizeof ret_move->version);
    pthread_mutex_unlock(&root->book->lock);
    return ret_move->opener != NULL;
}

static void go_over_locked(struct leasehold *root, struct lease *to, struct opener *opener)
{
    leasehold_move_locked(root, to);
    lease_prove_locked(to, opener);
    if (root->next == opener) {
        opener_unhold(root->opener);
        root->opener = take(root->next);
    }
}

static void note_move(struct soft_token *token, struct leasehold *root, const struct move *move,
                      const struct service_answer *answer, int64_t began)
{
    struct lease_book *book = &token->leases;
    struct lease_news news = {.what = LEASE_NO_NEWS};
    bool accepted = answer->verdict == VERDICT_ACCEPTED;
    struct lease *to, *from;

    pthread_mutex_lock(&book->lock);
    from = atomic_load(&root->lease);
    to = accepted ? lease_make_locked(book, from->key, move->version)
                  : lease_find_locked(book, from->key->ref.name, move->version);
    if (to != NULL) {
        lease_told_locked(book, to, answer, began, false, &news);
    }
    if (to != NULL && accepted && to->state == LEASE_OPEN) {
        go_over_locked(root, to, move->opener);
    } else if (answer->verdict == VERDICT_BAD_BLOB && root->next == move->opener) {
        opener_unhold(take(root->next));
    }
    pthread_mutex_unlock(&book->lock);
    lease_finish(token, &news, answer);
}

/* Whether the service has opened the new blob. False with an answer of NONE: there is none. */
static bool try_move(struct soft_session *session, struct leasehold *root, struct deadline deadline,
                     struct service_answer *ret_answer)
{
    struct soft_token *token = session->token;
    struct secret given SCOPED(secret_free) = SECRET_INIT;
    struct move move;
    int64_t began = clock_now();

    *ret_answer = (struct service_answer){VERDICT_NONE};
    if (!find_move(root, &move)) {
        return false;
    }
    struct opener *opener SCOPED(opener_unhold_scoped) = move.opener;
    struct opener_place place = {&token->catalogue.access, atomic_load(&root->lease)->key, move.version};
    CK_RV rv = opener_ask(opener, &place, deadline, &given, ret_answer);

    note_move(token, root, &move, ret_answer, began);
    if (rv == CKR_OK && !leasehold_is_open(root)) {
        rv = fill(token, root, opener, ret_answer, began, &given);
    }
    return rv == CKR_OK;
}

/* What was said of one version says nothing of the other, but where nobody answered. */
static bool was_answered(const struct service_answer *answer)
{
    return answer->verdict == VERDICT_DISABLED || answer->verdict == VERDICT_REFUSED ||
           answer->verdict == VERDICT_GONE || answer->verdict == VERDICT_BAD_BLOB ||
           answer->verdict == VERDICT_NONE;
}

static void check(struct soft_session *session, struct leasehold *hold, struct lease *lease)
{
    struct deadline deadline = soft_deadline(session->token), soon = deadline_in(LONGEST_CHECK);
    struct service_answer answer;
    int64_t began = clock_now();

    soon = soon.at < deadline.at ? soon : deadline;
    if (try_move(session, hold->root, soon, &answer)) {
        return;
    }
    if (was_answered(&answer)) {
        prove(session, lease, soon);
    } else {
        tell(session->token, lease, &answer, began);
    }
}

/* One asks; others go on meanwhile, or wait for the outcome. */
void lease_renew(struct soft_session *session, struct leasehold *hold)
{
    struct lease_book *book = &session->token->leases;
    struct lease_news news = {.what = LEASE_NO_NEWS};
    struct lease *lease;
    enum lease_look look;
    CK_RV rv;

    pthread_mutex_lock(&book->lock);
    lease = atomic_load(&hold->lease);
    look = lease_look_locked(book, lease, clock_now(), &news);
    if ((look == LEASE_WAIT || (look == LEASE_ASK && !lease->asking.running)) &&
        ask_once_join(&lease->asking, &book->lock, deadline_in(LONGEST_CHECK), &rv)) {
        lease_asks_locked(book, lease, clock_now());
        pthread_mutex_unlock(&book->lock);
        check(session, hold, lease);
        pthread_mutex_lock(&book->lock);
        ask_once_answer(&lease->asking, CKR_OK);
    } else if (look == LEASE_WAIT) { /* maybe in vain, and it ended meanwhile */
        (void)lease_look_locked(book, atomic_load(&hold->lease), clock_now(), &news);
    }
    pthread_mutex_unlock(&book->lock);
    lease_finish(session->token, &news, NULL);
}

/* By the blob it came from. The answer counts for its lease. */
static CK_RV open_root(struct soft_session *session, struct leasehold *root, struct deadline deadline)
{
    struct soft_token *token = session->token;
    struct secret given SCOPED(secret_free) = SECRET_INIT;
    struct opener *opener SCOPED(opener_unhold_scoped) = NULL;
    struct service_answer answer;
    struct opener_place place;
    struct lease *lease;
    int64_t began;
    CK_RV rv;

    if (try_move(session, root, deadline, &answer)) {
        return CKR_OK;
    }
    if (!was_answered(&answer)) {
        return CKR_DEVICE_ERROR;
    }
    pthread_mutex_lock(&token->leases.lock);
    lease = atomic_load(&root->lease);
    opener = opener_hold(root->opener);
    pthread_mutex_unlock(&token->leases.lock);
    place = place_of(token, lease);
    began = clock_now();
    answer = (struct service_answer){VERDICT_NONE};
    rv = opener_ask(opener, &place, deadline, &given, &answer);
    tell(token, lease, &answer, began);
    soft_session_note(session, rv, &answer);
    return rv == CKR_OK ? fill(token, root, opener, &answer, began, &given) : rv;
}

void lease_attempt_locked(struct soft_session *session, struct lease *lease, struct leasehold *root,
                          struct deadline deadline)
{
    struct lease_book *book = &session->token->leases;
    CK_RV rv;

    if (!lease->asking.running && lease->attempted != 0 && clock_now() - lease->attempted < REOPEN_PAUSE) {
        return;
    }
    if (!ask_once_join(&lease->asking, &book->lock, deadline, &rv)) {
        return;
    }
    pthread_mutex_unlock(&book->lock);
    if (root == NULL) {
        prove(session, lease, deadline);
    } else {
        (void)!open_root(session, root, deadline);
    }
    pthread_mutex_lock(&book->lock);
    lease->attempted = clock_now();
    ask_once_answer(&lease->asking, CKR_OK);
}

/* The lease is open, the value is not yet. */
static CK_RV open_value_locked(struct soft_session *session, struct leasehold *root, struct deadline deadline)
{
    struct lease_book *book = &session->token->leases;
    CK_RV rv = root->failed;

    if (!root->filling.running && root->attempted != 0 && clock_now() - root->attempted < REOPEN_PAUSE) {
        return rv;
    }
    if (ask_once_join(&root->filling, &book->lock, deadline, &rv)) {
        pthread_mutex_unlock(&book->lock);
        rv = open_root(session, root, deadline);
        pthread_mutex_lock(&book->lock);
        root->failed = rv;
        root->attempted = rv == CKR_OK ? 0 : clock_now();
        ask_once_answer(&root->filling, rv);
    }
    return rv;
}

static CK_RV code_of(CK_RV rv)
{
    return rv == CKR_KEY_FUNCTION_NOT_PERMITTED || rv == CKR_UNWRAPPING_KEY_HANDLE_INVALID
               ? CKR_KEY_FUNCTION_NOT_PERMITTED
               : CKR_DEVICE_ERROR;
}

static CK_RV reopen_root_locked(struct soft_session *session, struct leasehold *root,
                                struct deadline deadline)
{
    struct lease *lease = atomic_load(&root->lease);
    CK_RV rv;

    if (lease->state != LEASE_OPEN) {
        lease_attempt_locked(session, lease, root, deadline);
        lease = atomic_load(&root->lease);
    }
    if (lease->state != LEASE_OPEN) {
        return lease_code(lease->state);
    }
    if (leasehold_is_open(root)) {
        return CKR_OK;
    }
    rv = open_value_locked(session, root, deadline);
    lease = atomic_load(&root->lease);
    return rv == CKR_OK ? CKR_OK : lease->state != LEASE_OPEN ? lease_code(lease->state) : code_of(rv);
}

/* By a key that lives here, which is opened first. */
static CK_RV reopen_here(struct soft_session *session, struct leasehold *hold)
{
    struct secret value SCOPED(secret_free) = SECRET_INIT;
    CK_RV rv = value_enter(session, hold->parent, true);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = opener_open_here(hold->opener, &session->token->ciphers, hold->parent, &value);
    value_leave(hold->parent);
    return rv == CKR_OK ? leasehold_fill(hold, &value) : code_of(rv);
}

CK_RV lease_reopen(struct soft_session *session, struct leasehold *hold)
{
    struct lease_book *book = &session->token->leases;
    struct deadline deadline = soft_deadline(session->token);
    CK_RV rv;

    if (hold->parent != NULL) {
        return reopen_here(session, hold);
    }
    pthread_mutex_lock(&book->lock);
    rv = reopen_root_locked(session, hold, deadline);
    pthread_mutex_unlock(&book->lock);
    return rv;
}
