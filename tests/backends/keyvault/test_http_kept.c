/* Connections that are kept: when they end, and when they are dead without a word. */
#include "backends/base/scope.h"
#include "backends/keyvault/http_pool.h"
#include "tests/backends/keyvault/way_world.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int set_up(void **state)
{
    *state = way_world_new();
    return 0;
}

static int tear_down(void **state)
{
    way_world_free(*state);
    return 0;
}

/* --- Dead without a word --- */

static void test_kept_connection_falls_silent(void **state)
{
    struct way_world *world = *state;
    int64_t begun;

    world->slow = 0;
    assert_int_equal(way_world_ask(world, 5000)->status, 200);
    world->stalls = true;
    begun = clock_now();
    assert_int_equal(way_world_ask(world, 6000)->failure, HTTP_BROKEN);
    assert_true(world->reply.reused);
    assert_false(world->reply.began);
    assert_in_range(clock_now() - begun, 1900, 4000);
    assert_non_null(strstr(world->reply.cause, "kept connection"));
}

static unsigned ask_all(struct way_world *world, int64_t milliseconds)
{
    struct http_request request = {.url = https_server_url(world->server), .limit = HTTP_ANSWER_LIMIT};
    struct http_reply reply SCOPED(http_reply_done);

    http_reply_init(&reply);
    endpoint_ask(world->endpoint, &request, deadline_in(milliseconds), &reply);
    return reply.status;
}

static void test_silent_peer_costs_a_part_of_the_deadline(void **state)
{
    struct way_world *world = *state;
    int64_t begun;

    way_world_open(world, "http://127.0.0.1:%u", 600000);
    assert_int_equal(ask_all(world, 5000), 200);
    proxy_server_fall_silent(world->proxy);
    begun = clock_now();
    assert_int_equal(ask_all(world, 6000), 200);
    assert_in_range(clock_now() - begun, 1900, 4500);
    assert_int_equal(proxy_server_count(world->proxy), 2);
}

static void *ask_in_thread(void *arg)
{
    return (void *)(uintptr_t)ask_all(arg, 9000);
}

static void ask_in_threads(struct way_world *world, unsigned count)
{
    pthread_t threads[32];
    void *status;

    for (unsigned i = 0; i < count; i++) {
        pthread_create(&threads[i], NULL, ask_in_thread, world);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], &status);
        assert_int_equal((uintptr_t)status, 200);
    }
}

/* All that was kept is dead: each call finds out once at most, and none after them. */
static void test_32_kept_connections_fall_silent(void **state)
{
    struct way_world *world = *state;
    int64_t begun;

    world->slow = 20; /* so that there are many connections */
    way_world_open(world, "http://127.0.0.1:%u", 600000);
    ask_in_threads(world, 32);
    proxy_server_fall_silent(world->proxy);
    world->slow = 0;
    begun = clock_now();
    ask_in_threads(world, 8);
    assert_in_range(clock_now() - begun, 1900, 6000);
    begun = clock_now();
    ask_in_threads(world, 32);
    assert_true(clock_now() - begun < 1900);
}

/* A slow answer over a new connection is waited for. */
static void test_slow_answer_over_a_new_connection(void **state)
{
    struct way_world *world = *state;

    world->slow = 3500;
    assert_int_equal(way_world_ask(world, 8000)->status, 200);
}

/* Nor is a service that is slow asked twice each time. */
static void test_slow_answers_over_a_kept_connection(void **state)
{
    struct way_world *world = *state;

    world->slow = 3000;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(way_world_ask(world, 8000)->status, 200);
    }
    assert_int_equal(https_server_connections(world->server), 1);
    assert_int_equal(https_server_requests(world->server), 2);
}

/* --- Kept and retired --- */

static void test_connection_is_retired_at_its_age(void **state)
{
    struct way_world *world = *state;

    way_world_open(world, "", 1000);
    assert_int_equal(way_world_ask(world, 5000)->status, 200);
    assert_int_equal(way_world_ask(world, 5000)->status, 200);
    assert_int_equal(https_server_connections(world->server), 1);
    usleep(2200000);
    assert_int_equal(way_world_ask(world, 5000)->status, 200);
    assert_int_equal(https_server_connections(world->server), 2);
}

static unsigned idle_count(struct http_client *client)
{
    unsigned count;

    pthread_mutex_lock(&client->lock);
    count = client->idle_count;
    pthread_mutex_unlock(&client->lock);
    return count;
}

/* As if they had been idle for a minute. */
static void test_idle_connections_are_closed_by_who_comes_next(void **state)
{
    struct way_world *world = *state;

    world->slow = 20;
    ask_in_threads(world, 16);
    assert_true(idle_count(world->client) > 1);
    pthread_mutex_lock(&world->client->lock);
    for (struct http_line *line = world->client->idle; line != NULL; line = line->next) {
        line->since -= 61000;
    }
    world->client->looked_at = 0;
    pthread_mutex_unlock(&world->client->lock);
    assert_int_equal(way_world_ask(world, 5000)->status, 200);
    assert_int_equal(idle_count(world->client), 1);
}

static void expect_option(struct way_world *world, int option, int expected)
{
    struct http_line *line;
    curl_socket_t socket;
    socklen_t size = sizeof(int);
    int value = 0;

    assert_int_equal(way_world_ask(world, 5000)->status, 200);
    line = world->client->idle;
    assert_int_equal(curl_easy_getinfo(line->easy, CURLINFO_ACTIVESOCKET, &socket), CURLE_OK);
    assert_int_equal(getsockopt(socket, IPPROTO_TCP, option, &value, &size), 0);
    assert_int_equal(value, expected);
}

static void test_the_kernel_watches_connections(void **state)
{
    expect_option(*state, TCP_KEEPIDLE, 15);
    expect_option(*state, TCP_KEEPINTVL, 5);
    expect_option(*state, TCP_KEEPCNT, 3);
    expect_option(*state, TCP_USER_TIMEOUT, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define KEPT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        KEPT_TEST(test_kept_connection_falls_silent),
        KEPT_TEST(test_silent_peer_costs_a_part_of_the_deadline),
        KEPT_TEST(test_32_kept_connections_fall_silent),
        KEPT_TEST(test_slow_answer_over_a_new_connection),
        KEPT_TEST(test_slow_answers_over_a_kept_connection),
        KEPT_TEST(test_connection_is_retired_at_its_age),
        KEPT_TEST(test_idle_connections_are_closed_by_who_comes_next),
        KEPT_TEST(test_the_kernel_watches_connections),
    };
    int failed;

    unsetenv("NO_PROXY");
    unsetenv("no_proxy");
    signal(SIGPIPE, SIG_IGN);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_folder_remove();
    return failed;
}
