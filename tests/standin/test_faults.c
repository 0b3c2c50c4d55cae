/* Faults do what they say and nothing else; counts count. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static int no_faults(void **state)
{
    (void)state;
    free(standin_control(&standin, "DELETE", "/faults", NULL));
    return 0;
}

static struct reply wrap(void)
{
    return vault("POST", "/keys/kek/wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"AQID\"}");
}

static struct reply wrap_under(const char *faults)
{
    control("/faults", faults);
    return wrap();
}

static void test_throttling_without_retry_after(void **state)
{
    struct reply reply ENDS(reply_done) = wrap_under("[{\"match\":{\"op\":\"wrapkey\"},\"status\":429}]");

    (void)state;
    assert_int_equal(reply.status, 429);
    assert_string_equal(reply_text(&reply, "error.code"), "Throttled");
    assert_null(reply_header(&reply, "Retry-After"));
    assert_non_null(reply_header(&reply, "x-ms-request-id"));
}

static void test_retry_after(void **state)
{
    struct reply reply ENDS(reply_done) =
        wrap_under("[{\"status\":503,\"retry_after\":\"3\",\"headers\":{\"retry-after-ms\":\"20\"}}]");

    (void)state;
    assert_int_equal(reply.status, 503);
    assert_string_equal(reply_header(&reply, "Retry-After"), "3");
    assert_string_equal(reply_header(&reply, "retry-after-ms"), "20");
}

static void test_only_what_it_matches_and_so_often(void **state)
{
    struct reply first ENDS(reply_done) = {0}, second ENDS(reply_done) = {0}, third ENDS(reply_done) = {0};
    struct reply other ENDS(reply_done) = {0};

    (void)state;
    control("/faults", "[{\"match\":{\"op\":\"wrapkey\",\"path\":\"/keys/kek/\",\"server\":\"vault\"},"
                       "\"status\":500,\"skip\":1,\"times\":1}]");
    first = wrap();
    other = vault("GET", "/keys/kek", NULL);
    second = wrap();
    third = wrap();
    assert_int_equal(first.status, 200);
    assert_int_equal(other.status, 200);
    assert_int_equal(second.status, 500);
    assert_int_equal(third.status, 200);
}

static void test_an_error_of_ones_own(void **state)
{
    struct reply reply ENDS(reply_done) = wrap_under(
        "[{\"status\":403,\"code\":\"Forbidden\",\"inner\":\"ForbiddenByFirewall\",\"message\":\"m\"}]");
    struct reply empty ENDS(reply_done) = wrap_under("[{\"status\":401,\"body\":\"\"}]");

    (void)state;
    assert_string_equal(reply_text(&reply, "error.innererror.code"), "ForbiddenByFirewall");
    assert_string_equal(reply_text(&reply, "error.message"), "m");
    assert_int_equal(empty.status, 401);
    assert_int_equal(empty.size, 0);
}

static void test_html(void **state)
{
    struct reply bad ENDS(reply_done) = wrap_under("[{\"html\":true}]");
    struct reply good ENDS(reply_done) = wrap_under("[{\"html\":true,\"status\":200}]");

    (void)state;
    assert_int_equal(bad.status, 502);
    assert_int_equal(good.status, 200);
    assert_string_equal(reply_header(&good, "Content-Type"), "text/html; charset=utf-8");
    assert_null(good.json);
}

static void test_delay(void **state)
{
    struct reply reply ENDS(reply_done) = wrap_under("[{\"delay_ms\":300}]");

    (void)state;
    assert_int_equal(reply.status, 200);
    assert_true(reply.seconds >= 0.3 && reply.seconds < 3);
}

static void *wrap_in_thread(void *argument)
{
    *(struct reply *)argument = wrap();
    return NULL;
}

static void *wrap_and_give_up(void *argument)
{
    give_up_after = 600;
    return wrap_in_thread(argument);
}

static void test_a_stall_holds_up_nobody_else(void **state)
{
    struct reply stalled ENDS(reply_done) = {0}, other ENDS(reply_done) = {0};
    pthread_t thread;

    (void)state;
    control("/faults", "[{\"stall\":true,\"times\":1,\"match\":{\"op\":\"wrapkey\"}}]");
    pthread_create(&thread, NULL, wrap_and_give_up, &stalled);
    usleep(100 * 1000);
    other = vault("GET", "/keys/kek", NULL);
    pthread_join(thread, NULL);
    assert_int_equal(other.status, 200);
    assert_int_equal(stalled.status, 0);
    assert_true(stalled.seconds >= 0.5);
}

static void test_cuts(void **state)
{
    struct reply before ENDS(reply_done) = wrap_under("[{\"cut\":true}]");
    struct reply amid ENDS(reply_done) = wrap_under("[{\"cut\":\"answer\"}]");

    (void)state;
    assert_int_equal(before.status, 0);
    assert_int_equal(before.size, 0);
    assert_string_equal(before.headers, "");
    assert_int_equal(amid.status, 0);
    assert_int_equal(strncmp(amid.headers, "HTTP/1.1 200", 12), 0);
}

static void test_truncated(void **state)
{
    struct reply reply ENDS(reply_done) = wrap_under("[{\"truncated\":true}]");

    (void)state;
    assert_int_equal(reply.status, 200);
    assert_in_range(reply.size, 1, 400);
    assert_null(reply.json);
}

static void test_oversize(void **state)
{
    struct reply large ENDS(reply_done) = wrap_under("[{\"oversize\":true}]");
    struct reply chunked ENDS(reply_done) = wrap_under("[{\"oversize\":100000,\"chunked\":true}]");

    (void)state;
    assert_int_equal(large.status, 200);
    assert_in_range(large.size, 8 << 20, 9 << 20);
    assert_non_null(large.json);
    assert_in_range(chunked.size, 100000, 101000);
    assert_null(reply_header(&chunked, "Content-Length"));
}

static void test_wrong_answers(void **state)
{
    struct reply good ENDS(reply_done) = wrap();
    struct reply kid ENDS(reply_done) = wrap_under("[{\"wrong_kid\":true}]");
    struct reply length ENDS(reply_done) = wrap_under("[{\"wrong_length\":true}]");

    (void)state;
    assert_int_equal(strlen(reply_text(&good, "value")), 342);
    assert_string_not_equal(reply_text(&kid, "kid"), reply_text(&good, "kid"));
    assert_int_equal(strlen(reply_text(&kid, "kid")), strlen(reply_text(&good, "kid")));
    assert_int_equal(strlen(reply_text(&length, "value")), 340);
}

static void test_faults_of_the_identity_service(void **state)
{
    struct reply token ENDS(reply_done) = {0}, answer ENDS(reply_done) = {0};

    (void)state;
    control("/faults", "[{\"match\":{\"server\":\"identity\"},\"status\":503}]");
    token =
        ask_token(standin.tenant_id, standin.client_id, client_secret(), "https://vault.azure.net/.default");
    answer = wrap();
    assert_int_equal(token.status, 503);
    assert_string_equal(reply_text(&token, "error"), "temporarily_unavailable");
    assert_int_equal(answer.status, 200);
}

static void test_misspelt_words_are_refused(void **state)
{
    char *none;

    (void)state;
    none = standin_control(&standin, "PUT", "/faults", "[{\"statsu\":500}]");
    assert_null(none);
    none = standin_control(&standin, "PUT", "/faults", "[{\"match\":{\"op\":\"warpkey\"}}]");
    assert_null(none);
    none = standin_control(&standin, "PUT", "/settings", "{\"token_lifetime\":\"long\"}");
    assert_null(none);
    none = standin_control(&standin, "PUT", "/keys/kek", "{\"enabeld\":false}");
    assert_null(none);
}

static void test_counts(void **state)
{
    struct reply before = wrap();
    struct reply counted ENDS(reply_done) = {0}, token ENDS(reply_done) = {0};

    (void)state;
    reply_done(&before);
    free(standin_control(&standin, "DELETE", "/counts", NULL));
    assert_int_equal(standin_count(&standin, "total"), 0);
    counted = wrap();
    token = ask_token(standin.tenant_id, standin.client_id, "wrong", "x");
    assert_int_equal(standin_count(&standin, "wrapkey"), 1);
    assert_int_equal(standin_count(&standin, "token"), 1);
    assert_int_equal(standin_count(&standin, "total"), 2);
    assert_int_equal(standin_count(&standin, "vault"), 1);
    assert_int_equal(standin_count(&standin, "identity"), 1);
}

static void test_many_at_once(void **state)
{
    enum { THREADS = 16 };
    struct reply replies[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    free(standin_control(&standin, "DELETE", "/counts", NULL));
    control("/faults", "[{\"delay_ms\":200}]");
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, wrap_in_thread, &replies[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(replies[i].status, 200);
        reply_done(&replies[i]);
    }
    assert_int_equal(standin_count(&standin, "wrapkey"), THREADS);
    assert_in_range(standin_count(&standin, "most_at_once"), 2, THREADS);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(test_throttling_without_retry_after, no_faults),
    cmocka_unit_test_teardown(test_retry_after, no_faults),
    cmocka_unit_test_teardown(test_only_what_it_matches_and_so_often, no_faults),
    cmocka_unit_test_teardown(test_an_error_of_ones_own, no_faults),
    cmocka_unit_test_teardown(test_html, no_faults),
    cmocka_unit_test_teardown(test_delay, no_faults),
    cmocka_unit_test_teardown(test_a_stall_holds_up_nobody_else, no_faults),
    cmocka_unit_test_teardown(test_cuts, no_faults),
    cmocka_unit_test_teardown(test_truncated, no_faults),
    cmocka_unit_test_teardown(test_oversize, no_faults),
    cmocka_unit_test_teardown(test_wrong_answers, no_faults),
    cmocka_unit_test_teardown(test_faults_of_the_identity_service, no_faults),
    cmocka_unit_test_teardown(test_misspelt_words_are_refused, no_faults),
    cmocka_unit_test(test_counts),
    cmocka_unit_test_teardown(test_many_at_once, no_faults),
};
const struct test_list fault_tests = TEST_LIST(tests);
