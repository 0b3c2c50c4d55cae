/* The way to an HSM's token: its library, the slot, the PIN, the login. */
#include "backends/hsm/hsm_diagnose.h"
#include "backends/base/hsm_inside.h"
#include "backends/base/hsm_slots.h"
#include <stdio.h>
#include <string.h>

enum { ADVICE_SIZE = 1024, NAMES_SIZE = 512, SLOTS_SHOWN = 16 };

/* A blank-padded text of the standard, without its blanks. */
static int text_size(const CK_UTF8CHAR *text, size_t room)
{
    while (room != 0 && (text[room - 1] == ' ' || text[room - 1] == 0)) {
        room--;
    }
    return (int)room;
}

#define TEXT(field) text_size(field, sizeof(field)), (const char *)(field)

static const CK_FUNCTION_LIST *examine_library(struct hsm_token *token, struct diagnosis *diagnosis)
{
    const CK_FUNCTION_LIST *functions = hsm_module_ready(token->module, token->label);
    CK_INFO info;

    if (functions == NULL) {
        diagnosis_fail(diagnosis, "hsm-module",
                       "install the vendor's PKCS#11 library and name it by `module-path` in `uri`", "%s",
                       diagnosis_heard(diagnosis));
        return NULL;
    }
    if (functions->C_GetInfo(&info) != CKR_OK) {
        diagnosis_fail(diagnosis, "hsm-module", "see the library's own log",
                       "%s is loaded, but does not say what it is", token->module->path);
        return NULL;
    }
    diagnosis_ok(diagnosis, "hsm-module", "%s: %.*s by %.*s, version %u.%u", token->module->path,
                 TEXT(info.libraryDescription), TEXT(info.manufacturerID), info.libraryVersion.major,
                 info.libraryVersion.minor);
    return functions;
}

/* What tokens there are instead, for the operator to compare. */
static void name_tokens(const CK_FUNCTION_LIST *functions, char *ret_names, size_t room)
{
    CK_SLOT_ID slots[SLOTS_SHOWN];
    CK_ULONG count = SLOTS_SHOWN;
    CK_TOKEN_INFO info;
    size_t size = 0;

    ret_names[0] = '\0';
    if (functions->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK) {
        return;
    }
    for (CK_ULONG i = 0; i < count && size < room; i++) {
        if (functions->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
            (info.flags & CKF_TOKEN_INITIALIZED) != 0) {
            size += (size_t)snprintf(ret_names + size, room - size, "%s\"%.*s\"", size == 0 ? "" : ", ",
                                     TEXT(info.label));
        }
    }
}

static bool examine_slot(struct hsm_token *token, struct hsm_slots *look, struct diagnosis *diagnosis)
{
    char names[NAMES_SIZE];
    CK_RV rv = hsm_slots_look(&token->uri, look);

    if (rv != CKR_OK) {
        diagnosis_fail(diagnosis, "hsm-token", "see that the HSM is switched on, connected and reachable",
                       "%s does not show its tokens (0x%lx)", token->module->path, rv);
        return false;
    }
    if (look->fits == 0) {
        name_tokens(look->functions, names, sizeof names);
        diagnosis_fail(diagnosis, "hsm-token",
                       "correct token= in `uri`, or see that this token's HSM is connected",
                       "no token fits `uri`; there %s %s", names[0] == '\0' ? "is" : "are",
                       names[0] == '\0' ? "none at all" : names);
        return false;
    }
    if (look->fits > 1) {
        diagnosis_warn(diagnosis, "hsm-token", "add serial= to `uri`",
                       "%lu tokens fit `uri`; the first is used, and which that is may change", look->fits);
        return true;
    }
    diagnosis_ok(diagnosis, "hsm-token", "\"%.*s\" in slot %lu: %.*s %.*s, serial %.*s",
                 TEXT(look->token_info.label), look->slot, TEXT(look->token_info.manufacturerID),
                 TEXT(look->token_info.model), TEXT(look->token_info.serialNumber));
    return true;
}

