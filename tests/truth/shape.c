/* Comparing answers. */
#include "tests/truth/shape.h"
#include "tests/truth/recorded.h"
#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- Words --- */

/* What differs from call to call, and the word for it. */
static const struct {
    const char *pattern, *word;
} varying[] = {
    {"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}", "UUID"},
    {"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}Z", "TIME"},
    {"[0-9A-F]{40}", "THUMBPRINT"},
    {"[0-9a-f]{32}", "VERSION"},
    {"skiptoken=[^&\"]+", "skiptoken=TOKEN"},
    {"(conn_type=Ipv4;)?addr=[0-9a-f.:]+;", "addr=ADDRESS;"},
    {"https://[^/:\" ]+(:[0-9]{4,5})?", "https://HOST"},
};

static void replace_matches(char **text, const char *pattern, const char *word)
{
    char *made = format("%s", ""), *rest = *text;
    regmatch_t match;
    regex_t compiled;

    assert_int_equal(regcomp(&compiled, pattern, REG_EXTENDED), 0);
    while (regexec(&compiled, rest, 1, &match, 0) == 0) {
        char *longer = format("%s%.*s%s", made, (int)match.rm_so, rest, word);

        free(made);
        made = longer;
        rest += match.rm_eo;
    }
    regfree(&compiled);
    rest = format("%s%s", made, rest);
    free(made);
    free(*text);
    *text = rest;
}

char *normal_text(const char *text)
{
    char *normal = format("%s", text);

    for (size_t i = 0; i < sizeof varying / sizeof varying[0]; i++) {
        replace_matches(&normal, varying[i].pattern, varying[i].word);
    }
    return normal;
}

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(name, *names) != 0) {
        names++;
    }
    return *names != NULL;
}

/* --- Bodies --- */

static void compare_items(const struct comparison *how, const char *path, const cJSON *recorded,
                          const cJSON *got);

static const char *type_word(const cJSON *item)
{
    return cJSON_IsObject(item)   ? "object"
           : cJSON_IsArray(item)  ? "array"
           : cJSON_IsString(item) ? "text"
           : cJSON_IsNumber(item) ? "number"
           : cJSON_IsBool(item)   ? "flag"
           : item == NULL         ? "nothing"
                                  : "null";
}

static void compare_texts(const struct comparison *how, const char *path, const cJSON *recorded,
                          const cJSON *got)
{
    static const char *const octets[] = {"n", "x", "y", "value", NULL};
    char *expected ENDED_BY(free_text) = normal_text(recorded->valuestring);
    char *given ENDED_BY(free_text) = normal_text(got->valuestring);
    long size = base64url_octets(recorded->valuestring);

    if (strncmp(path, ".value.", 7) == 0) { /* an item of a list: in another order, another key */
        replace_matches(&expected, "keys/[0-9A-Za-z-]+", "keys/NAME");
        replace_matches(&given, "keys/[0-9A-Za-z-]+", "keys/NAME");
    }
    if (recorded->string != NULL && is_one_of(recorded->string, octets) && !how->same_octets) {
        if (strstr(recorded->valuestring, "<truncated") != NULL) {
            size = base64url_octets(got->valuestring);
        }
        if (base64url_octets(got->valuestring) != size || size < 0) {
            differ(how->found, "body%s: base64url of %ld octets, not %ld", path,
                   base64url_octets(got->valuestring), size);
        }
    } else if (strcmp(expected, given) != 0) {
        differ(how->found, "body%s: \"%s\", not \"%s\"", path, given, expected);
    }
}

static void compare_numbers(const struct comparison *how, const char *path, const cJSON *recorded,
                            const cJSON *got)
{
    static const char *const times[] = {"created", "updated", "deletedDate", "scheduledPurgeDate", NULL};
    const char *name = recorded->string == NULL ? "" : recorded->string;
    bool is_time = is_one_of(name, times) || (how->other_expiry && strcmp(name, "exp") == 0);

    if (is_time && (got->valuedouble < 1e9 || got->valuedouble > 1e10)) {
        differ(how->found, "body%s: %f are no seconds since 1970", path, got->valuedouble);
    } else if (!is_time && got->valuedouble != recorded->valuedouble) {
        differ(how->found, "body%s: %.0f, not %.0f", path, got->valuedouble, recorded->valuedouble);
    }
}

static void compare_objects(const struct comparison *how, const char *path, const cJSON *recorded,
                            const cJSON *got)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, recorded)
    {
        char *inner ENDED_BY(free_text) = format("%s.%s", path, item->string);

        compare_items(how, inner, item, cJSON_GetObjectItemCaseSensitive(got, item->string));
    }
    cJSON_ArrayForEach(item, got)
    {
        if (cJSON_GetObjectItemCaseSensitive(recorded, item->string) == NULL) {
            differ(how->found, "body%s.%s: more", path, item->string);
        }
    }
}

