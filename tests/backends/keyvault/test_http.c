/* One request, one reply: limits, connections, and what a guest must not do. */
#include "backends/base/scope.h"
#include "tests/backends/keyvault/http_world.h"
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void many_headers(void *arg, const struct https_request *request, struct https_reply *reply)
{
    static char lines[40 * 1100];

    (void)arg;
    (void)request;
    lines[0] = 0;
    for (int i = 0; i < 40; i++) {
        sprintf(lines + strlen(lines), "x-%d: %01000d\r\n", i, i);
    }
    https_say(reply, 200, lines, "{}");
}

static void test_answer(void **state)
{
    struct http_reply *reply = http_world_ask(*state, "/ok", 5000);

    assert_int_equal(reply->failure, HTTP_ANSWERED);
    assert_int_equal(reply->status, 200);
    assert_string_equal(buffer_text(&reply->body), "{\"a\":1}");
    assert_string_equal(reply->request_id, "abc-1");
    assert_int_equal(reply->date, 784887151);
    assert_int_equal(reply->retry_after, -1);
    assert_string_equal(reply->address, "127.0.0.1");
}

static void post(struct http_world *world, const char *body, bool secret)
{
    struct http_request request = http_world_get(world, "/echo");

    request.content_type = "application/json";
    request.body = bytes_of_text(body);
    request.body_is_secret = secret;
    http_exchange(world->client, &request, deadline_in(5000), &world->reply);
    assert_int_equal(world->reply.failure, HTTP_ANSWERED);
    assert_string_equal(buffer_text(&world->reply.body), body);
}

static void test_body_arrives(void **state)
{
    post(*state, "{\"alg\":\"RSA-OAEP\"}", false);
}

static void test_secret_body_arrives(void **state)
{
    post(*state, "{\"alg\":\"RSA-OAEP\"}", true);
    post(*state, "x", true);
}

static void test_large_secret_body_arrives(void **state)
{
    char *body SCOPED(scope_free) = calloc(1, 150001);

    memset(body, 'a', 150000);
    body[149999] = 'z';
    for (struct http_world *world = *state; world != NULL; world = NULL) {
        struct http_request request = http_world_get(world, "/echo");

        request.content_type = "application/json";
        request.body = bytes_of_text(body);
        request.body_is_secret = true;
        request.limit = 200000;
        http_exchange(world->client, &request, deadline_in(5000), &world->reply);
        assert_true(bytes_equal(buffer_bytes(&world->reply.body), request.body));
    }
}

static void test_secret_body_over_stale_connection(void **state)
{
    struct http_world *world = *state;

    post(world, "first", true);
    https_server_hang_up(world->server);
    usleep(50000);
    post(world, "second, after the server hung up", true);
    assert_int_equal(https_server_connections(world->server), 2);
}

