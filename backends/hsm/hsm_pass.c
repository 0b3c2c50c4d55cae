/* Every function of a session, passed through to the vendor's module. */
#include "backends/hsm/hsm_session.h"

/* clang-format off */
#define PASS(name, verb, parameters, arguments)                                                              \
    CK_RV hsm_pass_##verb(struct token_session *base UNBRACKET parameters)                                   \
    {                                                                                                        \
        struct hsm_session *session = (struct hsm_session *)base;                                            \
        struct hsm_inside mark;                                                                              \
                                                                                                             \
        if (hsm_session_is_gone(session)) {                                                                  \
            return CKR_SESSION_HANDLE_INVALID;                                                               \
        }                                                                                                    \
        if (session->below->name == NULL) {                                                                  \
            return CKR_FUNCTION_NOT_SUPPORTED;                                                               \
        }                                                                                                    \
        if (!hsm_inside_begin(&mark, session->module)) {                                                     \
            return HSM_CALLED_FROM_INSIDE;                                                                   \
        }                                                                                                    \
        CK_RV rv = session->below->name(session->handle UNBRACKET arguments);                                \
                                                                                                             \
        hsm_inside_end(&mark);                                                                               \
        return hsm_session_heard(session, rv);                                                               \
    }
#define PASS_OF_3_0(name, verb, parameters, arguments)                                                       \
    CK_RV hsm_pass_##verb(struct token_session *base UNBRACKET parameters)                                   \
    {                                                                                                        \
        struct hsm_session *session = (struct hsm_session *)base;                                            \
        struct hsm_inside mark;                                                                              \
                                                                                                             \
        if (hsm_session_is_gone(session)) {                                                                  \
            return CKR_SESSION_HANDLE_INVALID;                                                               \
        }                                                                                                    \
        if (session->below_3_0 == NULL || session->below_3_0->name == NULL) {                                \
            return CKR_FUNCTION_NOT_SUPPORTED;                                                               \
        }                                                                                                    \
        if (!hsm_inside_begin(&mark, session->module)) {                                                     \
            return HSM_CALLED_FROM_INSIDE;                                                                   \
        }                                                                                                    \
        CK_RV rv = session->below_3_0->name(session->handle UNBRACKET arguments);                            \
                                                                                                             \
        hsm_inside_end(&mark);                                                                               \
        return hsm_session_heard(session, rv);                                                               \
    }
/* clang-format on */

EACH_SESSION_FUNCTION(PASS)
EACH_SESSION_FUNCTION_OF_3_0(PASS_OF_3_0)
