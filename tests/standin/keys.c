/* The keys of the vault. */
#include "tests/standin/keys.h"
#include "tests/standin/text.h"
#include "tests/standin/words.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

bool key_name_good(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length < KEY_NAME_SIZE &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == length;
}

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

static struct key *add_key(struct key_store *store, const char *name)
{
    struct key **at = &store->keys, *key = need(calloc(1, sizeof *key));

    while (*at != NULL && strcasecmp((*at)->name, name) < 0) {
        at = &(*at)->next;
    }
    strncpy(key->name, name, sizeof key->name - 1);
    key->next = *at;
    *at = key;
    return key;
}

static unsigned next_index(struct key_store *store, const struct key_kind *kind)
{
    return key_kind_is_rsa(kind) ? store->made[kind->bits / 1024 - 2]++ : 0;
}

struct key *key_add_version(struct key_store *store, const char *name, const struct key_kind *kind)
{
    struct key *key = key_find(store, name);
    struct key_version *version = need(calloc(1, sizeof *version));

    if (key == NULL) {
        key = add_key(store, name);
    }
    random_hex(version->id, KEY_VERSION_SIZE - 1);
    version->kind = *kind;
    version->pair = keypair_new(kind, next_index(store, kind), store->cache);
    version->enabled = true;
    version->created = version->updated = time(NULL);
    version->uses =
        key_kind_is_rsa(kind) ? ALL_KEY_OPERATIONS : 1U << OPERATION_SIGN | 1U << OPERATION_VERIFY;
    version->older = key->newest;
    key->newest = version;
    key->count++;
    key->deleted = false;
    return key;
}

static void free_versions(struct key_version *version)
{
    while (version != NULL) {
        struct key_version *older = version->older;

        keypair_free(version->pair);
        cJSON_Delete(version->tags);
        free(version);
        version = older;
    }
}

void key_store_done(struct key_store *store)
{
    while (store->keys != NULL) {
        struct key *next = store->keys->next;

        free_versions(store->keys->newest);
        free(store->keys);
        store->keys = next;
    }
    free(store->cache);
}
