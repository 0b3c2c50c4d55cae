/* The sessions of the HSM token: opened, closed, described, logged in. */
#include "backends/hsm/hsm_session.h"
#include <stdlib.h>

/* It is one of the module's that nobody waits for: the module may be restarted. */
static void lose(struct hsm_session *session)
{
    if (atomic_exchange(&session->generation, HSM_LOST) != HSM_LOST) {
        hsm_module_session_end(session->module, session->life);
    }
}

static bool change_mark(struct hsm_session *session, unsigned from, unsigned to)
{
    return atomic_compare_exchange_strong(&session->generation, &from, to);
}

/*
 * Whoever is in it entered before the mark, and is_alone() sees him; or he has seen the mark, and taken it back or held
 * the session again.
 */
bool hsm_session_let_go(struct token_session *base, bool (*is_alone)(void *arg), void *arg)
{
    struct hsm_session *session = (struct hsm_session *)base;

    if (hsm_token_present(&session->token->base) || !change_mark(session, session->life, HSM_DOUBT)) {
        return false;
    }
    if (!is_alone(arg)) {
        change_mark(session, HSM_DOUBT, session->life);
        return false;
    }
    if (!change_mark(session, HSM_DOUBT, HSM_LOST)) {
        return false;
    }
    hsm_module_session_end(session->module, session->life);
    return true;
}

bool hsm_session_stays_gone(struct hsm_session *session)
{
    unsigned life;

    if (change_mark(session, HSM_DOUBT, session->life) || !change_mark(session, HSM_LOST, session->life)) {
        return atomic_load(&session->generation) != atomic_load(&session->module->generation);
    }
    if (hsm_module_session_begin(session->module, &life) != CKR_OK) {
        atomic_store(&session->generation, HSM_LOST);
        return true;
    }
    if (life == session->life) {
        return false;
    }
    hsm_module_session_end(session->module, life);
    return true;
}

/*
 * A session that the HSM does not know any more, or a token that is away: the next C_OpenSession looks where the
 * token is now. Its slot may have another number after the HSM was restarted. It may have to restart the module for
 * that, which this session does not hinder.
 */
CK_RV hsm_session_failed(struct hsm_session *session, CK_RV rv)
{
    switch (rv) {
    case CKR_CRYPTOKI_NOT_INITIALIZED:
        hsm_module_revive(session->module, session->life, session->token->label);
        return CKR_SESSION_HANDLE_INVALID;
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_SESSION_CLOSED:
    case CKR_DEVICE_REMOVED:
    case CKR_DEVICE_ERROR:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
        hsm_token_look_soon(session->token);
        lose(session);
        return rv;
    default:
        return rv;
    }
}

static CK_RV log_in(struct hsm_session *session)
{
    struct hsm_token *token = session->token;
    struct hsm_inside mark;

    if (!hsm_inside_begin(&mark, session->module)) {
        return HSM_CALLED_FROM_INSIDE;
    }
    CK_RV rv = hsm_login_ensure(token->login, token->label, session->below, session->handle);

    hsm_inside_end(&mark);
    return rv;
}

static CK_RV login_by_ourselves(struct hsm_session *session)
{
    struct hsm_token *token = session->token;

    if (hsm_session_is_gone(session)) {
        return CKR_SESSION_HANDLE_INVALID;
    }
    CK_RV rv = log_in(session);

    if (rv != CKR_OK) {
        return hsm_session_heard(session, rv);
    }
    return atomic_exchange(&token->application, HSM_USER) == HSM_USER ? CKR_USER_ALREADY_LOGGED_IN : CKR_OK;
}

/* The security officer's login and those of a key are the application's own. */
static CK_RV application_logged_in(const struct hsm_session *session, CK_USER_TYPE user, CK_RV rv)
{
    struct hsm_token *token = session->token;

    if (token->login != NULL && user == CKU_SO && rv == CKR_OK) {
        atomic_store(&token->application, HSM_OFFICER);
    }
    return rv;
}

CK_RV hsm_session_login(struct token_session *base, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG pin_size)
{
    struct hsm_session *session = (struct hsm_session *)base;

    if (session->token->login != NULL && user == CKU_USER) {
        return login_by_ourselves(session);
    }
    return application_logged_in(session, user, hsm_pass_login(base, user, pin, pin_size));
}

CK_RV hsm_session_login_user(struct token_session *base, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG pin_size,
                             CK_BYTE *name, CK_ULONG name_size)
{
    struct hsm_session *session = (struct hsm_session *)base;

    if (session->token->login != NULL && user == CKU_USER) {
        return login_by_ourselves(session);
    }
    return application_logged_in(session, user,
                                 hsm_pass_login_user(base, user, pin, pin_size, name, name_size));
}

CK_RV hsm_session_logout(struct token_session *base)
{
    struct hsm_session *session = (struct hsm_session *)base;
    struct hsm_token *token = session->token;

    if (token->login == NULL) {
        return hsm_pass_logout(base);
    }
    switch (atomic_exchange(&token->application, HSM_NOBODY)) {
    case HSM_USER:
        return hsm_session_is_gone(session) ? CKR_SESSION_HANDLE_INVALID : CKR_OK;
    case HSM_OFFICER:
        return hsm_pass_logout(base);
    default:
        return CKR_USER_NOT_LOGGED_IN;
    }
}

