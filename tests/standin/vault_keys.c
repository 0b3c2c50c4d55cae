/* Keys: GET one, create a version, PATCH its attributes. */
#include "tests/standin/vault_call.h"
#include <stdlib.h>
#include <string.h>

enum { MHSM_VERSIONS = 100 };

void vault_get(struct call *call)
{
    struct snapshot shot OWNED(snapshot_done) = {.pair = NULL};

    {
        struct key_version *version;
        const struct key *key;

        LOCKED(call->standin);
        key = call_find_key(call, &version);
        if (key == NULL) {
            return;
        }
        shot = snapshot_of(call, key, version);
    }
    answer_bundle(call, &shot);
}

/* --- Changes --- */

/* A request that will be refused must not leave anything changed: it is judged on a copy first. */
static bool judge(struct call *call, const struct key_version *version)
{
    struct key_version trial = *version;
    bool good;

    trial.tags = NULL;
    trial.release_policy =
        version->release_policy == NULL ? NULL : need(cJSON_Duplicate(version->release_policy, true));
    good = call_change(call, &trial);
    cJSON_Delete(trial.tags);
    cJSON_Delete(trial.release_policy);
    return good;
}

void vault_update(struct call *call)
{
    struct snapshot shot OWNED(snapshot_done) = {.pair = NULL};

    {
        struct key_version *version;
        const struct key *key;

        LOCKED(call->standin);
        key = call_find_key(call, &version);
        if (key == NULL || !judge(call, version) || !call_change(call, version)) {
            return;
        }
        shot = snapshot_of(call, key, version);
    }
    answer_bundle(call, &shot);
}

/* --- New versions --- */

bool call_may_add(struct call *call)
{
    const struct key *key = key_find(call->keys, call->route.name);

    switch (key == NULL ? KEY_LIVE : key_state_of(key)) {
    case KEY_BEING_DELETED:
        call_refuse(
            call, 409, "Conflict", "ObjectIsBeingDeleted",
            text("Key %s is currently being deleted and cannot be re-created; retry later.", key->name));
        return false;
    case KEY_DELETED:
        call_refuse(call, 409, "Conflict", "ObjectIsDeletedButRecoverable",
                    text("Key %s is currently in a deleted but recoverable state, and its name cannot be "
                         "reused; in this state, the key can only be recovered or purged.",
                         key->name));
        return false;
    case KEY_BEING_RECOVERED:
        call_refuse(call, 409, "Conflict", "ObjectIsBeingRecovered",
                    text("Key %s is currently being recovered; retry later.", key->name));
        return false;
    case KEY_LIVE:
        break;
    }
    if (is_mhsm(call) && key != NULL && key->count >= MHSM_VERSIONS) {
        call_bad_parameter(call, "The key has as many versions as it may have.");
        return false;
    }
    return true;
}

bool call_kind(const struct call *call, const char *kty, unsigned bits, const char *crv,
               struct key_kind *ret_kind)
{
    char *full OWNED(owned_free) =
        is_mhsm(call) && strstr(kty, "-HSM") == NULL ? text("%s-HSM", kty) : text("%s", kty);
    struct key_kind kind;

    if (!key_kind_set(full, bits, crv, &kind) ||
        (key_kind_is_oct(&kind) && !is_mhsm(call) && call->api < API_2026_04)) {
        return false;
    }
    *ret_kind = kind;
    return true;
}

/* --- Create --- */

static bool read_kind(const struct call *call, struct key_kind *ret_kind)
{
    const char *kty = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(call->body, "kty"));
    const char *crv = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(call->body, "crv"));
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(call->body, "key_size");

    return kty != NULL &&
           (size == NULL || cJSON_IsNull(size) || (cJSON_IsNumber(size) && size->valueint > 0)) &&
           call_kind(call, kty, cJSON_IsNumber(size) ? (unsigned)size->valueint : 0, crv, ret_kind);
}

/* The one exponent there is. */
static bool good_exponent(const cJSON *exponent)
{
    return exponent == NULL || cJSON_IsNull(exponent) ||
           (cJSON_IsNumber(exponent) && exponent->valueint == 65537);
}

/* Would a new version of that kind do? With the lock; false: an answer was given. */
bool call_judge_new(struct call *call, const struct key_kind *kind)
{
    struct key_version trial = {.kind = *kind};

    const struct key *key = key_find(call->keys, call->route.name);

    if (!call_may_add(call)) {
        return false;
    }
    if (key != NULL && key->managed && key_kind_is_oct(kind)) {
        call_bad_parameter(call, "No certificate is of an oct key.");
        return false;
    }
    return judge(call, &trial);
}

/* With the lock: the newest version becomes what the request says. */
struct snapshot call_settle_new(struct call *call, struct key *key)
{
    call_change(call, key->newest);
    rotation_dates(key, key->newest);
    return snapshot_of(call, key, key->newest);
}

void vault_create(struct call *call)
{
    struct snapshot shot OWNED(snapshot_done) = {.pair = NULL};
    struct key_kind kind;

    if (!read_kind(call, &kind) ||
        !good_exponent(cJSON_GetObjectItemCaseSensitive(call->body, "public_exponent"))) {
        call_bad_parameter(call, "Property  has invalid value\r\n");
        return;
    }
    {
        LOCKED(call->standin);
        if (!call_judge_new(call, &kind)) {
            return;
        }
        shot = call_settle_new(call, key_add_version(call->keys, call->route.name, &kind));
    }
    answer_bundle(call, &shot);
}
