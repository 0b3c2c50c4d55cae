/* A session of the HSM token: one of the vendor's module. */
#ifndef BYOK_BACKENDS_HSM_HSM_SESSION_H
#define BYOK_BACKENDS_HSM_HSM_SESSION_H

#include "backends/base/hsm_inside.h"
#include "backends/function_table.h"
#include "backends/hsm/hsm_token.h"

struct hsm_session {
    struct token_session base;
    const CK_FUNCTION_LIST *below;
    CK_SESSION_HANDLE handle; /* the vendor's */
    struct hsm_module *module;
    atomic_uint generation; /* of the module, when it was opened; or one of the marks below */
    unsigned life;          /* the same, lost or not */
    struct hsm_token *token;
    CK_SLOT_ID slot;                       /* the vendor's */
    const CK_FUNCTION_LIST_3_0 *below_3_0; /* NULL: the vendor's module is of 2.40 */
    token_notify *notify;
    void *notify_arg;
};

/* No generation gets there: the HSM has lost it, and it is held no longer; or somebody asks whether it is in use. */
#define HSM_LOST  ((unsigned)-1)
#define HSM_DOUBT ((unsigned)-2)

/*
 * Of a session that is not of the module's present life, by its mark: true unless it is only lost or in doubt. That
 * one is held from here on, so that the module is not restarted under the call that follows.
 */
bool hsm_session_stays_gone(struct hsm_session *session);

/* Its handle may belong to somebody else's session by now. */
static inline bool hsm_session_is_gone(struct hsm_session *session)
{
    return atomic_load_explicit(&session->module->generation, memory_order_relaxed) !=
               atomic_load_explicit(&session->generation, memory_order_relaxed) &&
           hsm_session_stays_gone(session);
}

/* The answer to a call from inside the module (hsm_inside.h). */
#define HSM_CALLED_FROM_INSIDE CKR_FUNCTION_FAILED

/* What a failed call below tells of the module, the token and the session; what the application hears. */
CK_RV hsm_session_failed(struct hsm_session *session, CK_RV rv);

/* What the application hears when a call below was answered `rv`. */
static inline CK_RV hsm_session_heard(struct hsm_session *session, CK_RV rv)
{
    return rv == CKR_OK ? CKR_OK : hsm_session_failed(session, rv);
}

/* hsm_mechanism_rfc5649() and hsm_mechanism_is_composed() of its HSM; false from inside the module. */
bool hsm_session_rfc5649(struct hsm_session *session, CK_FLAGS use, CK_MECHANISM_TYPE *ret_type);
bool hsm_session_composes(struct hsm_session *session, CK_MECHANISM_TYPE type, CK_FLAGS use);

/* The functions of token_ops that are about a session. */
CK_RV hsm_session_open(struct token *base, CK_FLAGS flags, token_notify *notify, void *notify_arg,
                       struct token_session **ret_session);
CK_RV hsm_session_close(struct token_session *base);
CK_RV hsm_session_get_info(struct token_session *base, CK_SESSION_INFO *ret_info);
bool hsm_session_let_go(struct token_session *base, bool (*is_alone)(void *arg), void *arg);

/* As hsm_pass_..., where the application logs in; where we do, as a token that needs no login. */
CK_RV hsm_session_login(struct token_session *base, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG pin_size);
CK_RV hsm_session_login_user(struct token_session *base, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG pin_size,
                             CK_BYTE *name, CK_ULONG name_size);
CK_RV hsm_session_logout(struct token_session *base);

/* clang-format off */
#define DECLARE_HSM_PASS(name, verb, parameters, arguments) \
    CK_RV hsm_pass_##verb(struct token_session *base UNBRACKET parameters);
/* Straight through. */
EACH_SESSION_FUNCTION(DECLARE_HSM_PASS)
EACH_SESSION_FUNCTION_OF_3_0(DECLARE_HSM_PASS)
#undef DECLARE_HSM_PASS
/* clang-format on */

#endif
