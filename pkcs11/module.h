/*
 * The module from C_Initialize to C_Finalize, any number of times, and what becomes of it after a fork: until
 * C_Initialize a child has nothing, then it starts empty; what the parent had is left alone.
 *
 * All threads may call everything here. No lock is held while tokens are opened, closed or used.
 */
#ifndef BYOK_PKCS11_MODULE_H
#define BYOK_PKCS11_MODULE_H

#include "pkcs11/slot.h"

/* The options outside the sections. */
const struct setting_group *module_global_options(void);

/* The configuration as C_Initialize reads it (settings_read's arguments and results); opens nothing. */
MUST_USE CK_RV module_read_settings(const char *reserved, struct settings_file **ret_file);

/* C_Initialize; `arguments` may be NULL (2.40, 5.4). CKR_GENERAL_ERROR: the configuration, logged. */
MUST_USE CK_RV module_start(const CK_C_INITIALIZE_ARGS *arguments);
/* C_Finalize. Calls that are inside finish; their sessions are unknown from now on. */
MUST_USE CK_RV module_stop(void);

/* Between the two, in this process. */
bool module_runs(void);

/* Why a session's handle is unknown: CKR_CRYPTOKI_NOT_INITIALIZED or CKR_SESSION_HANDLE_INVALID. */
MUST_USE CK_RV module_no_session(void);

/* The slots, to be given back with slots_unref; NULL where the module does not run. */
struct slots *module_slots(void);

#endif
