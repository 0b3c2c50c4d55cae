/*
 * Logging in by ourselves with the PIN of `pin-source`, and what the application's C_Login and C_Logout mean
 * then: they answer as those of a token that needs no login.
 *
 * A PIN that the HSM has refused is never tried again before its file has changed, whatever the application
 * does: HSMs count, and lock the token for everybody. What was refused is therefore kept for the life of the
 * process, through C_Finalize and into forked children.
 */
#ifndef BYOK_BACKENDS_HSM_HSM_LOGIN_H
#define BYOK_BACKENDS_HSM_HSM_LOGIN_H

#include "backends/hsm/hsm_token.h"

/* As which user the application believes to be logged in. */
enum hsm_application { HSM_NOBODY, HSM_USER, HSM_OFFICER };

/* The login of the token's URI; the same for the same URI. Sets token->login, to NULL where there is no PIN.
 */
MUST_USE CK_RV hsm_login_enter(struct hsm_token *token);

/*
 * Logs in, if the session shows that nobody is; one attempt for all threads that come meanwhile. CKR_OK:
 * somebody is logged in now. Otherwise why not, also when nothing was tried; the log knows.
 */
CK_RV hsm_login_ensure(struct hsm_token *token, const CK_FUNCTION_LIST *functions, CK_SESSION_HANDLE session);

/* After a fork: who was logging in is gone. */
void hsm_login_after_fork(struct hsm_module *module);

#endif
