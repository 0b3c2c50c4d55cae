/* What is asked of a token without a session: its descriptions, its mechanisms, its events. */
#include "backends/hsm/hsm_token.h"
#include "backends/base/hsm_inside.h"
#include "backends/base/log.h"
#include <string.h>

void hsm_token_describe(struct hsm_token *token)
{
    CK_TOKEN_INFO *info = &token->token_info;

    memset(info, 0, sizeof *info);
    memset(&token->slot_info, 0, sizeof token->slot_info);
    hsm_uri_describe_token(&token->uri, info);
    hsm_uri_describe_slot(&token->uri, &token->slot_info);
    if (token->slot_info.slotDescription[0] == ' ') {
        size_t size = strnlen(token->label, sizeof token->slot_info.slotDescription);

        memcpy(token->slot_info.slotDescription, token->label, size);
    }
    info->flags = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED;
    info->ulSessionCount = CK_UNAVAILABLE_INFORMATION;
    info->ulRwSessionCount = CK_UNAVAILABLE_INFORMATION;
    info->ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulMaxPinLen = 255;
    memset(info->utcTime, ' ', sizeof info->utcTime);
}

bool hsm_token_present(struct token *base)
{
    struct hsm_token *token = (struct hsm_token *)base;

    return atomic_load(&token->watch.slot) != HSM_SLOT_ABSENT;
}

static CK_RV ask_slot(struct hsm_token *token, const CK_FUNCTION_LIST *functions, CK_SLOT_ID slot, void *arg)
{
    CK_SLOT_INFO *info = arg;
    CK_RV rv = functions->C_GetSlotInfo(slot, info);

    (void)token;
    return rv == CKR_OK && (info->flags & CKF_TOKEN_PRESENT) == 0 ? CKR_TOKEN_NOT_PRESENT : rv;
}

CK_RV hsm_token_get_slot_info(struct token *base, CK_SLOT_INFO *ret_info)
{
    struct hsm_token *token = (struct hsm_token *)base;
    CK_SLOT_INFO info;
    CK_RV rv = hsm_token_ask(token, HSM_LOOK_FIRST, ask_slot, &info);

    pthread_mutex_lock(&token->lock);
    if (rv == CKR_OK) {
        token->slot_info = info;
    } else {
        info = token->slot_info;
    }
    pthread_mutex_unlock(&token->lock);
    if (rv != CKR_OK) {
        info.flags &= ~(CK_FLAGS)CKF_TOKEN_PRESENT;
    }
    if (hsm_is_inside(token->module) && hsm_token_present(base)) {
        info.flags |= CKF_TOKEN_PRESENT;
    }
    *ret_info = info;
    return CKR_OK;
}

/* Some modules number their slots anew: what is there now must still be ours. */
static CK_RV ask_token(struct hsm_token *token, const CK_FUNCTION_LIST *functions, CK_SLOT_ID slot, void *arg)
{
    CK_TOKEN_INFO *info = arg;
    CK_RV rv = functions->C_GetTokenInfo(slot, info);

    return rv == CKR_OK && !hsm_uri_fits_token(&token->uri, info) ? CKR_TOKEN_NOT_PRESENT : rv;
}

CK_RV hsm_token_get_token_info(struct token *base, CK_TOKEN_INFO *ret_info)
{
    struct hsm_token *token = (struct hsm_token *)base;
    CK_TOKEN_INFO info;
    CK_RV rv = hsm_token_ask(token, HSM_LOOK_FIRST, ask_token, &info);

    pthread_mutex_lock(&token->lock);
    if (rv == CKR_OK) {
        token->token_info = info;
    } else {
        info = token->token_info;
    }
    pthread_mutex_unlock(&token->lock);
    if (token->login != NULL) {
        info.flags &= ~(CK_FLAGS)CKF_LOGIN_REQUIRED;
    }
    *ret_info = info;
    return CKR_OK;
}

struct mechanism_list {
    CK_MECHANISM_TYPE *list;
    CK_ULONG *count;
};

static CK_RV ask_mechanisms(struct hsm_token *token, const CK_FUNCTION_LIST *functions, CK_SLOT_ID slot,
                            void *arg)
{
    const struct mechanism_list *to = arg;
    struct hsm_mechanisms of = {.functions = functions, .slot = slot, .rfc5649 = token->rfc5649};

    return hsm_mechanism_list(&of, to->list, to->count);
}

CK_RV hsm_token_get_mechanism_list(struct token *base, CK_MECHANISM_TYPE *ret_list, CK_ULONG *ret_count)
{
    struct mechanism_list to = {ret_list, ret_count};
    CK_RV rv = hsm_token_ask((struct hsm_token *)base, HSM_LOOK_FIRST, ask_mechanisms, &to);

    if (rv != CKR_TOKEN_NOT_PRESENT) {
        return rv;
    }
    *ret_count = 0;
    return CKR_OK;
}

struct mechanism_info {
    CK_MECHANISM_TYPE type;
    CK_MECHANISM_INFO *info;
};

static CK_RV ask_mechanism(struct hsm_token *token, const CK_FUNCTION_LIST *functions, CK_SLOT_ID slot,
                           void *arg)
{
    const struct mechanism_info *to = arg;
    struct hsm_mechanisms of = {.functions = functions, .slot = slot, .rfc5649 = token->rfc5649};

    return hsm_mechanism_info(&of, to->type, to->info);
}

CK_RV hsm_token_get_mechanism_info(struct token *base, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info)
{
    struct mechanism_info to = {type, ret_info};
    CK_RV rv = hsm_token_ask((struct hsm_token *)base, HSM_LOOK_FIRST, ask_mechanism, &to);

    return rv == CKR_TOKEN_NOT_PRESENT ? CKR_MECHANISM_INVALID : rv;
}

struct new_token {
    CK_BYTE *pin;
    CK_ULONG pin_size;
    CK_UTF8CHAR *label;
};

static CK_RV ask_init(struct hsm_token *token, const CK_FUNCTION_LIST *functions, CK_SLOT_ID slot, void *arg)
{
    const struct new_token *new = arg;

    (void)token;
    return functions->C_InitToken(slot, new->pin, new->pin_size, new->label);
}

CK_RV hsm_token_init(struct token *base, CK_BYTE *pin, CK_ULONG pin_size, CK_UTF8CHAR *label)
{
    struct hsm_token *token = (struct hsm_token *)base;
    struct new_token new = {pin, pin_size, label};
    CK_RV rv = hsm_token_ask(token, HSM_LOOK_AGAIN, ask_init, &new);

    if (rv == CKR_OK) {
        hsm_token_look_soon(token);
    }
    return rv;
}

static CK_RV ask_nothing(struct hsm_token *token, const CK_FUNCTION_LIST *functions, CK_SLOT_ID slot,
                         void *arg)
{
    (void)token, (void)functions, (void)slot, (void)arg;
    return CKR_OK;
}

/* An event of some slot, seen by a token that is absent, concerns it only if it is there now. */
CK_RV hsm_token_poll_event(struct token *base)
{
    struct hsm_token *token = (struct hsm_token *)base;
    bool was_present = hsm_token_present(base);

    hsm_module_collect_events(token->module);
    if (!atomic_exchange(&token->watch.happened, false)) {
        return CKR_NO_EVENT;
    }
    hsm_token_look_soon(token);
    CK_RV rv = hsm_token_ask(token, HSM_LOOK_FIRST, ask_nothing, NULL);

    return was_present || rv == CKR_OK ? CKR_OK : CKR_NO_EVENT;
}
