/* The HSM token: its sessions, and every function of a session passed through to the vendor's module. */
#include "backends/hsm/hsm.h"
#include "backends/base/log.h"
#include "backends/hsm/hsm_token.h"
#include <stdlib.h>

struct hsm_session {
    struct token_session base;
    const CK_FUNCTION_LIST *below;
    CK_SESSION_HANDLE handle; /* the vendor's */
    const atomic_uint *generation_now;
    unsigned generation; /* of the vendor's module, when it was opened */
    struct hsm_token *token;
    token_notify *notify;
    void *notify_arg;
};

/* Its handle may belong to somebody else's session by now. */
static bool is_gone(const struct hsm_session *session)
{
    return atomic_load_explicit(session->generation_now, memory_order_relaxed) != session->generation;
}

static CK_RV session_lost(struct hsm_session *session)
{
    hsm_module_revive(session->token->module, session->generation, session->token->label);
    return CKR_SESSION_HANDLE_INVALID;
}

/* clang-format off */
#define PASS(name, verb, parameters, arguments)                                                              \
    static CK_RV pass_##verb(struct token_session *base UNBRACKET parameters)                                \
    {                                                                                                        \
        struct hsm_session *session = (struct hsm_session *)base;                                            \
                                                                                                             \
        if (is_gone(session)) {                                                                              \
            return CKR_SESSION_HANDLE_INVALID;                                                               \
        }                                                                                                    \
        if (session->below->name == NULL) {                                                                  \
            return CKR_FUNCTION_NOT_SUPPORTED;                                                               \
        }                                                                                                    \
        CK_RV rv = session->below->name(session->handle UNBRACKET arguments);                                \
                                                                                                             \
        return rv == CKR_CRYPTOKI_NOT_INITIALIZED ? session_lost(session) : rv;                              \
    }
/* clang-format on */
EACH_SESSION_FUNCTION(PASS)

/* The security officer's login and those of a key are the application's own. */
static CK_RV login(struct token_session *base, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG pin_size)
{
    struct hsm_session *session = (struct hsm_session *)base;
    struct hsm_token *token = session->token;

    if (token->login == NULL || user != CKU_USER) {
        CK_RV rv = pass_login(base, user, pin, pin_size);

        if (token->login != NULL && user == CKU_SO && rv == CKR_OK) {
            atomic_store(&token->application, HSM_OFFICER);
        }
        return rv;
    }
    if (is_gone(session)) {
        return CKR_SESSION_HANDLE_INVALID;
    }
    CK_RV rv = hsm_login_ensure(token->login, token->label, session->below, session->handle);

    if (rv != CKR_OK) {
        return rv == CKR_CRYPTOKI_NOT_INITIALIZED ? session_lost(session) : rv;
    }
    return atomic_exchange(&token->application, HSM_USER) == HSM_USER ? CKR_USER_ALREADY_LOGGED_IN : CKR_OK;
}

static CK_RV logout(struct token_session *base)
{
    struct hsm_session *session = (struct hsm_session *)base;
    struct hsm_token *token = session->token;

    if (token->login == NULL) {
        return pass_logout(base);
    }
    switch (atomic_exchange(&token->application, HSM_NOBODY)) {
    case HSM_USER:
        return is_gone(session) ? CKR_SESSION_HANDLE_INVALID : CKR_OK;
    case HSM_OFFICER:
        return pass_logout(base);
    default:
        return CKR_USER_NOT_LOGGED_IN;
    }
}

static CK_RV pass_event(CK_SESSION_HANDLE handle, CK_NOTIFICATION event, void *application)
{
    struct hsm_session *session = application;

    (void)handle;
    return session->notify(session->notify_arg, event);
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
    CK_RV rv = hsm_module_session_begin(token->module);

    if (rv != CKR_OK) {
        return rv;
    }
    session->below = functions;
    session->generation = atomic_load(&token->module->generation);
    rv = functions->C_OpenSession(slot, opening->flags, notify ? session : NULL, notify ? pass_event : NULL,
                                  &session->handle);
    if (rv != CKR_OK) {
        hsm_module_session_end(token->module);
    }
    return rv;
}

static void session_opened(struct hsm_session *session)
{
    struct hsm_token *token = session->token;

    if (token->login != NULL) {
        atomic_fetch_add(&token->sessions, 1);
        (void)hsm_login_ensure(token->login, token->label, session->below, session->handle);
    }
}

