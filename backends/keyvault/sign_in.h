/*
 * By whom and for whom a vault's callers get their tokens, where the configuration leaves the tenant open:
 * the vault tells it in a 401. What it tells is held against what is known already, and our own authority is
 * what is asked, whatever it names; so nothing that proves who we are goes to an address that an answer told.
 * Learned once for all threads and kept. All threads; no lock is held while the vault is asked.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_SIGN_IN_H
#define BYOK_BACKENDS_KEYVAULT_SIGN_IN_H

#include "backends/keyvault/identity/identity.h"
#include "backends/keyvault/vault_challenge.h"

struct sign_in;

/* All lent. */
struct sign_in_options {
    const char *about;
    const struct place *vault;
    const char *authority; /* https://HOST[:PORT] */
    const char *audience;
    bool audience_stays; /* whatever the vault tells */
    bool verify;         /* the vault must be in the domain for which it wants tokens, as the service's are */
};

/* No network. CKR_HOST_MEMORY. */
MUST_USE CK_RV sign_in_new(const struct sign_in_options *options, struct sign_in **ret_sign_in);
void sign_in_free(struct sign_in *sign_in);

/* A scope and the room for what of it was learned. */
struct sign_in_scope {
    struct token_scope scope;
    char tenant[TENANT_SIZE], audience[HOST_NAME_SIZE + 16];
};

/*
 * Asks the vault without a token. True: it said 401, and ret_challenge is what it told, perhaps nothing; it
 * is done by the caller. False: ret_failure says why not.
 */
typedef bool sign_in_ask(void *arg, struct vault_challenge *ret_challenge,
                         struct identity_failure *ret_failure);

/* The scope for a token; `ask` is called where it is not known yet, by one caller while the others wait. */
MUST_USE bool sign_in_get(struct sign_in *sign_in, sign_in_ask *ask, void *arg, struct deadline deadline,
                          struct sign_in_scope *ret_scope, struct identity_failure *ret_failure);

/* A token for `used` was refused with this challenge: another tenant, if it tells one, is learned. */
void sign_in_learn(struct sign_in *sign_in, const struct vault_challenge *challenge,
                   const struct sign_in_scope *used);

#endif
