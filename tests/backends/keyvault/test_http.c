/* One request, one reply: limits, trust, connections, and what a guest must not do. */
#include "backends/base/scope.h"
#include "backends/keyvault/http.h"
#include "tests/backends/keyvault/https_server.h"
#include <openssl/crypto.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct https_server *server;
    struct http_client *client;
    struct http_reply reply;
    char url[256];
};

static void serve(void *arg, const struct https_request *request, struct https_reply *reply)
{
    const char *path = request->path;

    (void)arg;
    if (strcmp(path, "/ok") == 0) {
        https_say(reply, 200, "x-ms-request-id: abc-1\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\n",
                  "{\"a\":1}");
    } else if (strcmp(path, "/echo") == 0) {
        buffer_append(&reply->body, request->body.data, request->body.size) == CKR_OK ? (void)0 : abort();
    } else if (strcmp(path, "/headers") == 0) {
        https_say(reply, 200, NULL, request->headers);
    } else if (strcmp(path, "/stall") == 0) {
        reply->act = HTTPS_STALL;
    } else if (strcmp(path, "/cut") == 0) {
        reply->act = HTTPS_CUT;
    } else if (strcmp(path, "/close") == 0) {
        reply->act = HTTPS_CLOSE;
    } else if (strcmp(path, "/half") == 0) {
        https_say(reply, 200, NULL, "{\"value\":\"0123456789\"}");
        reply->act = HTTPS_HALF;
    } else if (strcmp(path, "/html") == 0) {
        https_say(reply, 400, "Content-Type: text/html\r\n", "<!DOCTYPE html><html></html>");
    } else if (strcmp(path, "/raw") == 0) {
        https_say(reply, 0, NULL, "SSH-2.0-OpenSSH_9.2\r\n");
        reply->act = HTTPS_RAW;
    } else if (strcmp(path, "/large") == 0) {
        assert_int_equal(buffer_resize(&reply->body, 100 * 1024), CKR_OK);
    } else if (strcmp(path, "/redirect") == 0) {
        https_say(reply, 302, "Location: /ok\r\n", "");
    }
}

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

static struct http_client *client_for(const char *ca_file)
{
    struct http_options options = {
        .about = "test", .ca_file = ca_file, .connect_timeout = 2000, .connection_age = 600000};
    struct http_client *client;

    assert_int_equal(http_client_new(&options, &client), CKR_OK);
    return client;
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    world->server = https_server_start("127.0.0.1", serve, NULL);
    world->client = client_for(https_server_ca(world->server));
    http_reply_init(&world->reply);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    http_reply_done(&world->reply);
    http_client_free(world->client);
    https_server_stop(world->server);
    free(world);
    return 0;
}

static struct http_request get(struct world *world, const char *path)
{
    snprintf(world->url, sizeof world->url, "%s%s", https_server_url(world->server), path);
    return (struct http_request){.url = world->url, .limit = HTTP_ANSWER_LIMIT};
}

static struct http_reply *ask(struct world *world, const char *path, int64_t milliseconds)
{
    struct http_request request = get(world, path);

    http_exchange(world->client, &request, deadline_in(milliseconds), &world->reply);
    return &world->reply;
}

static void test_answer(void **state)
{
    struct http_reply *reply = ask(*state, "/ok", 5000);

    assert_int_equal(reply->failure, HTTP_ANSWERED);
    assert_int_equal(reply->status, 200);
    assert_string_equal(buffer_text(&reply->body), "{\"a\":1}");
    assert_string_equal(reply->request_id, "abc-1");
    assert_int_equal(reply->date, 784887151);
    assert_int_equal(reply->retry_after, -1);
    assert_string_equal(reply->address, "127.0.0.1");
}

