/* The keys of a service. */
#include "tests/standin/keys.h"
#include "tests/standin/text.h"
#include "tests/standin/words.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { DAY = 24 * 60 * 60 };

bool key_name_good(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length < KEY_NAME_SIZE &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == length;
}

/* --- Looking up --- */

struct key *key_find(const struct key_store *store, const char *name)
{
    struct key *key = store->keys;

    while (key != NULL && strcasecmp(key->name, name) != 0) {
        key = key->next;
    }
    return key;
}

struct key_version *key_version_find(const struct key *key, const char *version)
{
    struct key_version *found = key->newest;

    while (found != NULL && version[0] != '\0' && strcasecmp(found->id, version) != 0) {
        found = found->older;
    }
    return found;
}

enum key_state key_state_of(const struct key *key)
{
    if (now_ms() < key->settles) {
        return key->deleted ? KEY_BEING_DELETED : KEY_BEING_RECOVERED;
    }
    return key->deleted ? KEY_DELETED : KEY_LIVE;
}

/* --- Adding --- */

static void insert(struct key_store *store, struct key *key)
{
    struct key **at = &store->keys;

    while (*at != NULL && strcasecmp((*at)->name, key->name) < 0) {
        at = &(*at)->next;
    }
    key->next = *at;
    *at = key;
}

static unsigned default_uses(const struct key_kind *kind)
{
    return key_kind_is_ec(kind) ? 1U << OPERATION_SIGN | 1U << OPERATION_VERIFY : ALL_KEY_OPERATIONS;
}

/* No two versions are of the same second: which one is the latest can be seen by it. */
static void separate_ages(struct key *key)
{
    int64_t newer = key->newest->created;

    for (struct key_version *version = key->newest->older; version != NULL && version->created >= newer;
         version = version->older) {
        version->created = --newer;
    }
}

struct key *key_add_pair(struct key_store *store, const char *name, const struct key_kind *kind,
                         struct keypair *pair)
{
    struct key *key = key_find(store, name);
    struct key_version *version = need(calloc(1, sizeof *version));

    if (key == NULL) {
        key = need(calloc(1, sizeof *key));
        strncpy(key->name, name, sizeof key->name - 1);
        insert(store, key);
    }
    random_hex(version->id, KEY_VERSION_SIZE - 1);
    version->kind = *kind;
    version->pair = pair;
    version->enabled = true;
    version->created = version->updated = time(NULL);
    version->uses = default_uses(kind);
    version->older = key->newest;
    key->newest = version;
    key->count++;
    key->deleted = false;
    separate_ages(key);
    return key;
}

static unsigned next_index(struct key_store *store, const struct key_kind *kind)
{
    return key_kind_is_rsa(kind) ? store->made[kind->bits / 1024 - 2]++ : 0;
}

struct key *key_add_version(struct key_store *store, const char *name, const struct key_kind *kind)
{
    return key_add_pair(store, name, kind, keypair_new(kind, next_index(store, kind), store->cache));
}

/* --- Deleted and back --- */

void key_delete(struct key *key, int delay, int days)
{
    key->deleted = true;
    key->settles = now_ms() + delay;
    key->deleted_date = time(NULL);
    key->purge_date = key->deleted_date + (int64_t)days * DAY;
}

void key_settle(struct key *key)
{
    key->settles = now_ms();
}

void key_recover(struct key *key, int delay)
{
    key->deleted = false;
    key->settles = now_ms() + delay;
}

void key_purge(struct key_store *store, struct key *key)
{
    struct key **at = &store->keys;

    while (*at != key) {
        at = &(*at)->next;
    }
    *at = key->next;
    key->next = store->purged;
    store->purged = key;
}

void key_purge_all(struct key_store *store)
{
    while (store->keys != NULL) {
        key_purge(store, store->keys);
    }
    memset(store->made, 0, sizeof store->made); /* pairs that were kept in files serve again */
}

void key_manage(struct key *key)
{
    key->managed = true;
    for (struct key_version *version = key->newest; version != NULL; version = version->older) {
        version->nbf = version->created;
        version->exp = version->created + KEY_YEAR;
    }
}

/* --- Backups --- */

static cJSON *copy_json(const cJSON *json)
{
    return json == NULL ? NULL : need(cJSON_Duplicate(json, true));
}

static struct key_version *copy_version(const struct key_version *version)
{
    struct key_version *copy = need(malloc(sizeof *copy));

    *copy = *version;
    copy->older = NULL;
    copy->pair = keypair_ref(version->pair);
    copy->tags = copy_json(version->tags);
    copy->release_policy = copy_json(version->release_policy);
    copy->sent = copy_json(version->sent);
    return copy;
}

struct key *key_copy(const struct key *key)
{
    struct key *copy = need(malloc(sizeof *copy));
    struct key_version **at = &copy->newest;

    *copy = *key;
    copy->next = NULL;
    copy->rotation_policy = copy_json(key->rotation_policy);
    for (const struct key_version *version = key->newest; version != NULL; version = version->older) {
        *at = copy_version(version);
        at = &(*at)->older;
    }
    *at = NULL;
    return copy;
}

void key_back_up(struct key_store *store, const struct key *key, char *blob)
{
    struct key_backup *backup = need(calloc(1, sizeof *backup));

    *backup = (struct key_backup){store->backups, blob, key_copy(key)};
    store->backups = backup;
}

const struct key *key_backed_up(const struct key_store *store, const char *blob)
{
    const struct key_backup *backup = store->backups;

    while (backup != NULL && strcmp(backup->blob, blob) != 0) {
        backup = backup->next;
    }
    return backup == NULL ? NULL : backup->key;
}

struct key *key_restore(struct key_store *store, const struct key *backup)
{
    struct key *key = key_copy(backup);

    insert(store, key);
    return key;
}

/* --- The end --- */

static void free_versions(struct key_version *version)
{
    while (version != NULL) {
        struct key_version *older = version->older;

        keypair_free(version->pair);
        cJSON_Delete(version->tags);
        cJSON_Delete(version->release_policy);
        cJSON_Delete(version->sent);
        free(version);
        version = older;
    }
}

void keys_free(struct key *key)
{
    while (key != NULL) {
        struct key *next = key->next;

        free_versions(key->newest);
        cJSON_Delete(key->rotation_policy);
        free(key);
        key = next;
    }
}

void key_store_done(struct key_store *store)
{
    keys_free(store->keys);
    keys_free(store->purged);
    while (store->backups != NULL) {
        struct key_backup *next = store->backups->next;

        keys_free(store->backups->key);
        free(store->backups->blob);
        free(store->backups);
        store->backups = next;
    }
    key_pasts_done(store);
    free(store->cache);
}
