/*
 * A federation issuer, as a cluster with workload identity has one: it signs tokens that speak for an
 * application, and puts them into the file that the application reads.
 */
#ifndef STANDIN_FEDERATION_H
#define STANDIN_FEDERATION_H

#include "tests/standin/standin.h"

#define FEDERATION_AUDIENCE "api://AzureADTokenExchange"
#define FEDERATION_KID      "stand-in-issuer"
#define FEDERATION_SUBJECT  "system:serviceaccount:demo:byok"

/* What its tokens say of themselves, from malloc. */
char *federation_issuer(const struct standin *standin);

/* A token as the body of PUT /federated-token asks for (NULL: the usual one), from malloc; NULL: a word of
 * the body is unknown or of the wrong type, and ret_wrong names it. Without the lock: it computes. */
char *federation_token(const struct standin *standin, const cJSON *wishes, const char **ret_wrong);

#endif
