/* Finding the slot of the vendor's module that holds our token, at first and after it went away. */
#include "backends/base/deadline.h"
#include "backends/base/log.h"
#include "backends/hsm/hsm_token.h"
#include <stdlib.h>

enum {
    LOOK_REST = 5000,   /* milliseconds between two looks by those that only ask */
    SLOTS_MOST = 65536, /* a module that says more is not believed */
    TRIES = 3
};

/* Several tokens that fit: the first is taken, as everywhere with PKCS#11 URIs, but nobody should rely on it.
 */
struct look {
    const CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slot;
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO token_info;
    CK_ULONG tokens; /* with or without a fit */
    CK_ULONG fits;
    bool busy; /* somebody has a session with one of them */
};

static CK_RV list_slots(const CK_FUNCTION_LIST *functions, CK_SLOT_ID **ret_slots, CK_ULONG *ret_count)
{
    CK_RV rv = CKR_BUFFER_TOO_SMALL;

    for (int i = 0; i < TRIES && rv == CKR_BUFFER_TOO_SMALL; i++) {
        CK_ULONG count = 0;

        rv = functions->C_GetSlotList(CK_TRUE, NULL, &count);
        if (rv != CKR_OK) {
            return rv;
        }
        CK_SLOT_ID *slots = count > SLOTS_MOST ? NULL : calloc(count + 1, sizeof *slots);

        if (slots == NULL) {
            return CKR_HOST_MEMORY;
        }
        rv = functions->C_GetSlotList(CK_TRUE, slots, &count);
        if (rv == CKR_OK) {
            *ret_slots = slots;
            *ret_count = count;
            return CKR_OK;
        }
        free(slots);
    }
    return rv;
}

