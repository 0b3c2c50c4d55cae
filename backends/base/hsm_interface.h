/* The table of PKCS#11 3.0 of a vendor's module. */
#ifndef BYOK_BASE_HSM_INTERFACE_H
#define BYOK_BASE_HSM_INTERFACE_H

#include "backends/base/cryptoki.h"

/*
 * What C_GetInterface of the library that `functions` are from answers: its table of 3.0, or of a later 3.x,
 * which begins as 3.0 does. NULL: it has none. Usable before C_Initialize.
 */
const CK_FUNCTION_LIST_3_0 *hsm_interface_3_0(const CK_FUNCTION_LIST *functions);

#endif
