/*
 * A secret from a file becomes a token, or words that say why not.
 * And what the token endpoint is asked and answers.
 */
#include "backends/base/scope.h"
#include "tests/backends/keyvault/token_world.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *secret_file;

static int set_up(void **state)
{
    struct identity_options who = {.client_id = "my-app"};

    who.client_secret_file = secret_file = test_file("secret", "p&w+d/=~ %\xc3\xa4\n");
    *state = token_world_new(&client_secret_kind, &who);
    return 0;
}

static int tear_down(void **state)
{
    token_world_free(*state);
    return 0;
}

static void expect_failure(struct token_world *world, CK_RV rv, const char *words)
{
    token_world_expect_failure(world, rv, words);
    assert_null(strstr(world->failure.said, "p&w"));
}

static void test_token(void **state)
{
    struct token_world *world = *state;

    assert_true(token_world_fetch(world, 5000));
    assert_string_equal(buffer_text(&world->token), "abc.def");
    assert_int_equal(world->lifetime, 3599000);
}

static void test_request(void **state)
{
    struct token_world *world = *state;

    assert_true(token_world_fetch(world, 5000));
    assert_true(world->was_form);
    assert_string_equal(world->path, "/my-tenant/oauth2/v2.0/token");
    assert_string_equal(world->form, "grant_type=client_credentials&client_id=my-app"
                                     "&client_secret=p%26w%2Bd%2F%3D~%20%25%C3%A4"
                                     "&scope=https%3A%2F%2Fvault.azure.net%2F.default"
                                     "&claims=%7B%22access_token%22%3A%7B%22xms_cc%22%3A%7B%22values%22%3A"
                                     "%5B%22cp1%22%5D%7D%7D%7D");
}

static void expect_claims(struct token_world *world, const char *challenge, const char *claims)
{
    char *sent SCOPED(scope_free) = NULL;

    world->scope.claims = challenge;
    assert_true(token_world_fetch(world, 5000));
    sent = token_world_field(world, "claims");
    assert_string_equal(sent, claims);
}

static void test_claims_of_a_challenge_are_asked_for(void **state)
{
    expect_claims(*state, "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"1700000000\"}}}",
                  "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"1700000000\"},"
                  "\"xms_cc\":{\"values\":[\"cp1\"]}}}");
    expect_claims(*state, "{\"id_token\":{\"a\":null},\"access_token\":7}",
                  "{\"id_token\":{\"a\":null},\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]}}}");
}

static void test_claims_that_are_no_json_are_not_sent(void **state)
{
    static const char capability[] = "{\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]}}}";

    expect_claims(*state, "&client_id=x", capability);
    expect_claims(*state, "[1]", capability);
    expect_claims(*state, "{\"access_token\":{\"nbf\":", capability);
}

static void test_secret_of_the_environment(void **state)
{
    struct token_world *world = *state;
    struct identity_options who = {.client_id = "my-app", .client_secret = "from&where"};

    token_world_open(world, &client_secret_kind, &who);
    assert_true(token_world_fetch(world, 5000));
    assert_non_null(strstr(world->form, "client_secret=from%26where&"));
    world->status = 401;
    world->body = "{\"error\":\"invalid_client\",\"error_codes\":[1]}";
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "$AZURE_CLIENT_SECRET");
}

static void test_the_secret_is_in_no_log(void **state)
{
    struct token_world *world = *state;

    assert_true(token_world_fetch(world, 5000));
    world->status = 401;
    world->body =
        "{\"error\":\"invalid_client\",\"error_description\":\"p&w+d/=~ abc.def\",\"error_codes\":[7000215]}";
    assert_false(token_world_fetch(world, 5000));
    assert_null(strstr(token_world_log(world), "p&w"));
    assert_null(strstr(token_world_log(world), "p%26w"));
    assert_null(strstr(token_world_log(world), "abc.def"));
}

static void expect_advice(struct token_world *world, unsigned code, const char *words)
{
    char body[128];

    snprintf(body, sizeof body, "{\"error\":\"invalid_client\",\"error_codes\":[%u]}", code);
    world->status = 401;
    world->body = body;
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, words);
}

static void test_next_steps(void **state)
{
    expect_advice(*state, 700016, "no application client-id in this tenant");
    expect_advice(*state, 7000112, "disabled");
    expect_advice(*state, 90002, "no such tenant");
    expect_advice(*state, 700027, "upload it");
    expect_advice(*state, 700024, "clock");
    expect_advice(*state, 700213, "subject");
    expect_advice(*state, 123456, "check tenant, client-id, client-secret-file and authority");
}

static void expect_verdict(struct token_world *world, unsigned code, enum service_verdict verdict)
{
    char body[128];

    snprintf(body, sizeof body, "{\"error\":\"unauthorized_client\",\"error_codes\":[%u]}", code);
    world->status = 400;
    world->body = body;
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "unauthorized_client");
    assert_int_equal(world->failure.verdict, verdict);
}

