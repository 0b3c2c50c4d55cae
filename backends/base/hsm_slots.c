/* All slots of a module, and which of them holds the token of a URI. */
#include "backends/base/hsm_slots.h"
#include <stdlib.h>

enum {
    SLOTS_MOST = 65536, /* a module that says more is not believed */
    TRIES = 3
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

static CK_RV look_at(const struct hsm_uri *uri, CK_SLOT_ID slot, struct hsm_slots *look)
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
    if (!hsm_uri_fits_slot(uri, slot, &slot_info) || !hsm_uri_fits_token(uri, &token_info)) {
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
static CK_RV look_at_slots(const struct hsm_uri *uri, struct hsm_slots *look)
{
    CK_SLOT_ID *slots = NULL;
    CK_ULONG count = 0;
    CK_RV rv = list_slots(look->functions, &slots, &count);

    for (CK_ULONG i = 0; i < count && rv == CKR_OK; i++) {
        rv = look_at(uri, slots[i], look);
        rv = rv == CKR_CRYPTOKI_NOT_INITIALIZED ? rv : CKR_OK;
    }
    free(slots);
    return rv;
}

CK_RV hsm_slots_look(const struct hsm_uri *uri, struct hsm_slots *look)
{
    CK_INFO info;
    CK_RV rv = look->functions->C_GetInfo(&info);

    if (rv == CKR_OK && !hsm_uri_fits_module(uri, &info)) {
        return CKR_OK;
    }
    return rv == CKR_CRYPTOKI_NOT_INITIALIZED ? rv : look_at_slots(uri, look);
}
