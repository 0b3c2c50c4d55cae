/* When to ask again, and how long to wait. */
#include "backends/keyvault/retry.h"
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct http_reply answered(unsigned status, int64_t retry_after)
{
    struct http_reply reply;

    http_reply_init(&reply);
    reply.status = status;
    reply.retry_after = retry_after;
    return reply;
}

static struct http_reply failed(enum http_failure failure)
{
    struct http_reply reply = answered(0, -1);

    reply.failure = failure;
    return reply;
}

static bool again_soon(struct http_reply reply)
{
    struct retry retry = RETRY_INIT(deadline_in(3000));

    return retry_is_due(&retry, &reply);
}

static void test_answers_that_stand(void **state)
{
    static const unsigned statuses[] = {200, 201, 204, 302, 400, 401, 403, 404, 405, 409, 410};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        assert_false(again_soon(answered(statuses[i], 0)));
    }
}

static void test_answers_to_ask_again(void **state)
{
    static const unsigned statuses[] = {408, 429, 500, 502, 503, 504};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        assert_true(again_soon(answered(statuses[i], 0)));
    }
}

static void test_a_machine_that_is_updated_is_asked_again(void **state)
{
    static const unsigned passing[] = {404, 410}, standing[] = {200, 400, 401, 403, 405};
    struct http_reply reply;

    (void)state;
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        struct retry retry = {.deadline = deadline_in(3000), .machine = true};

        reply = answered(passing[i], 0);
        assert_true(retry_is_due(&retry, &reply));
    }
    for (size_t i = 0; i < sizeof standing / sizeof standing[0]; i++) {
        struct retry retry = {.deadline = deadline_in(3000), .machine = true};

        reply = answered(standing[i], 0);
        assert_false(retry_is_due(&retry, &reply));
    }
}

static void test_failures(void **state)
{
    (void)state;
    assert_true(again_soon(failed(HTTP_NO_CONNECT)));
    assert_true(again_soon(failed(HTTP_BROKEN)));
    assert_false(again_soon(failed(HTTP_UNTRUSTED)));
    assert_false(again_soon(failed(HTTP_REFUSED)));
    assert_false(again_soon(failed(HTTP_NOT_ASKED)));
    assert_false(again_soon(failed(HTTP_TOO_LARGE)));
    assert_false(again_soon(failed(HTTP_UNUSABLE)));
}

static int64_t next_wait(struct http_reply reply, unsigned waits)
{
    struct retry retry = {.waits = waits};

    return retry_next_wait(&retry, &reply);
}

/* Exactly so long at least, and up to a half of the own wait more. */
static void test_retry_after_is_kept(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_in_range(next_wait(answered(503, 300), 0), 300, 800);
        assert_in_range(next_wait(answered(503, 300), 5), 300, 4300);
    }
}

static void test_own_waits_double_up_to_eight_seconds(void **state)
{
    static const int64_t expected[] = {1000, 2000, 4000, 8000, 8000};

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(retry_own_wait(i), expected[i]);
        for (int k = 0; k < 100; k++) {
            assert_in_range(next_wait(answered(503, -1), i), 0, expected[i]);
        }
    }
    assert_int_equal(retry_own_wait(UINT_MAX), 8000);
}

static void test_jitter_is_random(void **state)
{
    int64_t sum = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        int64_t jitter = retry_jitter(8000);

        assert_in_range(jitter, 0, 8000);
        sum += jitter;
    }
    assert_in_range(sum / 100, 2500, 5500);
    assert_int_equal(retry_jitter(0), 0);
    assert_int_equal(retry_jitter(-5), 0);
}

static void test_reused_connection_is_replaced_at_once(void **state)
{
    struct retry retry = RETRY_INIT(deadline_in(1000));
    struct http_reply reply = failed(HTTP_BROKEN);

    (void)state;
    reply.reused = true;
    assert_true(retry_is_due(&retry, &reply));
    assert_int_equal(retry_next_wait(&retry, &reply), 0);
    assert_true(retry.went_at_once);
    assert_int_equal(retry.waits, 0);
}

static void test_at_once_only_once_and_only_before_an_answer(void **state)
{
    struct retry retry = RETRY_INIT(deadline_in(3000));
    struct http_reply reply = failed(HTTP_BROKEN);

    (void)state;
    reply.reused = true;
    reply.began = true;
    (void)retry_next_wait(&retry, &reply);
    assert_int_equal(retry.waits, 1);
    reply.began = false;
    retry.went_at_once = true;
    (void)retry_next_wait(&retry, &reply);
    assert_int_equal(retry.waits, 2);
}

static void test_nobody_there_ends_before_the_deadline(void **state)
{
    struct retry retry = RETRY_INIT(deadline_in(60000));
    struct http_reply reply = failed(HTTP_NO_CONNECT);

    (void)state;
    retry.tries = 2;
    assert_true(retry_is_due(&retry, &reply));
    assert_false(retry_is_due(&retry, &reply));
    assert_int_equal(retry.tries, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_that_stand),
        cmocka_unit_test(test_answers_to_ask_again),
        cmocka_unit_test(test_a_machine_that_is_updated_is_asked_again),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_retry_after_is_kept),
        cmocka_unit_test(test_own_waits_double_up_to_eight_seconds),
        cmocka_unit_test(test_jitter_is_random),
        cmocka_unit_test(test_reused_connection_is_replaced_at_once),
        cmocka_unit_test(test_at_once_only_once_and_only_before_an_answer),
        cmocka_unit_test(test_nobody_there_ends_before_the_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
