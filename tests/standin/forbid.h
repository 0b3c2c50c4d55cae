/* 403: how the services say that somebody may not. */
#ifndef STANDIN_FORBID_H
#define STANDIN_FORBID_H

#include "tests/standin/vault_call.h"

/* In the words of an access policy, of role assignments (settings.rbac) or of a Managed HSM's own roles. */
void forbid_operation(struct call *call, const struct caller *caller, enum operation operation);

/*
 * The network rules, which come before any token is judged.
 * caller: whose token it is; NULL: it is not known.
 */
void forbid_address(struct call *call, const char *caller);
void forbid_connection(struct call *call, const char *caller);

/* 429 in the words of a vault. retry_after "": without that header. */
void forbid_for_now(struct call *call, const char *reason, const char *retry_after);

#endif
