/* C_GetOperationState and C_SetOperationState, of a digest that is alone in its session. */
#include "pkcs11/soft/digest_state.h"
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/signing.h"
#include "pkcs11/soft/soft.h"
#include <stdlib.h>
#include <string.h>

/* Written once. Held by its place among the states, and by who restores it. */
struct saved_digest {
    atomic_uint users;
    unsigned char ticket[DIGEST_TICKET];
    const struct mechanism *mechanism;
    CK_ULONG began;
    bool parted;
    EVP_MD_CTX *context;
};

static void saved_unref(struct saved_digest **saved)
{
    if (*saved != NULL && atomic_fetch_sub(&(*saved)->users, 1) == 1) {
        EVP_MD_CTX_free((*saved)->context);
        free(*saved);
    }
}

void digest_states_init(struct digest_states *states)
{
    pthread_mutex_init(&states->lock, NULL);
}

void digest_states_done(struct digest_states *states)
{
    for (size_t i = 0; i < DIGEST_STATES; i++) {
        saved_unref(&states->saved[i]);
    }
    pthread_mutex_destroy(&states->lock);
}

static CK_RV copy_context(EVP_MD_CTX **to, const EVP_MD_CTX *from)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("a copy of a digest");

    if (*to == NULL) {
        *to = EVP_MD_CTX_new();
    }
    if (*to == NULL) {
        return CKR_HOST_MEMORY;
    }
    return EVP_MD_CTX_copy_ex(*to, from) == 1 ? CKR_OK : CKR_FUNCTION_FAILED;
}

/* With one user, the caller. */
static CK_RV saved_new(const struct digesting *digesting, struct saved_digest **ret_saved)
{
    struct saved_digest *saved SCOPED(saved_unref) = calloc(1, sizeof *saved);

    if (saved == NULL) {
        return CKR_HOST_MEMORY;
    }
    atomic_init(&saved->users, 1);
    saved->mechanism = digesting->mechanism;
    saved->began = digesting->began;
    saved->parted = digesting->parted;
    CK_RV rv = copy_context(&saved->context, digesting->context);

    if (rv == CKR_OK) {
        rv = libcrypto_random(saved->ticket, sizeof saved->ticket);
    }
    if (rv == CKR_OK) {
        *ret_saved = saved;
        saved = NULL;
    }
    return rv;
}

/* In the place of the oldest. */
static void keep(struct digest_states *states, struct saved_digest *saved)
{
    pthread_mutex_lock(&states->lock);
    struct saved_digest *oldest = states->saved[states->next];

    states->saved[states->next] = saved;
    states->next = (states->next + 1) % DIGEST_STATES;
    pthread_mutex_unlock(&states->lock);
    saved_unref(&oldest);
}

/* Of one that was not given away by this token, or has been forgotten: NULL. */
static struct saved_digest *saved_of(struct digest_states *states, struct bytes ticket)
{
    struct saved_digest *found = NULL;

    pthread_mutex_lock(&states->lock);
    for (size_t i = 0; i < DIGEST_STATES && found == NULL; i++) {
        struct saved_digest *saved = states->saved[i];

        if (saved != NULL && bytes_equal(ticket, bytes_of(saved->ticket, sizeof saved->ticket))) {
            atomic_fetch_add(&saved->users, 1);
            found = saved;
        }
    }
    pthread_mutex_unlock(&states->lock);
    return found;
}

/* Operations whose state cannot be given away. */
static bool others_run(const struct soft_session *session)
{
    return session->encrypting.mechanism != NULL || session->decrypting.mechanism != NULL ||
           session->signing.mechanism != NULL || session->verifying.mechanism != NULL ||
           session->messages_encrypting.operation.mechanism != NULL ||
           session->messages_decrypting.operation.mechanism != NULL;
}

static CK_RV get_locked(struct soft_session *session, CK_BYTE *state, CK_ULONG *state_size)
{
    struct digesting *digesting = &session->digesting;
    struct saved_digest *saved;
    CK_RV rv;

    if (state_size == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    if (others_run(session)) {
        return CKR_STATE_UNSAVEABLE;
    }
    if (!digesting_runs(session)) {
        return CKR_OPERATION_NOT_INITIALIZED;
    }
    if (digesting->keyed) {
        return CKR_STATE_UNSAVEABLE; /* the copy would outlive the key */
    }
    if (!output_fits(state, state_size, DIGEST_TICKET, &rv)) {
        return rv;
    }
    rv = saved_new(digesting, &saved);
    if (rv == CKR_OK) {
        memcpy(state, saved->ticket, sizeof saved->ticket);
        *state_size = sizeof saved->ticket;
        keep(&session->token->digests, saved);
    }
    return rv;
}

CK_RV soft_get_operation_state(struct token_session *base, CK_BYTE *state, CK_ULONG *state_size)
{
    struct soft_session *session = soft_session_of(base);
    CK_RV rv;

    soft_session_lock(session);
    rv = get_locked(session, state, state_size);
    soft_session_unlock(session);
    return rv;
}

static CK_RV set_locked(struct soft_session *session, const struct saved_digest *saved)
{
    struct digesting *digesting = &session->digesting;

    digesting_end(digesting);
    CK_RV rv = copy_context(&digesting->context, saved->context);

    if (rv == CKR_OK) {
        digesting->mechanism = saved->mechanism;
        digesting->began = saved->began;
        digesting->parted = saved->parted;
    }
    return rv;
}

/* Takes the place of a digest that runs. A digest has no key. */
CK_RV soft_set_operation_state(struct token_session *base, CK_BYTE *state, CK_ULONG state_size,
                               CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key)
{
    struct soft_session *session = soft_session_of(base);

    if (state == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    struct saved_digest *saved SCOPED(saved_unref) =
        saved_of(&session->token->digests, bytes_of(state, state_size));

    if (saved == NULL || saved->began != atomic_load(&session->token->logouts)) {
        return CKR_SAVED_STATE_INVALID;
    }
    if (encryption_key != CK_INVALID_HANDLE || authentication_key != CK_INVALID_HANDLE) {
        return CKR_KEY_NOT_NEEDED;
    }
    soft_session_lock(session);
    CK_RV rv = set_locked(session, saved);

    soft_session_unlock(session);
    return rv;
}
