/*
 * Client assertions: what an application sends instead of a secret. Either a token it signed itself with the
 * key of a certificate that is registered for it, or the token of a federation issuer that speaks for it.
 */
#ifndef STANDIN_ASSERTION_H
#define STANDIN_ASSERTION_H

#include "tests/standin/answer.h"
#include "tests/standin/standin.h"

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* With the lock. token_url: the endpoint that is asked. False: an answer was given. */
bool assertion_accept(struct standin *standin, const struct caller *caller, const char *assertion,
                      const char *token_url, struct answer *answer);

#endif