static void test_headers(void **state)
{
    struct http_world *world = *state;
    struct http_request request = http_world_get(world, "/headers");
    const char *text;

    request.content_type = "application/json";
    request.body = bytes_of_text("{}");
    request.bearer = "the.token";
    request.client_id = "the-id";
    http_exchange(world->client, &request, deadline_in(5000), &world->reply);
    text = buffer_text(&world->reply.body);
    assert_non_null(strstr(text, "\r\nAuthorization: Bearer the.token\r\n"));
    assert_non_null(strstr(text, "\r\nx-ms-client-request-id: the-id\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(text, "\r\nUser-Agent: byok-pkcs11/"));
    assert_null(strcasestr(text, "\r\nExpect"));
    assert_null(strcasestr(text, "\r\nAccept-Encoding"));
}

static void test_headers_of_one_request_are_not_of_the_next(void **state)
{
    test_headers(state);
    http_world_ask(*state, "/headers", 5000);
    assert_null(strstr(buffer_text(&((struct http_world *)*state)->reply.body), "Authorization"));
}

static void test_stall_ends_at_deadline(void **state)
{
    int64_t begun = clock_now();
    struct http_reply *reply = http_world_ask(*state, "/stall", 300);

    assert_int_equal(reply->failure, HTTP_TIMED_OUT);
    assert_int_equal(reply->status, 0);
    assert_in_range(clock_now() - begun, 290, 1500);
}

static void test_no_time_left(void **state)
{
    struct http_world *world = *state;

    assert_int_equal(http_world_ask(world, "/ok", 0)->failure, HTTP_TIMED_OUT);
    assert_int_equal(https_server_connections(world->server), 0);
}

static void test_cut(void **state)
{
    struct http_reply *reply = http_world_ask(*state, "/cut", 5000);

    assert_int_equal(reply->failure, HTTP_BROKEN);
    assert_false(reply->began);
    assert_true(reply->cause[0] != 0);
}

static void test_half_an_answer_is_none(void **state)
{
    struct http_reply *reply = http_world_ask(*state, "/half", 5000);

    assert_int_equal(reply->failure, HTTP_BROKEN);
    assert_int_equal(reply->status, 0);
    assert_true(reply->began);
    assert_int_equal(reply->body.size, 0);
}

static void test_html_is_an_answer(void **state)
{
    assert_int_equal(http_world_ask(*state, "/html", 5000)->status, 400);
}

static void test_no_http(void **state)
{
    assert_int_not_equal(http_world_ask(*state, "/raw", 5000)->failure, HTTP_ANSWERED);
}

static void test_too_large_body(void **state)
{
    struct http_reply *reply = http_world_ask(*state, "/large", 5000);

    assert_int_equal(reply->failure, HTTP_TOO_LARGE);
    assert_int_equal(reply->body.size, 0);
}

static void test_large_body_within_limit(void **state)
{
    struct http_world *world = *state;
    struct http_request request = http_world_get(world, "/large");

    request.limit = 100 * 1024;
    http_exchange(world->client, &request, deadline_in(5000), &world->reply);
    assert_int_equal(world->reply.failure, HTTP_ANSWERED);
    assert_int_equal(world->reply.body.size, 100 * 1024);
}

static void test_too_many_headers(void **state)
{
    struct https_server *server = https_server_start("127.0.0.1", many_headers, NULL);
    struct http_client *client = http_world_client(https_server_ca(server));
    struct http_request request = {.url = https_server_url(server), .limit = 100};
    struct http_reply reply SCOPED(http_reply_done);

    (void)state;
    http_reply_init(&reply);
    http_exchange(client, &request, deadline_in(5000), &reply);
    assert_int_equal(reply.failure, HTTP_TOO_LARGE);
    http_client_free(client);
    https_server_stop(server);
}

static void test_redirect_is_not_followed(void **state)
{
    struct http_world *world = *state;

    assert_int_equal(http_world_ask(world, "/redirect", 5000)->status, 302);
    assert_int_equal(https_server_requests(world->server), 1);
}

static void test_connection_is_reused(void **state)
{
    struct http_world *world = *state;

    assert_false(http_world_ask(world, "/ok", 5000)->reused);
    for (int i = 0; i < 20; i++) {
        assert_true(http_world_ask(world, "/ok", 5000)->reused);
    }
    assert_int_equal(https_server_connections(world->server), 1);
}

static void test_connection_closed_behind_the_answer(void **state)
{
    struct http_world *world = *state;

    assert_int_equal(http_world_ask(world, "/close", 5000)->status, 200);
    usleep(20000);
    assert_int_equal(http_world_ask(world, "/ok", 5000)->status, 200);
    assert_int_equal(https_server_connections(world->server), 2);
}

static void test_once_leaves_no_connection(void **state)
{
    struct http_world *world = *state;
    struct http_request request = http_world_get(world, "/ok");

    request.once = true;
    for (int i = 0; i < 2; i++) {
        http_exchange(world->client, &request, deadline_in(5000), &world->reply);
        assert_int_equal(world->reply.status, 200);
    }
    assert_int_equal(https_server_connections(world->server), 2);
}

static void test_key_log_stays_empty(void **state)
{
    struct stat about;

    (void)http_world_ask(*state, "/ok", 5000);
    assert_true(stat(getenv("SSLKEYLOGFILE"), &about) != 0 || about.st_size == 0);
}

static void test_signal_mask_is_restored(void **state)
{
    sigset_t before, after;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    http_world_ask(*state, "/cut", 5000);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&before, SIGPIPE), sigismember(&after, SIGPIPE));
    sigpending(&after);
    assert_int_equal(sigismember(&after, SIGPIPE), 0);
}

static void test_pending_sigpipe_of_the_host_stays(void **state)
{
    static const struct timespec at_once = {0, 0};
    sigset_t sigpipe, pending;

    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, NULL);
    raise(SIGPIPE);
    http_world_ask(*state, "/ok", 5000);
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 1);
    assert_int_equal(sigtimedwait(&sigpipe, NULL, &at_once), SIGPIPE);
    pthread_sigmask(SIG_UNBLOCK, &sigpipe, NULL);
}

