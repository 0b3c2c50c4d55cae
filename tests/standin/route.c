/* Paths to operations. */
#include "tests/standin/route.h"
#include <string.h>
#include <strings.h>

enum { SEGMENTS = 4 };

struct segments {
    unsigned count;
    char word[SEGMENTS][KEY_NAME_SIZE];
};

/* False: more or longer segments than any path has. */
static bool split(const char *path, struct segments *ret_segments)
{
    struct segments found = {0};

    while (*path == '/') {
        size_t size = strcspn(++path, "/");

        if (found.count == SEGMENTS || size >= KEY_NAME_SIZE) {
            return false;
        }
        memcpy(found.word[found.count++], path, size);
        path += size;
    }
    *ret_segments = found;
    return *path == '\0';
}

/* The operation of a path that ends in a word, which may follow a version. */
static enum operation verb_of(const char *method, const char *word, bool with_version)
{
    enum operation operation = operation_of(word);

    if (strcmp(method, "POST") == 0 &&
        (operation < KEY_OPERATIONS || (operation == OPERATION_CREATE && !with_version))) {
        return operation;
    }
    if (strcmp(method, "GET") == 0 && operation == OPERATION_VERSIONS && !with_version) {
        return operation;
    }
    return OPERATION_OTHER;
}

static enum operation operation_of_key(const char *method)
{
    return strcmp(method, "GET") == 0     ? OPERATION_GET
           : strcmp(method, "PATCH") == 0 ? OPERATION_UPDATE
                                          : OPERATION_OTHER;
}

static void set_version(struct route *route, const char *word)
{
    if (strlen(word) < KEY_VERSION_SIZE) {
        strcpy(route->version, word);
    } else {
        route->operation = OPERATION_OTHER;
    }
}

static void read_key_path(const char *method, const struct segments *segments, struct route *route)
{
    const char *last = segments->word[segments->count - 1];

    strcpy(route->name, segments->word[1]);
    route->bad_name = !key_name_good(route->name);
    if (segments->count == 2) {
        route->operation = operation_of_key(method);
        return;
    }
    route->operation = verb_of(method, last, segments->count == 4);
    if (segments->count == 4) {
        set_version(route, segments->word[2]);
    } else if (route->operation == OPERATION_OTHER) {
        route->operation = operation_of_key(method);
        set_version(route, last);
    }
}

struct route route_of(const char *method, const char *path)
{
    struct route route = {.operation = OPERATION_OTHER};
    struct segments segments;

    if (!split(path, &segments) || segments.count == 0 || strcasecmp(segments.word[0], "keys") != 0) {
        return route;
    }
    if (segments.count == 1 || (segments.count == 2 && segments.word[1][0] == '\0')) {
        route.operation = strcmp(method, "GET") == 0 ? OPERATION_LIST : OPERATION_OTHER;
        return route;
    }
    read_key_path(method, &segments, &route);
    return route;
}
