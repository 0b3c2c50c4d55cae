/* Bearer tokens: made by the identity service, judged by the vault. They look like JWTs and clients must not
 * care. */
#ifndef STANDIN_TOKENS_H
#define STANDIN_TOKENS_H

#include "tests/standin/standin.h"

/* From malloc. */
char *token_make(const unsigned char key[TOKEN_KEY_SIZE], const char *tenant, const char *caller,
                 const char *audience, int lifetime);

/* What a true token says; NULL: it is none of ours. exp and aud are for the caller to judge. */
cJSON *token_read(const unsigned char key[TOKEN_KEY_SIZE], const char *token);

#endif
