/* The answers of token endpoints. No network. */
#ifndef BYOK_BACKENDS_KEYVAULT_IDENTITY_TOKEN_JSON_H
#define BYOK_BACKENDS_KEYVAULT_IDENTITY_TOKEN_JSON_H

#include "backends/base/buffer.h"
#include <stdint.h>

struct token_error {
    char error[64]; /* RFC 6749, 5.2 */
    int64_t code;   /* the first of error_codes, the number behind AADSTS; 0: none */
};

/* The token replaces what ret_token held; ret_lifetime is in seconds. CKR_DATA_INVALID. */
MUST_USE CK_RV token_json_read(struct bytes body, struct buffer *ret_token, int64_t *ret_lifetime);
/* False where the body is no such answer. */
bool token_json_read_error(struct bytes body, struct token_error *ret_error);

#endif
