/* See fake_module.h. */
#include "tests/pkcs11/fake_module.h"
#include "pkcs11/function_list.h"
#include <sched.h>
#include <string.h>

enum { MOST_SESSIONS = 1 << 16 };

#pragma GCC visibility push(default)
extern struct fake_module fake_module;
struct fake_module fake_module = {.event = -1};
#pragma GCC visibility pop

static atomic_int users[MOST_SESSIONS]; /* 1: open; above: calls inside */

#pragma GCC diagnostic ignored "-Wunused-parameter"

static CK_RV fake_initialize(void *arguments)
{
    if (atomic_exchange(&fake_module.returns, false)) {
        atomic_store(&fake_module.absent, false);
    }
    return CKR_OK;
}

static CK_RV fake_finalize(void *reserved)
{
    for (size_t i = 0; i < MOST_SESSIONS; i++) {
        if (atomic_exchange(&users[i], 0) > 1) {
            atomic_fetch_add(&fake_module.too_late, 1);
        }
    }
    atomic_store(&fake_module.sessions, 0);
    return CKR_OK;
}

static void pad(CK_UTF8CHAR *to, size_t room, const char *text)
{
    memset(to, ' ', room);
    memcpy(to, text, strlen(text));
}

static CK_RV fake_get_info(CK_INFO *ret_info)
{
    *ret_info = (CK_INFO){.cryptokiVersion = {2, 40}};
    pad(ret_info->manufacturerID, sizeof ret_info->manufacturerID, "fake");
    pad(ret_info->libraryDescription, sizeof ret_info->libraryDescription, "fake");
    return CKR_OK;
}

static bool is_present(CK_SLOT_ID id)
{
    return id == 0 || !atomic_load(&fake_module.absent);
}

static CK_RV fake_get_slot_list(CK_BBOOL present, CK_SLOT_ID *ret_list, CK_ULONG *count)
{
    CK_ULONG found = present && !is_present(1) ? 1 : FAKE_SLOTS;
    CK_ULONG room = *count;

    *count = found;
    if (ret_list == NULL) {
        return CKR_OK;
    }
    if (room < found) {
        return CKR_BUFFER_TOO_SMALL;
    }
    for (CK_ULONG i = 0; i < found; i++) {
        ret_list[i] = i;
    }
    return CKR_OK;
}

static CK_RV fake_get_slot_info(CK_SLOT_ID id, CK_SLOT_INFO *ret_info)
{
    if (id >= FAKE_SLOTS) {
        return CKR_SLOT_ID_INVALID;
    }
    *ret_info = (CK_SLOT_INFO){.flags = CKF_HW_SLOT | (is_present(id) ? CKF_TOKEN_PRESENT : 0)};
    pad(ret_info->slotDescription, sizeof ret_info->slotDescription, "fake slot");
    pad(ret_info->manufacturerID, sizeof ret_info->manufacturerID, "fake");
    return CKR_OK;
}

static CK_RV fake_get_token_info(CK_SLOT_ID id, CK_TOKEN_INFO *ret_info)
{
    if (id >= FAKE_SLOTS || !is_present(id)) {
        return CKR_TOKEN_NOT_PRESENT;
    }
    *ret_info = (CK_TOKEN_INFO){.flags = CKF_TOKEN_INITIALIZED | CKF_RNG};
    pad(ret_info->label, sizeof ret_info->label, id == 0 ? "fake-0" : "fake-1");
    pad(ret_info->manufacturerID, sizeof ret_info->manufacturerID, "fake");
    pad(ret_info->model, sizeof ret_info->model, "fake");
    pad(ret_info->serialNumber, sizeof ret_info->serialNumber, id == 0 ? "0" : "1");
    return CKR_OK;
}

static CK_RV fake_get_mechanism_list(CK_SLOT_ID id, CK_MECHANISM_TYPE *ret_list, CK_ULONG *count)
{
    if (ret_list != NULL && *count > 0) {
        ret_list[0] = CKM_RSA_PKCS;
    }
    *count = 1;
    return CKR_OK;
}

static CK_RV fake_get_mechanism_info(CK_SLOT_ID id, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info)
{
    if (type != CKM_RSA_PKCS) {
        return CKR_MECHANISM_INVALID;
    }
    *ret_info = (CK_MECHANISM_INFO){.ulMinKeySize = 2048, .ulMaxKeySize = 4096, .flags = CKF_WRAP};
    return CKR_OK;
}

