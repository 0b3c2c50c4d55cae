/* The attributes, uses and tags of a version: how they are told, and how a request changes them. */
#include "tests/standin/vault_call.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- Told --- */

static int bits_of(const struct key_kind *kind)
{
    return key_kind_is_ec(kind) && strcmp(kind->crv, "P-256K") != 0 ? atoi(kind->crv + 2)
           : key_kind_is_ec(kind)                                   ? 256
                                                                    : (int)kind->bits;
}

static void add_newer(const struct call *call, cJSON *json, const struct key *key,
                      const struct key_version *version)
{
    bool told_export = call->api > API_7_3 || (call->api == API_7_3 && !call->preview);

    if (told_export && !key->managed && call->standin->settings.tell_exportable) {
        cJSON_AddBoolToObject(json, "exportable", version->exportable);
    }
    if (call->api >= API_7_5) {
        cJSON_AddStringToObject(json, "hsmPlatform", key_kind_is_hsm(&version->kind) ? "2" : "0");
    }
    if (call->api >= API_2026_04) {
        cJSON_AddNumberToObject(json, "key_size", bits_of(&version->kind));
    }
}

static void add_recovery(const struct call *call, cJSON *json)
{
    const struct settings *settings = &call->standin->settings;

    if (call->api >= API_2016_10) {
        cJSON_AddStringToObject(json, "recoveryLevel",
                                settings->recoverable_days == 0 ? "Purgeable" : settings->recovery_level);
    }
    if (call->api >= API_7_1 && settings->recoverable_days != 0) {
        cJSON_AddNumberToObject(json, "recoverableDays", settings->recoverable_days);
    }
}

static void add_times(cJSON *json, const struct key_version *version)
{
    cJSON_AddBoolToObject(json, "enabled", version->enabled);
    if (version->nbf != 0) {
        cJSON_AddNumberToObject(json, "nbf", (double)version->nbf);
    }
    if (version->exp != 0) {
        cJSON_AddNumberToObject(json, "exp", (double)version->exp);
    }
    cJSON_AddNumberToObject(json, "created", (double)version->created);
    cJSON_AddNumberToObject(json, "updated", (double)version->updated);
}

cJSON *attributes_json(const struct call *call, const struct key *key, const struct key_version *version)
{
    cJSON *json = need(cJSON_CreateObject());

    add_times(json, version);
    add_recovery(call, json);
    add_newer(call, json, key, version);
    return json;
}

cJSON *certificate_attributes_json(const struct call *call, const struct key_version *version)
{
    cJSON *json = need(cJSON_CreateObject());

    add_times(json, version);
    add_recovery(call, json);
    return json;
}

void add_tags(cJSON *json, const struct key *key, const struct key_version *version)
{
    if (version->tags != NULL) {
        cJSON_AddItemToObject(json, "tags", need(cJSON_Duplicate(version->tags, true)));
    } else if (key->managed) {
        cJSON_AddObjectToObject(json, "tags");
    }
    if (key->managed) {
        cJSON_AddTrueToObject(json, "managed");
    }
}

/* --- Changed --- */

/* False: neither null nor a second of the four-digit years. */
static bool change_time(int64_t *at, const cJSON *value)
{
    if (value == NULL) {
        return true;
    }
    if (cJSON_IsNumber(value) && value->valuedouble >= 0 && value->valuedouble <= 253402300799.0) {
        *at = (int64_t)value->valuedouble;
        return true;
    }
    *at = 0;
    return cJSON_IsNull(value);
}

static bool change_flag(bool *at, const cJSON *value)
{
    if (value == NULL || cJSON_IsNull(value)) {
        return true;
    }
    *at = cJSON_IsTrue(value);
    return cJSON_IsBool(value);
}

const char *attributes_change(struct key_version *version, const cJSON *attributes)
{
    struct key_version changed = *version;

    if (!change_time(&changed.nbf, cJSON_GetObjectItemCaseSensitive(attributes, "nbf"))) {
        return "nbf";
    }
    if (!change_time(&changed.exp, cJSON_GetObjectItemCaseSensitive(attributes, "exp"))) {
        return "exp";
    }
    if (!change_flag(&changed.enabled, cJSON_GetObjectItemCaseSensitive(attributes, "enabled"))) {
        return "enabled";
    }
    if (!change_flag(&changed.exportable, cJSON_GetObjectItemCaseSensitive(attributes, "exportable"))) {
        return "exportable";
    }
    changed.updated = time(NULL);
    *version = changed;
    return NULL;
}

/* A key that opens transfer blobs is an RSA key of the HSM and does nothing else. */
static bool may_import(const struct key_kind *kind, unsigned uses)
{
    return (uses & 1U << USE_IMPORT) == 0 ||
           (uses == 1U << USE_IMPORT && key_kind_is_rsa(kind) && key_kind_is_hsm(kind));
}

char *uses_change(struct key_version *version, const cJSON *key_ops)
{
    unsigned supported = (1U << KEY_USES) - 1, uses;

    if (key_ops == NULL || cJSON_IsNull(key_ops)) {
        return NULL;
    }
    if (!uses_to_bits(key_ops, &uses)) {
        return text("Property  has invalid value\r\n");
    }
    if (key_kind_is_ec(&version->kind)) {
        supported = 1U << OPERATION_SIGN | 1U << OPERATION_VERIFY | 1U << USE_EXPORT;
    }
    if ((uses & ~supported) != 0) {
        return text("Unsupported key operation(s). Supported values are \"sign\", \"verify\".");
    }
    if (!may_import(&version->kind, uses)) {
        return text("The key operation \"import\" is for RSA-HSM keys and excludes every other operation.");
    }
    version->uses = uses;
    version->updated = time(NULL);
    return NULL;
}

bool call_change(struct call *call, struct key_version *version)
{
    const cJSON *holder = call->route.operation == OPERATION_IMPORT
                              ? cJSON_GetObjectItemCaseSensitive(call->body, "key")
                              : call->body;
    const cJSON *tags = cJSON_GetObjectItemCaseSensitive(call->body, "tags");
    char *wrong OWNED(owned_free) = NULL;

    if (attributes_change(version, cJSON_GetObjectItemCaseSensitive(call->body, "attributes")) != NULL) {
        call_bad_parameter(call, "Property  has invalid value\r\n");
        return false;
    }
    wrong = uses_change(version, cJSON_GetObjectItemCaseSensitive(holder, "key_ops"));
    if (wrong != NULL) {
        call_bad_parameter(call, wrong);
        return false;
    }
    if (cJSON_IsObject(tags)) {
        cJSON_Delete(version->tags);
        version->tags = need(cJSON_Duplicate(tags, true));
    }
    return release_change(call, version);
}
