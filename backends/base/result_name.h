/* The names of results: all of PKCS#11 2.40, and those of 3.0 that this module knows. Without state; any thread. */
#ifndef BYOK_BASE_RESULT_NAME_H
#define BYOK_BASE_RESULT_NAME_H

#include "backends/base/cryptoki.h"

/* "CKR_DEVICE_ERROR"; NULL: the standard has no name for it. */
const char *result_name(CK_RV rv);

#endif
