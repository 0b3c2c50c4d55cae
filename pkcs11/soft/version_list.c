/* The versions of a key that are known, from the newest down. */
#include "pkcs11/soft/version_list.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 1 }; /* most keys have one, and there may be thousands of keys */

void version_list_done(struct version_list *list)
{
    free(list->items);
    *list = (struct version_list){NULL};
}

struct known_version *version_list_find(const struct version_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0) {
            return &list->items[i];
        }
    }
    return NULL;
}

static bool make_room(struct version_list *list)
{
    size_t room = list->room == 0 ? FIRST_ROOM : list->room * 2;
    struct known_version *items;

    if (list->count < list->room) {
        return true;
    }
    items = list->count < MOST_VERSIONS ? realloc(list->items, room * sizeof *items) : NULL;
    if (items == NULL) {
        return false;
    }
    list->items = items;
    list->room = room;
    return true;
}

struct known_version *version_list_add(struct version_list *list, const char *name)
{
    struct known_version *version = version_list_find(list, name);

    if (version != NULL || !make_room(list)) {
        return version;
    }
    version = &list->items[list->count++];
    *version = (struct known_version){.name = ""};
    snprintf(version->name, sizeof version->name, "%s", name);
    return version;
}

/* What came into use after the last listing is newer than what is listed; what is neither comes last. */
static int rank(const struct known_version *version)
{
    return version->created != 0 ? 1 : version->used != 0 ? 0 : 2;
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_age(const void *left, const void *right)
{
    const struct known_version *a = left, *b = right;
    int order = compare(rank(a), rank(b));

    if (order == 0) {
        order = compare(b->created, a->created);
    }
    if (order == 0) {
        order = compare(b->used, a->used);
    }
    return order != 0 ? order : compare(a->place, b->place);
}

void version_list_sort(struct version_list *list)
{
    if (list->count > 1) {
        qsort(list->items, list->count, sizeof *list->items, by_age);
    }
}