/* True: there is something to log in with. */
static bool examine_pin_source(const struct hsm_token *token, struct diagnosis *diagnosis)
{
    const struct hsm_uri *uri = &token->uri;

    if (uri->pin_place == HSM_PIN_FILE) {
        return diagnosis_file(diagnosis, "hsm-pin-file", "pin-source", uri->pin_name, true);
    }
    if (uri->pin_place == HSM_PIN_ENVIRONMENT && settings_environment(uri->pin_name) == NULL) {
        diagnosis_fail(diagnosis, "hsm-pin-file", "set it, or use pin-source=file:PATH",
                       "pin-source: the environment has no %s", uri->pin_name);
        return false;
    }
    if (uri->pin_place == HSM_PIN_ENVIRONMENT) {
        diagnosis_warn(diagnosis, "hsm-pin-file", "pin-source=file:PATH is safer",
                       "pin-source: the PIN is in the environment (%s), which child processes inherit",
                       uri->pin_name);
    }
    return uri->pin_place == HSM_PIN_ENVIRONMENT;
}

static const struct {
    CK_FLAGS flag;
    const char *state, *advice;
} pin_states[] = {
    {CKF_USER_PIN_LOCKED, "the HSM has locked the PIN",
     "unlock it as security officer, then write the new PIN to the PIN file"},
    {CKF_USER_PIN_FINAL_TRY, "the PIN has one try left before the HSM locks it, so it is not tried",
     "log in once with the vendor's tool and the right PIN, which sets the count back"},
    {CKF_USER_PIN_COUNT_LOW, "a wrong PIN has been given since it was last right, so it is not tried here",
     "log in once with the vendor's tool and the right PIN, which sets the count back"},
    {CKF_USER_PIN_TO_BE_CHANGED, "the HSM asks for a new PIN first", "set it with the vendor's tool"},
};

static bool examine_pin_state(const CK_TOKEN_INFO *info, struct diagnosis *diagnosis)
{
    for (size_t i = 0; i < sizeof pin_states / sizeof pin_states[0]; i++) {
        if ((info->flags & pin_states[i].flag) != 0) {
            diagnosis_fail(diagnosis, "hsm-pin", pin_states[i].advice, "%s", pin_states[i].state);
            return false;
        }
    }
    return true;
}

static bool examine_login(struct hsm_token *token, const struct hsm_slots *look, CK_SESSION_HANDLE session,
                          struct diagnosis *diagnosis)
{
    if (token->login == NULL) {
        diagnosis_warn(diagnosis, "hsm-pin",
                       "add pin-source=file:PATH to `uri` where the application cannot log in",
                       "`uri` has no pin-source: the application has to log in, and private keys are not "
                       "examined here");
        return true;
    }
    if (!examine_pin_source(token, diagnosis) || !examine_pin_state(&look->token_info, diagnosis)) {
        return false;
    }
    CK_RV rv = hsm_login_ensure(token->login, token->label, look->functions, session);

    if (rv != CKR_OK) {
        diagnosis_fail(diagnosis, "hsm-pin",
                       "write the right PIN to the PIN file; until then nothing tries this one again here",
                       "%s", diagnosis_heard(diagnosis));
        return false;
    }
    diagnosis_ok(diagnosis, "hsm-pin", "login with the PIN of %s works", token->uri.pin_name);
    return true;
}

static bool examine_session(struct hsm_token *token, const struct hsm_slots *look,
                            struct diagnosis *diagnosis)
{
    const struct hsm_mechanisms of = {
        .functions = look->functions, .slot = look->slot, .rfc5649 = token->rfc5649};
    CK_SESSION_HANDLE session;
    CK_RV rv = look->functions->C_OpenSession(look->slot, CKF_SERIAL_SESSION, NULL, NULL, &session);

    if (rv != CKR_OK) {
        diagnosis_fail(diagnosis, "hsm-session", "see the library's own log, and how many sessions it allows",
                       "the HSM gives no session (0x%lx)", rv);
        return false;
    }
    bool fine = examine_login(token, look, session, diagnosis);

    if (fine) {
        hsm_diagnose_content(&of, session, diagnosis);
    }
    look->functions->C_CloseSession(session);
    return fine;
}

static bool examine(struct hsm_token *token, struct diagnosis *diagnosis)
{
    struct hsm_slots look = {.functions = examine_library(token, diagnosis)};

    return look.functions != NULL && examine_slot(token, &look, diagnosis) &&
           examine_session(token, &look, diagnosis);
}

void hsm_diagnose(struct hsm_token *token, struct diagnosis *diagnosis)
{
    struct hsm_inside mark;

    if (hsm_inside_begin(&mark, token->module)) {
        diagnosis->ends_here = !examine(token, diagnosis);
        hsm_inside_end(&mark);
    }
}