static CK_RV pass_event(CK_SESSION_HANDLE handle, CK_NOTIFICATION event, void *application)
{
    struct hsm_session *session = application;

    (void)handle;
    const struct hsm_inside *mark = hsm_inside_suspend();
    CK_RV rv = session->notify(session->notify_arg, event);

    hsm_inside_resume(mark);
    return rv;
}

struct opening {
    struct hsm_session *session;
    CK_FLAGS flags;
};

static CK_RV ask_open(struct hsm_token *token, const CK_FUNCTION_LIST *functions, CK_SLOT_ID slot, void *arg)
{
    const struct opening *opening = arg;
    struct hsm_session *session = opening->session;
    bool notify = session->notify != NULL;
    CK_RV rv = hsm_token_check(token, functions, slot);

    if (rv == CKR_OK) {
        rv = hsm_module_session_begin(token->module, &session->life);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    session->below = functions;
    session->slot = slot;
    session->below_3_0 = token->module->table_3_0;
    atomic_store_explicit(&session->generation, session->life, memory_order_relaxed);
    rv = functions->C_OpenSession(slot, opening->flags, notify ? session : NULL, notify ? pass_event : NULL,
                                  &session->handle);
    if (rv != CKR_OK) {
        hsm_module_session_end(token->module, session->life);
    }
    return rv;
}

static void session_opened(struct hsm_session *session)
{
    struct hsm_token *token = session->token;

    if (token->login != NULL) {
        atomic_fetch_add(&token->sessions, 1);
        (void)log_in(session);
    }
}

CK_RV hsm_session_open(struct token *base, CK_FLAGS flags, token_notify *notify, void *notify_arg,
                       struct token_session **ret_session)
{
    struct hsm_token *token = (struct hsm_token *)base;
    struct hsm_session *session = malloc(sizeof *session); /* calloc does without glibc's quickest list */
    struct opening opening = {session, flags};

    if (session == NULL) {
        return CKR_HOST_MEMORY;
    }
    *session = (struct hsm_session){
        .base.ops = base->ops,
        .token = token,
        .module = token->module,
        .notify = notify,
        .notify_arg = notify_arg,
    };
    CK_RV rv = hsm_token_ask(token, HSM_LOOK_AGAIN, ask_open, &opening);

    if (rv != CKR_OK) {
        free(session);
        return rv;
    }
    session_opened(session);
    *ret_session = &session->base;
    return CKR_OK;
}

/* From inside the module it cannot be closed there, and ends with the module. */
static CK_RV close_below(struct hsm_session *session)
{
    struct hsm_inside mark;

    if (hsm_session_is_gone(session) || !hsm_inside_begin(&mark, session->module)) {
        return CKR_OK;
    }
    CK_RV rv = session->below->C_CloseSession(session->handle);

    hsm_inside_end(&mark);
    return rv;
}

/* A module that somebody finalised has closed it; that is no reason to initialise it again. */
CK_RV hsm_session_close(struct token_session *base)
{
    struct hsm_session *session = (struct hsm_session *)base;
    struct hsm_token *token = session->token;
    CK_RV rv = close_below(session);

    if (token->login != NULL && atomic_fetch_sub(&token->sessions, 1) == 1) {
        atomic_store(&token->application, HSM_NOBODY);
    }
    if (atomic_load(&session->generation) != HSM_LOST) {
        hsm_module_session_end(token->module, session->life);
    }
    free(session);
    return rv == CKR_CRYPTOKI_NOT_INITIALIZED ? CKR_OK : rv;
}

CK_RV hsm_session_get_info(struct token_session *base, CK_SESSION_INFO *ret_info)
{
    struct hsm_session *session = (struct hsm_session *)base;
    struct hsm_inside mark;

    if (hsm_session_is_gone(session)) {
        return CKR_SESSION_HANDLE_INVALID;
    }
    if (!hsm_inside_begin(&mark, session->module)) {
        return HSM_CALLED_FROM_INSIDE;
    }
    CK_RV rv = session->below->C_GetSessionInfo(session->handle, ret_info);

    hsm_inside_end(&mark);
    return hsm_session_heard(session, rv);
}

static struct hsm_mechanisms mechanisms_of(const struct hsm_session *session)
{
    return (struct hsm_mechanisms){session->below, session->slot, session->token->rfc5649};
}

bool hsm_session_rfc5649(struct hsm_session *session, CK_FLAGS use, CK_MECHANISM_TYPE *ret_type)
{
    struct hsm_mechanisms of = mechanisms_of(session);
    struct hsm_inside mark;

    if (!hsm_inside_begin(&mark, session->module)) {
        return false;
    }
    bool has = hsm_mechanism_rfc5649(&of, use, ret_type);

    hsm_inside_end(&mark);
    return has;
}

bool hsm_session_composes(struct hsm_session *session, CK_MECHANISM_TYPE type, CK_FLAGS use)
{
    struct hsm_mechanisms of = mechanisms_of(session);
    struct hsm_inside mark;

    if (!hsm_inside_begin(&mark, session->module)) {
        return false;
    }
    bool composes = hsm_mechanism_is_composed(&of, type, use);

    hsm_inside_end(&mark);
    return composes;
}
