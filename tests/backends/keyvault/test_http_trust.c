/* Who is believed to be the other side, and who is not even there. */
#include "tests/backends/keyvault/http_world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_unknown_ca_is_refused(void **state)
{
    struct http_world *world = *state;
    struct https_server *other = https_server_start("127.0.0.1", http_world_serve, NULL);
    struct http_client *client = http_world_client(https_server_ca(other));
    struct http_request request = http_world_get(world, "/ok");

    http_exchange(client, &request, deadline_in(5000), &world->reply);
    assert_int_equal(world->reply.failure, HTTP_UNTRUSTED);
    assert_non_null(strstr(world->reply.advice, "ca-file"));
    assert_int_equal(https_server_requests(world->server), 0);
    http_client_free(client);
    https_server_stop(other);
}

static void test_system_ca_does_not_know_us(void **state)
{
    struct http_world *world = *state;
    struct http_client *client = http_world_client(NULL);
    struct http_request request = http_world_get(world, "/ok");

    http_exchange(client, &request, deadline_in(5000), &world->reply);
    assert_int_not_equal(world->reply.failure, HTTP_ANSWERED);
    assert_int_equal(https_server_requests(world->server), 0);
    http_client_free(client);
}

static void test_other_host_name_is_refused(void **state)
{
    struct https_server *server = https_server_start("vault.example", http_world_serve, NULL);
    struct http_client *client = http_world_client(https_server_ca(server));
    struct http_request request = {.url = https_server_url(server), .limit = 100};
    struct http_world *world = *state;

    http_exchange(client, &request, deadline_in(5000), &world->reply);
    assert_int_equal(world->reply.failure, HTTP_UNTRUSTED);
    http_client_free(client);
    https_server_stop(server);
}

static void test_ca_file_is_read_again_when_changed(void **state)
{
    struct http_world *world = *state;
    struct https_server *other = https_server_start("127.0.0.1", http_world_serve, NULL);
    char command[512];
    struct http_request request = http_world_get(world, "/ok");
    const char *path = test_file("changing.pem", "");
    struct http_client *client = http_world_client(path);

    snprintf(command, sizeof command, "cp %s %s", https_server_ca(other), path);
    assert_int_equal(system(command), 0);
    http_exchange(client, &request, deadline_in(5000), &world->reply);
    assert_int_equal(world->reply.failure, HTTP_UNTRUSTED);
    snprintf(command, sizeof command, "cat %s >>%s", https_server_ca(world->server), path);
    assert_int_equal(system(command), 0);
    http_exchange(client, &request, deadline_in(5000), &world->reply);
    assert_int_equal(world->reply.failure, HTTP_ANSWERED);
    http_client_free(client);
    https_server_stop(other);
}

static void expect_unusable_ca(struct http_world *world, const char *path)
{
    struct http_client *client = http_world_client(path);
    struct http_request request = http_world_get(world, "/ok");

    http_exchange(client, &request, deadline_in(5000), &world->reply);
    assert_int_equal(world->reply.failure, HTTP_UNUSABLE);
    http_client_free(client);
}

static void test_missing_ca_file(void **state)
{
    expect_unusable_ca(*state, "/nonexistent/ca.pem");
}

static void test_empty_ca_file(void **state)
{
    expect_unusable_ca(*state, test_file("empty.pem", "no certificate here\n"));
}

static void test_nobody_there(void **state)
{
    struct http_world *world = *state;
    struct http_request request = {.url = "https://127.0.0.1:1/", .limit = 100};

    http_exchange(world->client, &request, deadline_in(5000), &world->reply);
    assert_int_equal(world->reply.failure, HTTP_NO_CONNECT);
}

static void test_name_that_does_not_resolve(void **state)
{
    struct http_world *world = *state;
    struct http_request request = {.url = "https://no-such-vault.invalid/", .limit = 100};
    int64_t begun = clock_now();

    http_exchange(world->client, &request, deadline_in(3000), &world->reply);
    assert_true(world->reply.failure == HTTP_NO_CONNECT || world->reply.failure == HTTP_TIMED_OUT);
    assert_true(clock_now() - begun < 4500);
}

static void test_plain_http_is_refused(void **state)
{
    struct http_world *world = *state;
    struct http_request request = {.url = "http://127.0.0.1:1/", .limit = 100};

    http_exchange(world->client, &request, deadline_in(5000), &world->reply);
    assert_int_not_equal(world->reply.failure, HTTP_ANSWERED);
    assert_int_not_equal(world->reply.failure, HTTP_NO_CONNECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_unknown_ca_is_refused),
        HTTP_TEST(test_system_ca_does_not_know_us),
        HTTP_TEST(test_other_host_name_is_refused),
        HTTP_TEST(test_ca_file_is_read_again_when_changed),
        HTTP_TEST(test_missing_ca_file),
        HTTP_TEST(test_empty_ca_file),
        HTTP_TEST(test_nobody_there),
        HTTP_TEST(test_name_that_does_not_resolve),
        HTTP_TEST(test_plain_http_is_refused),
    };

    return run_http_tests(tests);
}
