/* A PKCS#11 module for tests: two slots, 5 and 6, with tokens "one" and "two". */
#include "tests/backends/hsm/fake_hsm.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { FIRST_HANDLE = 1000 };

#pragma GCC visibility push(default)
struct fake_hsm *fake_hsm_state(void);
#ifdef BYOK_LACKS_CRYPTOKI_3_0
CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **ret_interface, CK_FLAGS flags);
#endif
#pragma GCC visibility pop

static CK_FUNCTION_LIST table;
static CK_FUNCTION_LIST_3_0 table_3_0;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fake_hsm fake = {
    .first_slot = FAKE_FIRST_SLOT,
    .there = {true, true},
    .label = {"one", "two"},
    .flags = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED,
    .pin = "1234",
    .mechanism = {{CKM_RSA_PKCS_OAEP, CKF_WRAP}},
    .table = &table,
    .table_3_0 = &table_3_0,
    .interface = {3, 0},
};

struct fake_hsm *fake_hsm_state(void)
{
    return &fake;
}

/* As a module that has one mutex and is led back to itself. */
static void work(void)
{
    if (fake.inside) {
        fake.hangs++;
    } else if (fake.during != NULL) {
        fake.inside = true;
        fake.during();
        fake.inside = false;
    }
}

static CK_RV fake_C_Initialize(void *arguments)
{
    work();
    if (fake.initialize_answer != CKR_OK) {
        return fake.initialize_answer;
    }
    if (atomic_exchange(&fake.alive, true)) {
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    }
    fake.initialize_flags =
        arguments == NULL ? CK_UNAVAILABLE_INFORMATION : ((CK_C_INITIALIZE_ARGS *)arguments)->flags;
    fake.initialized++;
    memcpy(fake.seen, fake.there, sizeof fake.seen);
    return CKR_OK;
}

static CK_RV fake_C_Finalize(void *reserved)
{
    (void)reserved;
    if (!atomic_exchange(&fake.alive, false)) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    fake.finalized++;
    fake.sessions = 0;
    fake.user = false;
    return CKR_OK;
}

static void pad(unsigned char *to, const char *text, size_t size)
{
    memset(to, ' ', size);
    memcpy(to, text, strlen(text));
}

static CK_RV fake_C_GetInfo(CK_INFO *info)
{
    work();
    memset(info, 0, sizeof *info);
    info->cryptokiVersion = (CK_VERSION){2, 40};
    pad(info->manufacturerID, "Fake", sizeof info->manufacturerID);
    pad(info->libraryDescription, "Fake HSM", sizeof info->libraryDescription);
    return fake.alive ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
}

static bool is_there(CK_SLOT_ID slot)
{
    return fake.looks_once ? fake.seen[slot - fake.first_slot] : fake.there[slot - fake.first_slot];
}

static CK_RV fake_C_GetSlotList(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count)
{
    CK_ULONG found = 0;

    fake.looked++;
    work();
    if (!fake.alive) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    for (CK_SLOT_ID slot = fake.first_slot; slot < fake.first_slot + FAKE_SLOTS; slot++) {
        if (present && !is_there(slot)) {
            continue;
        }
        if (list != NULL && found < *count) {
            list[found] = slot;
        }
        found++;
    }
    CK_RV rv = list != NULL && found > *count ? CKR_BUFFER_TOO_SMALL : CKR_OK;

    *count = found;
    return rv;
}

static CK_RV check_slot(CK_SLOT_ID slot)
{
    if (!fake.alive) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    return slot < fake.first_slot || slot >= fake.first_slot + FAKE_SLOTS ? CKR_SLOT_ID_INVALID : CKR_OK;
}

static CK_RV check_token(CK_SLOT_ID slot)
{
    CK_RV rv = check_slot(slot);

    return rv == CKR_OK && !is_there(slot) ? CKR_TOKEN_NOT_PRESENT : rv;
}

