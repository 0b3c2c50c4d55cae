/* A token over a token. */
#include "backends/token_above.h"
#include <stdlib.h>

static struct token *below(struct token *token)
{
    return ((struct token_above *)token)->below;
}

CK_RV token_above_put(size_t size, const struct token_ops *ops, struct token **token)
{
    struct token_above *above = calloc(1, size);

    if (above == NULL) {
        return CKR_HOST_MEMORY;
    }
    above->base.ops = ops;
    above->below = *token;
    *token = &above->base;
    return CKR_OK;
}

void token_above_close(struct token *token)
{
    below(token)->ops->close(below(token));
    free(token);
}

CK_RV token_above_refuse_state(struct token_session *session, CK_BYTE *state, CK_ULONG state_size,
                               CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key)
{
    (void)session, (void)state, (void)state_size, (void)encryption_key, (void)authentication_key;
    return CKR_SAVED_STATE_INVALID;
}

bool token_above_present(struct token *token)
{
    return below(token)->ops->present(below(token));
}

CK_RV token_above_get_slot_info(struct token *token, CK_SLOT_INFO *ret_info)
{
    return below(token)->ops->get_slot_info(below(token), ret_info);
}

CK_RV token_above_get_token_info(struct token *token, CK_TOKEN_INFO *ret_info)
{
    return below(token)->ops->get_token_info(below(token), ret_info);
}

CK_RV token_above_get_mechanism_list(struct token *token, CK_MECHANISM_TYPE *ret_list, CK_ULONG *ret_count)
{
    return below(token)->ops->get_mechanism_list(below(token), ret_list, ret_count);
}

CK_RV token_above_get_mechanism_info(struct token *token, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info)
{
    return below(token)->ops->get_mechanism_info(below(token), type, ret_info);
}

CK_RV token_above_init_token(struct token *token, CK_BYTE *pin, CK_ULONG pin_size, CK_UTF8CHAR *label)
{
    struct token *to = below(token);

    return to->ops->init_token == NULL ? CKR_FUNCTION_NOT_SUPPORTED
                                       : to->ops->init_token(to, pin, pin_size, label);
}

CK_RV token_above_poll_event(struct token *token)
{
    struct token *to = below(token);

    return to->ops->poll_event == NULL ? CKR_NO_EVENT : to->ops->poll_event(to);
}

void token_above_look(struct token *token)
{
    struct token *to = below(token);

    if (to->ops->look != NULL) {
        to->ops->look(to);
    }
}

CK_RV token_above_open_session(struct token *token, size_t size, CK_FLAGS flags, token_notify *notify,
                               void *notify_arg, struct token_session **ret_session)
{
    struct session_above *session = calloc(1, size);

    if (session == NULL) {
        return CKR_HOST_MEMORY;
    }
    session->base.ops = token->ops;
    session->token = (struct token_above *)token;
    CK_RV rv = below(token)->ops->open_session(below(token), flags, notify, notify_arg, &session->below);

    if (rv != CKR_OK) {
        free(session);
        return rv;
    }
    *ret_session = &session->base;
    return CKR_OK;
}

CK_RV token_above_close_session(struct token_session *base)
{
    struct session_above *session = (struct session_above *)base;
    CK_RV rv = session->below->ops->close_session(session->below);

    free(session);
    return rv;
}

CK_RV token_above_get_session_info(struct token_session *base, CK_SESSION_INFO *ret_info)
{
    struct token_session *to = ((struct session_above *)base)->below;

    return to->ops->get_session_info(to, ret_info);
}

bool token_above_let_go(struct token_session *base, bool (*is_alone)(void *arg), void *arg)
{
    struct token_session *to = ((struct session_above *)base)->below;

    return to->ops->let_go != NULL && to->ops->let_go(to, is_alone, arg);
}

/* clang-format off */
#define PASS(name, verb, parameters, arguments) \
    CK_RV token_above_##verb(struct token_session *base UNBRACKET parameters) \
    { \
        struct token_session *to = ((struct session_above *)base)->below; \
\
        return to->ops->verb == NULL ? CKR_FUNCTION_NOT_SUPPORTED : to->ops->verb(to UNBRACKET arguments); \
    }
/* clang-format on */

EACH_SESSION_FUNCTION(PASS)
EACH_SESSION_FUNCTION_OF_3_0(PASS)
