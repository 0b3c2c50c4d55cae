/*
 * Logging in by ourselves with the PIN of `pin-source`.
 *
 * A PIN that the HSM has refused is never tried again before its file has changed, whatever the application
 * does: HSMs count, and lock the token for everybody. What was refused is therefore kept for the life of the
 * process, through C_Finalize and into forked children.
 */
#ifndef BYOK_BASE_HSM_LOGIN_H
#define BYOK_BASE_HSM_LOGIN_H

#include "backends/base/hsm_module.h"
#include "backends/base/hsm_uri.h"

struct hsm_login;

/*
 * The login of the URI's token with the URI's PIN, which lasts as long as the module; the same for the same.
 * NULL where the URI has no PIN. CKR_HOST_MEMORY.
 */
MUST_USE CK_RV hsm_login_enter(struct hsm_module *module, const struct hsm_uri *uri,
                               struct hsm_login **ret_login);

/*
 * Logs in, if the session shows that nobody is; one attempt for all threads that come meanwhile. CKR_OK:
 * somebody is logged in now. Otherwise why not, also when nothing was tried; the log knows, by the name
 * `about`.
 */
CK_RV hsm_login_ensure(struct hsm_login *login, const char *about, const CK_FUNCTION_LIST *functions,
                       CK_SESSION_HANDLE session);

/* After a fork: who was logging in is gone. */
void hsm_login_after_fork(struct hsm_module *module);

#endif
