/* Requests, noted. */
#include "tests/standin/asked.h"
#include <ctype.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

static enum MHD_Result add_value(void *argument, enum MHD_ValueKind kind, const char *name, const char *value)
{
    char *word OWNED(owned_free) = need(strdup(name));

    for (char *c = word; kind == MHD_HEADER_KIND && *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    cJSON_AddStringToObject(argument, word, value == NULL ? "" : value);
    return MHD_YES;
}

static cJSON *values(const struct request *request, enum MHD_ValueKind kind)
{
    cJSON *all = need(cJSON_CreateObject());

    MHD_get_connection_values(request->connection, kind, add_value, all);
    return all;
}

cJSON *asked_entry(enum service service, enum operation operation, const struct request *request)
{
    cJSON *entry = need(cJSON_CreateObject());
    const char *agent = request_header(request, "User-Agent"),
               *id = request_header(request, "x-ms-client-request-id");

    cJSON_AddStringToObject(entry, "server", service_word(service));
    cJSON_AddStringToObject(entry, "op", operation_word(operation));
    cJSON_AddStringToObject(entry, "method", request->method);
    cJSON_AddStringToObject(entry, "path", request->path);
    cJSON_AddStringToObject(entry, "user_agent", agent == NULL ? "" : agent);
    cJSON_AddStringToObject(entry, "client_request_id", id == NULL ? "" : id);
    cJSON_AddItemToObject(entry, "query", values(request, MHD_GET_ARGUMENT_KIND));
    cJSON_AddItemToObject(entry, "headers", values(request, MHD_HEADER_KIND));
    cJSON_AddStringToObject(entry, "body", request->body);
    return entry;
}
