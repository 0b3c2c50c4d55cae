/* What faults do to an answer, true or not. */
#include "tests/standin/faults.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OVERSIZE = 8 << 20, FLOOD = 1 << 20 };

static const cJSON *item_of(const cJSON *fault, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(fault, name);
}

static bool flag(const cJSON *fault, const char *name)
{
    return cJSON_IsTrue(item_of(fault, name));
}

/* --- Its content --- */

/* Any kid in the answer gets the version of another key. */
static void spoil_kid(cJSON *json)
{
    cJSON *kid = cJSON_GetObjectItemCaseSensitive(json, "kid");
    cJSON *key = cJSON_GetObjectItemCaseSensitive(json, "key");

    kid = kid == NULL ? cJSON_GetObjectItemCaseSensitive(key, "kid") : kid;
    if (cJSON_IsString(kid) && strlen(kid->valuestring) > 32) {
        random_hex(kid->valuestring + strlen(kid->valuestring) - 32, 32);
    }
}

static void spoil_length(cJSON *json)
{
    cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "value");
    struct blob bytes OWNED(owned_blob) = {NULL, 0};
    char *shorter OWNED(owned_free) = NULL;

    if (cJSON_IsString(value) && base64url_decode(value->valuestring, &bytes) && bytes.size > 0) {
        shorter = base64url(bytes.data, bytes.size - 1);
        cJSON_SetValuestring(value, shorter);
    }
}

static void spoil_json(const cJSON *fault, struct answer *answer)
{
    cJSON *json OWNED(owned_json) = cJSON_Parse(answer->body == NULL ? "" : answer->body);

    if (json == NULL) {
        return;
    }
    if (flag(fault, "wrong_kid")) {
        spoil_kid(json);
    }
    if (flag(fault, "wrong_length")) {
        spoil_length(json);
    }
    free(answer->body);
    answer->body = need(cJSON_PrintUnformatted(json));
    answer->size = strlen(answer->body);
}

/* --- Its headers --- */

/* A text or a number. */
static void add_value(struct answer *answer, const char *name, const cJSON *value)
{
    char *digits OWNED(owned_free) = NULL;

    if (cJSON_IsString(value)) {
        answer_header(answer, name, value->valuestring);
    } else if (cJSON_IsNumber(value)) {
        digits = text("%d", value->valueint);
        answer_header(answer, name, digits);
    }
}

static void add_date(struct answer *answer, const cJSON *seconds)
{
    time_t when = time(NULL) + (cJSON_IsNumber(seconds) ? seconds->valueint : 0);
    struct tm utc;
    char date[64];

    if (cJSON_IsNumber(seconds)) {
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&when, &utc));
        answer_header(answer, "Retry-After", date);
    }
}

static void add_headers(const cJSON *fault, struct answer *answer)
{
    const cJSON *header;

    add_value(answer, "Retry-After", item_of(fault, "retry_after"));
    add_value(answer, "retry-after-ms", item_of(fault, "retry_after_ms"));
    add_value(answer, "x-ms-retry-after-ms", item_of(fault, "x_ms_retry_after_ms"));
    add_date(answer, item_of(fault, "retry_after_date"));
    cJSON_ArrayForEach(header, item_of(fault, "headers"))
    {
        add_value(answer, header->string, header);
    }
}

/* --- How it goes out --- */

static size_t size_of(const cJSON *fault, const char *name, size_t usual)
{
    return flag(fault, name) ? usual : (size_t)fault_number(fault, name, 0);
}

static void break_wire(const cJSON *fault, struct wire *wire)
{
    const char *cut = cJSON_GetStringValue(item_of(fault, "cut")),
               *stall = cJSON_GetStringValue(item_of(fault, "stall"));
    const char *where = cut == NULL ? stall : cut;

    wire->part = flag(fault, "garbage")        ? WIRE_NONSENSE
                 : where == NULL               ? WIRE_ALL
                 : same_text(where, "headers") ? WIRE_HALF_HEADERS
                                               : WIRE_HALF_BODY;
    wire->stalls = cut == NULL && stall != NULL;
    wire->drip_ms = fault_number(fault, "drip_ms", 0);
    wire->flood = size_of(fault, "header_flood", FLOOD);
}

void fault_spoils(const cJSON *fault, struct answer *answer)
{
    if (flag(fault, "wrong_kid") || flag(fault, "wrong_length")) {
        spoil_json(fault, answer);
    }
    if (flag(fault, "truncated")) {
        answer->size /= 2;
    }
    answer->padding = size_of(fault, "oversize", OVERSIZE);
    answer->unframed = flag(fault, "chunked");
    add_headers(fault, answer);
    break_wire(fault, &answer->wire);
}
