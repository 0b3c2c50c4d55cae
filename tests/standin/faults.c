/* Faults: whom they meet, and what they do. */
#include "tests/standin/faults.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { OVERSIZE = 8 << 20 };

/* --- The list --- */

static bool all_known(const cJSON *object, const char *const *words, char **ret_wrong)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, object)
    {
        size_t i = 0;

        while (words[i] != NULL && strcmp(words[i], item->string) != 0) {
            i++;
        }
        if (words[i] == NULL) {
            *ret_wrong = text("%s", item->string);
            return false;
        }
    }
    return true;
}

static bool good(const cJSON *fault, char **ret_wrong)
{
    static const char *const words[] = {"match",    "skip",    "times",       "delay_ms",     "stall",
                                        "cut",      "status",  "body",        "code",         "message",
                                        "inner",    "html",    "retry_after", "headers",      "truncated",
                                        "oversize", "chunked", "wrong_kid",   "wrong_length", NULL};
    static const char *const match_words[] = {"op", "path", "server", NULL};
    const cJSON *match = cJSON_GetObjectItemCaseSensitive(fault, "match");
    const char *operation = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(match, "op"));

    if (!cJSON_IsObject(fault)) {
        *ret_wrong = text("not an object");
        return false;
    }
    if (operation != NULL && operation_of(operation) == OPERATIONS) {
        *ret_wrong = text("%s", operation);
        return false;
    }
    return all_known(fault, words, ret_wrong) && all_known(match, match_words, ret_wrong);
}

static int number(const cJSON *fault, const char *name, int otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(fault, name);

    return cJSON_IsNumber(item) ? item->valueint : otherwise;
}

bool faults_read(const cJSON *array, struct fault **ret_faults, char **ret_wrong)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, array)
    {
        if (!good(item, ret_wrong)) {
            return false;
        }
    }
    cJSON_ArrayForEach(item, array)
    {
        struct fault *fault = need(calloc(1, sizeof *fault));

        fault->what = need(cJSON_Duplicate(item, true));
        fault->skip = number(item, "skip", 0);
        fault->times = number(item, "times", -1);
        *ret_faults = fault;
        ret_faults = &fault->next;
    }
    return true;
}

void faults_append(struct fault **faults, struct fault *added)
{
    while (*faults != NULL) {
        faults = &(*faults)->next;
    }
    *faults = added;
}

void faults_free(struct fault *faults)
{
    while (faults != NULL) {
        struct fault *next = faults->next;

        cJSON_Delete(faults->what);
        free(faults);
        faults = next;
    }
}

cJSON *faults_json(const struct fault *faults)
{
    cJSON *array = need(cJSON_CreateArray());

    for (; faults != NULL; faults = faults->next) {
        cJSON_AddItemToArray(array, cJSON_Duplicate(faults->what, true));
    }
    return array;
}

static bool meets(const cJSON *fault, enum service service, enum operation operation, const char *path)
{
    const cJSON *match = cJSON_GetObjectItemCaseSensitive(fault, "match");
    const char *op = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(match, "op"));
    const char *part = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(match, "path"));
    const char *server = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(match, "server"));

    return (op == NULL || operation_of(op) == operation) &&
           (part == NULL || strcasestr(path, part) != NULL) &&
           (server == NULL || strcmp(server, service_word(service)) == 0);
}

cJSON *faults_take(struct fault *faults, enum service service, enum operation operation, const char *path)
{
    for (; faults != NULL; faults = faults->next) {
        if (faults->times == 0 || !meets(faults->what, service, operation, path)) {
            continue;
        }
        if (faults->skip > 0) {
            faults->skip--;
            continue;
        }
        if (faults->times > 0) {
            faults->times--;
        }
        return need(cJSON_Duplicate(faults->what, true));
    }
    return NULL;
}

/* --- One fault --- */

static const cJSON *item_of(const cJSON *fault, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(fault, name);
}

static bool flag(const cJSON *fault, const char *name)
{
    return cJSON_IsTrue(item_of(fault, name));
}

int fault_wait(const cJSON *fault)
{
    return flag(fault, "stall") ? -1 : number(fault, "delay_ms", 0);
}

bool fault_cuts(const cJSON *fault)
{
    return flag(fault, "cut");
}

/* What the vault says with a status when nothing more is asked for. */
static void usual_error(const cJSON *fault, unsigned status, struct answer *answer)
{
    static const struct {
        unsigned status;
        const char *code, *message;
    } usual[] = {
        {400, "BadParameter", "Property  has invalid value\r\n"},
        {401, "Unauthorized", "AKV10046: Unable to resolve the key used for signature validation."},
        {403, "Forbidden", "Access denied."},
        {404, "KeyNotFound", "Key not found."},
        {429, "Throttled",
         "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"},
        {0, "InternalServerError", "An error occurred while processing the request."},
    };
    const char *code = cJSON_GetStringValue(item_of(fault, "code"));
    const char *message = cJSON_GetStringValue(item_of(fault, "message"));
    size_t i = 0;

    while (usual[i].status != 0 && usual[i].status != status) {
        i++;
    }
    answer_error(answer, status, code == NULL ? usual[i].code : code,
                 cJSON_GetStringValue(item_of(fault, "inner")),
                 text("%s", message == NULL ? usual[i].message : message));
}

static void identity_error(unsigned status, struct answer *answer)
{
    cJSON *json = need(cJSON_CreateObject());

    cJSON_AddStringToObject(json, "error", status >= 500 ? "temporarily_unavailable" : "invalid_request");
    cJSON_AddStringToObject(json, "error_description",
                            "AADSTS90033: A transient error has occurred. Please try again.");
    answer_json(answer, status, json);
}

static bool has_body(const cJSON *body, unsigned status, struct answer *answer)
{
    if (body == NULL) {
        return false;
    }
    answer_body(answer, status,
                cJSON_IsString(body) ? text("%s", body->valuestring) : need(cJSON_PrintUnformatted(body)),
                "application/json; charset=utf-8");
    return true;
}

bool fault_answers(const cJSON *fault, enum service service, struct answer *answer)
{
    unsigned status = (unsigned)number(fault, "status", 0);

    if (flag(fault, "html")) {
        answer_html(answer, status == 0 ? 502 : status);
        return true;
    }
    if (status == 0) {
        return false;
    }
    if (has_body(item_of(fault, "body"), status, answer)) {
        return true;
    }
    if (service == SERVICE_IDENTITY) {
        identity_error(status, answer);
    } else {
        usual_error(fault, status, answer);
    }
    return true;
}

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

void fault_spoils(const cJSON *fault, struct answer *answer)
{
    const cJSON *retry_after = item_of(fault, "retry_after"), *header;

    if (flag(fault, "wrong_kid") || flag(fault, "wrong_length")) {
        spoil_json(fault, answer);
    }
    if (flag(fault, "truncated")) {
        answer->size /= 2;
    }
    answer->padding = flag(fault, "oversize") ? OVERSIZE : (size_t)number(fault, "oversize", 0);
    answer->unframed = flag(fault, "chunked");
    answer->cut = cJSON_IsString(item_of(fault, "cut"));
    if (cJSON_IsString(retry_after)) {
        answer_header(answer, "Retry-After", retry_after->valuestring);
    }
    cJSON_ArrayForEach(header, item_of(fault, "headers"))
    {
        if (cJSON_IsString(header)) {
            answer_header(answer, header->string, header->valuestring);
        }
    }
}
