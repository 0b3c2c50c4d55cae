/* The refusals of the identity service. */
#include "tests/standin/aadsts.h"
#include <time.h>

void aadsts_stamp(char out[32])
{
    time_t now = time(NULL);
    struct tm utc;

    strftime(out, 32, "%Y-%m-%d %H:%M:%SZ", gmtime_r(&now, &utc));
}

void aadsts_refuse(struct answer *answer, unsigned status, const char *error, int number, char *sentence)
{
    cJSON *json = need(cJSON_CreateObject());
    char *trace OWNED(owned_free) = random_uuid(), *correlation OWNED(owned_free) = random_uuid();
    char *told OWNED(owned_free) = sentence;
    char when[32];
    char *description OWNED(owned_free) = NULL, *uri OWNED(owned_free) = NULL;

    aadsts_stamp(when);
    description = text("AADSTS%d: %s\r\nTrace ID: %s\r\nCorrelation ID: %s\r\nTimestamp: %s", number, told,
                       trace, correlation, when);
    uri = text("https://login.microsoftonline.com/error?code=%d", number);
    cJSON_AddStringToObject(json, "error", error);
    cJSON_AddStringToObject(json, "error_description", description);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "error_codes"), cJSON_CreateNumber(number));
    cJSON_AddStringToObject(json, "timestamp", when);
    cJSON_AddStringToObject(json, "trace_id", trace);
    cJSON_AddStringToObject(json, "correlation_id", correlation);
    cJSON_AddStringToObject(json, "error_uri", uri);
    answer_json(answer, status, json);
}
