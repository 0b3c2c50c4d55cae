/* What 3.0 adds and no token has yet: the checks of every door, then CKR_FUNCTION_NOT_SUPPORTED. */
#include "pkcs11/function_list.h"
#include "pkcs11/module.h"
#include "pkcs11/session.h"

static CK_RV not_supported(CK_SESSION_HANDLE handle)
{
    if (session_enter(handle) == NULL) {
        return module_no_session();
    }
    session_leave(handle);
    return CKR_FUNCTION_NOT_SUPPORTED;
}

/* clang-format off */
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define CLOSED_DOOR(name, parameters) \
    CK_RV name(CK_SESSION_HANDLE handle UNBRACKET parameters) \
    { \
        return not_supported(handle); \
    }

EACH_SESSION_FUNCTION_OF_3_0(CLOSED_DOOR)
/* clang-format on */
