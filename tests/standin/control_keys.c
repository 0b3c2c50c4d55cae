/* The keys, as the control port makes and changes them. */
#include "tests/standin/control.h"
#include "tests/standin/vault_call.h"
#include <stdlib.h>
#include <string.h>

static cJSON *version_json(const struct key_version *version)
{
    cJSON *json = need(cJSON_CreateObject());

    cJSON_AddStringToObject(json, "version", version->id);
    cJSON_AddStringToObject(json, "kty", version->kind.kty);
    cJSON_AddBoolToObject(json, "enabled", version->enabled);
    cJSON_AddNumberToObject(json, "nbf", (double)version->nbf);
    cJSON_AddNumberToObject(json, "exp", (double)version->exp);
    cJSON_AddNumberToObject(json, "created", (double)version->created);
    cJSON_AddItemToObject(json, "key_ops", bits_to_uses(version->uses));
    return json;
}

static cJSON *key_json(const struct key *key)
{
    cJSON *json = need(cJSON_CreateObject());
    cJSON *versions;

    cJSON_AddStringToObject(json, "name", key->name);
    cJSON_AddBoolToObject(json, "deleted", key->deleted);
    versions = need(cJSON_AddArrayToObject(json, "versions"));
    for (const struct key_version *version = key->newest; version != NULL; version = version->older) {
        cJSON_AddItemToArray(versions, version_json(version));
    }
    return json;
}

static cJSON *all_json(const struct key_store *store)
{
    cJSON *array = need(cJSON_CreateArray());

    for (const struct key *key = store->keys; key != NULL; key = key->next) {
        cJSON_AddItemToArray(array, key_json(key));
    }
    return array;
}

/* What a body asks for. */
struct wish {
    const char *kty, *crv, *version;
    unsigned size, versions;
    bool rotate;
    const cJSON *deleted;
    bool managed;
};

static bool read_number(const cJSON *item, unsigned *number)
{
    *number = cJSON_IsNumber(item) && item->valueint > 0 ? (unsigned)item->valueint : 0;
    return *number != 0;
}

static bool read_item(const cJSON *item, struct wish *wish)
{
    static const char *const attributes[] = {"enabled", "nbf", "exp", "exportable", "key_ops", NULL};
    const char *name = item->string;

    for (size_t i = 0; attributes[i] != NULL; i++) {
        if (strcmp(attributes[i], name) == 0) {
            return true;
        }
    }
    if (strcmp(name, "kty") == 0) {
        return (wish->kty = cJSON_GetStringValue(item)) != NULL;
    }
    if (strcmp(name, "crv") == 0) {
        return (wish->crv = cJSON_GetStringValue(item)) != NULL;
    }
    if (strcmp(name, "version") == 0) {
        return (wish->version = cJSON_GetStringValue(item)) != NULL;
    }
    if (strcmp(name, "size") == 0) {
        return read_number(item, &wish->size);
    }
    if (strcmp(name, "versions") == 0) {
        return read_number(item, &wish->versions);
    }
    if (strcmp(name, "rotate") == 0) {
        wish->rotate = cJSON_IsTrue(item);
        return true;
    }
    if (strcmp(name, "managed") == 0) {
        wish->managed = cJSON_IsTrue(item);
        return true;
    }
    wish->deleted = item;
    return strcmp(name, "deleted") == 0 && cJSON_IsBool(item);
}

static bool read_wish(const cJSON *body, struct wish *ret_wish, struct answer *answer)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, body)
    {
        if (!read_item(item, ret_wish)) {
            control_refuse(answer, text("%s", item->string));
            return false;
        }
    }
    return true;
}

/* What a new version of the key is: as asked, else as the newest one. */
static bool kind_of(const struct key *key, const struct wish *wish, struct key_kind *ret_kind)
{
    if (key != NULL && wish->kty == NULL && wish->size == 0 && wish->crv == NULL) {
        *ret_kind = key->newest->kind;
        return true;
    }
    return key_kind_set(wish->kty == NULL ? "RSA" : wish->kty, wish->size, wish->crv, ret_kind);
}