static void post(struct world *world, const char *body, bool secret)
{
    struct http_request request = get(world, "/echo");

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
    for (struct world *world = *state; world != NULL; world = NULL) {
        struct http_request request = get(world, "/echo");

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
    struct world *world = *state;

    post(world, "first", true);
    https_server_hang_up(world->server);
    usleep(50000);
    post(world, "second, after the server hung up", true);
    assert_int_equal(https_server_connections(world->server), 2);
}

static void test_headers(void **state)
{
    struct world *world = *state;
    struct http_request request = get(world, "/headers");
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
    ask(*state, "/headers", 5000);
    assert_null(strstr(buffer_text(&((struct world *)*state)->reply.body), "Authorization"));
}

static void test_stall_ends_at_deadline(void **state)
{
    int64_t begun = clock_now();
    struct http_reply *reply = ask(*state, "/stall", 300);

    assert_int_equal(reply->failure, HTTP_TIMED_OUT);
    assert_int_equal(reply->status, 0);
    assert_in_range(clock_now() - begun, 290, 1500);
}

static void test_no_time_left(void **state)
{
    struct world *world = *state;

    assert_int_equal(ask(world, "/ok", 0)->failure, HTTP_TIMED_OUT);
    assert_int_equal(https_server_connections(world->server), 0);
}

static void test_cut(void **state)
{
    struct http_reply *reply = ask(*state, "/cut", 5000);

    assert_int_equal(reply->failure, HTTP_BROKEN);
    assert_false(reply->began);
    assert_true(reply->cause[0] != 0);
}

static void test_half_an_answer_is_none(void **state)
{
    struct http_reply *reply = ask(*state, "/half", 5000);

    assert_int_equal(reply->failure, HTTP_BROKEN);
    assert_int_equal(reply->status, 0);
    assert_true(reply->began);
    assert_int_equal(reply->body.size, 0);
}

static void test_html_is_an_answer(void **state)
{
    assert_int_equal(ask(*state, "/html", 5000)->status, 400);
}

static void test_no_http(void **state)
{
    assert_int_not_equal(ask(*state, "/raw", 5000)->failure, HTTP_ANSWERED);
}

static void test_too_large_body(void **state)
{
    struct http_reply *reply = ask(*state, "/large", 5000);

    assert_int_equal(reply->failure, HTTP_TOO_LARGE);
    assert_int_equal(reply->body.size, 0);
}

static void test_large_body_within_limit(void **state)
{
    struct world *world = *state;
    struct http_request request = get(world, "/large");

    request.limit = 100 * 1024;
    http_exchange(world->client, &request, deadline_in(5000), &world->reply);
    assert_int_equal(world->reply.failure, HTTP_ANSWERED);
    assert_int_equal(world->reply.body.size, 100 * 1024);
}

static void test_too_many_headers(void **state)
{
    struct https_server *server = https_server_start("127.0.0.1", many_headers, NULL);
    struct http_client *client = client_for(https_server_ca(server));
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
    struct world *world = *state;

    assert_int_equal(ask(world, "/redirect", 5000)->status, 302);
    assert_int_equal(https_server_requests(world->server), 1);
}

static void test_connection_is_reused(void **state)
{
    struct world *world = *state;

    assert_false(ask(world, "/ok", 5000)->reused);
    for (int i = 0; i < 20; i++) {
        assert_true(ask(world, "/ok", 5000)->reused);
    }
    assert_int_equal(https_server_connections(world->server), 1);
}

static void test_connection_closed_behind_the_answer(void **state)
{
    struct world *world = *state;

    assert_int_equal(ask(world, "/close", 5000)->status, 200);
    usleep(20000);
    assert_int_equal(ask(world, "/ok", 5000)->status, 200);
    assert_int_equal(https_server_connections(world->server), 2);
}

static void test_once_leaves_no_connection(void **state)
{
    struct world *world = *state;
    struct http_request request = get(world, "/ok");

    request.once = true;
    for (int i = 0; i < 2; i++) {
        http_exchange(world->client, &request, deadline_in(5000), &world->reply);
        assert_int_equal(world->reply.status, 200);
    }
    assert_int_equal(https_server_connections(world->server), 2);
}

static void test_unknown_ca_is_refused(void **state)
{
    struct world *world = *state;
    struct https_server *other = https_server_start("127.0.0.1", serve, NULL);
    struct http_client *client = client_for(https_server_ca(other));
    struct http_request request = get(world, "/ok");

    http_exchange(client, &request, deadline_in(5000), &world->reply);
    assert_int_equal(world->reply.failure, HTTP_UNTRUSTED);
    assert_non_null(strstr(world->reply.advice, "ca-file"));
    assert_int_equal(https_server_requests(world->server), 0);
    http_client_free(client);
    https_server_stop(other);
}

static void test_system_ca_does_not_know_us(void **state)
{
    struct world *world = *state;
    struct http_client *client = client_for(NULL);
    struct http_request request = get(world, "/ok");

    http_exchange(client, &request, deadline_in(5000), &world->reply);
    assert_int_not_equal(world->reply.failure, HTTP_ANSWERED);
    assert_int_equal(https_server_requests(world->server), 0);
    http_client_free(client);
}

static void test_other_host_name_is_refused(void **state)
{
    struct https_server *server = https_server_start("vault.example", serve, NULL);
    struct http_client *client = client_for(https_server_ca(server));
    struct http_request request = {.url = https_server_url(server), .limit = 100};
    struct world *world = *state;

    http_exchange(client, &request, deadline_in(5000), &world->reply);
    assert_int_equal(world->reply.failure, HTTP_UNTRUSTED);
    http_client_free(client);
    https_server_stop(server);
}

static void test_ca_file_is_read_again_when_changed(void **state)
{
    struct world *world = *state;
    struct https_server *other = https_server_start("127.0.0.1", serve, NULL);
    char command[512];
    struct http_request request = get(world, "/ok");
    const char *path = test_file("changing.pem", "");
    struct http_client *client = client_for(path);

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

static void expect_unusable_ca(struct world *world, const char *path)
{
    struct http_client *client = client_for(path);
    struct http_request request = get(world, "/ok");

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
    struct world *world = *state;
    struct http_request request = {.url = "https://127.0.0.1:1/", .limit = 100};

    http_exchange(world->client, &request, deadline_in(5000), &world->reply);
    assert_int_equal(world->reply.failure, HTTP_NO_CONNECT);
}

static void test_name_that_does_not_resolve(void **state)
{
    struct world *world = *state;
    struct http_request request = {.url = "https://no-such-vault.invalid/", .limit = 100};
    int64_t begun = clock_now();

    http_exchange(world->client, &request, deadline_in(3000), &world->reply);
    assert_true(world->reply.failure == HTTP_NO_CONNECT || world->reply.failure == HTTP_TIMED_OUT);
    assert_true(clock_now() - begun < 4500);
}

static void test_plain_http_is_refused(void **state)
{
    struct world *world = *state;
    struct http_request request = {.url = "http://127.0.0.1:1/", .limit = 100};

    http_exchange(world->client, &request, deadline_in(5000), &world->reply);
    assert_int_not_equal(world->reply.failure, HTTP_ANSWERED);
    assert_int_not_equal(world->reply.failure, HTTP_NO_CONNECT);
}

static void test_key_log_stays_empty(void **state)
{
    struct stat about;

    (void)ask(*state, "/ok", 5000);
    assert_true(stat(getenv("SSLKEYLOGFILE"), &about) != 0 || about.st_size == 0);
}

static void test_signal_mask_is_restored(void **state)
{
    sigset_t before, after;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ask(*state, "/cut", 5000);
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
    ask(*state, "/ok", 5000);
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 1);
    assert_int_equal(sigtimedwait(&sigpipe, NULL, &at_once), SIGPIPE);
    pthread_sigmask(SIG_UNBLOCK, &sigpipe, NULL);
}

static void test_default_context_is_restored(void **state)
{
    OSSL_LIB_CTX *before = OSSL_LIB_CTX_set0_default(NULL), *after;

    ask(*state, "/ok", 5000);
    after = OSSL_LIB_CTX_set0_default(NULL);
    assert_ptr_equal(before, after);
}

static void *ask_twice(void *arg)
{
    struct world *world = arg;
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
    struct world *world = *state;
    pthread_t threads[32];
    void *answered;

    (void)get(world, "/ok");
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
#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
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
        HTTP_TEST(test_unknown_ca_is_refused),
        HTTP_TEST(test_system_ca_does_not_know_us),
        HTTP_TEST(test_other_host_name_is_refused),
        HTTP_TEST(test_ca_file_is_read_again_when_changed),
        HTTP_TEST(test_missing_ca_file),
        HTTP_TEST(test_empty_ca_file),
        HTTP_TEST(test_nobody_there),
        HTTP_TEST(test_name_that_does_not_resolve),
        HTTP_TEST(test_plain_http_is_refused),
        HTTP_TEST(test_key_log_stays_empty),
        HTTP_TEST(test_signal_mask_is_restored),
        HTTP_TEST(test_pending_sigpipe_of_the_host_stays),
        HTTP_TEST(test_default_context_is_restored),
        HTTP_TEST(test_many_threads),
        cmocka_unit_test(test_retry_after_spellings),
        cmocka_unit_test(test_retry_after_nonsense),
    };
    char key_log[128];
    int failed;

    snprintf(key_log, sizeof key_log, "%s/keylog", test_folder());
    setenv("SSLKEYLOGFILE", key_log, 1);
    setenv("NO_PROXY", "*", 1);
    signal(SIGPIPE, SIG_IGN); /* for the server; each test of ours looks at the mask */
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_folder_remove();
    return failed;
}
