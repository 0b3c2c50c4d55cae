/* Sessions of the soft token, and its login, which opens nothing: vault keys are usable without. */
#include "backends/base/scope.h"
#include "pkcs11/soft/soft.h"

CK_RV soft_open_session(struct token *base, CK_FLAGS flags, token_notify *notify, void *notify_arg,
                        struct token_session **ret_session)
{
    struct soft_token *token = (struct soft_token *)base;
    struct soft_session *session = calloc(1, sizeof *session);

    (void)notify;
    (void)notify_arg;
    if (session == NULL) {
        return CKR_HOST_MEMORY;
    }
    session->base.ops = base->ops;
    session->token = token;
    session->flags = flags & (CKF_SERIAL_SESSION | CKF_RW_SESSION);
    pthread_mutex_init(&session->lock, NULL);
    session->visited = atomic_load(&token->leases.closings);
    LIST_INIT(&session->objects.objects);
    operation_init(&session->encrypting, true);
    operation_init(&session->decrypting, false);
    operation_init(&session->messages_encrypting.operation, true);
    operation_init(&session->messages_decrypting.operation, false);
    signing_init(&session->signing, false);
    signing_init(&session->verifying, true);
    pthread_mutex_lock(&token->lock);
    TAILQ_INSERT_TAIL(&token->all_sessions, session, of_token);
    token->sessions++;
    token->rw_sessions += (flags & CKF_RW_SESSION) != 0;
    pthread_mutex_unlock(&token->lock);
    *ret_session = &session->base;
    return CKR_OK;
}

/* From then on nobody looks into it. */
static void leave_token(struct soft_token *token, struct soft_session *session)
{
    pthread_mutex_lock(&token->lock);
    TAILQ_REMOVE(&token->all_sessions, session, of_token);
    while (session->pins != 0) {
        pthread_cond_wait(&token->unpinned, &token->lock);
    }
    pthread_mutex_unlock(&token->lock);
}

CK_RV soft_close_session(struct token_session *base)
{
    struct soft_session *session = soft_session_of(base);
    struct soft_token *token = session->token;

    leave_token(token, session);
    found_end(&session->found);
    operation_done(&session->encrypting);
    operation_done(&session->decrypting);
    operation_done(&session->messages_encrypting.operation);
    operation_done(&session->messages_decrypting.operation);
    signing_done(&session->signing);
    signing_done(&session->verifying);
    digesting_done(&session->digesting);
    object_store_end_owner(&token->store, &session->objects);
    pthread_mutex_lock(&token->lock);
    token->sessions--;
    token->rw_sessions -= (session->flags & CKF_RW_SESSION) != 0;
    token->logged_in = token->logged_in && token->sessions != 0;
    pthread_mutex_unlock(&token->lock);
    pthread_mutex_destroy(&session->lock);
    free(session);
    return CKR_OK;
}

CK_RV soft_get_session_info(struct token_session *base, CK_SESSION_INFO *ret_info)
{
    static const CK_STATE states[2][2] = {{CKS_RO_PUBLIC_SESSION, CKS_RO_USER_FUNCTIONS},
                                          {CKS_RW_PUBLIC_SESSION, CKS_RW_USER_FUNCTIONS}};
    struct soft_session *session = soft_session_of(base);
    bool logged_in;

    if (ret_info == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    pthread_mutex_lock(&session->token->lock);
    logged_in = session->token->logged_in;
    pthread_mutex_unlock(&session->token->lock);
    ret_info->state = states[(session->flags & CKF_RW_SESSION) != 0][logged_in];
    ret_info->flags = session->flags;
    ret_info->ulDeviceError = atomic_load(&session->device_error);
    return CKR_OK;
}

void soft_session_note(struct soft_session *session, CK_RV rv, const struct service_answer *answer)
{
    if (rv != CKR_OK && answer->verdict != VERDICT_NONE) {
        atomic_store(&session->device_error, answer->status);
    }
}

static CK_RV login_user(struct soft_token *token)
{
    CK_RV rv;

    pthread_mutex_lock(&token->lock);
    rv = token->logged_in ? CKR_USER_ALREADY_LOGGED_IN : CKR_OK;
    token->logged_in = true;
    pthread_mutex_unlock(&token->lock);
    return rv;
}

CK_RV soft_login(struct token_session *base, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG pin_size)
{
    if (pin == NULL && pin_size != 0) {
        return CKR_ARGUMENTS_BAD;
    }
    if (user == CKU_CONTEXT_SPECIFIC) {
        return CKR_OK; /* no key asks for it, but clients do it anyway */
    }
    return user == CKU_USER ? login_user(soft_session_of(base)->token) : CKR_USER_TYPE_INVALID;
}

CK_RV soft_logout(struct token_session *base)
{
    struct soft_token *token = soft_session_of(base)->token;
    CK_RV rv;

    pthread_mutex_lock(&token->lock);
    rv = token->logged_in ? CKR_OK : CKR_USER_NOT_LOGGED_IN;
    token->logged_in = false;
    if (rv == CKR_OK) {
        atomic_fetch_add(&token->logouts, 1);
    }
    pthread_mutex_unlock(&token->lock);
    return rv;
}

CK_RV soft_get_function_status(struct token_session *base)
{
    (void)base;
    return CKR_FUNCTION_NOT_PARALLEL;
}

CK_RV soft_cancel_function(struct token_session *base)
{
    (void)base;
    return CKR_FUNCTION_NOT_PARALLEL;
}
