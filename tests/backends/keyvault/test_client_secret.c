/* A secret from a file becomes a token, or words that say why not. */
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "tests/backends/keyvault/https_server.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct https_server *server;
    struct http_client *http;
    struct identity *identity;
    struct token_scope scope;
    const char *secret_file;
    struct buffer token;
    int64_t lifetime;
    struct identity_failure failure;
    /* what the endpoint says, and what it was asked */
    enum https_act act;
    unsigned status;
    const char *headers, *body;
    char path[256], form[1024];
    bool was_form;
};

static void serve(void *arg, const struct https_request *request, struct https_reply *reply)
{
    struct world *world = arg;

    strncpy(world->path, request->path, sizeof world->path - 1);
    memcpy(world->form, request->body.data, request->body.size);
    world->form[request->body.size] = 0;
    world->was_form = strcmp(request->method, "POST") == 0 &&
                      https_has_header(request, "Content-Type: application/x-www-form-urlencoded");
    reply->act = world->act;
    https_say(reply, world->status, world->headers, world->body);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct http_options options = {.about = "test", .connect_timeout = 2000, .connection_age = 600000};
    struct identity_options who = {.about = "test", .client_id = "my-app"};

    world->server = https_server_start("127.0.0.1", serve, world);
    options.ca_file = https_server_ca(world->server);
    world->secret_file = test_file("secret", "p&w+d/=~ %\xc3\xa4\n");
    world->scope = (struct token_scope){.authority = https_server_url(world->server),
                                        .tenant = "my-tenant",
                                        .audience = "https://vault.azure.net"};
    who.client_secret_file = world->secret_file;
    world->token.limit = TOKEN_LIMIT;
    world->status = 200;
    world->body = "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"abc.def\"}";
    *state = world;
    assert_int_equal(http_client_new(&options, &world->http), CKR_OK);
    who.http = world->http;
    assert_int_equal(client_secret_kind.open(&who, &world->identity), CKR_OK);
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    world->identity->ops->free(world->identity);
    http_client_free(world->http);
    https_server_stop(world->server);
    buffer_free(&world->token);
    free(world);
    return 0;
}

static bool fetch(struct world *world, int64_t milliseconds)
{
    return world->identity->ops->fetch(world->identity, &world->scope, deadline_in(milliseconds),
                                       &world->token, &world->lifetime, &world->failure);
}

static void expect_failure(struct world *world, CK_RV rv, const char *words)
{
    assert_false(fetch(world, 2000));
    assert_int_equal(world->failure.rv, rv);
    assert_int_equal(world->failure.verdict,
                     rv == CKR_USER_NOT_LOGGED_IN ? VERDICT_NO_ACCESS : VERDICT_UNREACHABLE);
    if (strstr(world->failure.said, words) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", words, world->failure.said);
    }
    assert_null(strstr(world->failure.said, "p&w"));
}

static void test_token(void **state)
{
    struct world *world = *state;

    assert_true(fetch(world, 5000));
    assert_string_equal(buffer_text(&world->token), "abc.def");
    assert_int_equal(world->lifetime, 3599000);
}

static void test_request(void **state)
{
    struct world *world = *state;

    assert_true(fetch(world, 5000));
    assert_true(world->was_form);
    assert_string_equal(world->path, "/my-tenant/oauth2/v2.0/token");
    assert_string_equal(world->form, "grant_type=client_credentials&client_id=my-app"
                                     "&client_secret=p%26w%2Bd%2F%3D~%20%25%C3%A4"
                                     "&scope=https%3A%2F%2Fvault.azure.net%2F.default");
}

static void test_secret_is_read_again(void **state)
{
    struct world *world = *state;

    assert_true(fetch(world, 5000));
    (void)test_file("secret", "other");
    assert_true(fetch(world, 5000));
    assert_non_null(strstr(world->form, "client_secret=other&"));
}

static void test_missing_secret_file(void **state)
{
    unlink(((struct world *)*state)->secret_file);
    expect_failure(*state, CKR_USER_NOT_LOGGED_IN, "client-secret-file");
    assert_int_equal(https_server_requests(((struct world *)*state)->server), 0);
}

static void test_empty_secret_file(void **state)
{
    (void)test_file("secret", "\n");
    expect_failure(*state, CKR_USER_NOT_LOGGED_IN, "empty");
}

static void test_wrong_secret(void **state)
{
    struct world *world = *state;

    world->status = 401;
    world->body =
        "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client secret p&w+d\","
        "\"error_codes\":[7000215]}";
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "AADSTS7000215");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "invalid_client");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "not its ID");
}

static void test_unknown_refusal(void **state)
{
    struct world *world = *state;

    world->status = 400;
    world->body = "{\"error\":\"unheard_of\"}";
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "unheard_of");
}

static void test_page_of_a_proxy(void **state)
{
    struct world *world = *state;

    world->status = 403;
    world->body = "<html>blocked</html>";
    expect_failure(world, CKR_DEVICE_ERROR, "403");
}

static void test_no_token_in_the_answer(void **state)
{
    struct world *world = *state;

    world->body = "{\"access_token\":\"x\"}";
    expect_failure(world, CKR_DEVICE_ERROR, "without a token");
}

static void test_throttled_beyond_the_deadline(void **state)
{
    struct world *world = *state;
    int64_t begun = clock_now();

    world->status = 429;
    world->headers = "Retry-After: 60\r\n";
    world->body = "{\"error\":\"temporarily_unavailable\"}";
    expect_failure(world, CKR_DEVICE_ERROR, "429");
    assert_true(clock_now() - begun < 1000);
}

static void test_stall(void **state)
{
    struct world *world = *state;

    world->act = HTTPS_STALL;
    assert_false(fetch(world, 300));
    assert_int_equal(world->failure.rv, CKR_DEVICE_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define SECRET_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        SECRET_TEST(test_token),
        SECRET_TEST(test_request),
        SECRET_TEST(test_secret_is_read_again),
        SECRET_TEST(test_missing_secret_file),
        SECRET_TEST(test_empty_secret_file),
        SECRET_TEST(test_wrong_secret),
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