static void test_default_context_is_restored(void **state)
{
    OSSL_LIB_CTX *before = OSSL_LIB_CTX_set0_default(NULL), *after;

    http_world_ask(*state, "/ok", 5000);
    after = OSSL_LIB_CTX_set0_default(NULL);
    assert_ptr_equal(before, after);
}

static void *ask_twice(void *arg)
{
    struct http_world *world = arg;
    struct http_request request = {.url = world->url, .limit = 1000};
    struct http_reply reply SCOPED(http_reply_done);
    intptr_t answered = 0;

    http_reply_init(&reply);
    for (int i = 0; i < 2; i++) {
        http_exchange(world->client, &request, deadline_in(20000), &reply);
        answered += reply.status == 200;
    }
    return (void *)answered;
}

static void test_many_threads(void **state)
{
    struct http_world *world = *state;
    pthread_t threads[32];
    void *answered;

    (void)http_world_get(world, "/ok");
    for (int i = 0; i < 32; i++) {
        pthread_create(&threads[i], NULL, ask_twice, world);
    }
    for (int i = 0; i < 32; i++) {
        pthread_join(threads[i], &answered);
        assert_int_equal((intptr_t)answered, 2);
    }
    assert_true(https_server_connections(world->server) <= 32);
}

static void expect_retry_after(const char *headers, int64_t least, int64_t most)
{
    struct http_reply reply;
    char lines[256], *line, *rest;

    http_reply_init(&reply);
    snprintf(lines, sizeof lines, "%s", headers);
    for (line = strtok_r(lines, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        http_reply_read_header(&reply, bytes_of_text(line));
    }
    assert_true(reply.retry_after >= least && reply.retry_after <= most);
}

static void test_retry_after_spellings(void **state)
{
    (void)state;
    expect_retry_after("Retry-After: 7\r\n", 7000, 7000);
    expect_retry_after("retry-after-ms: 250\r\n", 250, 250);
    expect_retry_after("X-MS-Retry-After-MS:250\r\n", 250, 250);
    expect_retry_after("retry-after-ms: 250\nRetry-After: 7", 250, 250);
    expect_retry_after("Retry-After: 7\nretry-after-ms: 250", 250, 250);
    expect_retry_after("Date: Tue, 15 Nov 1994 08:12:31 GMT\nRetry-After: Tue, 15 Nov 1994 08:12:41 GMT",
                       10000, 10000);
}

static void test_retry_after_nonsense(void **state)
{
    (void)state;
    expect_retry_after("Retry-After: soon\r\n", -1, -1);
    expect_retry_after("Retry-After: -5\r\n", -1, -1);
    expect_retry_after("Retry-After:\r\n", -1, -1);
    expect_retry_after("Retry-Afterwards: 5\r\n", -1, -1);
    expect_retry_after("Retry-After: Tue, 15 Nov 1994 08:12:41 GMT", 0, 0);
    expect_retry_after("Retry-After: 99999999999999999999", 24 * 3600 * 1000, 24 * 3600 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_answer),
        HTTP_TEST(test_body_arrives),
        HTTP_TEST(test_secret_body_arrives),
        HTTP_TEST(test_large_secret_body_arrives),
        HTTP_TEST(test_secret_body_over_stale_connection),
        HTTP_TEST(test_headers),
        HTTP_TEST(test_headers_of_one_request_are_not_of_the_next),
        HTTP_TEST(test_stall_ends_at_deadline),
        HTTP_TEST(test_no_time_left),
        HTTP_TEST(test_cut),
        HTTP_TEST(test_half_an_answer_is_none),
        HTTP_TEST(test_html_is_an_answer),
        HTTP_TEST(test_no_http),
        HTTP_TEST(test_too_large_body),
        HTTP_TEST(test_large_body_within_limit),
        HTTP_TEST(test_too_many_headers),
        HTTP_TEST(test_redirect_is_not_followed),
        HTTP_TEST(test_connection_is_reused),
        HTTP_TEST(test_connection_closed_behind_the_answer),
        HTTP_TEST(test_once_leaves_no_connection),
        HTTP_TEST(test_key_log_stays_empty),
        HTTP_TEST(test_signal_mask_is_restored),
        HTTP_TEST(test_pending_sigpipe_of_the_host_stays),
        HTTP_TEST(test_default_context_is_restored),
        HTTP_TEST(test_many_threads),
        cmocka_unit_test(test_retry_after_spellings),
        cmocka_unit_test(test_retry_after_nonsense),
    };

    return run_http_tests(tests);
}
