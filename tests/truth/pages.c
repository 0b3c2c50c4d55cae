/* One exchange from the beginning: what was there, what is asked, and for lists the page that is meant. */
#include "tests/truth/replay.h"
#include <stdlib.h>
#include <string.h>

static bool is_page(const cJSON *recorded, const cJSON *got)
{
    return (cJSON_GetArraySize(item_at(recorded, "value")) == 0) ==
               (cJSON_GetArraySize(item_at(got, "value")) == 0) &&
           (*text_at(recorded, "nextLink") == '\0') == (*text_at(got, "nextLink") == '\0');
}

static void set_pages(const cJSON *recorded)
{
    int items = cJSON_GetArraySize(item_at(recorded, "value"));
    char *text ENDED_BY(free_text) =
        format("{\"page_size\":%d,\"empty_pages\":%d}", items == 0 ? 1 : items, items == 0);

    control("/settings", text);
}

/* Keys, or versions, so many that they fill a page of this size. */
static void add_page(const struct replay *replay, const cJSON *exchange, const char *name, int count)
{
    const char *url = text_at(exchange, "request.url");
    char *host ENDED_BY(free_text) = url_host(url), *key ENDED_BY(free_text) = url_key(url);
    cJSON *items ENDED_BY(free_json) = cJSON_CreateArray();

    for (int i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();
        char *numbered ENDED_BY(free_text) = format("%s-%d", name, i);
        char *kid ENDED_BY(free_text) =
            format("https://%s/keys/%s", host, strstr(url, "/versions") != NULL ? key : numbered);

        cJSON_AddStringToObject(item, "kid", kid);
        cJSON_AddItemToArray(items, item);
    }
    replay_prepare_list(replay, items, url);
}

/* A page in the middle of a list has one before it, and one in the beginning has one behind it. */
static void add_neighbours(const struct replay *replay, const cJSON *exchange)
{
    int items = cJSON_GetArraySize(item_at(exchange, "response.body.value"));

    if (strstr(text_at(exchange, "request.url"), "skiptoken") != NULL) {
        add_page(replay, exchange, "0-first", items == 0 ? 1 : items);
    }
    if (*text_at(exchange, "response.body.nextLink") != '\0') {
        add_page(replay, exchange, "zz-last", 1);
    }
}

/* From the first page on, to the one that is meant. */
static struct reply find_page(const struct replay *replay, const cJSON *exchange, cJSON *request)
{
    const cJSON *recorded = item_at(exchange, "response.body");
    char *url ENDED_BY(free_text) = format("%s", text_at(exchange, "request.url"));
    bool later = strstr(url, "skiptoken") != NULL;
    char *host ENDED_BY(free_text) = url_host(url);
    struct reply reply = {0};

    if (later) {
        char *first = format("https://%s%.*s?api-version=%s%s", host, (int)strcspn(url_path(url), "?"),
                             url_path(url), replay->hsm ? "7.4" : text_at(exchange, "api_version"),
                             strstr(url, "maxresults") == NULL ? "" : "&maxresults=1");

        cJSON_ReplaceItemInObject(request, "url", cJSON_CreateString(first));
        free(first);
    }
    for (int pages = 0; pages < 50; pages++) {
        const char *next;

        reply_done(&reply);
        reply = replay_send(replay, request, true);
        next = reply_text(&reply, "nextLink");
        if ((is_page(recorded, reply.json) && (pages > 0) == later) || *next == '\0') {
            break;
        }
        cJSON_ReplaceItemInObject(request, "url", cJSON_CreateString(next));
    }
    return reply;
}

/* --- All of them --- */

static bool is_list(const cJSON *exchange)
{
    return strncmp(text_at(exchange, "operation"), "list", 4) == 0 &&
           number_at(exchange, "response.status") == 200;
}

struct reply replay_exchange(struct replay *replay, const cJSON *exchange)
{
    cJSON *request ENDED_BY(free_json) = cJSON_Duplicate(item_at(exchange, "request"), true);

    replay_begin(replay, item_at(exchange, "response"));
    if (is_list(exchange)) {
        replay_prepare_list(replay, item_at(exchange, "response.body.value"), text_at(request, "url"));
        add_neighbours(replay, exchange);
        set_pages(item_at(exchange, "response.body"));
        return find_page(replay, exchange, request);
    }
    replay_prepare(replay, exchange, request);
    return replay_send(replay, request, number_at(exchange, "response.status") != 401);
}
