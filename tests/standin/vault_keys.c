/* Key bundles: GET a key, create a version, PATCH its attributes. */
#include "tests/standin/crypto.h"
#include "tests/standin/vault_call.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- Attributes --- */

cJSON *attributes_json(const struct call *call, const struct key_version *version)
{
    const struct settings *settings = &call->standin->settings;
    cJSON *json = need(cJSON_CreateObject());

    cJSON_AddBoolToObject(json, "enabled", version->enabled);
    if (version->nbf != 0) {
        cJSON_AddNumberToObject(json, "nbf", (double)version->nbf);
    }
    if (version->exp != 0) {
        cJSON_AddNumberToObject(json, "exp", (double)version->exp);
    }
    cJSON_AddNumberToObject(json, "created", (double)version->created);
    cJSON_AddNumberToObject(json, "updated", (double)version->updated);
    cJSON_AddStringToObject(json, "recoveryLevel", settings->recovery_level);
    if (settings->recoverable_days != 0) {
        cJSON_AddNumberToObject(json, "recoverableDays", settings->recoverable_days);
    }
    cJSON_AddBoolToObject(json, "exportable", version->exportable);
    if (call->api >= API_7_5) {
        cJSON_AddStringToObject(json, "hsmPlatform", strstr(version->kind.kty, "-HSM") == NULL ? "0" : "2");
    }
    return json;
}

