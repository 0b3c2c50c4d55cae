/* Finding the slot of the vendor's module that holds our token, at first and after it went away. */
#include "backends/base/deadline.h"
#include "backends/base/hsm_inside.h"
#include "backends/base/hsm_slots.h"
#include "backends/base/log.h"
#include "backends/hsm/hsm_token.h"
#include <time.h>

enum {
    CHECK_REST = 1000, /* milliseconds */
    LOOK_REST = 5000,  /* milliseconds between two looks by those that only ask */
    TRIES = 3
};

/* In milliseconds; a quarter of the price of clock_now(), for it is asked at every C_OpenSession. */
static int64_t coarse_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

CK_RV hsm_token_check(struct hsm_token *token, const CK_FUNCTION_LIST *functions, CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    int64_t now = coarse_now();

    if (now - atomic_load_explicit(&token->checked, memory_order_relaxed) < CHECK_REST) {
        return CKR_OK;
    }
    CK_RV rv = functions->C_GetTokenInfo(slot, &info);

    if (rv == CKR_OK && !hsm_uri_fits_token(&token->uri, &info)) {
        return CKR_TOKEN_NOT_PRESENT;
    }
    if (rv == CKR_OK) {
        atomic_store_explicit(&token->checked, now, memory_order_relaxed);
    }
    return rv == CKR_CRYPTOKI_NOT_INITIALIZED ? rv : CKR_OK; /* C_OpenSession says the rest itself */
}

static void remember(struct hsm_token *token, const struct hsm_slots *look)
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
    atomic_store(&token->checked, coarse_now());
    atomic_store(&token->watch.slot, look->slot);
}

static void remember_absence(struct hsm_token *token, const struct hsm_slots *look, CK_RV rv)
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
static CK_RV look_patiently(struct hsm_token *token, struct hsm_slots *look)
{
    CK_RV rv = CKR_CRYPTOKI_NOT_INITIALIZED;

    for (int i = 0; i < TRIES && rv == CKR_CRYPTOKI_NOT_INITIALIZED; i++) {
        unsigned generation = atomic_load(&token->module->generation);

        *look = (struct hsm_slots){.functions = hsm_module_ready(token->module, token->label)};
        if (look->functions == NULL) {
            return CKR_TOKEN_NOT_PRESENT;
        }
        rv = hsm_slots_look(&token->uri, look);
        if (rv == CKR_CRYPTOKI_NOT_INITIALIZED) {
            hsm_module_revive(token->module, generation, token->label);
        }
    }
    return rv;
}

static void look_for_token(struct hsm_token *token, enum hsm_look how)
{
    struct hsm_slots look;
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

/*
 * True when the answer means that module or slot are not what they were:
 * what was known of them is forgotten.
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

static CK_RV ask(struct hsm_token *token, enum hsm_look look, hsm_question *question, void *arg)
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

CK_RV hsm_token_ask(struct hsm_token *token, enum hsm_look look, hsm_question *question, void *arg)
{
    struct hsm_inside mark;

    if (!hsm_inside_begin(&mark, token->module)) {
        return CKR_TOKEN_NOT_PRESENT;
    }
    CK_RV rv = ask(token, look, question, arg);

    hsm_inside_end(&mark);
    return rv;
}

void hsm_token_look_soon(struct hsm_token *token)
{
    CK_SLOT_ID slot = atomic_load(&token->watch.slot);

    atomic_store(&token->look_after, 0);
    if (slot != HSM_SLOT_ABSENT) {
        atomic_compare_exchange_strong(&token->watch.slot, &slot, HSM_SLOT_NEVER_SOUGHT);
    }
}