static CK_RV look_at(const struct hsm_token *token, CK_SLOT_ID slot, struct look *look)
{
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO token_info;
    CK_RV rv = look->functions->C_GetSlotInfo(slot, &slot_info);

    if (rv == CKR_OK) {
        rv = look->functions->C_GetTokenInfo(slot, &token_info);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    look->tokens++;
    look->busy = look->busy ||
                 (token_info.ulSessionCount != 0 && token_info.ulSessionCount != CK_UNAVAILABLE_INFORMATION);
    if (!hsm_uri_fits_slot(&token->uri, slot, &slot_info) || !hsm_uri_fits_token(&token->uri, &token_info)) {
        return CKR_OK;
    }
    if (look->fits++ == 0) {
        look->slot = slot;
        look->slot_info = slot_info;
        look->token_info = token_info;
    }
    return CKR_OK;
}

/* One slot that does not answer must not hide another, unless the module answers nothing at all any more. */
static CK_RV look_at_slots(const struct hsm_token *token, struct look *look)
{
    CK_SLOT_ID *slots = NULL;
    CK_ULONG count = 0;
    CK_RV rv = list_slots(look->functions, &slots, &count);

    for (CK_ULONG i = 0; i < count && rv == CKR_OK; i++) {
        rv = look_at(token, slots[i], look);
        rv = rv == CKR_CRYPTOKI_NOT_INITIALIZED ? rv : CKR_OK;
    }
    free(slots);
    return rv;
}

static CK_RV look_at_all(const struct hsm_token *token, struct look *look)
{
    CK_INFO info;
    CK_RV rv = look->functions->C_GetInfo(&info);

    if (rv == CKR_OK && !hsm_uri_fits_module(&token->uri, &info)) {
        return CKR_OK;
    }
    return rv == CKR_CRYPTOKI_NOT_INITIALIZED ? rv : look_at_slots(token, look);
}

static void remember(struct hsm_token *token, const struct look *look)
{
    if (look->fits > 1) {
        log_warning(token->label, "%lu tokens fit `uri`, the first is used; add serial= to `uri`",
                    look->fits);
    }
    if (atomic_exchange(&token->found_once, true)) {
        log_info(token->label, "the HSM's token is there again");
    }
    pthread_mutex_lock(&token->lock);
    token->slot_info = look->slot_info;
    token->token_info = look->token_info;
    pthread_mutex_unlock(&token->lock);
    atomic_store(&token->watch.slot, look->slot);
}

static void remember_absence(struct hsm_token *token, const struct look *look, CK_RV rv)
{
    CK_SLOT_ID before = atomic_exchange(&token->watch.slot, HSM_SLOT_ABSENT);

    atomic_store(&token->look_after, clock_now() + LOOK_REST);
    if (before == HSM_SLOT_ABSENT || look->functions == NULL) {
        return;
    }
    if (rv != CKR_OK) {
        log_error(token->label, "%s did not show its tokens (0x%lx); see that the HSM is there and reachable",
                  token->module->path, rv);
        return;
    }
    log_error(token->label, "no token fits `uri`; %s shows %lu: see `pkcs11-tool --module %s --list-slots`",
              token->module->path, look->tokens, token->module->path);
}

/* With a module that somebody finalised meanwhile: as many looks as it takes to see it once in one piece. */
static CK_RV look_patiently(struct hsm_token *token, struct look *look)
{
    CK_RV rv = CKR_CRYPTOKI_NOT_INITIALIZED;

    for (int i = 0; i < TRIES && rv == CKR_CRYPTOKI_NOT_INITIALIZED; i++) {
        unsigned generation = atomic_load(&token->module->generation);

        *look = (struct look){.functions = hsm_module_ready(token->module, token->label)};
        if (look->functions == NULL) {
            return CKR_TOKEN_NOT_PRESENT;
        }
        rv = look_at_all(token, look);
        if (rv == CKR_CRYPTOKI_NOT_INITIALIZED) {
            hsm_module_revive(token->module, generation, token->label);
        }
    }
    return rv;
}

static void look_for_token(struct hsm_token *token, enum hsm_look how)
{
    struct look look;
    CK_RV rv = look_patiently(token, &look);

    if (look.fits == 0 && how == HSM_LOOK_AGAIN && look.functions != NULL && !look.busy &&
        hsm_module_restart(token->module, token->label)) {
        rv = look_patiently(token, &look);
    }
    if (look.fits != 0) {
        remember(token, &look);
    } else {
        remember_absence(token, &look, rv);
    }
}

static bool look_is_due(struct hsm_token *token, enum hsm_look how)
{
    CK_SLOT_ID slot = atomic_load(&token->watch.slot);

    if (slot == HSM_SLOT_ABSENT) {
        return how == HSM_LOOK_AGAIN || clock_now() >= atomic_load(&token->look_after);
    }
    return slot == HSM_SLOT_NEVER_SOUGHT;
}

static CK_RV find(struct hsm_token *token, enum hsm_look look, const CK_FUNCTION_LIST **ret_functions,
                  CK_SLOT_ID *ret_slot)
{
    if (look_is_due(token, look) && hsm_turn_take(&token->looking)) {
        if (look_is_due(token, look)) {
            look_for_token(token, look);
        }
        hsm_turn_give(&token->looking);
    }
    CK_SLOT_ID slot = atomic_load(&token->watch.slot);

    if (slot == HSM_SLOT_NEVER_SOUGHT) {
        return CKR_CANCEL; /* another thread has just forgotten it: look again */
    }
    if (slot == HSM_SLOT_ABSENT) {
        return CKR_TOKEN_NOT_PRESENT;
    }
    const CK_FUNCTION_LIST *functions = hsm_module_ready(token->module, token->label);

    if (functions == NULL) {
        return CKR_TOKEN_NOT_PRESENT;
    }
    *ret_functions = functions;
    *ret_slot = slot;
    return CKR_OK;
}

/* True when the answer means that module or slot are not what they were: what was known of them is forgotten.
 */
static bool is_lost(struct hsm_token *token, CK_RV rv, unsigned generation)
{
    switch (rv) {
    case CKR_CRYPTOKI_NOT_INITIALIZED:
        hsm_module_revive(token->module, generation, token->label);
        break;
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
    case CKR_SLOT_ID_INVALID:
    case CKR_DEVICE_REMOVED:
        break;
    default:
        return false;
    }
    atomic_store(&token->watch.slot, HSM_SLOT_NEVER_SOUGHT);
    return true;
}

CK_RV hsm_token_ask(struct hsm_token *token, enum hsm_look look, hsm_question *question, void *arg)
{
    const CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slot;

    for (int i = 0; i < TRIES; i++) {
        unsigned generation = atomic_load(&token->module->generation);
        CK_RV rv = find(token, look, &functions, &slot);

        if (rv == CKR_OK) {
            rv = question(token, functions, slot, arg);
        } else if (rv != CKR_CANCEL) {
            return rv;
        }
        if (rv != CKR_CANCEL && !is_lost(token, rv, generation)) {
            return rv;
        }
    }
    return CKR_TOKEN_NOT_PRESENT;
}

void hsm_token_look_soon(struct hsm_token *token)
{
    CK_SLOT_ID slot = atomic_load(&token->watch.slot);

    atomic_store(&token->look_after, 0);
    if (slot != HSM_SLOT_ABSENT) {
        atomic_compare_exchange_strong(&token->watch.slot, &slot, HSM_SLOT_NEVER_SOUGHT);
    }
}
