/* The counts. */
#include "tests/standin/counts.h"
#include "tests/standin/text.h"
#include <string.h>

enum { LOG_ENTRIES = 1000 };

const char *service_word(enum service service)
{
    static const char *const names[SERVICES] = {"vault",       "mhsm", "identity", "imds",
                                                "app-service", "arc",  "control"};

    return names[service];
}

enum service service_of(const char *word)
{
    unsigned i = 0;

    while (i < SERVICES && strcmp(service_word((enum service)i), word) != 0) {
        i++;
    }
    return (enum service)i;
}

void counts_request(struct counts *counts, enum operation operation)
{
    counts->requests[operation]++;
    counts->at_once++;
    if (counts->at_once > counts->most_at_once) {
        counts->most_at_once = counts->at_once;
    }
}

void counts_answered(struct counts *counts)
{
    counts->at_once--;
}

void counts_log(struct counts *counts, cJSON *entry)
{
    if (counts->log == NULL) {
        counts->log = need(cJSON_CreateArray());
    }
    cJSON_AddItemToArray(counts->log, entry);
    if (counts->logged == LOG_ENTRIES) {
        cJSON_DeleteItemFromArray(counts->log, 0);
    } else {
        counts->logged++; /* cJSON would walk through all of them to count them */
    }
}

cJSON *counts_json(const struct counts *counts)
{
    cJSON *json = need(cJSON_CreateObject());
    cJSON *requests = need(cJSON_AddObjectToObject(json, "requests"));
    cJSON *connections = need(cJSON_AddObjectToObject(json, "connections"));
    unsigned long total = 0;

    for (unsigned i = 0; i < OPERATIONS; i++) {
        cJSON_AddNumberToObject(requests, operation_word((enum operation)i), (double)counts->requests[i]);
        total += counts->requests[i];
    }
    cJSON_AddNumberToObject(requests, "total", (double)total);
    for (unsigned i = 0; i < SERVICE_CONTROL; i++) {
        cJSON_AddNumberToObject(connections, service_word((enum service)i), (double)counts->connections[i]);
    }
    cJSON_AddNumberToObject(json, "throttled", (double)counts->throttled);
    cJSON_AddNumberToObject(json, "most_at_once", (double)counts->most_at_once);
    return json;
}

void counts_clear(struct counts *counts)
{
    cJSON_Delete(counts->log);
    *counts = (struct counts){.at_once = counts->at_once, .most_at_once = counts->at_once};
}