static CK_RV fake_init_token(CK_SLOT_ID id, CK_BYTE *pin, CK_ULONG pin_size, CK_UTF8CHAR *label)
{
    return CKR_OK;
}

static CK_RV fake_open_session(CK_SLOT_ID id, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                               CK_SESSION_HANDLE *ret_session)
{
    CK_SESSION_HANDLE session = (CK_SESSION_HANDLE)atomic_fetch_add(&fake_module.opened, 1) % MOST_SESSIONS;

    if (!is_present(id)) {
        return CKR_TOKEN_NOT_PRESENT;
    }
    atomic_store(&users[session], 1);
    atomic_fetch_add(&fake_module.sessions, 1);
    atomic_store(&fake_module.last_session, session + 1);
    atomic_store(&fake_module.last_flags, flags);
    atomic_store(&fake_module.last_notify, notify);
    atomic_store(&fake_module.last_application, application);
    *ret_session = session + 1;
    return CKR_OK;
}

static CK_RV fake_close_session(CK_SESSION_HANDLE session)
{
    if (atomic_exchange(&users[session - 1], 0) != 1) {
        atomic_fetch_add(&fake_module.too_late, 1);
        return CKR_SESSION_HANDLE_INVALID;
    }
    atomic_fetch_sub(&fake_module.sessions, 1);
    return CKR_OK;
}

static CK_RV fake_close_all_sessions(CK_SLOT_ID id)
{
    return CKR_OK;
}

static CK_RV fake_get_session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO *ret_info)
{
    *ret_info = (CK_SESSION_INFO){.slotID = 77, .state = CKS_RO_PUBLIC_SESSION, .flags = CKF_SERIAL_SESSION};
    return CKR_OK;
}

static CK_RV fake_wait_for_slot_event(CK_FLAGS flags, CK_SLOT_ID *ret_id, void *reserved)
{
    int id = atomic_exchange(&fake_module.event, -1);

    if (id < 0) {
        return CKR_NO_EVENT;
    }
    *ret_id = (CK_SLOT_ID)id;
    return CKR_OK;
}

/* Stays inside for as long as it is told to. */
static CK_RV held_generate_random(CK_SESSION_HANDLE session, CK_BYTE *ret_data, CK_ULONG size)
{
    if (atomic_fetch_add(&users[session - 1], 1) < 1) {
        atomic_fetch_add(&fake_module.too_late, 1);
    }
    atomic_fetch_add(&fake_module.inside, 1);
    while (atomic_load(&fake_module.hold)) {
        sched_yield();
    }
    memset(ret_data, 0x5a, size);
    atomic_fetch_sub(&fake_module.inside, 1);
    atomic_fetch_sub(&users[session - 1], 1);
    return CKR_OK;
}

/* clang-format off */
#define NOTHING(name, verb, parameters, arguments) \
    static CK_RV fake_##name(CK_SESSION_HANDLE session UNBRACKET parameters) \
    { \
        return CKR_OK; \
    }
#define ENTRY(name, verb, parameters, arguments) .name = fake_##name,

EACH_SESSION_FUNCTION(NOTHING)

#pragma GCC diagnostic ignored "-Woverride-init"
static CK_FUNCTION_LIST functions = {
    .version = {2, 40},
    .C_Initialize = fake_initialize,
    .C_Finalize = fake_finalize,
    .C_GetInfo = fake_get_info,
    .C_GetSlotList = fake_get_slot_list,
    .C_GetSlotInfo = fake_get_slot_info,
    .C_GetTokenInfo = fake_get_token_info,
    .C_GetMechanismList = fake_get_mechanism_list,
    .C_GetMechanismInfo = fake_get_mechanism_info,
    .C_InitToken = fake_init_token,
    .C_OpenSession = fake_open_session,
    .C_CloseSession = fake_close_session,
    .C_CloseAllSessions = fake_close_all_sessions,
    .C_GetSessionInfo = fake_get_session_info,
    .C_WaitForSlotEvent = fake_wait_for_slot_event,
    EACH_SESSION_FUNCTION(ENTRY)
    .C_GenerateRandom = held_generate_random,
    .C_GetFunctionList = C_GetFunctionList,
};
/* clang-format on */

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret_list)
{
    *ret_list = &functions;
    return CKR_OK;
}
