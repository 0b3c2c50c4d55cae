/* Tries at a server that says what it is told: waits that threads share, a breaker, one answer in the end. */
#include "backends/base/scope.h"
#include "backends/keyvault/endpoint.h"
#include "tests/backends/keyvault/https_server.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MOST = 256 };

struct world {
    struct https_server *server;
    struct http_client *http;
    struct endpoint *endpoint;
    atomic_uint status;
    atomic_uint cuts; /* the connection is cut instead */
    const char *_Atomic headers;
    atomic_uint left; /* so many requests get `status`, the others 200 */
    atomic_uint asked;
    int64_t at[MOST]; /* when */
};

static void serve(void *arg, const struct https_request *request, struct https_reply *reply)
{
    struct world *world = arg;
    unsigned number = world->asked++;

    (void)request;
    world->at[number < MOST ? number : MOST - 1] = clock_now();
    if (world->left == 0) {
        https_say(reply, 200, NULL, "{}");
        return;
    }
    world->left--;
    reply->act = world->cuts ? HTTPS_CUT : HTTPS_ANSWER;
    https_say(reply, world->status, world->headers, "");
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct http_options options = {.about = "test", .connect_timeout = 2000, .connection_age = 600000};

    world->server = https_server_start("127.0.0.1", serve, world);
    options.ca_file = https_server_ca(world->server);
    assert_int_equal(http_client_new(&options, &world->http), CKR_OK);
    assert_int_equal(
        endpoint_new(&(struct endpoint_options){.about = "test", .http = world->http}, &world->endpoint),
        CKR_OK);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    endpoint_free(world->endpoint);
    http_client_free(world->http);
    https_server_stop(world->server);
    free(world);
    return 0;
}

static void answer(struct world *world, unsigned status, const char *headers, unsigned times)
{
    world->headers = headers;
    world->status = status;
    world->left = times;
}

static void ask(struct world *world, int64_t milliseconds, struct http_reply *reply)
{
    struct http_request request = {.url = https_server_url(world->server), .limit = HTTP_ANSWER_LIMIT};

    http_reply_init(reply);
    endpoint_ask(world->endpoint, &request, deadline_in(milliseconds), reply);
}

static unsigned status_of(struct world *world, int64_t milliseconds)
{
    struct http_reply reply SCOPED(http_reply_done);

    ask(world, milliseconds, &reply);
    return reply.failure == HTTP_ANSWERED ? reply.status : 0;
}

struct caller {
    struct world *world;
    int64_t time;
    pthread_t thread;
    enum http_failure failure;
    unsigned status;
};

static void *call(void *arg)
{
    struct caller *caller = arg;
    struct http_reply reply SCOPED(http_reply_done);

    ask(caller->world, caller->time, &reply);
    caller->status = reply.status;
    caller->failure = reply.failure;
    return NULL;
}

static void start(struct caller *callers, unsigned count, struct world *world, int64_t time)
{
    for (unsigned i = 0; i < count; i++) {
        callers[i] = (struct caller){.world = world, .time = time};
        pthread_create(&callers[i].thread, NULL, call, &callers[i]);
    }
}

static void join(struct caller *callers, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        pthread_join(callers[i].thread, NULL);
    }
}

/* --- One caller --- */

static void test_503_then_good(void **state)
{
    struct world *world = *state;

    answer(world, 503, NULL, 2);
    assert_int_equal(status_of(world, 20000), 200);
    assert_int_equal(world->asked, 3);
}

static void test_429_then_good(void **state)
{
    struct world *world = *state;

    answer(world, 429, "Retry-After: 1\r\n", 1);
    assert_int_equal(status_of(world, 10000), 200);
    assert_in_range(world->at[1] - world->at[0], 1000, 2500);
}

static void test_429_beyond_the_deadline_is_the_answer_at_once(void **state)
{
    int64_t begun = clock_now();

    answer(*state, 429, "Retry-After: 60\r\n", 10);
    assert_int_equal(status_of(*state, 5000), 429);
    assert_true(clock_now() - begun < 3000);
    assert_int_equal(((struct world *)*state)->asked, 1);
}

static void test_503_beyond_the_deadline_is_the_answer_at_once(void **state)
{
    int64_t begun = clock_now();

    answer(*state, 503, "Retry-After: 60\r\n", 10);
    assert_int_equal(status_of(*state, 5000), 503);
    assert_true(clock_now() - begun < 3000);
}

/* As fast as one can would be thousands. */
static void test_retry_after_0_for_ever(void **state)
{
    struct world *world = *state;

    answer(world, 429, "Retry-After: 0\r\n", 100000);
    assert_int_not_equal(status_of(world, 3000), 200);
    assert_in_range(world->asked, 2, 40);
}

/* --- The not-before --- */

static void test_who_comes_later_waits_too(void **state)
{
    struct world *world = *state;

    answer(world, 429, "Retry-After: 2\r\n", 1);
    assert_int_equal(status_of(world, 1000), 429);
    assert_int_equal(status_of(world, 10000), 200);
    assert_int_equal(world->asked, 2);
    assert_in_range(world->at[1] - world->at[0], 2000, 3500);
}

