/*
 * A token over a token: each function goes to the one below with the same arguments and results, but for the rows
 * that whoever stands here replaces (policy_token.c, audit/audit_token.c). It exists only where the configuration asks for
 * it, so without it nothing costs anything.
 */
#ifndef BYOK_BACKENDS_TOKEN_ABOVE_H
#define BYOK_BACKENDS_TOKEN_ABOVE_H

#include "backends/backend.h"

/* First members of the structs of a token above and of its sessions. */
struct token_above {
    struct token base;
    struct token *below; /* owned */
};

struct session_above {
    struct token_session base;
    struct token_session *below;
    struct token_above *token;
};

/*
 * Puts a token of `size` bytes, zeros behind its first member, above *token, which is its own from then on.
 * CKR_HOST_MEMORY: *token is as it was.
 */
MUST_USE CK_RV token_above_put(size_t size, const struct token_ops *ops, struct token **token);
/* Closes the one below and frees it. */
void token_above_close(struct token *token);

/*
 * CKR_SAVED_STATE_INVALID, for who stands here in order to see which key is used, and how: neither can be seen in a
 * state that was saved.
 */
CK_RV token_above_refuse_state(struct token_session *session, CK_BYTE *state, CK_ULONG state_size,
                               CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key);

/* What goes straight down. */
bool token_above_present(struct token *token);
CK_RV token_above_get_slot_info(struct token *token, CK_SLOT_INFO *ret_info);
CK_RV token_above_get_token_info(struct token *token, CK_TOKEN_INFO *ret_info);
CK_RV token_above_get_mechanism_list(struct token *token, CK_MECHANISM_TYPE *ret_list, CK_ULONG *ret_count);
CK_RV token_above_get_mechanism_info(struct token *token, CK_MECHANISM_TYPE type,
                                     CK_MECHANISM_INFO *ret_info);
CK_RV token_above_init_token(struct token *token, CK_BYTE *pin, CK_ULONG pin_size, CK_UTF8CHAR *label);
CK_RV token_above_poll_event(struct token *token);
void token_above_look(struct token *token);
CK_RV token_above_get_session_info(struct token_session *session, CK_SESSION_INFO *ret_info);
bool token_above_let_go(struct token_session *session, bool (*is_alone)(void *arg), void *arg);

/* A session of `size` bytes, zeros behind its first member, over one of the token below. */
CK_RV token_above_open_session(struct token *token, size_t size, CK_FLAGS flags, token_notify *notify,
                               void *notify_arg, struct token_session **ret_session);
/* Closes the one below and frees it. */
CK_RV token_above_close_session(struct token_session *session);

/* clang-format off */
#define DECLARE_TOKEN_ABOVE(name, verb, parameters, arguments) \
    CK_RV token_above_##verb(struct token_session *base UNBRACKET parameters);
EACH_SESSION_FUNCTION(DECLARE_TOKEN_ABOVE)
EACH_SESSION_FUNCTION_OF_3_0(DECLARE_TOKEN_ABOVE)
#undef DECLARE_TOKEN_ABOVE

#define TOKEN_ABOVE_ROW(name, verb, parameters, arguments) .verb = token_above_##verb,
/* The rows of a struct token_ops, but open_session; what follows replaces some of them. */
#define TOKEN_ABOVE_ROWS \
    .close = token_above_close, \
    .present = token_above_present, \
    .get_slot_info = token_above_get_slot_info, \
    .get_token_info = token_above_get_token_info, \
    .get_mechanism_list = token_above_get_mechanism_list, \
    .get_mechanism_info = token_above_get_mechanism_info, \
    .init_token = token_above_init_token, \
    .poll_event = token_above_poll_event, \
    .look = token_above_look, \
    .close_session = token_above_close_session, \
    .get_session_info = token_above_get_session_info, \
    .let_go = token_above_let_go, \
    EACH_SESSION_FUNCTION(TOKEN_ABOVE_ROW) \
    EACH_SESSION_FUNCTION_OF_3_0(TOKEN_ABOVE_ROW)
/* clang-format on */

#endif
