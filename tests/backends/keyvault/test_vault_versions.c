/* The versions of a key: how they are asked for, and what of the answer is believed. */
#include "backends/base/scope.h"
#include "tests/backends/keyvault/vault_world.h"
#include <stdio.h>
#include <stdlib.h>

struct seen {
    unsigned count, enough;
    struct key_info last;
};

static bool see(void *arg, struct key_info *info)
{
    struct seen *seen = arg;

    seen->last = *info;
    assert_null(info->rsa);
    return ++seen->count != seen->enough;
}

static CK_RV list(struct world *world, const char *name, struct seen *seen)
{
    return vault_client_each_version(&world->client, name, deadline_in(20000), see, seen, &world->answer);
}

/* A page with one item of this identifier, from its path on; `next` is what follows the port, NULL: the end. */
static void say_page(struct world *world, const char *path, const char *attributes, const char *next)
{
    unsigned port = https_server_port(world->server);
    struct step *step =
        say(world, 200,
            "{\"value\":[{\"kid\":\"https://127.0.0.1:%u%s\",\"attributes\":{%s}}],\"nextLink\":", port, path,
            attributes);

    if (next == NULL) {
        strcat(step->body, "null}");
    } else {
        sprintf(step->body + strlen(step->body), "\"https://127.0.0.1:%u%s\"}", port, next);
    }
}

static void test_each_version_is_told_with_its_dates(void **state)
{
    struct world *world = *state;
    struct seen seen = {0};

    say_page(world, "/keys/kek/" VERSION,
             "\"enabled\":false,\"nbf\":2,\"exp\":3,\"created\":1,\"recoveryLevel\":\"Recoverable\","
             "\"hsmPlatform\":\"2\"",
             NULL);
    assert_int_equal(list(world, "kek", &seen), CKR_OK);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.last.name, "kek");
    assert_string_equal(seen.last.version, VERSION);
    assert_false(seen.last.enabled);
    assert_int_equal(seen.last.created, 1);
    assert_int_equal(seen.last.not_before, 2);
    assert_int_equal(seen.last.expires, 3);
    assert_int_equal(seen.last.type, KEY_TYPE_UNKNOWN);
    assert_int_equal(seen.last.purge_protected, TOLD_YES);
    assert_int_equal(seen.last.in_hardware, TOLD_YES);
    assert_int_equal(world->answer.verdict, VERDICT_ACCEPTED);
}

static void test_the_request(void **state)
{
    struct world *world = *state;
    struct seen seen = {0};

    say(world, 200, "{\"value\":[]}");
    assert_int_equal(list(world, "kek", &seen), CKR_OK);
    assert_string_equal(world->method, "GET");
    assert_string_equal(world->path, "/keys/kek/versions?maxresults=25&api-version=7.6");
    assert_int_equal(seen.count, 0);
}

static void test_pages_are_followed(void **state)
{
    struct world *world = *state;
    struct seen seen = {0};

    say_page(world, "/keys/kek/" VERSION, "\"created\":1", "/keys/kek/versions?$skiptoken=1");
    say(world, 200, "{\"value\":[],\"nextLink\":\"https://127.0.0.1:%u/keys/kek/versions?$skiptoken=2\"}",
        https_server_port(world->server));
    say_page(world, "/keys/kek/" VERSION2, "\"created\":2", NULL);
    assert_int_equal(list(world, "kek", &seen), CKR_OK);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.last.version, VERSION2);
    assert_int_equal(world->asked, 3);
    assert_string_equal(world->path, "/keys/kek/versions?$skiptoken=2");
}

static void test_the_visitor_ends_the_walk(void **state)
{
    struct world *world = *state;
    struct seen seen = {.enough = 1};

    say_page(world, "/keys/kek/" VERSION, "", "/keys/kek/versions?$skiptoken=1");
    assert_int_equal(list(world, "kek", &seen), CKR_OK);
    assert_int_equal(world->asked, 1);
}

static void expect_left_out(struct world *world, const char *kid)
{
    struct seen seen = {0};

    world->asked = world->step_count = 0;
    say(world, 200, "{\"value\":[{\"kid\":\"%s\"}]}", kid);
    assert_int_equal(list(world, "kek", &seen), CKR_OK);
    assert_int_equal(seen.count, 0);
    expect_log(world, "what is no version of the key in the listing is left out");
}

static void test_what_is_no_version_of_it_is_left_out(void **state)
{
    struct world *world = *state;
    char kid[160];

    expect_left_out(world, "https://evil.example/keys/kek/" VERSION);
    snprintf(kid, sizeof kid, "%s/keys/other/" VERSION, world->client.url);
    expect_left_out(world, kid);
    snprintf(kid, sizeof kid, "%s/keys/kek", world->client.url);
    expect_left_out(world, kid);
}

static void test_the_case_of_the_name_is_the_services(void **state)
{
    struct world *world = *state;
    struct seen seen = {0};

    say_page(world, "/keys/KEK/" VERSION, "", NULL);
    assert_int_equal(list(world, "kek", &seen), CKR_OK);
    assert_int_equal(seen.count, 1);
}

static void test_without_permission(void **state)
{
    struct world *world = *state;
    struct seen seen = {0};

    say_refusal(world, 403, "Forbidden", "ForbiddenByPolicy");
    assert_int_equal(list(world, "kek", &seen), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(world->answer.verdict, VERDICT_REFUSED);
    expect_log(world, "list versions of key kek in ");
    expect_log(world, "it takes the permission list");
    expect_log_lines(world, 1);
}

static void test_a_key_that_is_gone(void **state)
{
    struct world *world = *state;
    struct seen seen = {0};

    say_refusal(world, 404, "KeyNotFound", "");
    assert_int_equal(list(world, "kek", &seen), CKR_KEY_HANDLE_INVALID);
    assert_int_equal(world->answer.verdict, VERDICT_GONE);
}

static void test_404_by_somebody_else(void **state)
{
    struct world *world = *state;
    struct seen seen = {0};

    say(world, 404, "<html>");
    assert_int_equal(list(world, "kek", &seen), CKR_DEVICE_ERROR);
    assert_int_equal(world->answer.verdict, VERDICT_UNREACHABLE);
}

static void test_the_list_is_not_followed_elsewhere(void **state)
{
    struct world *world = *state;
    struct seen seen = {0};

    say(world, 200, "{\"value\":[],\"nextLink\":\"https://evil.example/keys/kek/versions\"}");
    assert_int_equal(list(world, "kek", &seen), CKR_DEVICE_ERROR);
    assert_int_equal(world->asked, 1);
    expect_log(world, "not followed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VAULT_TEST(test_each_version_is_told_with_its_dates),
        VAULT_TEST(test_the_request),
        VAULT_TEST(test_pages_are_followed),
        VAULT_TEST(test_the_visitor_ends_the_walk),
        VAULT_TEST(test_what_is_no_version_of_it_is_left_out),
        VAULT_TEST(test_the_case_of_the_name_is_the_services),
        VAULT_TEST(test_without_permission),
        VAULT_TEST(test_a_key_that_is_gone),
        VAULT_TEST(test_404_by_somebody_else),
        VAULT_TEST(test_the_list_is_not_followed_elsewhere),
    };

    return run_vault_tests(tests);
}
