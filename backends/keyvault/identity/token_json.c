/* Token endpoints' documents. */
#include "backends/keyvault/identity/token_json.h"
#include "backends/keyvault/json.h"
#include <stdio.h>
#include <string.h>

/* RFC 6750, 2.1: what may stand in an Authorization header. */
static bool is_token68(const char *text)
{
    return *text != 0 && text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                           "-._~+/=")] == 0;
}

CK_RV token_json_read(struct bytes body, struct buffer *ret_token, int64_t *ret_lifetime)
{
    cJSON *answer SCOPED(json_free_scoped) = json_parse(body);
    const char *token = json_text(answer, "access_token");
    int64_t lifetime;
    CK_RV rv;

    if (token == NULL || !is_token68(token) || !json_whole(answer, "expires_in", &lifetime) || lifetime < 0) {
        return CKR_DATA_INVALID;
    }
    buffer_clear(ret_token);
    rv = buffer_append_text(ret_token, token);
    if (rv != CKR_OK) {
        return CKR_DATA_INVALID;
    }
    *ret_lifetime = lifetime;
    return CKR_OK;
}

bool token_json_read_error(struct bytes body, struct token_error *ret_error)
{
    cJSON *answer SCOPED(json_free_scoped) = json_parse(body);
    const char *error = json_text(answer, "error");
    const cJSON *first = cJSON_GetArrayItem(json_member(answer, "error_codes"), 0);

    memset(ret_error, 0, sizeof *ret_error);
    if (error == NULL) {
        return false;
    }
    snprintf(ret_error->error, sizeof ret_error->error, "%s", error);
    if (cJSON_IsNumber(first) && first->valuedouble > 0 && first->valuedouble < 1e12) {
        ret_error->code = (int64_t)first->valuedouble;
    }
    return true;
}
