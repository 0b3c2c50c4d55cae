/*
 * The doors: each C_ function looks up who is asked, asks, and returns. What only a token uses, the token
 * checks: its answer to a NULL or a bad length is the answer.
 */
#include "backends/base/scope.h"
#include "config.h"
#include "pkcs11/function_list.h"
#include "pkcs11/module.h"
#include "pkcs11/session.h"
#include <stdlib.h>
#include <string.h>

/* The slot, in *ret_slots' keeping. */
static CK_RV enter_slot(CK_SLOT_ID id, struct slots **ret_slots, struct slot **ret_slot)
{
    *ret_slots = module_slots();
    if (*ret_slots == NULL) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    *ret_slot = slots_at(*ret_slots, id);
    return *ret_slot == NULL ? CKR_SLOT_ID_INVALID : CKR_OK;
}

CK_RV C_Initialize(void *arguments)
{
    return module_start(arguments);
}

CK_RV C_Finalize(void *reserved)
{
    return reserved == NULL ? module_stop() : CKR_ARGUMENTS_BAD;
}

static void put_padded(CK_UTF8CHAR *to, size_t room, const char *text)
{
    memset(to, ' ', room);
    memcpy(to, text, strlen(text));
}

static CK_VERSION package_version(void)
{
    char *rest;
    unsigned long major = strtoul(PACKAGE_VERSION, &rest, 10);
    unsigned long minor = *rest == '.' ? strtoul(rest + 1, NULL, 10) : 0;

    return (CK_VERSION){(CK_BYTE)major, (CK_BYTE)minor};
}

CK_RV C_GetInfo(CK_INFO *ret_info)
{
    if (!module_runs()) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    if (ret_info == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    *ret_info = (CK_INFO){.cryptokiVersion = {2, 40}, .libraryVersion = package_version()};
    put_padded(ret_info->manufacturerID, sizeof ret_info->manufacturerID, "byok-pkcs11");
    put_padded(ret_info->libraryDescription, sizeof ret_info->libraryDescription,
               "Keys that the customer owns");
    return CKR_OK;
}

CK_RV C_GetSlotList(CK_BBOOL present, CK_SLOT_ID *ret_list, CK_ULONG *count)
{
    struct slots *slots SCOPED(slots_unref_scoped) = module_slots();

    if (slots == NULL) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    if (count == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    return slots_list(slots, present != CK_FALSE, ret_list, count);
}

CK_RV C_GetSlotInfo(CK_SLOT_ID id, CK_SLOT_INFO *ret_info)
{
    struct slots *slots SCOPED(slots_unref_scoped) = NULL;
    struct slot *slot;
    CK_RV rv = enter_slot(id, &slots, &slot);

    if (rv != CKR_OK) {
        return rv;
    }
    return ret_info == NULL ? CKR_ARGUMENTS_BAD : slot_get_info(slot, ret_info);
}

CK_RV C_GetTokenInfo(CK_SLOT_ID id, CK_TOKEN_INFO *ret_info)
{
    struct slots *slots SCOPED(slots_unref_scoped) = NULL;
    struct slot *slot;
    CK_RV rv = enter_slot(id, &slots, &slot);

    if (rv != CKR_OK) {
        return rv;
    }
    return ret_info == NULL ? CKR_ARGUMENTS_BAD : slot_get_token_info(slot, ret_info);
}

CK_RV C_GetMechanismList(CK_SLOT_ID id, CK_MECHANISM_TYPE *ret_list, CK_ULONG *count)
{
    struct slots *slots SCOPED(slots_unref_scoped) = NULL;
    struct slot *slot;
    CK_RV rv = enter_slot(id, &slots, &slot);

    if (rv != CKR_OK) {
        return rv;
    }
    return count == NULL ? CKR_ARGUMENTS_BAD
                         : slot->token->ops->get_mechanism_list(slot->token, ret_list, count);
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID id, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info)
{
    struct slots *slots SCOPED(slots_unref_scoped) = NULL;
    struct slot *slot;
    CK_RV rv = enter_slot(id, &slots, &slot);

    if (rv != CKR_OK) {
        return rv;
    }
    return ret_info == NULL ? CKR_ARGUMENTS_BAD
                            : slot->token->ops->get_mechanism_info(slot->token, type, ret_info);
}

CK_RV C_InitToken(CK_SLOT_ID id, CK_BYTE *pin, CK_ULONG pin_size, CK_UTF8CHAR *label)
{
    struct slots *slots SCOPED(slots_unref_scoped) = NULL;
    struct slot *slot;
    CK_RV rv = enter_slot(id, &slots, &slot);

    if (rv != CKR_OK) {
        return rv;
    }
    return slot->token->ops->init_token == NULL
               ? CKR_FUNCTION_NOT_SUPPORTED
               : slot->token->ops->init_token(slot->token, pin, pin_size, label);
}

/* Section 5.5 of 2.40. Waiting would need a thread for each token. */
CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *ret_id, void *reserved)
{
    struct slots *slots SCOPED(slots_unref_scoped) = module_slots();

    if (slots == NULL) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    if (ret_id == NULL || reserved != NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    return (flags & CKF_DONT_BLOCK) == 0 ? CKR_FUNCTION_NOT_SUPPORTED : slots_poll_event(slots, ret_id);
}

CK_RV C_OpenSession(CK_SLOT_ID id, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                    CK_SESSION_HANDLE *ret_handle)
{
    struct slots *slots SCOPED(slots_unref_scoped) = NULL;
    struct slot *slot;
    CK_RV rv = enter_slot(id, &slots, &slot);

    if (rv != CKR_OK) {
        return rv;
    }
    return ret_handle == NULL ? CKR_ARGUMENTS_BAD
                              : session_open(slot, flags, application, notify, ret_handle);
}

CK_RV C_CloseSession(CK_SESSION_HANDLE handle)
{
    return session_close(handle) ? CKR_OK : module_no_session();
}

CK_RV C_CloseAllSessions(CK_SLOT_ID id)
{
    struct slots *slots SCOPED(slots_unref_scoped) = NULL;
    struct slot *slot;
    CK_RV rv = enter_slot(id, &slots, &slot);

    if (rv == CKR_OK) {
        sessions_close_of_slot(slot);
    }
    return rv;
}

static CK_RV get_session_info(const struct session *session, CK_SESSION_INFO *ret_info)
{
    if (ret_info == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    CK_RV rv = session->ops->get_session_info(session->below, ret_info);

    if (rv == CKR_OK) {
        ret_info->slotID = session->slot->id;
    }
    return rv;
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE handle, CK_SESSION_INFO *ret_info)
{
    struct session *session = session_enter(handle);

    if (session == NULL) {
        return module_no_session();
    }
    CK_RV rv = get_session_info(session, ret_info);

    session_leave(handle);
    return rv;
}

/* clang-format off */
#define DOOR(name, verb, parameters, arguments) \
    CK_RV name(CK_SESSION_HANDLE handle UNBRACKET parameters) \
    { \
        struct session *session = session_enter(handle); \
\
        if (session == NULL) { \
            return module_no_session(); \
        } \
        CK_RV rv = session->ops->verb == NULL ? CKR_FUNCTION_NOT_SUPPORTED \
                                              : session->ops->verb(session->below UNBRACKET arguments); \
\
        session_leave(handle); \
        return rv; \
    }

EACH_SESSION_FUNCTION(DOOR)
EACH_SESSION_FUNCTION_OF_3_0(DOOR)
/* clang-format on */
