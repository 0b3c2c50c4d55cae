/* Release policies, and the release of a key, which nobody here can attest for. */
#include "tests/standin/vault_call.h"
#include <stdlib.h>
#include <string.h>

/* The policy as the vault writes it down: its version first, in each part the authority. */
static cJSON *ordered(const cJSON *object, const char *first)
{
    cJSON *made = need(cJSON_CreateObject());
    const cJSON *item;

    item = cJSON_GetObjectItemCaseSensitive(object, first);
    if (item != NULL) {
        cJSON_AddItemToObject(made, first, need(cJSON_Duplicate(item, true)));
    }
    cJSON_ArrayForEach(item, object)
    {
        if (strcmp(item->string, first) != 0) {
            cJSON_AddItemToObject(made, item->string, need(cJSON_Duplicate(item, true)));
        }
    }
    return made;
}

static cJSON *normal_form(const cJSON *policy)
{
    cJSON *made = ordered(policy, "version"), *parts = need(cJSON_CreateArray());
    const cJSON *part;

    cJSON_ArrayForEach(part, cJSON_GetObjectItemCaseSensitive(policy, "anyOf"))
    {
        cJSON_AddItemToArray(parts, ordered(part, "authority"));
    }
    cJSON_ReplaceItemInObjectCaseSensitive(made, "anyOf", parts);
    return made;
}

/* False: a 400 was given. */
static bool check_authorities(struct call *call, const cJSON *policy)
{
    const cJSON *parts = cJSON_GetObjectItemCaseSensitive(policy, "anyOf"), *part;

    if (!cJSON_IsArray(parts) || parts->child == NULL) {
        call_bad_parameter(call, "AKV.SKR.1010: The key release policy is not valid.");
        return false;
    }
    cJSON_ArrayForEach(part, parts)
    {
        const char *authority = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(part, "authority"));

        if (authority == NULL || strncmp(authority, "https://", 8) != 0) {
            char *words OWNED(owned_free) =
                text("AKV.SKR.1012: The specified attestation service %s cannot be reached.",
                     authority == NULL ? "" : authority);

            call_bad_parameter(call, words);
            return false;
        }
    }
    return true;
}

static cJSON *read_policy(const cJSON *asked)
{
    const char *data = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(asked, "data"));
    struct blob plain OWNED(owned_blob) = {NULL, 0};

    return data != NULL && base64url_decode(data, &plain) ? cJSON_Parse((const char *)plain.data) : NULL;
}

static cJSON *policy_json(const struct call *call, const cJSON *asked, const cJSON *policy)
{
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(asked, "contentType"));
    cJSON *told OWNED(owned_json) = is_mhsm(call) ? need(cJSON_Duplicate(policy, true)) : normal_form(policy);
    char *printed OWNED(owned_free) = need(cJSON_PrintUnformatted(told));
    char *data OWNED(owned_free) = base64url(printed, strlen(printed));
    cJSON *json = need(cJSON_CreateObject());

    cJSON_AddStringToObject(json, "contentType", type == NULL ? "application/json; charset=utf-8" : type);
    cJSON_AddStringToObject(json, "data", data);
    cJSON_AddBoolToObject(json, "immutable",
                          cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(asked, "immutable")));
    return json;
}

/* False: a 400 was given. */
static bool set_policy(struct call *call, struct key_version *version, const cJSON *asked)
{
    cJSON *policy OWNED(owned_json) = read_policy(asked);

    if (policy == NULL) {
        call_bad_parameter(call, "AKV.SKR.1010: The key release policy is not valid.");
        return false;
    }
    if (!check_authorities(call, policy)) {
        return false;
    }
    cJSON_Delete(version->release_policy);
    version->release_policy = policy_json(call, asked, policy);
    return true;
}

static bool is_immutable(const struct key_version *version)
{
    return version != NULL &&
           cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(version->release_policy, "immutable"));
}

bool release_change(struct call *call, struct key_version *version)
{
    const cJSON *asked = cJSON_GetObjectItemCaseSensitive(call->body, "release_policy");
    const cJSON *attributes = cJSON_GetObjectItemCaseSensitive(call->body, "attributes");
    bool wants_export = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(attributes, "exportable"));
    const struct key *key = key_find(call->keys, call->route.name);

    if (call->api < API_7_3 || (!cJSON_IsObject(asked) && !wants_export)) {
        return true;
    }
    if (cJSON_IsObject(asked)) {
        if (is_immutable(version) || (key != NULL && is_immutable(key->newest))) {
            call_bad_parameter(call, "AKV.SKR.1020: Immutable Key Release Policy cannot be modified.");
            return false;
        }
        if (!set_policy(call, version, asked)) {
            return false;
        }
    }
    if (version->exportable == (version->release_policy != NULL) &&
        (!version->exportable || key_kind_is_hsm(&version->kind))) {
        return true;
    }
    call_bad_parameter(call,
                       "A key is exportable when it is of the HSM and has a release policy, and only then.");
    return false;
}

void vault_release(struct call *call)
{
    const char *target = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(call->body, "target"));

    LOCKED(call->standin);
    if (call_find(call) == NULL) {
        return;
    }
    if (target == NULL) {
        call_bad_parameter(call, "Property  has invalid value\r\n");
        return;
    }
    call_refuse(call, 403, "Forbidden", "AccessDenied",
                text("Target environment attestation statement cannot be verified."));
}
