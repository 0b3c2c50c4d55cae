/* The identity of a virtual machine: how its metadata service is asked, and what the answers mean. */
#include "backends/base/scope.h"
#include "tests/backends/keyvault/machine_world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_metadata_service(void **state)
{
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    expect_token(world);
    assert_int_equal(world->lifetime, 85770000);
    assert_string_equal(world->path, "GET /metadata/identity/oauth2/token?api-version=2018-02-01"
                                     "&resource=https%3A%2F%2Fvault.azure.net");
    assert_true(was_sent(world, "Metadata: true"));
    assert_null(strcasestr(world->headers, "x-identity-header"));
}

static void test_user_assigned_by_client_id(void **state)
{
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    world->options.client_id = ID;
    expect_token(world);
    assert_non_null(strstr(world->path, "&client_id=" ID));
}

static void test_user_assigned_by_resource_id(void **state)
{
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    world->options.client_id = RESOURCE_ID;
    expect_token(world);
    assert_non_null(strstr(world->path, "&msi_res_id=%2Fsubscriptions%2Fs%2Fresourcegroups%2F"));
    assert_null(strstr(world->path, "client_id"));
}

/* A proxy would ask from its own machine. */
static void test_no_proxy_is_asked(void **state)
{
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    unsetenv("NO_PROXY");
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    expect_token(world);
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    setenv("NO_PROXY", "*", 1);
}

static void test_update_is_waited_for(void **state)
{
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    world->answers[0] = (struct machine_answer){HTTPS_ANSWER, 404, "Retry-After: 0\r\n", ""};
    world->answers[1] = (struct machine_answer){HTTPS_ANSWER, 410, "Retry-After: 0\r\n", ""};
    world->answers[2] = (struct machine_answer){HTTPS_ANSWER, 429, "Retry-After: 0\r\n", ""};
    world->answers[3] = (struct machine_answer){HTTPS_ANSWER, 200, NULL, GOOD};
    world->answer_count = 4;
    expect_token(world);
    assert_int_equal(https_server_requests(world->server), 4);
}

static void test_update_without_end(void **state)
{
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    answer_with(world, 410, "Retry-After: 70\r\n", "");
    expect_failure(world, CKR_DEVICE_ERROR, "being updated");
}

static void test_no_identity(void **state)
{
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    answer_with(world, 400, NULL, NO_IDENTITY);
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "no identity is assigned to this machine");
    assert_int_equal(https_server_requests(world->server), 1);
}

static void test_no_such_identity(void **state)
{
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    world->options.client_id = ID;
    answer_with(world, 400, NULL, NO_IDENTITY);
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "knows no identity " ID);
}

static void test_unknown_audience(void **state)
{
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    answer_with(world, 400, NULL,
                "{\"error\":\"invalid_resource\",\"error_description\":\"AADSTS500011: " SECRET "\"}");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "invalid_resource");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "audience");
}

/* What the machine's service repeats of the directory's. */
static void test_the_directory_knows_it_no_longer(void **state)
{
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    answer_with(world, 400, NULL,
                "{\"error\":\"unauthorized_client\",\"error_description\":\"AADSTS700016: " SECRET "\"}");
    assert_false(fetch(world, 3000));
    assert_int_equal(world->failure.rv, CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(world->failure.verdict, VERDICT_NO_CALLER);
    assert_non_null(strstr(world->failure.said, "AADSTS700016"));
    assert_null(strstr(world->failure.said, SECRET));
}

static void test_a_proxy_answers(void **state)
{
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    answer_with(world, 403, NULL, "<html>blocked</html>");
    expect_failure(world, CKR_DEVICE_ERROR, "proxy");
}

static void test_answers_without_a_token(void **state)
{
    static const struct machine_answer answers[] = {
        {HTTPS_ANSWER, 200, NULL, ""},
        {HTTPS_ANSWER, 200, NULL, "<html>sign in</html>"},
        {HTTPS_ANSWER, 200, NULL, "{\"access_token\":\"x\"}"},
        {HTTPS_ANSWER, 302, "Location: https://127.0.0.1:1/\r\n", ""},
        {HTTPS_ANSWER, 405, NULL, ""},
        {HTTPS_RAW, 0, NULL, "garbage\r\n\r\n"},
    };
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        world->answers[0] = answers[i];
        expect_failure(world, CKR_DEVICE_ERROR, "");
    }
}

static void test_too_large_an_answer(void **state)
{
    struct machine_world *world = *state;
    char *body SCOPED(scope_free) = malloc(100001);

    memset(body, ' ', 100000);
    body[100000] = 0;
    on_a_virtual_machine(world);
    answer_with(world, 200, NULL, body);
    expect_failure(world, CKR_DEVICE_ERROR, "too large");
}

static void test_token_that_has_ended(void **state)
{
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    answer_with(world, 200, NULL, "{\"access_token\":\"x\",\"expires_on\":\"1500000000\"}");
    expect_failure(world, CKR_DEVICE_ERROR, "clock");
}

/* The end is on the service's clock, and so is what it is compared to. */
static void test_end_is_by_the_services_clock(void **state)
{
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    answer_with(world, 200, "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n",
                "{\"access_token\":\"abc.def\",\"expires_on\":\"1700000100\"}");
    expect_token(world);
    assert_int_equal(world->lifetime, 100000);
}

static void test_stall(void **state)
{
    struct machine_world *world = *state;

    on_a_virtual_machine(world);
    world->answers[0].act = HTTPS_STALL;
    assert_false(fetch(world, 300));
    assert_int_equal(world->failure.rv, CKR_DEVICE_ERROR);
}

static void test_nobody_there(void **state)
{
    struct machine_world *world = *state;

    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1", 1);
    expect_failure(world, CKR_DEVICE_ERROR, "is this a machine with a managed identity?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINE_TEST(test_metadata_service),
        MACHINE_TEST(test_user_assigned_by_client_id),
        MACHINE_TEST(test_user_assigned_by_resource_id),
        MACHINE_TEST(test_no_proxy_is_asked),
        MACHINE_TEST(test_update_is_waited_for),
        MACHINE_TEST(test_update_without_end),
        MACHINE_TEST(test_no_identity),
        MACHINE_TEST(test_no_such_identity),
        MACHINE_TEST(test_unknown_audience),
        MACHINE_TEST(test_the_directory_knows_it_no_longer),
        MACHINE_TEST(test_a_proxy_answers),
        MACHINE_TEST(test_answers_without_a_token),
        MACHINE_TEST(test_too_large_an_answer),
        MACHINE_TEST(test_token_that_has_ended),
        MACHINE_TEST(test_end_is_by_the_services_clock),
        MACHINE_TEST(test_stall),
        MACHINE_TEST(test_nobody_there),
    };

    return run_machine_tests(tests);
}
