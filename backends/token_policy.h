/*
 * What the owner of a token asks of every use of it, whatever its kind: which mechanisms there are (`mechanisms`)
 * and how large its RSA keys must be (`min-rsa-bits`). The soft token reads it itself; an HSM token gets a token
 * above it that does (policy_token.h). Constant once read.
 */
#ifndef BYOK_BACKENDS_TOKEN_POLICY_H
#define BYOK_BACKENDS_TOKEN_POLICY_H

#include "backends/base/settings.h"

struct token_policy {
    CK_MECHANISM_TYPE *mechanisms; /* NULL: all; sorted, each once */
    size_t mechanism_count;
    unsigned min_rsa_bits; /* 0: any */
};

/* Options of every section. */
extern const struct setting_option token_policy_options[];
extern const size_t token_policy_option_count;

/* CKR_GENERAL_ERROR for a word that is no mechanism, logged with file and line. */
MUST_USE CK_RV token_policy_read(const struct settings *section, struct token_policy *ret_policy);
void token_policy_done(struct token_policy *policy);

/* False where nothing is asked. */
bool token_policy_asks(const struct token_policy *policy);
bool token_policy_has(const struct token_policy *policy, CK_MECHANISM_TYPE type);

/* C_GetMechanismList with those of `all` that the policy has. */
MUST_USE CK_RV token_policy_list(const struct token_policy *policy, const CK_MECHANISM_TYPE *all,
                                 CK_ULONG count, CK_MECHANISM_TYPE *ret_list, CK_ULONG *ret_count);

static inline void token_policy_done_scoped(struct token_policy *policy)
{
    token_policy_done(policy);
}

#endif
