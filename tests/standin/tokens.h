/*
 * Bearer tokens: made by the identity service, judged by the vault.
 * They look like JWTs and clients must not care.
 */
#ifndef STANDIN_TOKENS_H
#define STANDIN_TOKENS_H

#include "tests/standin/standin.h"

struct token_wish {
    const char *caller, *audience;
    int lifetime;        /* seconds */
    const cJSON *claims; /* what the client asked to have in it (OpenID Connect section 5.5); NULL: nothing */
};

/* By our tenant, or as settings.token_tenant says. With the lock. From malloc. */
char *token_make(const struct standin *standin, const struct token_wish *wish);

/* What a true token says; NULL: it is none of ours. exp and aud are for the caller to judge. */
cJSON *token_read(const unsigned char key[TOKEN_KEY_SIZE], const char *token);

#endif
