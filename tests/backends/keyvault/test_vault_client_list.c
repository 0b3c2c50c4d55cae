/* Listing keys, over a server that says what it is told: pages, where they lead, who may not list. */
#include "tests/backends/keyvault/vault_world.h"
#include <stdlib.h>

static bool see(void *arg, struct key_info *info)
{
    assert_string_equal(info->version, "");
    return see_name(arg, info->name);
}

static CK_RV list(struct world *world, struct names_seen *seen)
{
    return vault_client_each_key(&world->client, deadline_in(4000), see, seen, &world->answer);
}

static void say_page(struct world *world, const char *names, const char *next)
{
    static const struct item_words words = {"kid", "keys", ""};

    say_page_of(world, &words, names, next);
}

static void test_list_with_empty_pages(void **state)
{
    struct world *world = *state;
    struct names_seen seen = {0};

    say_page(world, "", "/keys?$skiptoken=1");
    say_page(world, "ab", "/keys?$skiptoken=2");
    say_page(world, "", "/keys?$skiptoken=3&maxresults=25");
    say_page(world, "c", NULL);
    assert_int_equal(list(world, &seen), CKR_OK);
    assert_string_equal(seen.names, "a b c ");
    assert_int_equal(world->asked, 4);
    assert_string_equal(world->path, "/keys?$skiptoken=3&maxresults=25");
    assert_int_equal(world->answer.verdict, VERDICT_ACCEPTED);
}

static void test_list_asks_for_full_pages(void **state)
{
    struct world *world = *state;
    struct names_seen seen = {0};

    say_page(world, "a", NULL);
    assert_int_equal(list(world, &seen), CKR_OK);
    assert_string_equal(world->path, "/keys?maxresults=25&api-version=7.6");
}

static void test_list_ends_when_the_visitor_has_enough(void **state)
{
    struct world *world = *state;
    struct names_seen seen = {.enough = 1};

    say_page(world, "ab", "/keys?$skiptoken=1");
    assert_int_equal(list(world, &seen), CKR_OK);
    assert_int_equal(seen.count, 1);
    assert_int_equal(world->asked, 1);
}

static void expect_not_followed(struct world *world, const char *next)
{
    struct names_seen seen = {0};

    world->asked = 0;
    world->step_count = 0;
    say(world, 200, "{\"value\":[],\"nextLink\":\"%s\"}", next);
    assert_int_equal(list(world, &seen), CKR_DEVICE_ERROR);
    assert_int_equal(world->asked, 1);
    assert_int_equal(world->answer.verdict, VERDICT_UNREACHABLE);
}

static void test_list_is_not_followed_elsewhere(void **state)
{
    struct world *world = *state;
    char link[128];

    expect_not_followed(world, "https://evil.example/keys");
    expect_not_followed(world, "https://127.0.0.1/keys");
    expect_not_followed(world, "keys?x");
    snprintf(link, sizeof link, "http://127.0.0.1:%u/keys", https_server_port(world->server));
    expect_not_followed(world, link);
    snprintf(link, sizeof link, "https://127.0.0.1:%u@evil.example/keys", https_server_port(world->server));
    expect_not_followed(world, link);
    snprintf(link, sizeof link, "https://127.0.0.1:%u/keys x", https_server_port(world->server));
    expect_not_followed(world, link);
    expect_log(world, "not followed");
}

/* As a vault writes it: what was followed there is refused by nobody but the network. */
static void test_list_goes_on_at_the_usual_port(void **state)
{
    static const char *const links[] = {"https://127.0.0.1:443/keys?$skiptoken=1",
                                        "https://127.0.0.1/keys?$skiptoken=1",
                                        "HTTPS://127.0.0.1:443/keys?$skiptoken=1"};
    struct world *world = *state;
    struct place usual = {.host = "127.0.0.1", .port = 443};
    struct names_seen seen = {0};

    world->client.vault = &usual;
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        world->asked = world->step_count = 0;
        say(world, 200, "{\"value\":[],\"nextLink\":\"%s\"}", links[i]);
        assert_int_equal(vault_client_each_key(&world->client, deadline_in(1000), see, &seen, &world->answer),
                         CKR_DEVICE_ERROR);
        assert_int_equal(world->asked, 1);
        assert_true(world->answer.tries > 1);
    }
    assert_null(strstr(log_text(world), "not followed"));
}

static void test_list_not_found(void **state)
{
    struct world *world = *state;
    struct names_seen seen = {0};

    say_refusal(world, 404, "KeyNotFound", "");
    assert_int_equal(list(world, &seen), CKR_DEVICE_ERROR);
    assert_int_equal(world->answer.verdict, VERDICT_UNREACHABLE);
    expect_log(world, "A vault has a list of keys, however short: check `vault`.");
}

static void test_list_leaves_out_keys_of_other_vaults(void **state)
{
    struct world *world = *state;
    struct names_seen seen = {0};

    say(world, 200, "{\"value\":[{\"kid\":\"https://evil.example/keys/a\"}]}");
    assert_int_equal(list(world, &seen), CKR_OK);
    assert_int_equal(seen.count, 0);
}

static void test_list_without_permission(void **state)
{
    struct world *world = *state;
    struct names_seen seen = {0};

    say_refusal(world, 403, "Forbidden", "ForbiddenByPolicy");
    assert_int_equal(list(world, &seen), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(world->answer.verdict, VERDICT_REFUSED);
    expect_log(world, "list keys in ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VAULT_TEST(test_list_with_empty_pages),
        VAULT_TEST(test_list_asks_for_full_pages),
        VAULT_TEST(test_list_ends_when_the_visitor_has_enough),
        VAULT_TEST(test_list_is_not_followed_elsewhere),
        VAULT_TEST(test_list_goes_on_at_the_usual_port),
        VAULT_TEST(test_list_not_found),
        VAULT_TEST(test_list_leaves_out_keys_of_other_vaults),
        VAULT_TEST(test_list_without_permission),
    };

    return run_vault_tests(tests);
}
