/* Requests and answers against the description. */
#include "tests/truth/openapi.h"
#include "tests/truth/recorded.h"
#include "tests/truth/schema.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool openapi_read(const char *version, struct openapi *ret_openapi)
{
    char *keys ENDED_BY(free_text) = format("openapi/%s/keys.json", version);
    char *common ENDED_BY(free_text) = format("openapi/%s/common.json", version);

    *ret_openapi = (struct openapi){recorded_read(keys), recorded_read(common)};
    return ret_openapi->keys != NULL && ret_openapi->common != NULL;
}

void openapi_done(struct openapi *openapi)
{
    cJSON_Delete(openapi->keys);
    cJSON_Delete(openapi->common);
}

static struct schema schema_of(const struct openapi *openapi, const cJSON *item)
{
    return schema_resolve((struct schema){openapi->keys, openapi->common, item});
}

/* --- Paths --- */

enum { SEGMENTS = 8 };

struct path {
    unsigned count, empty; /* empty: segments without a character, left out of the others */
    char *segments[SEGMENTS];
};

static void path_done(struct path *path)
{
    while (path->count > 0) {
        free(path->segments[--path->count]);
    }
}

static struct path split(const char *text)
{
    struct path path = {0};

    while (*text == '/' && path.count < SEGMENTS) {
        size_t size = strcspn(++text, "/?");

        if (size == 0) {
            path.empty++;
        } else {
            path.segments[path.count++] = format("%.*s", (int)size, text);
        }
        text += size;
    }
    return path;
}

/* How many segments agree to the letter; -1: they do not fit. The version may be left out of the path. */
static int fit(const struct path *described, const struct path *path, bool *ret_without_version)
{
    unsigned at = 0;
    int literals = 0;

    *ret_without_version = false;
    for (unsigned i = 0; i < described->count; i++) {
        const char *segment = described->segments[i];

        if (strcmp(segment, "{key-version}") == 0 && described->count == path->count + 1) {
            *ret_without_version = true;
        } else if (at == path->count) {
            return -1;
        } else if (*segment == '{') {
            at++;
        } else if (strcasecmp(segment, path->segments[at++]) == 0) {
            literals++;
        } else {
            return -1;
        }
    }
    return at == path->count ? literals : -1;
}

