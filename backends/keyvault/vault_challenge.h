/*
 * What stands in the WWW-Authenticate of a 401 (RFC 9110, 11.6.1; RFC 6750, 3): who signs the vault's callers
 * in and for whom their tokens are, or which claims the next token is to carry. Written by whoever answers:
 * nothing here is believed yet; see sign_in.h.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_VAULT_CHALLENGE_H
#define BYOK_BACKENDS_KEYVAULT_VAULT_CHALLENGE_H

#include "backends/keyvault/identity/identity.h"
#include "backends/keyvault/key_id.h"

enum { TENANT_SIZE = 128 };

struct vault_challenge {
    struct place authority;   /* host "": not told, or not https */
    char tenant[TENANT_SIZE]; /* its first path segment: letters, digits, hyphens, dots; "": none */
    struct place resource;    /* for whom a token is; scope wins over resource; host "": as above */
    struct buffer claims;     /* of error="insufficient_claims": a JSON object; empty: none are wanted */
};

/*
 * `values` are those of all WWW-Authenticate lines, each ended by a newline. False: there is no Bearer
 * challenge among them that tells anything. vault_challenge_done() it whatever comes back.
 */
bool vault_challenge_read(struct bytes values, struct vault_challenge *ret_challenge);
void vault_challenge_done(struct vault_challenge *challenge);

#endif
