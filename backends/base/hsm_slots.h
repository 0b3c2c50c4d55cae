/* A look at what a vendor's module shows: the slots whose token a URI means. */
#ifndef BYOK_BASE_HSM_SLOTS_H
#define BYOK_BASE_HSM_SLOTS_H

#include "backends/base/hsm_uri.h"

/*
 * Several tokens that fit: the first is taken,
 * as everywhere with PKCS#11 URIs, but nobody should rely on it.
 */
struct hsm_slots {
    const CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slot; /* of the first that fits */
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO token_info;
    CK_ULONG tokens; /* with or without a fit */
    CK_ULONG fits;
    bool busy; /* somebody has a session with one of them */
};

/*
 * Fills in a look that is empty but for its functions. One slot that does not answer does not hide another.
 * CKR_OK: all were looked at; otherwise what the module said, CKR_CRYPTOKI_NOT_INITIALIZED among it.
 */
MUST_USE CK_RV hsm_slots_look(const struct hsm_uri *uri, struct hsm_slots *look);

#endif
