/* What the application does under a key of the service: unwraps, whose leases begin, wraps, and what is refused. */
#include "backends/base/scope.h"
#include "pkcs11/soft/lease_use.h"
#include "pkcs11/soft/opener.h"
#include "pkcs11/soft/soft.h"
#include <string.h>

static struct opener *opener_of(const struct unwrapped *how)
{
    return opener_new(how->mechanism, how->parameter, how->blob, how->first);
}

static struct lease *accepted_lease_locked(struct lease_book *book, struct service_key *key,
                                           const struct unwrapped *how, struct lease_news *ret_news)
{
    struct service_answer answer = {.verdict = VERDICT_ACCEPTED};
    struct lease *lease = lease_make_locked(book, key, how->version);

    if (lease != NULL) {
        lease_told_locked(book, lease, &answer, how->began, false, ret_news);
    }
    return lease;
}

CK_RV soft_lease_begin(struct soft_session *session, const struct object *kek, const struct unwrapped *how,
                       struct key_value *value)
{
    struct soft_token *token = session->token;
    struct lease_book *book = &token->leases;
    struct key_value *parent = kek->local == NULL ? NULL : kek->local->value;
    struct lease_news news = {.what = LEASE_NO_NEWS};
    struct opener *opener SCOPED(opener_unhold_scoped) = NULL;
    struct lease *lease = NULL;

    if (book->length == 0 || (parent != NULL && parent->leasehold == NULL)) {
        return CKR_OK;
    }
    opener = opener_of(how);
    if (opener != NULL && parent == NULL) {
        pthread_mutex_lock(&book->lock);
        lease = accepted_lease_locked(book, kek->key, how, &news);
        pthread_mutex_unlock(&book->lock);
        lease_finish(token, &news, NULL);
    }
    if (opener == NULL || (parent == NULL && lease == NULL)) {
        return CKR_HOST_MEMORY;
    }
    return leasehold_new(book, value, take(opener), parent, lease);
}

void soft_lease_rewrapped(struct soft_session *session, const struct object *kek, const struct unwrapped *how,
                          struct key_value *value)
{
    struct lease_book *book = &session->token->leases;
    struct leasehold *root = value->leasehold;
    const struct lease *lease;
    struct opener *opener = NULL;

    if (kek->local != NULL || root->parent != NULL || how->version[0] == 0 ||
        (opener = opener_of(how)) == NULL) {
        return;
    }
    pthread_mutex_lock(&book->lock);
    lease = atomic_load(&root->lease);
    if (strcmp(lease->key->ref.name, kek->key->ref.name) == 0 && strcmp(lease->version, how->version) != 0) {
        opener_unhold(root->next);
        root->next = take(opener);
        memcpy(root->next_version, how->version, strlen(how->version) + 1);
    }
    pthread_mutex_unlock(&book->lock);
    opener_unhold(opener);
}

static bool is_refusal(const struct service_answer *answer)
{
    return answer->verdict == VERDICT_DISABLED || answer->verdict == VERDICT_REFUSED ||
           answer->verdict == VERDICT_GONE || answer->verdict == VERDICT_NO_CALLER;
}

void soft_lease_answered(struct soft_token *token, struct service_key *key, const char *version,
                         const struct service_answer *answer, int64_t began)
{
    struct lease_book *book = &token->leases;
    struct lease_news news = {.what = LEASE_NO_NEWS};
    struct lease *lease;

    if (book->length == 0) {
        return;
    }
    pthread_mutex_lock(&book->lock);
    lease = lease_find_locked(book, key->ref.name, version);
    if (lease != NULL) {
        lease_told_locked(book, lease, answer, began, false, &news);
    }
    pthread_mutex_unlock(&book->lock);
    lease_finish(token, &news, answer);
    if (lease == NULL && version[0] == 0 && is_refusal(answer)) {
        soft_lease_hint(book, key, version);
    }
}

static CK_RV kek_open_locked(struct soft_session *session, struct lease_book *book, const char *name,
                             const char *version)
{
    struct lease *lease = lease_find_locked(book, name, version);

    if (lease == NULL || lease->count == 0) {
        return CKR_OK;
    }
    if (lease->state != LEASE_OPEN) {
        lease_attempt_locked(session, lease, NULL, soft_deadline(session->token));
    }
    return lease->state == LEASE_OPEN || lease->count == 0 ? CKR_OK : lease_code(lease->state);
}

CK_RV soft_kek_open(struct soft_session *session, struct service_key *key)
{
    struct lease_book *book = &session->token->leases;
    char version[KEY_VERSION_SIZE];
    CK_RV rv;

    if (atomic_load(&book->closed) == 0) {
        return CKR_OK;
    }
    service_key_version(key, version);
    pthread_mutex_lock(&book->lock);
    rv = kek_open_locked(session, book, key->ref.name, version);
    pthread_mutex_unlock(&book->lock);
    return rv;
}

void soft_lease_hint(struct lease_book *book, const struct service_key *key, const char *version)
{
    int64_t now = clock_now();

    pthread_mutex_lock(&book->lock);
    for (struct lease *lease = book->leases; lease != NULL; lease = lease->next) {
        if (strcmp(lease->key->ref.name, key->ref.name) == 0 &&
            (version[0] == 0 || strcmp(lease->version, version) == 0)) {
            lease_hint_locked(book, lease, now);
        }
    }
    pthread_mutex_unlock(&book->lock);
}