/* The key with as many versions as it shall have; NULL: a 400 was given. */
static struct key *grow(struct key_store *store, const char *name, const struct wish *wish,
                        struct answer *answer)
{
    struct key *key = key_find(store, name);
    unsigned have = key == NULL ? 0 : key->count;
    unsigned wanted = wish->versions > have ? wish->versions : have == 0 ? 1 : have + (wish->rotate ? 1 : 0);
    struct key_kind kind;

    if (!kind_of(key, wish, &kind)) {
        control_refuse(answer, text("no such type, size or curve"));
        return NULL;
    }
    for (; have < wanted; have++) {
        key = key_add_version(store, name, &kind);
    }
    return key;
}

static bool change_version(struct key_version *version, const cJSON *body, struct answer *answer)
{
    const char *wrong = attributes_change(version, body);
    char *complaint = wrong == NULL ? uses_change(version, cJSON_GetObjectItemCaseSensitive(body, "key_ops"))
                                    : text("%s", wrong);

    if (complaint != NULL) {
        control_refuse(answer, complaint);
        return false;
    }
    return true;
}

static bool change_versions(struct key *key, const char *which, const cJSON *body, struct answer *answer)
{
    bool latest = same_text(which, "latest"), found = which == NULL;

    for (struct key_version *version = key->newest; version != NULL; version = version->older) {
        bool meant = which == NULL || (latest ? version == key->newest : strcmp(which, version->id) == 0);

        found = found || meant;
        if (meant && !change_version(version, body, answer)) {
            return false;
        }
    }
    if (!found) {
        control_refuse(answer, text("no such version"));
    }
    return found;
}

/* At once, whatever the delays are; what was on its way is there. */
static void delete_now(const struct standin *standin, struct key *key)
{
    if (key->deleted) {
        key_settle(key);
    } else {
        key_delete(key, 0, standin->settings.recoverable_days);
    }
}

static void put_key(const struct standin *standin, struct key_store *store, const char *name,
                    const cJSON *body, struct answer *answer)
{
    struct wish wish = {0};
    struct key *key;

    if (!key_name_good(name)) {
        control_refuse(answer, text("the name is no key name"));
        return;
    }
    if (!read_wish(body, &wish, answer)) {
        return;
    }
    if (wish.deleted != NULL) {
        key_forget(store, name);
    } else {
        key_remember(store, name, standin->settings.key_delay_ms);
    }
    key = grow(store, name, &wish, answer);
    if (key == NULL) {
        return;
    }
    if (wish.managed) {
        key_manage(key);
    }
    if (!change_versions(key, wish.version, body, answer)) {
        return;
    }
    if (cJSON_IsTrue(wish.deleted)) {
        delete_now(standin, key);
    }
    if (cJSON_IsFalse(wish.deleted)) {
        key_recover(key, 0);
    }
    answer_json(answer, 200, key_json(key));
}

/* The newest version of the key after `last`, from new to old. NULL: that was all. */
static struct key_version *next_version(struct standin *standin, struct key_store *store, const char *name,
                                        const struct key_version *last)
{
    struct key *key;

    LOCKED(standin);
    key = key_find(store, name);
    return last != NULL ? last->older : key == NULL ? NULL : key->newest;
}

void control_prepare(struct standin *standin, struct key_store *store, const char *name)
{
    struct key_version *version = next_version(standin, store, name, NULL);

    while (version != NULL) {
        keypair_prepare(version->pair);
        version = next_version(standin, store, name, version);
    }
}

void control_keys(const struct standin *standin, struct key_store *store, const char *method,
                  const char *name, const cJSON *body, struct answer *answer)
{
    struct key *key = key_find(store, name);

    if (strcmp(method, "PUT") == 0) {
        put_key(standin, store, name, body, answer);
        return;
    }
    if (name[0] == '\0') {
        if (strcmp(method, "DELETE") == 0) {
            key_purge_all(store);
        }
        answer_json(answer, 200, all_json(store));
        return;
    }
    if (key == NULL) {
        answer_json(answer, 404, need(cJSON_CreateObject()));
        return;
    }
    if (strcmp(method, "DELETE") == 0) {
        key_forget(store, name);
        delete_now(standin, key);
    }
    answer_json(answer, 200, key_json(key));
}
