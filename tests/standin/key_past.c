/* Keys as they were: a change is seen some time after it was made. */
#include "tests/standin/keys.h"
#include "tests/standin/text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct key_past {
    struct key_past *next; /* the change that came after it, of whatever key */
    char name[KEY_NAME_SIZE];
    struct key *key; /* NULL: there was none */
    int64_t until;   /* milliseconds of CLOCK_MONOTONIC */
};

void key_remember(struct key_store *store, const char *name, int delay)
{
    const struct key *key = key_find(store, name);
    struct key_past **at = &store->pasts, *past;

    if (delay == 0) {
        return;
    }
    past = need(calloc(1, sizeof *past));
    strncpy(past->name, name, sizeof past->name - 1);
    past->key = key == NULL ? NULL : key_copy(key);
    past->until = now_ms() + delay;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = past;
}

void key_forget(struct key_store *store, const char *name)
{
    for (struct key_past *past = store->pasts; past != NULL; past = past->next) {
        if (strcasecmp(past->name, name) == 0) {
            past->until = 0; /* its key pairs may be in use */
        }
    }
}

struct key *key_seen(const struct key_store *store, const char *name)
{
    int64_t now = store->pasts == NULL ? 0 : now_ms();

    for (const struct key_past *past = store->pasts; past != NULL; past = past->next) {
        if (now < past->until && strcasecmp(past->name, name) == 0) {
            return past->key;
        }
    }
    return key_find(store, name);
}

void key_pasts_done(struct key_store *store)
{
    while (store->pasts != NULL) {
        struct key_past *next = store->pasts->next;

        keys_free(store->pasts->key);
        free(store->pasts);
        store->pasts = next;
    }
}
