/* Lists, page by page: all keys, or the versions of one. */
#include "tests/standin/vault_call.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_LIMIT = 25, API_VERSION_SIZE = 24 };

struct page {
    unsigned start, count; /* the items that belong on it */
    unsigned empties;      /* empty pages that came before it */
    unsigned total;        /* items seen, on this page or not */
    cJSON *items;
};

/* --- Where a page begins --- */

/* The api-version is kept in it, for the links of a Managed HSM do not name it. */
static char *skip_token(const struct call *call, unsigned start, unsigned empties)
{
    char *plain OWNED(owned_free) = text(
        "{\"NextMarker\":\"2!%u!%u!%s!MDAwMDI4ITk5OTktMTItMzFUMjM6NTk6NTkuOTk5OTk5OVoh\",\"TargetLocation\":0}",
        start, empties, call->api_version);

    return base64url(plain, strlen(plain));
}

static bool read_skip_token(const char *token, struct page *page, char version[API_VERSION_SIZE])
{
    struct blob plain OWNED(owned_blob) = {NULL, 0};

    return base64url_decode(token, &plain) &&
           sscanf((const char *)plain.data, "{\"NextMarker\":\"2!%u!%u!%23[^!]!", &page->start,
                  &page->empties, version) == 3;
}

/* False: a 400 was given. */
static bool page_init(struct call *call, struct page *ret_page)
{
    const char *asked = request_query(call->request, "maxresults");
    const char *token = request_query(call->request, "$skiptoken");
    struct page page = {.count = PAGE_LIMIT};
    char version[API_VERSION_SIZE];

    if (asked != NULL &&
        (sscanf(asked, "%u", &page.count) != 1 || page.count < 1 || page.count > PAGE_LIMIT)) {
        call_bad_parameter(call, "Invalid maxresults value: it must be between 1 and 25.");
        return false;
    }
    if (token != NULL && !read_skip_token(token, &page, version)) {
        call_bad_parameter(call, "Invalid $skiptoken value.");
        return false;
    }
    if (token != NULL && is_mhsm(call)) {
        api_of(version, &call->api, &call->preview);
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
        token = skip_token(call, page->start, page->empties + 1);
    } else if (page->start + page->count < page->total) {
        token = skip_token(call, page->start + page->count, 0);
    } else if (empty_pages > 0 && cJSON_GetArraySize(page->items) > 0) {
        token = skip_token(call, page->total, empty_pages);
    } else {
        return NULL;
    }
    if (is_mhsm(call)) {
        return text("%s%s?%s%s%s$skiptoken=%s", call->base, call->request->path,
                    asked == NULL ? "" : "maxresults=", asked == NULL ? "" : asked, asked == NULL ? "" : "&",
                    token);
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
    if (next == NULL && is_mhsm(call)) {
        answer_json(call->answer, 200, json); /* without the member */
        return;
    }
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

    if (key->deleted) {
        add_deletion(call, item, key->name, key->deleted_date, key->purge_date);
    }
    cJSON_AddStringToObject(item, "kid", kid);
    cJSON_AddItemToObject(item, "attributes", attributes_json(call, key, version));
    add_tags(item, key, version);
    cJSON_AddItemToArray(page->items, item);
}

static void list_in(struct call *call, enum key_state state)
{
    struct page page;

    LOCKED(call->standin);
    if (!page_init(call, &page)) {
        return;
    }
    for (const struct key *key = call->keys->keys; key != NULL; key = key->next) {
        const struct key *seen = key_seen(call->keys, key->name);

        if (seen != NULL && key_state_of(seen) == state && page_wants(call, &page)) {
            add_item(call, &page, seen, seen->newest, false);
        }
    }
    answer_page(call, &page);
}

void vault_list(struct call *call)
{
    list_in(call, KEY_LIVE);
}

void vault_list_deleted(struct call *call)
{
    list_in(call, KEY_DELETED);
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

static void list_versions(struct call *call,
                          void (*add)(const struct call *call, struct page *page, const struct key *key,
                                      const struct key_version *version, bool with_version))
{
    const struct key_version **sorted OWNED(owned_free) = NULL;
    struct key_version *newest;
    const struct key *key;
    struct page page;

    LOCKED(call->standin);
    key = call_find_key(call, &newest);
    if (key == NULL || !page_init(call, &page)) {
        return;
    }
    sorted = sorted_versions(key);
    for (unsigned i = 0; i < key->count; i++) {
        if (page_wants(call, &page)) {
            add(call, &page, key, sorted[i], true);
        }
    }
    answer_page(call, &page);
}

void vault_list_versions(struct call *call)
{
    list_versions(call, add_item);
}

/* --- Certificates: what is listed of them is what backs them, in other words --- */

static void add_certificate(const struct call *call, struct page *page, const struct key *key,
                            const struct key_version *version, bool with_version)
{
    cJSON *item = need(cJSON_CreateObject());
    char *id OWNED(owned_free) = text("%s/certificates/%s%s%s", call->base, key->name,
                                      with_version ? "/" : "", with_version ? version->id : "");

    char *x5t OWNED(owned_free) = certificate_thumbprint(key, version);

    cJSON_AddStringToObject(item, "id", id);
    cJSON_AddStringToObject(item, "x5t", x5t);
    cJSON_AddItemToObject(item, "attributes", certificate_attributes_json(call, version));
    cJSON_AddItemToArray(page->items, item);
}

void vault_list_certificates(struct call *call)
{
    struct page page;

    call_make_certificates(call);
    LOCKED(call->standin);
    if (!page_init(call, &page)) {
        return;
    }
    for (const struct key *key = call->keys->keys; key != NULL; key = key->next) {
        if (key->managed && key_state_of(key) == KEY_LIVE && page_wants(call, &page)) {
            add_certificate(call, &page, key, key->newest, false);
        }
    }
    answer_page(call, &page);
}

void vault_list_certificate_versions(struct call *call)
{
    call_make_certificates(call);
    list_versions(call, add_certificate);
}