static const cJSON *method_of(const cJSON *path, const char *method)
{
    char *name ENDED_BY(free_text) = format("%s", method);

    for (char *c = name; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    return cJSON_GetObjectItemCaseSensitive(path, name);
}

struct match {
    const cJSON *path, *operation;
    bool without_version;
    int literals;
};

/* operation NULL: there is none such. */
static struct match find(const struct openapi *openapi, const char *method, const struct path *path)
{
    struct match best = {NULL, NULL, false, -1};
    const cJSON *item;

    cJSON_ArrayForEach(item, item_at(openapi->keys, "paths"))
    {
        struct path described ENDED_BY(path_done) = split(item->string);
        struct match match = {item, method_of(item, method), false, 0};

        match.literals = fit(&described, path, &match.without_version);
        if (match.operation != NULL && match.literals > best.literals) {
            best = match;
        }
    }
    return best;
}

/* --- Parameters --- */

/* From malloc; NULL: not there. */
static char *query_value(const char *target, const char *name)
{
    const char *at = strchr(target, '?');

    while (at != NULL) {
        size_t size = strcspn(++at, "=&");

        if (strlen(name) == size && strncmp(at, name, size) == 0) {
            at += size + (at[size] == '=' ? 1 : 0);
            return format("%.*s", (int)strcspn(at, "&"), at);
        }
        at = strchr(at, '&');
    }
    return NULL;
}

static void judge_value(struct schema parameter, const char *text, struct differences *found)
{
    char *where ENDED_BY(free_text) = format("request %s", text_at(parameter.item, "name"));
    cJSON *value ENDED_BY(free_json) = cJSON_CreateString(text);
    struct schema plain = parameter;
    cJSON *copy ENDED_BY(free_json) = cJSON_Duplicate(parameter.item, true);

    if (strcmp(text_at(parameter.item, "type"), "integer") == 0 && *text != '\0' &&
        strspn(text, "0123456789") == strlen(text)) {
        cJSON_Delete(value);
        value = cJSON_CreateNumber(strtod(text, NULL));
    }
    cJSON_DeleteItemFromObject(copy, "required"); /* of a parameter: a flag, not a list */
    plain.item = copy;
    schema_judge(plain, where, value, found);
}

/* Path parameters come in the order of their segments. */
static void judge_segments(const struct openapi *openapi, const struct match *match, const struct path *path,
                           struct differences *found)
{
    struct path described ENDED_BY(path_done) = split(match->path->string);
    unsigned at = 0;

    for (unsigned i = 0; i < described.count && at < path->count; i++) {
        const cJSON *parameter;

        if (match->without_version && strcmp(described.segments[i], "{key-version}") == 0) {
            continue;
        }
        cJSON_ArrayForEach(parameter, item_at(match->operation, "parameters"))
        {
            char *name ENDED_BY(free_text) = format("{%s}", text_at(parameter, "name"));

            if (strcmp(name, described.segments[i]) == 0) {
                judge_value(schema_of(openapi, parameter), path->segments[at], found);
            }
        }
        at++;
    }
}

static void judge_query(struct schema parameter, const char *target, struct differences *found)
{
    const char *name = text_at(parameter.item, "name");
    char *value ENDED_BY(free_text) = query_value(target, name);

    if (value != NULL) {
        judge_value(parameter, value, found);
    } else if (cJSON_IsTrue(item_at(parameter.item, "required"))) {
        differ(found, "request %s: missing", name);
    }
}

static void judge_parameters(const struct openapi *openapi, const struct exchange *exchange,
                             const cJSON *parameters, struct differences *found)
{
    const cJSON *item;
    bool body = false;

    cJSON_ArrayForEach(item, parameters)
    {
        struct schema parameter = schema_of(openapi, item);
        const char *in = text_at(parameter.item, "in");

        if (strcmp(in, "query") == 0) {
            judge_query(parameter, exchange->target, found);
        } else if (strcmp(in, "body") == 0) {
            body = true;
            schema_judge(schema_of(openapi, item_at(parameter.item, "schema")), "request body",
                         exchange->asked, found);
        }
    }
    if (!body && exchange->asked != NULL) {
        differ(found, "request body: unknown");
    }
}

static void find_unknown_queries(const struct openapi *openapi, const char *target, const cJSON *parameters,
                                 struct differences *found)
{
    for (const char *at = strchr(target, '?'); at != NULL; at = strchr(at, '&')) {
        char *name ENDED_BY(free_text) = format("%.*s", (int)strcspn(at + 1, "=&"), at + 1);
        const cJSON *item;
        bool known = false;

        at++;
        cJSON_ArrayForEach(item, parameters)
        {
            known = known || strcmp(text_at(schema_of(openapi, item).item, "name"), name) == 0;
        }
        if (!known) {
            differ(found, "request %s: unknown", name);
        }
    }
}

/* --- Both --- */

void openapi_judge_request(const struct openapi *openapi, const struct exchange *exchange,
                           struct differences *found)
{
    struct path path ENDED_BY(path_done) = split(exchange->target);
    struct match match = find(openapi, exchange->method, &path);
    const cJSON *parameters = item_at(match.operation, "parameters");

    if (match.operation == NULL) {
        differ(found, "request: no such path or method: %s %s", exchange->method, exchange->target);
        return;
    }
    if (path.empty > 0) {
        differ(found, "request path: an empty segment");
    }
    if (match.without_version) {
        differ(found, "request path: no version");
    }
    judge_segments(openapi, &match, &path, found);
    judge_parameters(openapi, exchange, parameters, found);
    find_unknown_queries(openapi, exchange->target, parameters, found);
}

void openapi_judge_answer(const struct openapi *openapi, const struct exchange *exchange,
                          struct differences *found)
{
    struct path path ENDED_BY(path_done) = split(exchange->target);
    struct match match = find(openapi, exchange->method, &path);
    char *status ENDED_BY(free_text) = format("%u", exchange->status);
    const cJSON *answers = item_at(match.operation, "responses"), *answer = item_at(answers, status);
    const cJSON *schema;

    if (match.operation == NULL) {
        return; /* the request has been told of */
    }
    if (answer == NULL && exchange->status < 300) {
        differ(found, "answer: no such status: %u", exchange->status);
    }
    schema = item_at(answer == NULL ? item_at(answers, "default") : answer, "schema");
    if (schema != NULL) {
        schema_judge(schema_of(openapi, schema), "answer body", exchange->answered, found);
    } else if (exchange->answered != NULL) {
        differ(found, "answer body: unknown");
    }
}
