/* Values against their schemas. */
#include "tests/truth/schema.h"
#include "tests/truth/recorded.h"
#include <math.h>
#include <regex.h>
#include <string.h>

struct schema schema_resolve(struct schema schema)
{
    const char *reference = text_at(schema.item, "$ref");
    char *path ENDED_BY(free_text) = NULL;

    if (*reference == '\0') {
        return schema;
    }
    if (*reference != '#') {
        schema.document = schema.common;
    }
    path = format("%s", strstr(reference, "#/") + 2);
    replace_all(&path, "/", ".");
    schema.item = item_at(schema.document, path);
    assert_non_null(schema.item);
    return schema_resolve(schema);
}

static struct schema part(struct schema schema, const cJSON *item)
{
    schema.item = item;
    return schema_resolve(schema);
}

static bool is_word_of(const char *word, const char *const *words)
{
    while (*words != NULL && strcmp(*words, word) != 0) {
        words++;
    }
    return *words != NULL;
}

/* What is not looked at must be known to say nothing of a value. */
static void judge_keywords(struct schema schema, const char *where, struct differences *found)
{
    static const char *const known[] = {"type",       "format",  "enum",    "properties",
                                        "required",   "items",   "allOf",   "additionalProperties",
                                        "minLength",  "minimum", "maximum", "pattern",
                                        "x-nullable", NULL};
    static const char *const silent[] = {"description",
                                         "readOnly",
                                         "default",
                                         "x-ms-client-name",
                                         "x-ms-enum",
                                         "name",
                                         "in",
                                         "x-ms-client-flatten",
                                         "x-ms-parameter-location",
                                         NULL};
    const cJSON *keyword;

    cJSON_ArrayForEach(keyword, schema.item)
    {
        if (!is_word_of(keyword->string, known) && !is_word_of(keyword->string, silent)) {
            differ(found, "%s: the description's \"%s\" is not understood", where, keyword->string);
        }
    }
}

/* --- Texts and numbers --- */

static bool matches(const char *text, const char *pattern)
{
    regex_t compiled;
    bool match;

    assert_int_equal(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB), 0);
    match = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return match;
}

static void judge_text(struct schema schema, const char *where, const char *text, struct differences *found)
{
    const char *pattern = text_at(schema.item, "pattern"), *how = text_at(schema.item, "format");
    const cJSON *words = item_at(schema.item, "enum"), *word;
    bool listed = words == NULL;

    cJSON_ArrayForEach(word, words)
    {
        listed = listed || strcmp(word->valuestring, text) == 0;
    }
    if (!listed) {
        differ(found, "%s: \"%s\" is not one of the words", where, text);
    }
    if (*pattern != '\0' && !matches(text, pattern)) {
        differ(found, "%s: \"%s\" is not like %s", where, text, pattern);
    }
    if (strlen(text) < (size_t)number_at(schema.item, "minLength")) {
        differ(found, "%s: too short", where);
    }
    if (strcmp(how, "base64url") == 0 && base64url_octets(text) < 0) {
        differ(found, "%s: not base64url", where);
    } else if (*how != '\0' && strcmp(how, "base64url") != 0) {
        differ(found, "%s: the description's format \"%s\" is not understood", where, how);
    }
}

static void judge_whole(struct schema schema, const char *where, double number, struct differences *found)
{
    const cJSON *least = item_at(schema.item, "minimum"), *most = item_at(schema.item, "maximum");
    double limit = strcmp(text_at(schema.item, "format"), "int32") == 0 ? 2147483648.0 : 9007199254740992.0;

    if (number != floor(number) || fabs(number) >= limit) {
        differ(found, "%s: %f is no whole number", where, number);
    }
    if ((least != NULL && number < least->valuedouble) || (most != NULL && number > most->valuedouble)) {
        differ(found, "%s: %.0f is out of range", where, number);
    }
}

/* --- Objects --- */

/* With what allOf adds. NULL: the description does not know it. */
static const cJSON *property(struct schema schema, const char *name, struct schema *ret_property)
{
    const cJSON *base, *known = cJSON_GetObjectItemCaseSensitive(item_at(schema.item, "properties"), name);

    if (known != NULL) {
        *ret_property = part(schema, known);
        return known;
    }
    cJSON_ArrayForEach(base, item_at(schema.item, "allOf"))
    {
        known = property(part(schema, base), name, ret_property);
        if (known != NULL) {
            return known;
        }
    }
    return NULL;
}

static void judge_required(struct schema schema, const char *where, const cJSON *object,
                           struct differences *found)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, item_at(schema.item, "required"))
    {
        if (cJSON_GetObjectItemCaseSensitive(object, item->valuestring) == NULL) {
            differ(found, "%s.%s: missing", where, item->valuestring);
        }
    }
    cJSON_ArrayForEach(item, item_at(schema.item, "allOf"))
    {
        judge_required(part(schema, item), where, object, found);
    }
}

static void judge_object(struct schema schema, const char *where, const cJSON *object,
                         struct differences *found)
{
    const cJSON *others = item_at(schema.item, "additionalProperties"), *item;

    judge_required(schema, where, object, found);
    cJSON_ArrayForEach(item, object)
    {
        char *inner ENDED_BY(free_text) = format("%s.%s", where, item->string);
        struct schema known = part(schema, others);

        if (property(schema, item->string, &known) == NULL && others == NULL) {
            differ(found, "%s: unknown", inner);
        } else if (!cJSON_IsNull(item) || !cJSON_IsTrue(item_at(known.item, "x-nullable"))) {
            schema_judge(known, inner, item, found);
        }
    }
}

static void judge_array(struct schema schema, const char *where, const cJSON *array,
                        struct differences *found)
{
    const cJSON *item;
    int index = 0;

    cJSON_ArrayForEach(item, array)
    {
        char *inner ENDED_BY(free_text) = format("%s.%d", where, index++);

        schema_judge(part(schema, item_at(schema.item, "items")), inner, item, found);
    }
}

/* --- All --- */

static const char *type_of(const cJSON *value)
{
    return cJSON_IsObject(value)   ? "object"
           : cJSON_IsArray(value)  ? "array"
           : cJSON_IsString(value) ? "string"
           : cJSON_IsNumber(value) ? "integer"
           : cJSON_IsBool(value)   ? "boolean"
           : value == NULL         ? "nothing"
                                   : "null";
}

void schema_judge(struct schema schema, const char *where, const cJSON *value, struct differences *found)
{
    const char *wanted;

    schema = schema_resolve(schema);
    wanted = text_at(schema.item, "type");
    if (*wanted == '\0') { /* what has properties is an object */
        wanted = "object";
    }
    judge_keywords(schema, where, found);
    if (strcmp(wanted, type_of(value)) != 0) {
        differ(found, "%s: %s, not %s", where, type_of(value), wanted);
    } else if (cJSON_IsObject(value)) {
        judge_object(schema, where, value, found);
    } else if (cJSON_IsArray(value)) {
        judge_array(schema, where, value, found);
    } else if (cJSON_IsString(value)) {
        judge_text(schema, where, value->valuestring, found);
    } else if (cJSON_IsNumber(value)) {
        judge_whole(schema, where, value->valuedouble, found);
    }
}
