/* Another provider's token from a file becomes ours, or words that say why not. */
#include "backends/base/scope.h"
#include "tests/backends/keyvault/token_world.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *file;

static int set_up(void **state)
{
    struct identity_options who = {.client_id = "my-app"};

    who.federated_token_file = file = test_file("federated", "aaa.bbb.ccc");
    *state = token_world_new(&workload_identity_kind, &who);
    return 0;
}

static int tear_down(void **state)
{
    token_world_free(*state);
    return 0;
}

static void expect_sent(struct token_world *world, const char *assertion)
{
    char *sent SCOPED(scope_free) = NULL;

    assert_true(token_world_fetch(world, 5000));
    sent = token_world_field(world, "client_assertion");
    assert_string_equal(sent, assertion);
}

static void test_form(void **state)
{
    struct token_world *world = *state;
    char *type SCOPED(scope_free) = NULL;

    expect_sent(world, "aaa.bbb.ccc");
    assert_string_equal(buffer_text(&world->token), "abc.def");
    assert_string_equal(world->path, "/my-tenant/oauth2/v2.0/token");
    type = token_world_field(world, "client_assertion_type");
    assert_string_equal(type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
}

static void test_file_is_read_each_time(void **state)
{
    expect_sent(*state, "aaa.bbb.ccc");
    (void)test_file("federated", "ddd.eee.fff");
    expect_sent(*state, "ddd.eee.fff");
}

static void test_white_space_around_it(void **state)
{
    (void)test_file("federated", "\n aaa.bbb.ccc \r\n\n");
    expect_sent(*state, "aaa.bbb.ccc");
}

static void test_missing_file(void **state)
{
    unlink(file);
    token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN, "federated-token-file");
    assert_non_null(strstr(((struct token_world *)*state)->failure.said, "cannot be read"));
}

static void test_empty_file(void **state)
{
    (void)test_file("federated", "");
    token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN, "empty");
    (void)test_file("federated", " \n");
    token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN, "empty");
}

static void test_two_words_are_no_token(void **state)
{
    (void)test_file("federated", "aaa.bbb ccc");
    token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN, "holds no token");
}

static void test_huge_file(void **state)
{
    char *huge SCOPED(scope_free) = calloc(1, 64 * 1024);

    memset(huge, 'a', 64 * 1024 - 1);
    (void)test_file("federated", huge);
    token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN, "longer than a token");
}

static void test_no_federated_credential_fits(void **state)
{
    struct token_world *world = *state;

    world->status = 401;
    world->body =
        "{\"error\":\"invalid_client\",\"error_codes\":[700213],\"error_description\":\"aaa.bbb.ccc\"}";
    token_world_expect_failure(world, CKR_USER_NOT_LOGGED_IN, "subject");
    assert_null(strstr(world->failure.said, "aaa.bbb"));
    assert_null(strstr(token_world_log(world), "aaa.bbb"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WORKLOAD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        WORKLOAD_TEST(test_form),
        WORKLOAD_TEST(test_file_is_read_each_time),
        WORKLOAD_TEST(test_white_space_around_it),
        WORKLOAD_TEST(test_missing_file),
        WORKLOAD_TEST(test_empty_file),
        WORKLOAD_TEST(test_two_words_are_no_token),
        WORKLOAD_TEST(test_huge_file),
        WORKLOAD_TEST(test_no_federated_credential_fits),
    };
    int failed;

    setenv("NO_PROXY", "*", 1);
    signal(SIGPIPE, SIG_IGN);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_folder_remove();
    return failed;
}