/* False: neither a number nor null. */
static bool change_time(int64_t *at, const cJSON *value)
{
    if (value == NULL) {
        return true;
    }
    *at = cJSON_IsNumber(value) ? (int64_t)value->valuedouble : 0;
    return cJSON_IsNumber(value) || cJSON_IsNull(value);
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

char *uses_change(struct key_version *version, const cJSON *key_ops)
{
    unsigned supported = ALL_KEY_OPERATIONS, uses;

    if (key_ops == NULL || cJSON_IsNull(key_ops)) {
        return NULL;
    }
    if (!uses_to_bits(key_ops, &uses)) {
        return text("Property  has invalid value\r\n");
    }
    if (!key_kind_is_rsa(&version->kind)) {
        supported = 1U << OPERATION_SIGN | 1U << OPERATION_VERIFY;
    }
    if ((uses & ~supported) != 0) {
        return text("Unsupported key operation(s). Supported values are \"sign\", \"verify\".");
    }
    version->uses = uses;
    version->updated = time(NULL);
    return NULL;
}

/* --- The bundle --- */

static void free_number(BIGNUM **number)
{
    BN_free(*number);
}

/* size 0: as long as it is. */
static void add_number(cJSON *json, const char *name, EVP_PKEY *key, const char *parameter, size_t size)
{
    BIGNUM *number OWNED(free_number) = NULL;
    unsigned char bytes[512];
    char *encoded OWNED(owned_free) = NULL;

    if (EVP_PKEY_get_bn_param(key, parameter, &number) != 1) {
        return;
    }
    size = size == 0 ? (size_t)BN_num_bytes(number) : size;
    if (size <= sizeof bytes && BN_bn2binpad(number, bytes, (int)size) >= 0) {
        encoded = base64url(bytes, size);
        cJSON_AddStringToObject(json, name, encoded);
    }
}

static void add_public_part(cJSON *json, const struct key_kind *kind, EVP_PKEY *key)
{
    size_t field = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;

    if (key_kind_is_rsa(kind)) {
        add_number(json, "n", key, OSSL_PKEY_PARAM_RSA_N, 0);
        add_number(json, "e", key, OSSL_PKEY_PARAM_RSA_E, 0);
        return;
    }
    cJSON_AddStringToObject(json, "crv", kind->crv);
    add_number(json, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, field);
    add_number(json, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, field);
}

/* A version as it was when the lock was held. */
struct snapshot {
    struct key_kind kind;
    struct keypair *pair;
    char id[KEY_VERSION_SIZE];
    unsigned uses;
    cJSON *attributes, *tags;
};

/* With the lock. */
static struct snapshot snapshot_of(const struct call *call, const struct key_version *version)
{
    struct snapshot shot = {.kind = version->kind, .pair = version->pair, .uses = version->uses};

    strcpy(shot.id, version->id);
    shot.attributes = attributes_json(call, version);
    shot.tags = version->tags == NULL ? NULL : need(cJSON_Duplicate(version->tags, true));
    return shot;
}

/* Takes what the snapshot holds. Makes the key pair where that is not done yet. */
static void answer_bundle(const struct call *call, const struct snapshot *shot)
{
    char *kid OWNED(owned_free) = text("%s/keys/%s/%s", call->base, call->route.name, shot->id);
    cJSON *json = need(cJSON_CreateObject());
    cJSON *key = need(cJSON_AddObjectToObject(json, "key"));

    cJSON_AddStringToObject(key, "kid", kid);
    cJSON_AddStringToObject(key, "kty", shot->kind.kty);
    cJSON_AddItemToObject(key, "key_ops", bits_to_uses(shot->uses));
    add_public_part(key, &shot->kind, keypair_key(shot->pair));
    cJSON_AddItemToObject(json, "attributes", shot->attributes);
    if (shot->tags != NULL) {
        cJSON_AddItemToObject(json, "tags", shot->tags);
    }
    answer_json(call->answer, 200, json);
}

void vault_get(struct call *call)
{
    struct snapshot shot;

    {
        const struct key_version *version;

        LOCKED(call->standin);
        version = call_find(call);
        if (version == NULL) {
            return;
        }
        shot = snapshot_of(call, version);
    }
    answer_bundle(call, &shot);
}

/* --- Changes --- */

/* With the lock. False: a 400 was given. */
static bool change(struct call *call, struct key_version *version)
{
    const cJSON *tags = cJSON_GetObjectItemCaseSensitive(call->body, "tags");
    char *wrong OWNED(owned_free) = NULL;

    if (attributes_change(version, cJSON_GetObjectItemCaseSensitive(call->body, "attributes")) != NULL) {
        call_bad_parameter(call, "Property  has invalid value\r\n");
        return false;
    }
    wrong = uses_change(version, cJSON_GetObjectItemCaseSensitive(call->body, "key_ops"));
    if (wrong != NULL) {
        call_bad_parameter(call, wrong);
        return false;
    }
    if (cJSON_IsObject(tags)) {
        cJSON_Delete(version->tags);
        version->tags = need(cJSON_Duplicate(tags, true));
    }
    return true;
}

void vault_update(struct call *call)
{
    struct snapshot shot;

    {
        struct key_version *version;

        LOCKED(call->standin);
        version = call_find(call);
        if (version == NULL || !change(call, version)) {
            return;
        }
        shot = snapshot_of(call, version);
    }
    answer_bundle(call, &shot);
}

static bool read_kind(const struct call *call, struct key_kind *ret_kind)
{
    const char *kty = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(call->body, "kty"));
    const char *crv = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(call->body, "crv"));
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(call->body, "key_size");

    return kty != NULL &&
           (size == NULL || cJSON_IsNull(size) || (cJSON_IsNumber(size) && size->valueint > 0)) &&
           key_kind_set(kty, cJSON_IsNumber(size) ? (unsigned)size->valueint : 0, crv, ret_kind);
}

/* A request that will be refused must not leave a version behind: it is judged on a copy first. */
static bool judge(struct call *call, const struct key_kind *kind)
{
    struct key_version trial = {.kind = *kind};
    bool good = change(call, &trial);

    cJSON_Delete(trial.tags);
    return good;
}

static bool is_deleted(struct call *call)
{
    const struct key *key = key_find(call->keys, call->route.name);

    if (key == NULL || !key->deleted) {
        return false;
    }
    answer_error(
        call->answer, 409, "Conflict", "ObjectIsDeletedButRecoverable",
        text("Key %s is currently in a deleted but recoverable state, and its name cannot be reused; in this "
             "state, the key can only be recovered or purged.",
             key->name));
    return true;
}

void vault_create(struct call *call)
{
    struct snapshot shot;
    struct key_kind kind;

    if (!read_kind(call, &kind)) {
        call_bad_parameter(call, "Property  has invalid value\r\n");
        return;
    }
    {
        struct key *key;

        LOCKED(call->standin);
        if (is_deleted(call) || !judge(call, &kind)) {
            return;
        }
        key = key_add_version(call->keys, call->route.name, &kind);
        change(call, key->newest);
        strcpy(call->route.name, key->name);
        shot = snapshot_of(call, key->newest);
    }
    answer_bundle(call, &shot);
}
