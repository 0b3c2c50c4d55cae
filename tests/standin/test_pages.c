/* Lists: pages, empty pages, and what an item never tells. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <stdio.h>
#include <string.h>

static int settings_as_at_the_start(void **state)
{
    (void)state;
    free(standin_control(&standin, "DELETE", "/settings", NULL));
    return 0;
}

struct walk {
    int pages, empty_pages, items, hits; /* hits: items whose kid contains `wanted` */
    const char *wanted;
};

static void look_at(const struct reply *page, struct walk *walk)
{
    const cJSON *items = reply_item(page, "value"), *item;

    assert_int_equal(page->status, 200);
    assert_true(cJSON_IsArray(items));
    walk->pages++;
    walk->empty_pages += cJSON_GetArraySize(items) == 0;
    cJSON_ArrayForEach(item, items)
    {
        const char *kid = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "kid"));

        walk->items++;
        walk->hits += strstr(kid, walk->wanted) != NULL;
    }
}

static struct walk walk_through(const char *path, const char *wanted)
{
    struct walk walk = {.wanted = wanted};
    struct reply page = vault("GET", path, NULL);

    look_at(&page, &walk);
    while (cJSON_IsString(reply_item(&page, "nextLink"))) {
        struct reply next = vault_url(reply_text(&page, "nextLink"));

        reply_done(&page);
        page = next;
        look_at(&page, &walk);
        assert_in_range(walk.pages, 1, 1000);
    }
    assert_true(cJSON_IsNull(reply_item(&page, "nextLink")));
    reply_done(&page);
    return walk;
}

static void make_keys(void)
{
    for (int i = 0; i < 30; i++) {
        char *path OWNED(owned_free) = text("/keys/listed-%d", i);

        control(path, "{\"kty\":\"EC\"}");
    }
}

static void test_all_keys_come_once(void **state)
{
    struct walk walk;

    (void)state;
    make_keys();
    walk = walk_through("/keys", "/keys/listed-");
    assert_int_equal(walk.hits, 30);
    assert_int_equal(walk.pages, (walk.items + 24) / 25);
    walk = walk_through("/keys?maxresults=7", "/keys/listed-");
    assert_int_equal(walk.hits, 30);
    assert_int_equal(walk.pages, (walk.items + 6) / 7);
}

static void test_empty_pages_have_a_next_link(void **state)
{
    struct walk walk;

    (void)state;
    make_keys();
    control("/settings", "{\"empty_pages\":2,\"page_size\":10}");
    walk = walk_through("/keys", "/keys/listed-");
    assert_int_equal(walk.hits, 30);
    assert_int_equal(walk.empty_pages, (walk.pages - 1) / 3 * 2 + 1);
}

static void test_next_link_names_the_port(void **state)
{
    struct reply page ENDS(reply_done) = vault("GET", "/keys?maxresults=1", NULL);
    const char *next = reply_text(&page, "nextLink");

    (void)state;
    assert_int_equal(strncmp(next, standin.vault_url, strlen(standin.vault_url)), 0);
    assert_non_null(strstr(next, "/keys?api-version=7.6&$skiptoken="));
    assert_non_null(strstr(next, "&maxresults=1"));
}

static void test_an_item_tells_no_type(void **state)
{
    struct reply page ENDS(reply_done) = vault("GET", "/keys?maxresults=1", NULL);
    const cJSON *item = reply_item(&page, "value.0");

    (void)state;
    assert_int_equal(cJSON_GetArraySize(item), 2);
    assert_non_null(reply_item(&page, "value.0.kid"));
    assert_non_null(reply_item(&page, "value.0.attributes.enabled"));
}

static void test_versions_are_listed(void **state)
{
    struct walk walk;

    (void)state;
    control("/keys/aged", "{\"kty\":\"EC\",\"versions\":5}");
    walk = walk_through("/keys/aged/versions?maxresults=2", "/keys/aged/");
    assert_int_equal(walk.hits, 5);
    assert_int_equal(walk.pages, 3);
}

/* Made in one second, or not: the latest can be told by it. */
static void test_no_two_versions_are_of_the_same_age(void **state)
{
    struct reply listed ENDS(reply_done) = {0};
    const cJSON *items;

    (void)state;
    control("/keys/aged", "{\"kty\":\"EC\",\"versions\":5}");
    control("/keys/aged", "{\"rotate\":true}");
    listed = vault("GET", "/keys/aged/versions", NULL);
    items = reply_item(&listed, "value");
    assert_true(cJSON_GetArraySize(items) > 5);
    for (int i = 0; i < cJSON_GetArraySize(items); i++) {
        for (int j = 0; j < i; j++) {
            char a[40], b[40];

            snprintf(a, sizeof a, "value.%d.attributes.created", i);
            snprintf(b, sizeof b, "value.%d.attributes.created", j);
            assert_true(cJSON_GetNumberValue(reply_item(&listed, a)) !=
                        cJSON_GetNumberValue(reply_item(&listed, b)));
        }
    }
}

static void test_bad_page_sizes(void **state)
{
    struct reply none ENDS(reply_done) = vault("GET", "/keys?maxresults=0", NULL);
    struct reply many ENDS(reply_done) = vault("GET", "/keys?maxresults=26", NULL);
    struct reply token ENDS(reply_done) = vault("GET", "/keys?$skiptoken=nonsense", NULL);

    (void)state;
    assert_int_equal(none.status, 400);
    assert_int_equal(many.status, 400);
    assert_int_equal(token.status, 400);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_all_keys_come_once),
    cmocka_unit_test_teardown(test_empty_pages_have_a_next_link, settings_as_at_the_start),
    cmocka_unit_test(test_next_link_names_the_port),
    cmocka_unit_test(test_an_item_tells_no_type),
    cmocka_unit_test(test_versions_are_listed),
    cmocka_unit_test(test_no_two_versions_are_of_the_same_age),
    cmocka_unit_test(test_bad_page_sizes),
};
const struct test_list page_tests = TEST_LIST(tests);
