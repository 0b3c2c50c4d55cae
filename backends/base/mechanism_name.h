/*
 * The names of mechanisms: all of PKCS#11 2.40 and 3.0 with their numbers, for what a person writes or reads. Without
 * state; any thread.
 */
#ifndef BYOK_BASE_MECHANISM_NAME_H
#define BYOK_BASE_MECHANISM_NAME_H

#include "backends/base/cryptoki.h"
#include <stdbool.h>

/* "CKM_AES_GCM"; NULL: the standard has no name for it. */
const char *mechanism_name(CK_MECHANISM_TYPE type);

/* "CKM_AES_GCM", "AES_GCM" or "0x1087". False: it is none of these. */
bool mechanism_of_name(const char *text, CK_MECHANISM_TYPE *ret_type);

/* The name that a person who wrote `text` is likely to have meant, with CKM_ where that has it; or NULL. */
const char *mechanism_nearest_name(const char *text);

#endif
