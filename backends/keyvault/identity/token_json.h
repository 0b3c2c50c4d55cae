/*
 * What those say who give tokens: token endpoints, this machine's own services, the Azure CLI. And what a
 * token says of itself. No network.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_IDENTITY_TOKEN_JSON_H
#define BYOK_BACKENDS_KEYVAULT_IDENTITY_TOKEN_JSON_H

#include "backends/base/buffer.h"
#include <stdint.h>

struct token_error {
    char error[64]; /* RFC 6749, 5.2 */
    int64_t code;   /* the number behind AADSTS: the first of error_codes, else of the words; 0: none */
};

/*
 * The token replaces what ret_token held; ret_lifetime is in seconds, at most a week, 0 where the token has
 * ended already. `now`: seconds since 1970, where the answer may say a time instead. CKR_DATA_INVALID.
 */

/* A token endpoint's answer: `expires_in`. */
MUST_USE CK_RV token_json_read(struct bytes body, struct buffer *ret_token, int64_t *ret_lifetime);
/*
 * That of this machine's services: `expires_in`, or only `expires_on`, seconds or (api-version 2017-09-01) a
 * date like "06/20/2019 02:57:58 +00:00" or "1/16/2020 5:24:12 AM +00:00"; numbers also as texts.
 */
MUST_USE CK_RV token_json_read_machine(struct bytes body, int64_t now, struct buffer *ret_token,
                                       int64_t *ret_lifetime);
/* That of `az account get-access-token`: `expires_on`, before 2.54 only `expiresOn` in local time. */
MUST_USE CK_RV token_json_read_cli(struct bytes body, int64_t now, struct buffer *ret_token,
                                   int64_t *ret_lifetime);

/* False where the body is no such answer. */
bool token_json_read_error(struct bytes body, struct token_error *ret_error);
/* True where a refusal's `error_description` or `message` has these words in it. */
bool token_json_says(struct bytes body, const char *words);

/* Without the blanks and lines round it that editors and `echo` leave in a file. */
struct bytes token_trim(struct bytes text);
/* Whether it may stand behind "Bearer" (RFC 6750, 2.1). */
bool token_is_valid(const char *token);
/*
 * When it ends by its own word, seconds since 1970: `exp` of a JWT (RFC 7519, 4.1.4), whose signature is not
 * looked at. False: it is no JWT, or does not say.
 */
bool token_read_end(const char *token, int64_t *ret_end);
/* The same of when it was issued: `iat`. */
bool token_read_issue(const char *token, int64_t *ret_issue);
/*
 * Whose it is by its own word: the object id in the directory (`oid`), or where it has none `sub`, `appid` or
 * `azp`. "": it is no JWT, or has none of them that is shorter than `room` and plain.
 */
void token_read_principal(const char *token, char *ret_principal, size_t room);

#endif
