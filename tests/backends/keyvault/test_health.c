/* The not-before that all threads share, and the breaker: on times that the tests make up. */
#include "backends/keyvault/health.h"
#include "backends/keyvault/retry.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ALLOWED = 30000, NOON = 1000000 };

static int set_up(void **state)
{
    struct health *health = calloc(1, sizeof *health);

    health_init(health);
    *state = health;
    return 0;
}

static int tear_down(void **state)
{
    health_done(*state);
    free(*state);
    return 0;
}

static enum health_change note(struct health *health, enum http_failure failure, unsigned status, int64_t now)
{
    struct http_reply reply;

    http_reply_init(&reply);
    reply.failure = failure;
    reply.status = status;
    reply.advice = "look at it";
    snprintf(reply.cause, sizeof reply.cause, "it was down");
    return health_note(health, &reply, now, ALLOWED, now);
}

static void fail_times(struct health *health, unsigned times, int64_t now)
{
    for (unsigned i = 0; i < times; i++) {
        note(health, HTTP_NO_CONNECT, 0, now);
    }
}

static void throttle(struct health *health, int64_t retry_after, int64_t began, int64_t now)
{
    struct http_reply reply;

    http_reply_init(&reply);
    reply.status = 429;
    reply.retry_after = retry_after;
    health_note(health, &reply, began, ALLOWED, now);
}

static void expect(struct health *health, int64_t now, enum health_word word, int64_t at)
{
    int64_t told = 0;

    assert_int_equal(health_ask(health, now, &told), word);
    assert_int_equal(told, at);
}

/* --- Not before --- */

static void test_who_is_healthy_is_asked(void **state)
{
    expect(*state, NOON, HEALTH_GO, 0);
}

static void test_retry_after_is_everybodys(void **state)
{
    throttle(*state, 3000, NOON, NOON + 10);
    expect(*state, NOON + 11, HEALTH_WAIT, NOON + 3010);
    expect(*state, NOON + 3009, HEALTH_WAIT, NOON + 3010);
    expect(*state, NOON + 3010, HEALTH_GO, 0);
}

static void test_the_later_not_before_holds(void **state)
{
    throttle(*state, 3000, NOON, NOON + 10);
    throttle(*state, 1000, NOON, NOON + 20);
    expect(*state, NOON + 30, HEALTH_WAIT, NOON + 3010);
    throttle(*state, 4000, NOON, NOON + 40);
    expect(*state, NOON + 50, HEALTH_WAIT, NOON + 4040);
}

/* Without Retry-After: 4, 8 seconds at most, longer from round to round, not from thread to thread. */
static void test_rounds_make_it_longer_and_threads_do_not(void **state)
{
    struct health *health = *state;

    for (unsigned round = 0; round < 6; round++) {
        int64_t now = NOON + 100000 * (int64_t)round;

        for (int thread = 0; thread < 32; thread++) {
            throttle(health, -1, now, now + 5 + thread);
        }
        assert_int_equal(health->refusals, round + 1);
        assert_in_range(health->not_before, now, now + 5 + retry_own_wait(round + 2));
    }
}

/* As a broken gateway might: nobody waits a day for it. */
static void test_a_retry_after_of_a_day_is_cut(void **state)
{
    throttle(*state, 24 * 60 * 60 * 1000, NOON, NOON);
    expect(*state, NOON + 1, HEALTH_WAIT, NOON + HEALTH_LONGEST_WAIT);
}

/* A call with little time left still has time for another try. */
static void test_it_leaves_half_of_the_time(void **state)
{
    struct http_reply reply;

    (void)state;
    http_reply_init(&reply);
    reply.failure = HTTP_ANSWERED;
    reply.status = 429;
    for (int i = 0; i < 50; i++) {
        struct health health;

        health_init(&health);
        (void)health_note(&health, &reply, NOON, 3000, NOON);
        assert_in_range(health.not_before, NOON, NOON + 1500);
        health_done(&health);
    }
    http_reply_done(&reply);
}