static CK_RV fake_C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    CK_RV rv = check_slot(slot);

    work();
    if (rv != CKR_OK) {
        return rv;
    }
    memset(info, 0, sizeof *info);
    pad(info->slotDescription, "a slot", sizeof info->slotDescription);
    pad(info->manufacturerID, "Fake", sizeof info->manufacturerID);
    info->flags = CKF_HW_SLOT | (is_there(slot) ? CKF_TOKEN_PRESENT : 0);
    return CKR_OK;
}

static CK_RV fake_C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = check_token(slot);

    work();
    if (rv != CKR_OK) {
        return rv;
    }
    memset(info, 0, sizeof *info);
    pad(info->label, fake.label[slot - fake.first_slot], sizeof info->label);
    pad(info->manufacturerID, "Fake", sizeof info->manufacturerID);
    pad(info->model, "model", sizeof info->model);
    pad(info->serialNumber, slot == fake.first_slot ? "1" : "2", sizeof info->serialNumber);
    info->flags = fake.flags;
    info->ulSessionCount = fake.sessions;
    return CKR_OK;
}

static CK_RV fake_C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    CK_RV rv = check_token(slot);
    CK_ULONG found = 0;

    work();
    for (; rv == CKR_OK && found < FAKE_MECHANISMS && fake.mechanism[found].flags != 0; found++) {
        if (list != NULL && found < *count) {
            list[found] = fake.mechanism[found].type;
        }
    }
    if (rv == CKR_OK && list != NULL && *count < found) {
        rv = CKR_BUFFER_TOO_SMALL;
    }
    *count = found;
    return rv;
}

static CK_RV fake_C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    CK_RV rv = check_token(slot);

    work();
    if (rv != CKR_OK) {
        return rv;
    }
    for (size_t i = 0; i < FAKE_MECHANISMS && fake.mechanism[i].flags != 0; i++) {
        if (fake.mechanism[i].type == type) {
            *info = (CK_MECHANISM_INFO){1, 2, fake.mechanism[i].flags};
            return CKR_OK;
        }
    }
    return CKR_MECHANISM_INVALID;
}

static CK_RV fake_C_InitToken(CK_SLOT_ID slot, CK_BYTE *pin, CK_ULONG pin_size, CK_UTF8CHAR *label)
{
    work();
    (void)pin, (void)pin_size, (void)label;
    return check_slot(slot) == CKR_OK ? CKR_TOKEN_WRITE_PROTECTED : CKR_SLOT_ID_INVALID;
}

static CK_RV fake_C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                                CK_SESSION_HANDLE *session)
{
    CK_RV rv = check_token(slot);

    work();
    (void)flags;
    if (rv != CKR_OK) {
        return rv;
    }
    pthread_mutex_lock(&lock);
    fake.session_slot = slot;
    fake.session = FIRST_HANDLE + fake.opened++;
    fake.sessions++;
    fake.notify = notify;
    fake.application = application;
    *session = fake.session;
    pthread_mutex_unlock(&lock);
    return CKR_OK;
}

static CK_RV fake_C_CloseSession(CK_SESSION_HANDLE session)
{
    work();
    if (!fake.alive) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    (void)session;
    fake.closed++;
    if (--fake.sessions == 0) {
        fake.user = false;
    }
    return CKR_OK;
}

static CK_RV fake_C_CloseAllSessions(CK_SLOT_ID slot)
{
    fake.closed_all++;
    return check_slot(slot);
}

static CK_RV fake_C_GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
    work();
    (void)session;
    *info = (CK_SESSION_INFO){.slotID = fake.session_slot,
                              .state = fake.user ? CKS_RO_USER_FUNCTIONS : CKS_RO_PUBLIC_SESSION,
                              .flags = CKF_SERIAL_SESSION,
                              .ulDeviceError = 77};
    return fake.alive ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
}

static CK_RV fake_C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
    work();
    (void)reserved;
    if (flags != CKF_DONT_BLOCK || fake.events == 0) {
        return flags != CKF_DONT_BLOCK ? CKR_FUNCTION_NOT_SUPPORTED : CKR_NO_EVENT;
    }
    *slot = fake.event[--fake.events];
    return CKR_OK;
}

static void sleep_for(unsigned milliseconds)
{
    struct timespec time = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};

    nanosleep(&time, NULL);
}