/* The element of the same word, or of the same key; else the one in the same place. */
static const cJSON *fellow(const cJSON *element, const cJSON *among, int place)
{
    const char *kid = text_at(element, "kid");
    const cJSON *other;

    cJSON_ArrayForEach(other, among)
    {
        if (cJSON_IsString(element) ? cJSON_Compare(element, other, true)
                                    : *kid != '\0' && strcmp(kid, text_at(other, "kid")) == 0) {
            return other;
        }
    }
    return cJSON_IsString(element) ? NULL : cJSON_GetArrayItem(among, place);
}

static void compare_arrays(const struct comparison *how, const char *path, const cJSON *recorded,
                           const cJSON *got)
{
    const cJSON *element;
    int place = 0;

    if (cJSON_GetArraySize(recorded) != cJSON_GetArraySize(got)) {
        differ(how->found, "body%s: %d items, not %d", path, cJSON_GetArraySize(got),
               cJSON_GetArraySize(recorded));
        return;
    }
    cJSON_ArrayForEach(element, recorded)
    {
        char *inner ENDED_BY(free_text) = format("%s.%d", path, place);

        compare_items(how, inner, element, fellow(element, got, place));
        place++;
    }
}

static void compare_items(const struct comparison *how, const char *path, const cJSON *recorded,
                          const cJSON *got)
{
    if (strcmp(type_word(recorded), type_word(got)) != 0) {
        differ(how->found, "body%s: %s, not %s", path, type_word(got), type_word(recorded));
    } else if (cJSON_IsObject(recorded)) {
        compare_objects(how, path, recorded, got);
    } else if (cJSON_IsArray(recorded)) {
        compare_arrays(how, path, recorded, got);
    } else if (cJSON_IsString(recorded)) {
        compare_texts(how, path, recorded, got);
    } else if (cJSON_IsNumber(recorded)) {
        compare_numbers(how, path, recorded, got);
    } else if (cJSON_IsBool(recorded) && cJSON_IsTrue(recorded) != cJSON_IsTrue(got)) {
        differ(how->found, "body%s: %s", path, cJSON_IsTrue(got) ? "true" : "false");
    }
}

void compare_bodies(const struct comparison *how, const cJSON *recorded, const cJSON *got)
{
    compare_items(how, "", cJSON_IsNull(recorded) ? NULL : recorded, got);
}

/* --- Headers --- */

/* What these say is compared, not only that they are there. */
static const char *const spoken[] = {"cache-control",
                                     "content-security-policy",
                                     "content-type",
                                     "expires",
                                     "pragma",
                                     "strict-transport-security",
                                     "www-authenticate",
                                     "x-content-type-options",
                                     "x-frame-options",
                                     "x-ms-client-request-id",
                                     "x-ms-keyvault-network-info",
                                     "x-ms-request-id",
                                     NULL};

/* From malloc; NULL: there is no such header. */
static char *header_value(const char *lines, const char *name)
{
    for (const char *line = lines; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (strncasecmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
            line += strlen(name) + 1;
            line += strspn(line, " ");
            return format("%.*s", (int)strcspn(line, "\r\n"), line);
        }
    }
    return NULL;
}

static void compare_header(const struct comparison *how, const cJSON *recorded, const char *got)
{
    char *value ENDED_BY(free_text) = header_value(got, recorded->string);
    char *expected ENDED_BY(free_text) = normal_text(recorded->valuestring),
                   *given ENDED_BY(free_text) = NULL;

    if (value == NULL) {
        differ(how->found, "header %s: missing", recorded->string);
        return;
    }
    given = normal_text(value);
    if (is_one_of(recorded->string, spoken) && strcmp(expected, given) != 0) {
        differ(how->found, "header %s: \"%s\", not \"%s\"", recorded->string, given, expected);
    }
}

static void find_more(const struct comparison *how, const cJSON *recorded, const char *got)
{
    for (const char *line = strchr(got, '\n'); line != NULL; line = strchr(line, '\n')) {
        char *name ENDED_BY(free_text) = format("%.*s", (int)strcspn(line + 1, ":\r\n"), line + 1);

        line++;
        for (char *c = name; *c != '\0'; c++) {
            *c = (char)tolower((unsigned char)*c);
        }
        if (*name != '\0' && !cJSON_HasObjectItem(recorded, name)) {
            differ(how->found, "header %s: more", name);
        }
    }
}

void compare_headers(const struct comparison *how, const cJSON *recorded, const char *got)
{
    const cJSON *header;

    cJSON_ArrayForEach(header, recorded)
    {
        compare_header(how, header, got);
    }
    find_more(how, recorded, got);
}
