/*
 * 401: who asks must show a token, or another one. The challenge says where tokens come from and for what;
 * the settings vary how (settings.h), for clients must not believe all that a challenge says.
 */
#ifndef STANDIN_CHALLENGE_H
#define STANDIN_CHALLENGE_H

#include "tests/standin/vault_call.h"

/* What tokens of this service must be for. */
const char *challenge_audience(const struct call *call);

/* Takes the message, which a Managed HSM keeps to itself. */
void challenge(const struct call *call, char *message);
/* A token is good but was not fetched with these claims (continuous access evaluation). */
void challenge_claims(const struct call *call, const cJSON *claims);
/* The value of that header. identity_url: who gives tokens. From malloc. */
char *challenge_claims_header(const char *identity_url, const cJSON *claims);

#endif