static CK_RV do_login(const struct fake_call *call)
{
    const char *pin = (const char *)call->word[1];

    fake.logged_in++;
    sleep_for(fake.login_takes);
    if (fake.during_login != NULL) {
        fake.during_login();
    }
    if (fake.login_answer != CKR_OK) {
        return fake.login_answer;
    }
    if (call->word[2] != strlen(fake.pin) || memcmp(pin, fake.pin, call->word[2]) != 0) {
        return CKR_PIN_INCORRECT;
    }
    return atomic_exchange(&fake.user, true) ? CKR_USER_ALREADY_LOGGED_IN : CKR_OK;
}

static CK_RV do_logout(void)
{
    fake.logged_out++;
    return atomic_exchange(&fake.user, false) ? CKR_OK : CKR_USER_NOT_LOGGED_IN;
}

static CK_RV called(const struct fake_call *call)
{
    fake.calls++;
    pthread_mutex_lock(&lock);
    fake.last = *call;
    pthread_mutex_unlock(&lock);
    work();
    if (!fake.alive) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    CK_RV rv;

    if (fake_keys_call(&fake, call, &rv)) {
        return rv;
    }
    if (!fake.literal && strcmp(call->name, "C_Login") == 0) {
        return do_login(call);
    }
    if (!fake.literal && strcmp(call->name, "C_Logout") == 0) {
        return do_logout();
    }
    return fake.answer;
}

/* clang-format off */
#define DEFINE(name, verb, parameters, arguments)                                                            \
    static CK_RV fake_##name(CK_SESSION_HANDLE session UNBRACKET parameters)                                 \
    {                                                                                                        \
        struct fake_call call = {#name, session, {MAP(FAKE_WORD, session UNBRACKET arguments)}};             \
                                                                                                             \
        return called(&call);                                                                                \
    }
#define ROW(name, verb, parameters, arguments) .name = fake_##name,
/* clang-format on */
EACH_SESSION_FUNCTION(DEFINE)
EACH_SESSION_FUNCTION_OF_3_0(DEFINE)

static CK_RV fake_C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    *list = &table;
    return CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    return fake_C_GetFunctionList(list);
}

static CK_FUNCTION_LIST table = {.version = {2, 40},
                                 .C_Initialize = fake_C_Initialize,
                                 .C_Finalize = fake_C_Finalize,
                                 .C_GetInfo = fake_C_GetInfo,
                                 .C_GetFunctionList = fake_C_GetFunctionList,
                                 .C_GetSlotList = fake_C_GetSlotList,
                                 .C_GetSlotInfo = fake_C_GetSlotInfo,
                                 .C_GetTokenInfo = fake_C_GetTokenInfo,
                                 .C_GetMechanismList = fake_C_GetMechanismList,
                                 .C_GetMechanismInfo = fake_C_GetMechanismInfo,
                                 .C_InitToken = fake_C_InitToken,
                                 .C_OpenSession = fake_C_OpenSession,
                                 .C_CloseSession = fake_C_CloseSession,
                                 .C_CloseAllSessions = fake_C_CloseAllSessions,
                                 .C_GetSessionInfo = fake_C_GetSessionInfo,
                                 .C_WaitForSlotEvent = fake_C_WaitForSlotEvent,
                                 EACH_SESSION_FUNCTION(ROW)};

static CK_FUNCTION_LIST_3_0 table_3_0 = {EACH_SESSION_FUNCTION(ROW) EACH_SESSION_FUNCTION_OF_3_0(ROW)};

CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **ret_interface, CK_FLAGS flags)
{
    static CK_UTF8CHAR standard[] = "PKCS 11";
    static CK_INTERFACE interface = {standard, &table_3_0, 0};
    const CK_VERSION *have = &fake.interface;

    if (have->major == 0 || strcmp((const char *)name, (const char *)standard) != 0 || flags != 0 ||
        (version != NULL && (version->major != have->major || version->minor != have->minor))) {
        return CKR_ARGUMENTS_BAD;
    }
    table_3_0.version = *have;
    *ret_interface = &interface;
    return CKR_OK;
}