/* The application is disabled, unknown, or not in the tenant: what its owner did. All else may be a mistake. */
static void test_who_is_no_caller(void **state)
{
    expect_verdict(*state, 7000112, VERDICT_NO_CALLER);
    expect_verdict(*state, 700016, VERDICT_NO_CALLER);
    expect_verdict(*state, 7000229, VERDICT_NO_CALLER);
    expect_verdict(*state, 7000215, VERDICT_NO_ACCESS);
    expect_verdict(*state, 7000222, VERDICT_NO_ACCESS);
    expect_verdict(*state, 500014, VERDICT_NO_ACCESS);
    expect_verdict(*state, 53003, VERDICT_NO_ACCESS);
    expect_verdict(*state, 700011, VERDICT_NO_ACCESS);
}

static void test_a_disabled_application_behind_an_error_of_the_service(void **state)
{
    struct token_world *world = *state;

    world->status = 500;
    world->headers = "Retry-After: 60\r\n";
    world->body = "{\"error\":\"unauthorized_client\",\"error_codes\":[7000112]}";
    expect_failure(world, CKR_DEVICE_ERROR, "500");
    assert_int_equal(world->failure.verdict, VERDICT_UNREACHABLE);
}

static void test_not_now_is_no_refusal(void **state)
{
    struct token_world *world = *state;

    world->status = 400;
    world->body = "{\"error\":\"temporarily_unavailable\",\"error_codes\":[90033]}";
    expect_failure(world, CKR_DEVICE_ERROR, "400");
}

static void test_secret_is_read_again(void **state)
{
    struct token_world *world = *state;

    assert_true(token_world_fetch(world, 5000));
    (void)test_file("secret", "other");
    assert_true(token_world_fetch(world, 5000));
    assert_non_null(strstr(world->form, "client_secret=other&"));
}

static void test_missing_secret_file(void **state)
{
    unlink(secret_file);
    token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN, "client-secret-file");
}

static void test_empty_secret_file(void **state)
{
    (void)test_file("secret", "\n");
    expect_failure(*state, CKR_USER_NOT_LOGGED_IN, "empty");
}

static void test_wrong_secret(void **state)
{
    struct token_world *world = *state;

    world->status = 401;
    world->body =
        "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client secret p&w+d\","
        "\"error_codes\":[7000215]}";
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "AADSTS7000215");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "invalid_client");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "not its ID");
}

static void test_no_tenant(void **state)
{
    struct token_world *world = *state;

    world->scope.tenant = NULL;
    token_world_expect_failure_unasked(world, CKR_USER_NOT_LOGGED_IN, "tenant is not known");
}

static void test_unknown_refusal(void **state)
{
    struct token_world *world = *state;

    world->status = 400;
    world->body = "{\"error\":\"unheard_of\"}";
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "unheard_of");
}

static void test_page_of_a_proxy(void **state)
{
    struct token_world *world = *state;

    world->status = 403;
    world->body = "<html>blocked</html>";
    expect_failure(world, CKR_DEVICE_ERROR, "403");
}

static void test_no_token_in_the_answer(void **state)
{
    struct token_world *world = *state;

    world->body = "{\"access_token\":\"x\"}";
    expect_failure(world, CKR_DEVICE_ERROR, "without a token");
}

static void test_throttled_beyond_the_deadline(void **state)
{
    struct token_world *world = *state;
    int64_t begun = clock_now();

    world->status = 429;
    world->headers = "Retry-After: 60\r\n";
    world->body = "{\"error\":\"temporarily_unavailable\"}";
    expect_failure(world, CKR_DEVICE_ERROR, "429");
    assert_true(clock_now() - begun < 1000);
}

static void test_stall(void **state)
{
    struct token_world *world = *state;

    world->act = HTTPS_STALL;
    assert_false(token_world_fetch(world, 300));
    assert_int_equal(world->failure.rv, CKR_DEVICE_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define SECRET_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        SECRET_TEST(test_token),
        SECRET_TEST(test_request),
        SECRET_TEST(test_claims_of_a_challenge_are_asked_for),
        SECRET_TEST(test_claims_that_are_no_json_are_not_sent),
        SECRET_TEST(test_secret_of_the_environment),
        SECRET_TEST(test_the_secret_is_in_no_log),
        SECRET_TEST(test_next_steps),
        SECRET_TEST(test_who_is_no_caller),
        SECRET_TEST(test_a_disabled_application_behind_an_error_of_the_service),
        SECRET_TEST(test_not_now_is_no_refusal),
        SECRET_TEST(test_secret_is_read_again),
        SECRET_TEST(test_missing_secret_file),
        SECRET_TEST(test_empty_secret_file),
        SECRET_TEST(test_wrong_secret),
        SECRET_TEST(test_no_tenant),
        SECRET_TEST(test_unknown_refusal),
        SECRET_TEST(test_page_of_a_proxy),
        SECRET_TEST(test_no_token_in_the_answer),
        SECRET_TEST(test_throttled_beyond_the_deadline),
        SECRET_TEST(test_stall),
    };
    int failed;

    setenv("NO_PROXY", "*", 1);
    signal(SIGPIPE, SIG_IGN);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_folder_remove();
    return failed;
}