static void test_who_has_no_time_to_wait_does_not_ask(void **state)
{
    struct world *world = *state;
    struct http_reply reply SCOPED(http_reply_done);

    answer(world, 429, "Retry-After: 30\r\n", 1);
    assert_int_equal(status_of(world, 1000), 429);
    ask(world, 2000, &reply);
    assert_int_equal(reply.failure, HTTP_NOT_ASKED);
    assert_int_equal(reply.status, 429);
    assert_non_null(strstr(reply.cause, "not asked"));
    assert_int_equal(world->asked, 1);
}

/* A call that waits for a reason of its own notices what another one has learned. */
static void test_who_waits_notices(void **state)
{
    struct world *world = *state;
    struct caller waiting;

    answer(world, 503, "retry-after-ms: 700\r\n", 1);
    start(&waiting, 1, world, 20000);
    while (world->asked == 0) {
        usleep(1000);
    }
    usleep(100000);
    answer(world, 429, "Retry-After: 3\r\n", 1);
    assert_int_equal(status_of(world, 1000), 429);
    join(&waiting, 1);
    assert_int_equal(waiting.status, 200);
    assert_int_equal(world->asked, 3);
    assert_true(world->at[2] - world->at[1] >= 3000);
}

static int by_time(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* 32 calls after one 429: nobody before the time, all of them, and not all at once. */
static void test_32_threads_are_spread(void **state)
{
    struct world *world = *state;
    struct caller callers[32];

    answer(world, 429, "Retry-After: 1\r\n", 1);
    assert_int_equal(status_of(world, 500), 429);
    start(callers, 32, world, 20000);
    join(callers, 32);
    for (int i = 0; i < 32; i++) {
        assert_int_equal(callers[i].status, 200);
    }
    assert_int_equal(world->asked, 33);
    qsort(world->at + 1, 32, sizeof world->at[0], by_time);
    assert_true(world->at[1] - world->at[0] >= 1000);
    assert_true(world->at[32] - world->at[1] >= 150);
}

/* --- The breaker --- */

static void open_breaker(struct world *world, unsigned failures)
{
    answer(world, 503, "Retry-After: 60\r\n", failures);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(status_of(world, 5000), 503);
    }
}

static void test_breaker_fails_fast_and_closes_by_itself(void **state)
{
    struct world *world = *state;
    struct http_reply reply SCOPED(http_reply_done);
    int64_t begun;

    open_breaker(world, 5);
    begun = clock_now();
    ask(world, 5000, &reply);
    assert_int_equal(reply.failure, HTTP_NOT_ASKED);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.cause, "5 times in a row, last: status 503"));
    assert_true(clock_now() - begun < 500);
    assert_int_equal(world->asked, 5);
    usleep(5100000);
    assert_int_equal(status_of(world, 5000), 200);
    assert_int_equal(status_of(world, 5000), 200);
    assert_int_equal(world->asked, 7);
}

/* The probe fails: the next comes five seconds later, whoever asks meanwhile. */
static void test_one_of_32_threads_is_the_probe(void **state)
{
    struct world *world = *state;
    struct caller callers[32];
    unsigned asked = 0, not_asked = 0;

    open_breaker(world, 100);
    usleep(5100000);
    start(callers, 32, world, 3000);
    join(callers, 32);
    for (int i = 0; i < 32; i++) {
        asked += callers[i].failure == HTTP_ANSWERED;
        not_asked += callers[i].failure == HTTP_NOT_ASKED;
    }
    assert_int_equal(asked, 1);
    assert_int_equal(not_asked, 31);
    assert_int_equal(world->asked, 6);
}

/* Cut connections open it, too; a call that is under way then waits for the next probe. */
static void test_call_under_way_waits_for_a_probe(void **state)
{
    struct world *world = *state;

    world->cuts = 1;
    answer(world, 0, NULL, 5);
    assert_int_equal(status_of(world, 60000), 200);
    assert_int_equal(world->asked, 6);
    assert_true(world->at[5] - world->at[4] >= 4900);
}

static void test_429_never_opens_it(void **state)
{
    struct world *world = *state;

    answer(world, 429, "retry-after-ms: 1\r\n", 8);
    for (int i = 0; i < 8; i++) {
        (void)status_of(world, 900);
    }
    world->left = 0;
    assert_int_equal(status_of(world, 5000), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ENDPOINT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        ENDPOINT_TEST(test_503_then_good),
        ENDPOINT_TEST(test_429_then_good),
        ENDPOINT_TEST(test_429_beyond_the_deadline_is_the_answer_at_once),
        ENDPOINT_TEST(test_503_beyond_the_deadline_is_the_answer_at_once),
        ENDPOINT_TEST(test_retry_after_0_for_ever),
        ENDPOINT_TEST(test_who_comes_later_waits_too),
        ENDPOINT_TEST(test_who_has_no_time_to_wait_does_not_ask),
        ENDPOINT_TEST(test_who_waits_notices),
        ENDPOINT_TEST(test_32_threads_are_spread),
        ENDPOINT_TEST(test_breaker_fails_fast_and_closes_by_itself),
        ENDPOINT_TEST(test_one_of_32_threads_is_the_probe),
        ENDPOINT_TEST(test_call_under_way_waits_for_a_probe),
        ENDPOINT_TEST(test_429_never_opens_it),
    };
    int failed;

    setenv("NO_PROXY", "*", 1);
    unsetenv("BYOK_PKCS11_LOG");
    signal(SIGPIPE, SIG_IGN);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_folder_remove();
    return failed;
}