static void test_another_answer_ends_the_rounds(void **state)
{
    struct health *health = *state;

    throttle(health, -1, NOON, NOON + 10);
    note(health, HTTP_ANSWERED, 200, NOON + 5); /* went out before */
    assert_int_equal(health->refusals, 1);
    note(health, HTTP_ANSWERED, 200, NOON + 5000);
    assert_int_equal(health->refusals, 0);
}

/* "Retry-After: 0" is no reason to ask as fast as one can. */
static void test_retry_after_nothing_is_none(void **state)
{
    int64_t sum = 0;

    for (int i = 0; i < 50; i++) {
        struct health *health = *state;

        health->refusals = 3;
        throttle(health, 0, NOON + i * 100000, NOON + i * 100000);
        sum += health->not_before - NOON - i * 100000;
    }
    assert_in_range(sum / 50, 2000, 6000);
}

static void test_429_is_no_failure(void **state)
{
    for (int i = 0; i < 20; i++) {
        throttle(*state, 100, NOON, NOON);
    }
    expect(*state, NOON + 100, HEALTH_GO, 0);
    fail_times(*state, 4, NOON);
    throttle(*state, 100, NOON, NOON);
    fail_times(*state, 4, NOON);
    expect(*state, NOON + 200, HEALTH_GO, 0);
}

/* --- The breaker --- */

static void test_five_failures_open(void **state)
{
    fail_times(*state, 4, NOON);
    expect(*state, NOON, HEALTH_GO, 0);
    assert_int_equal(note(*state, HTTP_NO_CONNECT, 0, NOON), HEALTH_OPENED);
    expect(*state, NOON, HEALTH_DOWN, NOON + 5000);
}

static void test_one_probe_in_five_seconds(void **state)
{
    fail_times(*state, 5, NOON);
    expect(*state, NOON + 4999, HEALTH_DOWN, NOON + 5000);
    expect(*state, NOON + 5000, HEALTH_GO, 0);
    expect(*state, NOON + 5000, HEALTH_DOWN, NOON + 10000);
    fail_times(*state, 1, NOON + 6000);
    expect(*state, NOON + 9999, HEALTH_DOWN, NOON + 10000);
    expect(*state, NOON + 10000, HEALTH_GO, 0);
}

static void test_first_answer_closes(void **state)
{
    fail_times(*state, 7, NOON);
    assert_int_equal(note(*state, HTTP_ANSWERED, 401, NOON + 5000), HEALTH_CLOSED);
    expect(*state, NOON + 5000, HEALTH_GO, 0);
    fail_times(*state, 4, NOON);
    expect(*state, NOON + 5000, HEALTH_GO, 0);
}

static void test_a_success_between_failures(void **state)
{
    fail_times(*state, 4, NOON);
    note(*state, HTTP_ANSWERED, 200, NOON);
    fail_times(*state, 4, NOON);
    expect(*state, NOON, HEALTH_GO, 0);
}

