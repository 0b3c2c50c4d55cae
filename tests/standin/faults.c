/* Faults: the list of them, and whom they meet; fault.c does what they say. */
#include "tests/standin/faults.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- The list --- */

/* A misspelt word would be a fault that never comes. */
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

static bool one_of(const cJSON *fault, const char *name, const char *const *values, char **ret_wrong)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fault, name));

    while (value != NULL && *values != NULL && strcmp(*values, value) != 0) {
        values++;
    }
    if (value != NULL && *values == NULL) {
        *ret_wrong = text("%s", value);
        return false;
    }
    return true;
}

static bool good_values(const cJSON *fault, char **ret_wrong)
{
    static const char *const connects[] = {"stall", "cut", "garbage", "delay", NULL};
    static const char *const certificates[] = {"wrong-host", "expired", "not-yet", "unknown-ca", NULL};
    static const char *const versions[] = {"1.1", "no-ecdhe", NULL};
    static const char *const cuts[] = {"headers", "answer", NULL}, *const stalls[] = {"headers", "body",
                                                                                      NULL};

    return one_of(fault, "connect", connects, ret_wrong) &&
           one_of(fault, "certificate", certificates, ret_wrong) &&
           one_of(fault, "tls", versions, ret_wrong) && one_of(fault, "cut", cuts, ret_wrong) &&
           one_of(fault, "stall", stalls, ret_wrong) && one_of(fault, "refusal", fault_refusals(), ret_wrong);
}

static bool good_match(const cJSON *fault, char **ret_wrong)
{
    static const char *const words[] = {"op", "path", "server", NULL};
    const cJSON *match = cJSON_GetObjectItemCaseSensitive(fault, "match");
    const char *operation = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(match, "op"));
    const char *server = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(match, "server"));

    if (operation != NULL && operation_of(operation) == OPERATIONS) {
        *ret_wrong = text("%s", operation);
        return false;
    }
    if (server != NULL && service_of(server) == SERVICES) {
        *ret_wrong = text("%s", server);
        return false;
    }
    if (fault_meets_connections(fault) &&
        (cJSON_HasObjectItem(match, "op") || cJSON_HasObjectItem(match, "path"))) {
        *ret_wrong = text("a connection has no op and no path yet");
        return false;
    }
    return all_known(match, words, ret_wrong);
}

static bool good(const cJSON *fault, char **ret_wrong)
{
    static const char *const words[] = {"match",
                                        "skip",
                                        "times",
                                        "delay_ms",
                                        "stall",
                                        "cut",
                                        "status",
                                        "body",
                                        "code",
                                        "message",
                                        "inner",
                                        "html",
                                        "retry_after",
                                        "retry_after_ms",
                                        "x_ms_retry_after_ms",
                                        "retry_after_date",
                                        "headers",
                                        "truncated",
                                        "oversize",
                                        "chunked",
                                        "wrong_kid",
                                        "wrong_length",
                                        "refusal",
                                        "claims",
                                        "redirect",
                                        "garbage",
                                        "header_flood",
                                        "drip_ms",
                                        "connect",
                                        "certificate",
                                        "tls",
                                        "half_open",
                                        NULL};

    if (!cJSON_IsObject(fault)) {
        *ret_wrong = text("not an object");
        return false;
    }
    return all_known(fault, words, ret_wrong) && good_values(fault, ret_wrong) &&
           good_match(fault, ret_wrong);
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
        fault->skip = fault_number(item, "skip", 0);
        fault->times = fault_number(item, "times", -1);
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

    if (server != NULL && strcmp(server, service_word(service)) != 0) {
        return false;
    }
    if (path == NULL) {
        return fault_meets_connections(fault);
    }
    return fault_meets_requests(fault) && (op == NULL || operation_of(op) == operation) &&
           (part == NULL || strcasestr(path, part) != NULL);
}

/* path NULL: of a connection. */
static cJSON *take(struct fault *faults, enum service service, enum operation operation, const char *path)
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

cJSON *faults_take(struct fault *faults, enum service service, enum operation operation, const char *path)
{
    return take(faults, service, operation, path);
}

cJSON *faults_take_connection(struct fault *faults, enum service service)
{
    return take(faults, service, OPERATION_OTHER, NULL);
}
