/* JSON from outside. */
#include "backends/keyvault/json.h"
#include <errno.h>
#include <string.h>

static const double largest_whole = 9007199254740992.0;

static bool is_space(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct bytes trimmed(struct bytes text)
{
    while (text.size > 0 && is_space(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && is_space(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

/*
 * Refused before cJSON sees it: what was cut off (cJSON would free its copies without wiping them) and zero
 * bytes (a C string would end there, and the rest would be neither seen nor wiped).
 */
static bool looks_whole(struct bytes text)
{
    return text.size >= 2 && text.data[0] == '{' && text.data[text.size - 1] == '}' &&
           memchr(text.data, 0, text.size) == NULL && memmem(text.data, text.size, "\\u0000", 6) == NULL;
}

cJSON *json_parse(struct bytes text)
{
    const char *end = NULL;
    cJSON *object;

    text = trimmed(text);
    if (!looks_whole(text)) {
        return NULL;
    }
    object = cJSON_ParseWithLengthOpts((const char *)text.data, text.size, &end, false);
    if (object != NULL && end != (const char *)text.data + text.size) {
        json_free(object);
        return NULL;
    }
    return object;
}

static void wipe_texts(cJSON *item)
{
    for (; item != NULL; item = item->next) {
        if (item->valuestring != NULL && (item->type & cJSON_IsReference) == 0) {
            wipe(item->valuestring, strlen(item->valuestring));
        }
        wipe_texts(item->child); /* no deeper than cJSON's own limit of nesting */
    }
}

void json_free(cJSON *object)
{
    wipe_texts(object);
    cJSON_Delete(object);
}

const cJSON *json_member(const cJSON *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const char *json_text(const cJSON *object, const char *name)
{
    const cJSON *member = json_member(object, name);

    return cJSON_IsString(member) ? member->valuestring : NULL;
}

static bool text_to_whole(const char *text, double *ret_number)
{
    char *end;

    errno = 0;
    *ret_number = (double)strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == 0;
}

bool json_whole(const cJSON *object, const char *name, int64_t *ret_number)
{
    const cJSON *member = json_member(object, name);
    double number;

    if (cJSON_IsNumber(member)) {
        number = member->valuedouble;
    } else if (!cJSON_IsString(member) || !text_to_whole(member->valuestring, &number)) {
        return false;
    }
    if (!(number >= -largest_whole && number <= largest_whole)) {
        return false;
    }
    *ret_number = (int64_t)number;
    return true;
}