static CK_RV open_session(struct token *base, CK_FLAGS flags, token_notify *notify, void *notify_arg,
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
        .generation_now = &token->module->generation,
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

/* A module that somebody finalised has closed it; that is no reason to initialise it again. */
static CK_RV close_session(struct token_session *base)
{
    struct hsm_session *session = (struct hsm_session *)base;
    struct hsm_token *token = session->token;
    CK_RV rv = is_gone(session) ? CKR_OK : session->below->C_CloseSession(session->handle);

    if (token->login != NULL && atomic_fetch_sub(&token->sessions, 1) == 1) {
        atomic_store(&token->application, HSM_NOBODY);
    }
    hsm_module_session_end(token->module);
    free(session);
    return rv == CKR_CRYPTOKI_NOT_INITIALIZED ? CKR_OK : rv;
}

static CK_RV get_session_info(struct token_session *base, CK_SESSION_INFO *ret_info)
{
    struct hsm_session *session = (struct hsm_session *)base;

    if (is_gone(session)) {
        return CKR_SESSION_HANDLE_INVALID;
    }
    CK_RV rv = session->below->C_GetSessionInfo(session->handle, ret_info);

    return rv == CKR_CRYPTOKI_NOT_INITIALIZED ? session_lost(session) : rv;
}

/* Takes a half-opened one. */
static void close_token(struct token *base)
{
    struct hsm_token *token = (struct hsm_token *)base;

    if (token->module != NULL) {
        hsm_module_leave(token->module, &token->watch);
    }
    hsm_uri_done(&token->uri);
    hsm_turn_done(&token->looking);
    pthread_mutex_destroy(&token->lock);
    free(token);
}

/* clang-format off */
#define ROW(name, verb, parameters, arguments) .verb = pass_##verb,
/* clang-format on */

/* All rows of the list, of which two are then replaced. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct token_ops hsm_ops = {
    .name = "hsm",
    .close = close_token,
    .present = hsm_token_present,
    .get_slot_info = hsm_token_get_slot_info,
    .get_token_info = hsm_token_get_token_info,
    .get_mechanism_list = hsm_token_get_mechanism_list,
    .get_mechanism_info = hsm_token_get_mechanism_info,
    .init_token = hsm_token_init,
    .poll_event = hsm_token_poll_event,
    .open_session = open_session,
    .close_session = close_session,
    .get_session_info = get_session_info,
    EACH_SESSION_FUNCTION(ROW).login = login,
    .logout = logout,
};
#pragma GCC diagnostic pop

static CK_RV fill_token(struct hsm_token *token, const struct settings *section)
{
    CK_RV rv = hsm_uri_read(section, "uri", HSM_URI_TOKEN, &token->uri);

    if (rv != CKR_OK) {
        return rv;
    }
    hsm_token_describe(token);
    rv = hsm_module_enter(token->uri.module_path, settings_yes(section, "finalize"), &token->watch,
                          &token->module);
    return rv == CKR_OK ? hsm_login_enter(token->module, &token->uri, &token->login) : rv;
}

static CK_RV open_token(const struct settings *section, struct token **ret_token)
{
    struct hsm_token *token = calloc(1, sizeof *token);

    if (token == NULL) {
        return CKR_HOST_MEMORY;
    }
    token->base.ops = &hsm_ops;
    token->label = settings_title(section);
    atomic_init(&token->watch.slot, HSM_SLOT_NEVER_SOUGHT);
    hsm_turn_init(&token->looking);
    pthread_mutex_init(&token->lock, NULL);
    CK_RV rv = fill_token(token, section);

    if (rv != CKR_OK) {
        close_token(&token->base);
        return rv;
    }
    *ret_token = &token->base;
    return CKR_OK;
}

static const struct setting_option hsm_options[] = {
    {.name = "uri", .type = SETTING_TEXT},
    {.name = "finalize", .type = SETTING_YES_NO, .preset = "no"},
};

const struct backend_kind hsm_kind = {
    .name = "hsm",
    .options = hsm_options,
    .option_count = sizeof hsm_options / sizeof hsm_options[0],
    .open_token = open_token,
    .after_fork = hsm_module_after_fork,
};
