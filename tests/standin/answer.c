/* Answers. */
#include "tests/standin/answer.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void answer_headers_clear(struct answer *answer)
{
    while (answer->headers > 0) {
        answer->headers--;
        free(answer->names[answer->headers]);
        free(answer->values[answer->headers]);
        answer->values[answer->headers] = NULL;
    }
}

void answer_done(struct answer *answer)
{
    free(answer->body);
    answer_headers_clear(answer);
}

/* answer->headers where it is not there. */
static unsigned index_of(const struct answer *answer, const char *name)
{
    unsigned i = 0;

    while (i < answer->headers && strcasecmp(answer->names[i], name) != 0) {
        i++;
    }
    return i;
}

const char *answer_header_of(const struct answer *answer, const char *name)
{
    unsigned i = index_of(answer, name);

    return i == answer->headers ? NULL : answer->values[i];
}

void answer_header(struct answer *answer, const char *name, const char *value)
{
    unsigned i = index_of(answer, name);

    if (i == ANSWER_HEADERS) {
        return;
    }
    if (i == answer->headers) {
        answer->names[answer->headers++] = need(strdup(name));
    }
    free(answer->values[i]);
    answer->values[i] = need(strdup(value));
}

void answer_body(struct answer *answer, unsigned status, char *body, const char *content_type)
{
    answer->status = status;
    free(answer->body);
    answer->body = body;
    answer->size = body == NULL ? 0 : strlen(body);
    answer_header(answer, "Content-Type", content_type);
}

void answer_json(struct answer *answer, unsigned status, cJSON *json)
{
    answer_body(answer, status, need(cJSON_PrintUnformatted(json)), "application/json; charset=utf-8");
    cJSON_Delete(json);
}

void answer_error(struct answer *answer, unsigned status, const char *code, const char *inner, char *message)
{
    cJSON *json = need(cJSON_CreateObject());
    cJSON *error = need(cJSON_AddObjectToObject(json, "error"));

    cJSON_AddStringToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", message);
    if (inner != NULL) {
        cJSON_AddStringToObject(cJSON_AddObjectToObject(error, "innererror"), "code", inner);
    }
    answer_json(answer, status, json);
    free(message);
}

void answer_html(struct answer *answer, unsigned status)
{
    char *page = text("<!DOCTYPE html>\r\n<html><head><title>%u</title></head>\r\n"
                      "<body><h1>Server Error</h1><hr>a gateway, not the service</body></html>\r\n",
                      status);

    answer_body(answer, status, page, "text/html; charset=utf-8");
    answer_header(answer, "Cache-Control", "private");
}