static void test_what_counts(void **state)
{
    static const struct {
        enum http_failure failure;
        unsigned status;
        bool counts;
    } rows[] = {
        {HTTP_NO_CONNECT, 0, true},  {HTTP_TIMED_OUT, 0, true},  {HTTP_ANSWERED, 500, true},
        {HTTP_ANSWERED, 503, true},  {HTTP_BROKEN, 0, true},     {HTTP_ANSWERED, 408, false},
        {HTTP_ANSWERED, 404, false}, {HTTP_UNTRUSTED, 0, false}, {HTTP_TOO_LARGE, 0, false},
        {HTTP_UNUSABLE, 0, false},   {HTTP_REFUSED, 0, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct health *health = *state;

        health->failures = 4;
        note(health, rows[i].failure, rows[i].status, NOON);
        assert_int_equal(health->failures == 5, rows[i].counts);
    }
}

static void test_a_kept_connection_that_breaks_is_no_outage(void **state)
{
    struct health *health = *state;
    struct http_reply reply;

    http_reply_init(&reply);
    reply.failure = HTTP_BROKEN;
    reply.reused = true;
    health_note(health, &reply, NOON, ALLOWED, NOON);
    assert_int_equal(health->failures, 0);
}

/* Who gives a request 50 ms learns nothing about the service. */
static void test_time_out_in_a_hurry_is_no_outage(void **state)
{
    struct health *health = *state;
    struct http_reply reply;

    http_reply_init(&reply);
    reply.failure = HTTP_TIMED_OUT;
    health_note(health, &reply, NOON, 50, NOON + 50);
    assert_int_equal(health->failures, 0);
    health_note(health, &reply, NOON, 1000, NOON + 1000);
    assert_int_equal(health->failures, 1);
}

static void test_probe_is_taken_once(void **state)
{
    int64_t at = 0;

    fail_times(*state, 5, NOON);
    assert_false(health_take_probe(*state, NOON, &at)); /* it would come too late, and takes no place */
    assert_true(health_take_probe(*state, INT64_MAX, &at));
    assert_int_equal(at, NOON + 5000);
    assert_false(health_take_probe(*state, INT64_MAX, &at));
    expect(*state, NOON + 5001, HEALTH_DOWN, NOON + 5000); /* it is on its way */
    health_probe(*state, NOON + 5002);
    expect(*state, NOON + 5003, HEALTH_DOWN, NOON + 10002);
    assert_true(health_take_probe(*state, INT64_MAX, &at));
    assert_int_equal(at, NOON + 10002);
}

/* --- Words --- */

static void test_words_of_the_breaker(void **state)
{
    struct http_reply reply;

    http_reply_init(&reply);
    fail_times(*state, 6, NOON);
    health_tell(*state, HEALTH_DOWN, 3200, &reply);
    assert_int_equal(reply.failure, HTTP_NOT_ASKED);
    assert_int_equal(reply.status, 0);
    assert_string_equal(reply.cause,
                        "not asked: it failed 6 times in a row, last: it was down; next try in 3.2 s");
    assert_string_equal(reply.advice, "look at it");
    note(*state, HTTP_ANSWERED, 503, NOON);
    health_tell(*state, HEALTH_DOWN, -5, &reply);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.cause, "7 times in a row, last: status 503; next try in 0.0 s"));
}

static void test_words_of_the_limit(void **state)
{
    struct http_reply reply;

    http_reply_init(&reply);
    throttle(*state, 60000, NOON, NOON);
    health_tell(*state, HEALTH_WAIT, 60000, &reply);
    assert_int_equal(reply.failure, HTTP_NOT_ASKED);
    assert_int_equal(reply.status, 429);
    assert_non_null(
        strstr(reply.cause, "not asked: the limit of requests is reached (429), next try in 60.0 s"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define HEALTH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        HEALTH_TEST(test_who_is_healthy_is_asked),
        HEALTH_TEST(test_retry_after_is_everybodys),
        HEALTH_TEST(test_the_later_not_before_holds),
        HEALTH_TEST(test_rounds_make_it_longer_and_threads_do_not),
        HEALTH_TEST(test_a_retry_after_of_a_day_is_cut),
        HEALTH_TEST(test_it_leaves_half_of_the_time),
        HEALTH_TEST(test_another_answer_ends_the_rounds),
        HEALTH_TEST(test_retry_after_nothing_is_none),
        HEALTH_TEST(test_429_is_no_failure),
        HEALTH_TEST(test_five_failures_open),
        HEALTH_TEST(test_one_probe_in_five_seconds),
        HEALTH_TEST(test_first_answer_closes),
        HEALTH_TEST(test_a_success_between_failures),
        HEALTH_TEST(test_what_counts),
        HEALTH_TEST(test_a_kept_connection_that_breaks_is_no_outage),
        HEALTH_TEST(test_time_out_in_a_hurry_is_no_outage),
        HEALTH_TEST(test_probe_is_taken_once),
        HEALTH_TEST(test_words_of_the_breaker),
        HEALTH_TEST(test_words_of_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
