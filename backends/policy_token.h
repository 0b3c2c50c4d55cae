/*
 * The token above an HSM's that keeps to the policy (token_policy.h): mechanisms that are not listed do not exist,
 * and RSA keys that are too small are refused. What the token below makes a mechanism of is its own affair.
 */
#ifndef BYOK_BACKENDS_POLICY_TOKEN_H
#define BYOK_BACKENDS_POLICY_TOKEN_H

#include "backends/backend.h"

/*
 * Puts it above *token where the section asks for a policy, and leaves *token alone where not. The token below is its
 * own from then on. `label` is what this module calls the token; lent for its life, as the section is.
 * CKR_GENERAL_ERROR for bad content (logged), CKR_HOST_MEMORY: *token is as it was.
 */
MUST_USE CK_RV policy_token_above(const struct settings *section, const char *label, struct token **token);

#endif
