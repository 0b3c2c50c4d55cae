/* The callers, as the control port makes and changes them. */
#include "tests/standin/control.h"
#include <stdlib.h>
#include <string.h>

static bool set_secret(struct standin *standin, struct caller *caller, const cJSON *value)
{
    (void)standin;
    if (!cJSON_IsString(value)) {
        return false;
    }
    caller_set_secret(caller, value->valuestring);
    return true;
}

static bool set_disabled(struct standin *standin, struct caller *caller, const cJSON *value)
{
    (void)standin;
    caller->disabled = cJSON_IsTrue(value);
    return cJSON_IsBool(value);
}

static bool set_permissions(struct standin *standin, struct caller *caller, const cJSON *value)
{
    unsigned bits;

    if (!permissions_to_bits(value, &bits)) {
        return false;
    }
    caller_permit(caller, bits, standin->settings.permission_delay_ms);
    return true;
}

static bool set_certificate(struct standin *standin, struct caller *caller, const cJSON *value)
{
    (void)standin;
    return cJSON_IsString(value) && caller_add_certificate(caller, value->valuestring);
}

static bool set_issuer(struct standin *standin, struct caller *caller, const cJSON *value)
{
    (void)standin;
    return cJSON_IsString(value) && caller_set_federation(caller, value->valuestring, NULL);
}

static bool set_subject(struct standin *standin, struct caller *caller, const cJSON *value)
{
    (void)standin;
    return cJSON_IsString(value) && caller_set_federation(caller, NULL, value->valuestring);
}

static bool set_managed(struct standin *standin, struct caller *caller, const cJSON *value)
{
    const cJSON *object_id = cJSON_GetObjectItemCaseSensitive(value, "object_id"),
                *resource_id = cJSON_GetObjectItemCaseSensitive(value, "resource_id");

    (void)standin;
    if (cJSON_IsFalse(value)) {
        caller->managed.is_managed = false;
        return true;
    }
    if (cJSON_IsString(value) && strcmp(value->valuestring, "system") == 0) {
        caller_set_managed(caller, NULL, NULL);
        return true;
    }
    if (!cJSON_IsString(object_id) || !cJSON_IsString(resource_id)) {
        return false;
    }
    caller_set_managed(caller, object_id->valuestring, resource_id->valuestring);
    return true;
}

static bool set_claims(struct standin *standin, struct caller *caller, const cJSON *value)
{
    cJSON *claims = NULL;

    (void)standin;
    if (cJSON_IsArray(value)) {
        claims = need(cJSON_Duplicate(value, true));
    } else if (cJSON_IsObject(value)) {
        claims = need(cJSON_CreateArray());
        cJSON_AddItemToArray(claims, need(cJSON_Duplicate(value, true)));
    } else if (!cJSON_IsNull(value)) {
        return false;
    }
    cJSON_Delete(caller->claims);
    caller->claims = claims;
    return true;
}

static const struct {
    const char *name;
    bool (*set)(struct standin *standin, struct caller *caller, const cJSON *value);
} words[] = {{"secret", set_secret},           {"disabled", set_disabled}, {"permissions", set_permissions},
             {"certificate", set_certificate}, {"issuer", set_issuer},     {"subject", set_subject},
             {"managed", set_managed},         {"claims", set_claims}};

static bool change(struct standin *standin, struct caller *caller, const cJSON *value, const char *name)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].name, name) == 0) {
            return words[i].set(standin, caller, value);
        }
    }
    return false;
}

bool control_caller(struct standin *standin, const char *rest, const cJSON *body, struct answer *answer)
{
    char *id OWNED(owned_free) = need(strndup(rest, strcspn(rest, "/")));
    struct caller *caller = caller_add(&standin->callers, id);
    const char *part = rest + strlen(id);
    const cJSON *value;

    if (part[0] == '/') { /* that word alone: /callers/ID/permissions */
        if (!change(standin, caller, body, part + 1)) {
            control_refuse(answer, text("%s", part + 1));
            return false;
        }
        return true;
    }
    cJSON_ArrayForEach(value, body)
    {
        if (!change(standin, caller, value, value->string)) {
            control_refuse(answer, text("%s", value->string));
            return false;
        }
    }
    return true;
}
