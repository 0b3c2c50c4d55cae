/* The claims that a token is asked for with. */
#include "backends/keyvault/identity/claims.h"
#include "backends/keyvault/json.h"

/* The object of this name, made where there is none. */
static cJSON *need_object(cJSON *in, const char *name)
{
    cJSON *there = cJSON_GetObjectItemCaseSensitive(in, name);

    if (there != NULL && !cJSON_IsObject(there)) {
        cJSON_DeleteItemFromObjectCaseSensitive(in, name);
        there = NULL;
    }
    return there != NULL ? there : cJSON_AddObjectToObject(in, name);
}

static CK_RV add_capability(cJSON *claims)
{
    cJSON *token = need_object(claims, "access_token");
    cJSON *capability, *values;

    cJSON_DeleteItemFromObjectCaseSensitive(token, "xms_cc");
    capability = cJSON_AddObjectToObject(token, "xms_cc");
    values = cJSON_AddArrayToObject(capability, "values");
    return values != NULL && cJSON_AddItemToArray(values, cJSON_CreateString("cp1")) ? CKR_OK
                                                                                     : CKR_HOST_MEMORY;
}

CK_RV claims_write(const char *challenge, struct buffer *ret_claims)
{
    cJSON *claims SCOPED(json_free_scoped) = challenge == NULL ? NULL : json_parse(bytes_of_text(challenge));
    char *text;
    CK_RV rv;

    if (claims == NULL) {
        claims = cJSON_CreateObject();
    }
    rv = add_capability(claims);
    text = rv == CKR_OK ? cJSON_PrintUnformatted(claims) : NULL;
    if (text == NULL) {
        return CKR_HOST_MEMORY;
    }
    rv = buffer_append_text(ret_claims, text);
    cJSON_free(text);
    return rv;
}
