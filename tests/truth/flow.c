/* Comparing requests for tokens. */
#include "tests/truth/flow.h"
#include "backends/base/base64url.h"
#include "backends/base/scope.h"
#include "tests/truth/recorded.h"
#include "tests/truth/shape.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const cJSON *flow_of(const cJSON *flows, const char *name)
{
    const cJSON *flow;

    cJSON_ArrayForEach(flow, item_at(flows, "flows"))
    {
        if (strcmp(text_at(flow, "flow"), name) == 0) {
            return flow;
        }
    }
    fail_msg("no flow %s", name);
    return NULL;
}

char *flow_answer(const cJSON *body)
{
    char *text = cJSON_PrintUnformatted(body);

    replace_all(&text, "<opaque access token>", "redacted");
    return text;
}

/* --- Fields --- */

/* From malloc. */
static char *decoded(const char *text, size_t size)
{
    char *out = calloc(1, size + 1), *to = out;

    assert_non_null(out);
    for (size_t i = 0; i < size; i++) {
        unsigned byte = (unsigned char)text[i];

        if (text[i] == '%' && i + 2 < size + 0U && sscanf(text + i + 1, "%2x", &byte) == 1) {
            i += 2;
        } else if (text[i] == '+') {
            byte = ' ';
        }
        *to++ = (char)byte;
    }
    return out;
}

cJSON *flow_fields(const char *form)
{
    cJSON *fields = cJSON_CreateObject();

    while (*form != '\0') {
        size_t size = strcspn(form, "&"), name_size = strcspn(form, "=");
        char *name ENDED_BY(free_text) = decoded(form, name_size < size ? name_size : size);
        char *value ENDED_BY(free_text) =
            name_size < size ? decoded(form + name_size + 1, size - name_size - 1) : format("%s", "");

        cJSON_AddStringToObject(fields, name, value);
        form += size + (form[size] == '&' ? 1 : 0);
    }
    return fields;
}

/* --- Comparing --- */

static void compare_value(const char *what, const cJSON *expected, const cJSON *got,
                          struct differences *found)
{
    char *one ENDED_BY(free_text) = normal_text(text_at(expected, ""));
    char *other ENDED_BY(free_text) = normal_text(text_at(got, ""));

    if (got == NULL) {
        differ(found, "%s %s: missing", what, expected->string);
    } else if (cJSON_IsString(expected) ? strchr(one, '<') == NULL && strcmp(one, other) != 0
                                        : cJSON_IsNumber(expected) != cJSON_IsNumber(got)) {
        differ(found, "%s %s: \"%s\", not \"%s\"", what, expected->string, other, one);
    }
}

static void compare_fields(const char *what, const cJSON *expected, const cJSON *got, bool all,
                           struct differences *found)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, expected)
    {
        compare_value(what, item, cJSON_GetObjectItemCaseSensitive(got, item->string), found);
    }
    cJSON_ArrayForEach(item, got)
    {
        if (all && cJSON_GetObjectItemCaseSensitive(expected, item->string) == NULL) {
            differ(found, "%s %s: more", what, item->string);
        }
    }
}

/* A part of a JWT. */
static cJSON *part_of(const char *token, int number)
{
    struct buffer octets SCOPED(buffer_free) = BUFFER_INIT(8192);
    char *part ENDED_BY(free_text) = NULL;

    for (; number > 0; number--) {
        token += strcspn(token, ".");
        token += *token == '.' ? 1 : 0;
    }
    part = format("%.*s", (int)strcspn(token, "."), token);
    assert_int_equal(base64url_decode(part, &octets), CKR_OK);
    return cJSON_Parse(buffer_text(&octets));
}

static void compare_assertion(const cJSON *flow, const cJSON *form, struct differences *found)
{
    const char *token = text_at(form, "client_assertion");
    cJSON *header ENDED_BY(free_json) = part_of(token, 0), *claims ENDED_BY(free_json) = part_of(token, 1);

    compare_fields("assertion header", item_at(flow, "assertion_header"), header, true, found);
    compare_fields("assertion claim", item_at(flow, "assertion_claims"), claims, true, found);
}

static void compare_address(const cJSON *flow, const cJSON *entry, struct differences *found)
{
    const char *url = text_at(flow, "url"), *at = strstr(url, "://");
    size_t size = at == NULL ? 0 : strcspn(at + 3, "/");
    char *path ENDED_BY(free_text) =
        at == NULL ? NULL : format("%.*s", (int)strcspn(at + 3 + size, "?"), at + 3 + size);
    char *expected ENDED_BY(free_text) = normal_text(path == NULL ? "" : path);
    char *got ENDED_BY(free_text) = normal_text(text_at(entry, "path"));
    cJSON *query ENDED_BY(free_json) = flow_fields(strchr(url, '?') == NULL ? "" : strchr(url, '?') + 1);

    if (path != NULL && strcmp(expected, got) != 0) {
        differ(found, "path: \"%s\", not \"%s\"", got, expected);
    }
    compare_fields("query", query, item_at(entry, "query"), true, found);
}

void flow_compare(const cJSON *flow, const cJSON *entry, struct differences *found)
{
    cJSON *form ENDED_BY(free_json) = flow_fields(text_at(entry, "body"));

    if (strcmp(text_at(flow, "method"), text_at(entry, "method")) != 0) {
        differ(found, "method: %s", text_at(entry, "method"));
    }
    compare_address(flow, entry, found);
    compare_fields("header", item_at(flow, "headers"), item_at(entry, "headers"), false, found);
    if (item_at(flow, "form") != NULL) {
        compare_fields("form", item_at(flow, "form"), form, true, found);
    }
    if (item_at(flow, "assertion_header") != NULL) {
        compare_assertion(flow, form, found);
    }
}
