/* Lists, page by page: all keys, or the versions of one. */
#include "tests/standin/vault_call.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_LIMIT = 25 };

struct page {
    unsigned start, count; /* the items that belong on it */
    unsigned empties;      /* empty pages that came before it */
    unsigned total;        /* items seen, on this page or not */
    cJSON *items;
};

/* --- Where a page begins --- */

static char *skip_token(unsigned start, unsigned empties)
{
    char *plain OWNED(owned_free) = text(
        "{\"NextMarker\":\"2!%u!%u!MDAwMDI4ITk5OTktMTItMzFUMjM6NTk6NTkuOTk5OTk5OVoh\",\"TargetLocation\":0}",
        start, empties);

    return base64url(plain, strlen(plain));
}

static bool read_skip_token(const char *token, struct page *page)
{
    struct blob plain OWNED(owned_blob) = {NULL, 0};

    return base64url_decode(token, &plain) &&
           sscanf((const char *)plain.data, "{\"NextMarker\":\"2!%u!%u!", &page->start, &page->empties) == 2;
}

/* False: a 400 was given. */
static bool page_init(struct call *call, struct page *ret_page)
{
    const char *asked = request_query(call->request, "maxresults");
    const char *token = request_query(call->request, "$skiptoken");
    struct page page = {.count = PAGE_LIMIT};

    if (asked != NULL &&
        (sscanf(asked, "%u", &page.count) != 1 || page.count < 1 || page.count > PAGE_LIMIT)) {
        call_bad_parameter(call, "Invalid maxresults value: it must be between 1 and 25.");
        return false;
    }
    if (token != NULL && !read_skip_token(token, &page)) {
        call_bad_parameter(call, "Invalid $skiptoken value.");
        return false;
    }
    if (page.count > (unsigned)call->standin->settings.page_size && call->standin->settings.page_size > 0) {
        page.count = (unsigned)call->standin->settings.page_size;
    }
    page.items = need(cJSON_CreateArray());
    *ret_page = page;
    return true;
}

/* True: the next item is to be put on the page. */
static bool page_wants(const struct call *call, struct page *page)
{
    unsigned index = page->total++;

    return page->empties >= (unsigned)call->standin->settings.empty_pages && index >= page->start &&
           index - page->start < page->count;
}

/* --- The answer --- */

static bool has_port(const char *base)
{
    return strchr(base + strlen("https://"), ':') != NULL;
}

/* From malloc; NULL: this is the last page. */
static char *next_link(const struct call *call, const struct page *page)
{
    unsigned empty_pages = (unsigned)call->standin->settings.empty_pages;
    const char *asked = request_query(call->request, "maxresults");
    char *token OWNED(owned_free) = NULL;

    if (page->empties < empty_pages) {
        token = skip_token(page->start, page->empties + 1);
    } else if (page->start + page->count < page->total) {
        token = skip_token(page->start + page->count, 0);
    } else if (empty_pages > 0 && cJSON_GetArraySize(page->items) > 0) {
        token = skip_token(page->total, empty_pages);
    } else {
        return NULL;
    }
    return text("%s%s%s?api-version=%s&$skiptoken=%s%s%s", call->base, has_port(call->base) ? "" : ":443",
                call->request->path, call->api_version, token,
                asked == NULL ? "" : "&maxresults=", asked == NULL ? "" : asked);
}

static void answer_page(const struct call *call, const struct page *page)
{
    cJSON *json = need(cJSON_CreateObject());
    char *next OWNED(owned_free) = next_link(call, page);

    cJSON_AddItemToObject(json, "value", page->items);
    if (next == NULL) {
        cJSON_AddNullToObject(json, "nextLink");
    } else {
        cJSON_AddStringToObject(json, "nextLink", next);
    }
    answer_json(call->answer, 200, json);
}

/* Never the type, size or uses of a key: the service does not list them. */
static void add_item(const struct call *call, struct page *page, const struct key *key,
                     const struct key_version *version, bool with_version)
{
    cJSON *item = need(cJSON_CreateObject());
    char *kid OWNED(owned_free) = text("%s/keys/%s%s%s", call->base, key->name, with_version ? "/" : "",
                                       with_version ? version->id : "");

    cJSON_AddStringToObject(item, "kid", kid);
    cJSON_AddItemToObject(item, "attributes", attributes_json(call, version));
    if (version->tags != NULL) {
        cJSON_AddItemToObject(item, "tags", cJSON_Duplicate(version->tags, true));
    }
    cJSON_AddItemToArray(page->items, item);
}

void vault_list(struct call *call)
{
    struct page page;

    LOCKED(call->standin);
    if (!page_init(call, &page)) {
        return;
    }
    for (const struct key *key = call->keys->keys; key != NULL; key = key->next) {
        if (!key->deleted && page_wants(call, &page)) {
            add_item(call, &page, key, key->newest, false);
        }
    }
    answer_page(call, &page);
}

static int by_id(const void *a, const void *b)
{
    const struct key_version *const *one = a, *const *other = b;

    return strcmp((*one)->id, (*other)->id);
}

/* In the order of their ids, which is none: the service promises no order by age. */
static const struct key_version **sorted_versions(const struct key *key)
{
    const struct key_version **sorted = need(calloc(key->count + 1, sizeof *sorted));
    unsigned count = 0;

    for (const struct key_version *version = key->newest; version != NULL; version = version->older) {
        sorted[count++] = version;
    }
    qsort(sorted, count, sizeof *sorted, by_id);
    return sorted;
}

void vault_list_versions(struct call *call)
{
    const struct key_version **sorted OWNED(owned_free) = NULL;
    const struct key *key;
    struct page page;

    LOCKED(call->standin);
    if (call_find(call) == NULL || !page_init(call, &page)) {
        return;
    }
    key = key_find(call->keys, call->route.name);
    sorted = sorted_versions(key);
    for (unsigned i = 0; i < key->count; i++) {
        if (page_wants(call, &page)) {
            add_item(call, &page, key, sorted[i], true);
        }
    }
    answer_page(call, &page);
}
