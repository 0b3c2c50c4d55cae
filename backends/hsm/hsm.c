/* The HSM token: what it is made of, and opening it. */
#include "backends/hsm/hsm.h"
#include "backends/hsm/hsm_compose.h"
#include "backends/hsm/hsm_diagnose.h"
#include <stdlib.h>

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
#define ROW(name, verb, parameters, arguments) .verb = hsm_pass_##verb,
/* clang-format on */

/* All rows of the lists, of which some are then replaced. */
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
    .open_session = hsm_session_open,
    .close_session = hsm_session_close,
    .get_session_info = hsm_session_get_info,
    .let_go = hsm_session_let_go,
    EACH_SESSION_FUNCTION(ROW) EACH_SESSION_FUNCTION_OF_3_0(ROW).login = hsm_session_login,
    .login_user = hsm_session_login_user,
    .logout = hsm_session_logout,
    .wrap_key = hsm_compose_wrap_key,
    .unwrap_key = hsm_compose_unwrap_key,
};
#pragma GCC diagnostic pop

static CK_RV fill_token(struct hsm_token *token, const struct settings *section)
{
    CK_RV rv = hsm_uri_read(section, "uri", HSM_URI_TOKEN, &token->uri);

    if (rv != CKR_OK) {
        return rv;
    }
    token->rfc5649 = hsm_rfc5649_of(section);
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

static void diagnose(const struct settings *section, struct diagnosis *diagnosis)
{
    struct token *token;

    if (open_token(section, &token) == CKR_OK) {
        hsm_diagnose((struct hsm_token *)token, diagnosis);
        close_token(token);
    }
}

static const struct setting_option hsm_options[] = {
    {.name = "uri", .type = SETTING_TEXT},
    {.name = "rfc5649", .type = SETTING_WORD, .words = hsm_rfc5649_words, .preset = "auto"},
    {.name = "finalize", .type = SETTING_YES_NO, .preset = "no"},
};

const struct backend_kind hsm_kind = {
    .name = "hsm",
    .options = hsm_options,
    .option_count = sizeof hsm_options / sizeof hsm_options[0],
    .open_token = open_token,
    .diagnose = diagnose,
    .after_fork = hsm_module_after_fork,
};
