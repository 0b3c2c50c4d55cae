/* Paths to operations. */
#include "tests/standin/route.h"
#include <string.h>
#include <strings.h>

enum { SEGMENTS = 4 };

struct segments {
    unsigned count;
    char word[SEGMENTS][KEY_NAME_SIZE];
};

/* A word of a path, and what a method makes of it. */
struct verb {
    const char *word, *method;
    enum operation operation;
    bool with_version; /* it may follow a version */
};

/* False: more or longer segments than any path has. */
static bool split(const char *path, struct segments *ret_segments)
{
    struct segments found = {0};

    while (*path == '/') {
        size_t size = strcspn(++path, "/");

        if (size == 0 && *path == '/' && found.count == 0) {
            continue; /* //rng is what one SDK sends */
        }
        if (found.count == SEGMENTS || size >= KEY_NAME_SIZE) {
            return false;
        }
        memcpy(found.word[found.count++], path, size);
        path += size;
    }
    *ret_segments = found;
    return *path == '\0';
}

static const struct verb *find_verb(const struct verb *verbs, const char *method, const char *word)
{
    while (verbs->word != NULL &&
           (strcasecmp(verbs->word, word) != 0 || strcmp(verbs->method, method) != 0)) {
        verbs++;
    }
    return verbs->word == NULL ? NULL : verbs;
}

static bool named(const struct segments *segments, unsigned index)
{
    return segments->count > index && segments->word[index][0] != '\0';
}

static void set_version(struct route *route, const char *word)
{
    if (strlen(word) < KEY_VERSION_SIZE) {
        strcpy(route->version, word);
    } else {
        route->operation = OPERATION_OTHER;
    }
}

/* COLLECTION/NAME[/VERSION][/VERB]; no_verb is for the path that ends before a verb. */
static void read_item(const char *method, const struct segments *segments, const struct verb *verbs,
                      const struct verb *no_verb, struct route *route)
{
    const char *last = segments->word[segments->count - 1];
    const struct verb *verb = segments->count == 2 ? NULL : find_verb(verbs, method, last);

    strcpy(route->name, segments->word[1]);
    route->bad_name = !key_name_good(route->name);
    if (verb != NULL && (segments->count == 3 || verb->with_version)) {
        route->operation = verb->operation;
        if (segments->count == 4) {
            set_version(route, segments->word[2]);
        }
        return;
    }
    verb = find_verb(no_verb, method, "");
    if (verb == NULL || segments->count == 4 || (segments->count == 3 && !verb->with_version)) {
        return;
    }
    route->operation = verb->operation;
    if (segments->count == 3) {
        set_version(route, last);
    }
}

static void read_keys(const char *method, const struct segments *segments, struct route *route)
{
    static const struct verb verbs[] = {{"create", "POST", OPERATION_CREATE, false},
                                        {"encrypt", "POST", OPERATION_ENCRYPT, true},
                                        {"decrypt", "POST", OPERATION_DECRYPT, true},
                                        {"sign", "POST", OPERATION_SIGN, true},
                                        {"verify", "POST", OPERATION_VERIFY, true},
                                        {"wrapkey", "POST", OPERATION_WRAP, true},
                                        {"unwrapkey", "POST", OPERATION_UNWRAP, true},
                                        {"securewrapkey", "POST", OPERATION_SECURE_WRAP, true},
                                        {"secureunwrapkey", "POST", OPERATION_SECURE_UNWRAP, true},
                                        {"release", "POST", OPERATION_RELEASE, true},
                                        {"backup", "POST", OPERATION_BACKUP, false},
                                        {"rotate", "POST", OPERATION_ROTATE, false},
                                        {"versions", "GET", OPERATION_VERSIONS, false},
                                        {"rotationpolicy", "GET", OPERATION_GET_POLICY, false},
                                        {"rotationpolicy", "PUT", OPERATION_SET_POLICY, false},
                                        {"attestation", "GET", OPERATION_ATTESTATION, true},
                                        {NULL, NULL, OPERATION_OTHER, false}};
    static const struct verb no_verb[] = {{"", "GET", OPERATION_GET, true},
                                          {"", "PATCH", OPERATION_UPDATE, true},
                                          {"", "PUT", OPERATION_IMPORT, false},
                                          {"", "DELETE", OPERATION_DELETE, false},
                                          {NULL, NULL, OPERATION_OTHER, false}};

    if (segments->count == 2 && strcmp(method, "POST") == 0 &&
        strcasecmp(segments->word[1], "restore") == 0) {
        route->operation = OPERATION_RESTORE;
        return;
    }
    read_item(method, segments, verbs, no_verb, route);
}

static void read_deleted_keys(const char *method, const struct segments *segments, struct route *route)
{
    static const struct verb verbs[] = {{"recover", "POST", OPERATION_RECOVER, false},
                                        {NULL, NULL, OPERATION_OTHER, false}};
    static const struct verb no_verb[] = {{"", "GET", OPERATION_GET_DELETED, false},
                                          {"", "DELETE", OPERATION_PURGE, false},
                                          {NULL, NULL, OPERATION_OTHER, false}};

    read_item(method, segments, verbs, no_verb, route);
}

static void read_certificates(const char *method, const struct segments *segments, struct route *route)
{
    static const struct verb verbs[] = {{"versions", "GET", OPERATION_CERTIFICATE_VERSIONS, false},
                                        {NULL, NULL, OPERATION_OTHER, false}};
    static const struct verb no_verb[] = {{"", "GET", OPERATION_GET_CERTIFICATE, true},
                                          {NULL, NULL, OPERATION_OTHER, false}};

    read_item(method, segments, verbs, no_verb, route);
}

static void read_secrets(const char *method, const struct segments *segments, struct route *route)
{
    static const struct verb none[] = {{NULL, NULL, OPERATION_OTHER, false}};
    static const struct verb no_verb[] = {{"", "GET", OPERATION_GET_SECRET, true},
                                          {NULL, NULL, OPERATION_OTHER, false}};

    read_item(method, segments, none, no_verb, route);
}

static const struct collection {
    const char *word, *method; /* of the collection itself */
    enum operation operation;
    void (*read)(const char *method, const struct segments *segments,
                 struct route *route); /* NULL: no items */
} collections[] = {{"keys", "GET", OPERATION_LIST, read_keys},
                   {"deletedkeys", "GET", OPERATION_LIST_DELETED, read_deleted_keys},
                   {"certificates", "GET", OPERATION_LIST_CERTIFICATES, read_certificates},
                   {"secrets", "", OPERATION_OTHER, read_secrets},
                   {"rng", "POST", OPERATION_RANDOM, NULL}};

static const struct collection *find_collection(const char *word)
{
    for (size_t i = 0; i < sizeof collections / sizeof *collections; i++) {
        if (strcasecmp(collections[i].word, word) == 0) {
            return &collections[i];
        }
    }
    return NULL;
}

struct route route_of(const char *method, const char *path)
{
    struct route route = {.operation = OPERATION_OTHER};
    const struct collection *collection;
    struct segments segments;

    if (!split(path, &segments) || segments.count == 0) {
        return route;
    }
    collection = find_collection(segments.word[0]);
    if (collection == NULL) {
        return route;
    }
    if (segments.count == 1 || (segments.count == 2 && !named(&segments, 1))) {
        route.operation = strcmp(method, collection->method) == 0 ? collection->operation : OPERATION_OTHER;
    } else if (collection->read != NULL) {
        collection->read(method, &segments, &route);
    }
    return route;
}
