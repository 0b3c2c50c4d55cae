/* What leases make of answers and of time, by the defaults: an hour, five minutes. The test moves the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "pkcs11/soft/leasehold.h"
#include <cmocka.h>
#include <string.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, CHECK = 5 * MINUTE };

/* How long the machine may take between two lines of a test. */
enum { SLOW = 20 * SECOND };

static struct key_access access;
static struct service_key key = {.ref = {.name = "kek"}};
static struct lease_book book;
static struct leasehold hold;
static struct lease *lease;

static void make_book(bool keeps)
{
    memset(&book, 0, sizeof book);
    memset(&hold, 0, sizeof hold);
    lease_book_init(&book, &access, HOUR, CHECK, keeps);
    lease = lease_make_locked(&book, &key, "1");
    atomic_init(&hold.word, LEASEHOLD_OPEN);
    lease_add_locked(&book, lease, &hold);
}

static struct lease_news told(enum service_verdict verdict)
{
    const struct service_answer answer = {.verdict = verdict};
    struct lease_news news = {.what = LEASE_NO_NEWS};

    lease_told_locked(&book, lease, &answer, clock_now(), true, &news);
    return news;
}

static int set_up(void **state)
{
    (void)state;
    make_book(false);
    told(VERDICT_ACCEPTED);
    return 0;
}

static int set_up_to_keep(void **state)
{
    (void)state;
    make_book(true);
    told(VERDICT_ACCEPTED);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lease_book_done(&book);
    return 0;
}

/* All that has happened is so much longer ago. */
static void pass(int64_t milliseconds)
{
    lease->accepted -= milliseconds;
    lease->due -= milliseconds;
    lease->closed_at -= milliseconds;
    lease->hinted -= milliseconds;
    lease->first_refusal -= milliseconds;
}

static enum lease_look look(struct lease_news *ret_news)
{
    return lease_look_locked(&book, lease, clock_now(), ret_news);
}

static enum lease_look look_only(void)
{
    struct lease_news news;

    return look(&news);
}

static void hint(void)
{
    lease_hint_locked(&book, lease, clock_now());
}

/* In so many milliseconds, but for what the machine took since. */
static void expect_due_in(int64_t milliseconds)
{
    int64_t left = lease->due - clock_now();

    assert_true(left <= milliseconds);
    assert_true(left > milliseconds - SLOW);
}

/* --- Checks --- */

static void test_it_is_due_between_half_of_the_interval_and_all_of_it(void **state)
{
    int64_t shortest = CHECK, longest = 0, interval;

    (void)state;
    for (int i = 0; i < 200; i++) {
        told(VERDICT_ACCEPTED);
        interval = lease->due - lease->accepted;
        shortest = interval < shortest ? interval : shortest;
        longest = interval > longest ? interval : longest;
    }
    assert_true(shortest >= CHECK / 2);
    assert_true(shortest < CHECK * 6 / 10);
    assert_true(longest <= CHECK);
    assert_true(longest > CHECK * 9 / 10);
}

static void test_nothing_is_due_before(void **state)
{
    (void)state;
    pass(CHECK / 2 - SLOW);
    assert_int_equal(look_only(), LEASE_GO);
}

static void test_then_one_asks(void **state)
{
    (void)state;
    pass(CHECK);
    assert_int_equal(look_only(), LEASE_ASK);
}

static void test_what_was_accepted_too_long_ago_waits(void **state)
{
    (void)state;
    pass(CHECK * 14 / 10 - SLOW);
    assert_int_equal(look_only(), LEASE_ASK);
    pass(SLOW);
    assert_int_equal(look_only(), LEASE_WAIT);
}

/* --- Refused --- */

static void test_disabled_closes_at_once(void **state)
{
    struct lease_news news = told(VERDICT_DISABLED);

    (void)state;
    assert_int_equal(news.what, LEASE_CLOSES);
    assert_int_equal(news.refused, VERDICT_DISABLED);
    assert_int_equal(lease_code(lease->state), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(look_only(), LEASE_SHUT);
    assert_false(leasehold_is_open(&hold));
}

static void test_three_refusals_in_a_moment_close_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(told(VERDICT_REFUSED).what, LEASE_NO_NEWS);
    }
    expect_due_in(CHECK / 10);
}

static void test_three_that_are_a_fifth_apart_close(void **state)
{
    struct lease_news news;

    (void)state;
    told(VERDICT_REFUSED);
    pass(CHECK / 10);
    assert_int_equal(told(VERDICT_GONE).what, LEASE_NO_NEWS);
    pass(CHECK / 10);
    news = told(VERDICT_REFUSED);
    assert_int_equal(news.what, LEASE_CLOSES);
    assert_int_equal(news.refused, VERDICT_REFUSED);
}

static void test_two_that_are_a_fifth_apart_do_not(void **state)
{
    (void)state;
    told(VERDICT_REFUSED);
    pass(CHECK / 5);
    assert_int_equal(told(VERDICT_REFUSED).what, LEASE_NO_NEWS);
}

static void test_an_acceptance_forgets_them(void **state)
{
    (void)state;
    told(VERDICT_REFUSED);
    pass(CHECK / 5);
    told(VERDICT_REFUSED);
    told(VERDICT_ACCEPTED);
    assert_int_equal(told(VERDICT_REFUSED).what, LEASE_NO_NEWS);
    pass(CHECK * 13 / 10);
    assert_int_not_equal(look_only(), LEASE_SHUT);
}

/* What had been asked for before the first of them does not. */
static void test_an_older_acceptance_does_not(void **state)
{
    const struct service_answer accepted = {.verdict = VERDICT_ACCEPTED};
    struct lease_news news = {.what = LEASE_NO_NEWS};

    (void)state;
    told(VERDICT_REFUSED);
    lease_told_locked(&book, lease, &accepted, lease->first_refusal - 1, false, &news);
    pass(CHECK * 14 / 10);
    assert_int_equal(look(&news), LEASE_SHUT);
    assert_int_equal(news.refused, VERDICT_REFUSED);
}

static void test_one_closes_what_was_accepted_too_long_ago(void **state)
{
    (void)state;
    pass(CHECK * 14 / 10);
    assert_int_equal(told(VERDICT_NO_CALLER).what, LEASE_CLOSES);
}

/* Whoever takes a key away, and then the network, does not keep it open. */
static void closes_when_refused_and_then_silent(void)
{
    struct lease_news news = {.what = LEASE_NO_NEWS};

    pass(CHECK);
    told(VERDICT_REFUSED);
    assert_int_equal(told(VERDICT_UNREACHABLE).what, LEASE_NO_NEWS);
    pass(CHECK * 4 / 10 - SLOW);
    assert_int_not_equal(look(&news), LEASE_SHUT);
    pass(SLOW);
    assert_int_equal(look(&news), LEASE_SHUT);
    assert_int_equal(news.what, LEASE_CLOSES);
    assert_int_equal(news.refused, VERDICT_REFUSED);
    assert_false(news.idle);
    assert_int_equal(lease_code(lease->state), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_once_refused_it_ends_early_though_nobody_answers(void **state)
{
    (void)state;
    closes_when_refused_and_then_silent();
}

static void test_and_so_where_outages_are_borne(void **state)
{
    (void)state;
    closes_when_refused_and_then_silent();
}

static void test_any_call_finds_that_it_has_ended(void **state)
{
    struct lease_news news = {.what = LEASE_NO_NEWS};

    (void)state;
    pass(CHECK);
    told(VERDICT_REFUSED);
    assert_false(lease_end_one_locked(&book, clock_now(), &news));
    assert_true(clock_now() < atomic_load(&book.first_end));
    pass(CHECK * 4 / 10);
    assert_true(lease_end_one_locked(&book, clock_now(), &news));
    assert_int_equal(news.what, LEASE_CLOSES);
    assert_false(lease_end_one_locked(&book, clock_now(), &news));
}

static void test_what_was_asked_before_the_acceptance_says_nothing(void **state)
{
    const struct service_answer disabled = {.verdict = VERDICT_DISABLED};
    struct lease_news news = {.what = LEASE_NO_NEWS};

    (void)state;
    lease_told_locked(&book, lease, &disabled, lease->accepted - 1, false, &news);
    assert_int_equal(news.what, LEASE_NO_NEWS);
    assert_int_equal(look_only(), LEASE_GO);
}

/* The last key was destroyed while the service was asked. */
static void test_without_holders_nothing_is_closed(void **state)
{
    (void)state;
    lease_remove_locked(&book, lease, &hold);
    assert_int_equal(told(VERDICT_DISABLED).what, LEASE_NO_NEWS);
    assert_int_equal(atomic_load(&book.closed), 0);
    lease_add_locked(&book, lease, &hold);
    assert_int_not_equal(look_only(), LEASE_SHUT);
    assert_int_equal(told(VERDICT_DISABLED).what, LEASE_CLOSES);
}

/* --- Opened again --- */

static void test_an_acceptance_opens(void **state)
{
    struct lease_news news;

    (void)state;
    told(VERDICT_DISABLED);
    assert_int_equal(atomic_load(&book.closed), 1);
    news = told(VERDICT_ACCEPTED);
    assert_int_equal(news.what, LEASE_OPENS);
    assert_false(news.idle);
    assert_int_equal(atomic_load(&book.closed), 0);
    assert_int_equal(look_only(), LEASE_GO);
}

static void test_one_that_was_asked_for_before_it_closed_does_not(void **state)
{
    const struct service_answer accepted = {.verdict = VERDICT_ACCEPTED};
    struct lease_news news = {.what = LEASE_NO_NEWS};

    (void)state;
    told(VERDICT_DISABLED);
    lease_told_locked(&book, lease, &accepted, lease->closed_at - 1, false, &news);
    assert_int_equal(news.what, LEASE_NO_NEWS);
    assert_int_equal(look_only(), LEASE_SHUT);
}

/* --- Unreachable --- */

static void test_warnings_come_at_half_and_ten_minutes_before_the_end(void **state)
{
    struct lease_news news;

    (void)state;
    pass(29 * MINUTE);
    assert_int_equal(told(VERDICT_UNREACHABLE).what, LEASE_NO_NEWS);
    pass(MINUTE);
    news = told(VERDICT_UNREACHABLE);
    assert_int_equal(news.what, LEASE_RUNS_OUT);
    assert_in_range(news.left, 30 * MINUTE - SLOW, 30 * MINUTE);
    assert_int_equal(told(VERDICT_UNREACHABLE).what, LEASE_NO_NEWS);
    pass(19 * MINUTE);
    assert_int_equal(told(VERDICT_UNREACHABLE).what, LEASE_NO_NEWS);
    pass(MINUTE);
    news = told(VERDICT_UNREACHABLE);
    assert_int_equal(news.what, LEASE_RUNS_OUT);
    assert_in_range(news.left, 10 * MINUTE - SLOW, 10 * MINUTE);
    assert_int_equal(told(VERDICT_UNREACHABLE).what, LEASE_NO_NEWS);
}

static void test_where_both_are_past_there_is_one(void **state)
{
    (void)state;
    pass(55 * MINUTE);
    assert_int_equal(told(VERDICT_UNREACHABLE).what, LEASE_RUNS_OUT);
    assert_int_equal(told(VERDICT_UNREACHABLE).what, LEASE_NO_NEWS);
}

static void test_after_an_acceptance_they_come_anew(void **state)
{
    (void)state;
    pass(31 * MINUTE);
    assert_int_equal(told(VERDICT_UNREACHABLE).what, LEASE_RUNS_OUT);
    told(VERDICT_ACCEPTED);
    assert_int_equal(told(VERDICT_UNREACHABLE).what, LEASE_NO_NEWS);
    pass(31 * MINUTE);
    assert_int_equal(told(VERDICT_UNREACHABLE).what, LEASE_RUNS_OUT);
}

static void test_the_end_closes(void **state)
{
    struct lease_news news;

    (void)state;
    pass(59 * MINUTE);
    told(VERDICT_UNREACHABLE);
    assert_int_not_equal(look_only(), LEASE_SHUT);
    pass(MINUTE);
    assert_int_equal(look(&news), LEASE_SHUT);
    assert_int_equal(news.what, LEASE_CLOSES);
    assert_int_equal(news.refused, VERDICT_NONE);
    assert_false(news.idle);
    assert_int_equal(lease_code(lease->state), CKR_DEVICE_ERROR);
}

static void test_what_nobody_used_ends_without_an_alarm(void **state)
{
    struct lease_news news;

    (void)state;
    pass(HOUR);
    assert_int_equal(look(&news), LEASE_SHUT);
    assert_int_equal(news.what, LEASE_CLOSES);
    assert_true(news.idle);
    news = told(VERDICT_ACCEPTED);
    assert_int_equal(news.what, LEASE_OPENS);
    assert_true(news.idle);
}

static void test_where_outages_are_borne_the_end_is_told_once(void **state)
{
    (void)state;
    pass(HOUR);
    assert_int_equal(look_only(), LEASE_WAIT);
    assert_int_equal(told(VERDICT_UNREACHABLE).what, LEASE_GOES_ON);
    assert_int_equal(told(VERDICT_UNREACHABLE).what, LEASE_NO_NEWS);
    assert_int_equal(look_only(), LEASE_GO);
}

static void test_after_an_outage_the_next_comes_after_a_tenth_and_twice_as_late_each_time(void **state)
{
    const int64_t pauses[] = {CHECK / 10, CHECK / 5, CHECK * 2 / 5, CHECK * 4 / 5, CHECK, CHECK};

    (void)state;
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        told(VERDICT_UNREACHABLE);
        expect_due_in(pauses[i]);
    }
    told(VERDICT_ACCEPTED);
    told(VERDICT_UNREACHABLE);
    expect_due_in(CHECK / 10);
}

/* --- Other verbs --- */

static void test_a_refusal_of_another_verb_makes_it_due(void **state)
{
    (void)state;
    hint();
    assert_int_equal(look_only(), LEASE_ASK);
    told(VERDICT_ACCEPTED);
    assert_int_equal(look_only(), LEASE_GO);
}

static void test_many_of_them_make_it_due_once_in_a_second(void **state)
{
    int64_t began = clock_now();

    (void)state;
    hint();
    told(VERDICT_ACCEPTED);
    for (int i = 0; i < 1000; i++) {
        hint();
    }
    assert_true(lease->due >= began + SECOND);
    assert_true(lease->due <= clock_now() + SECOND);
}

/* The request was on its way already. */
static void test_one_that_comes_during_a_check_is_not_forgotten(void **state)
{
    const struct service_answer accepted = {.verdict = VERDICT_ACCEPTED};
    struct lease_news news;
    int64_t began = clock_now();

    (void)state;
    pass(2);
    hint();
    lease_told_locked(&book, lease, &accepted, began - 1, true, &news);
    assert_int_equal(look_only(), LEASE_ASK);
}

int main(void)
{
#define TEST(name)  cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define KEEPS(name) cmocka_unit_test_setup_teardown(name, set_up_to_keep, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_due_between_half_of_the_interval_and_all_of_it),
        TEST(test_nothing_is_due_before),
        TEST(test_then_one_asks),
        TEST(test_what_was_accepted_too_long_ago_waits),
        TEST(test_disabled_closes_at_once),
        TEST(test_three_refusals_in_a_moment_close_nothing),
        TEST(test_three_that_are_a_fifth_apart_close),
        TEST(test_two_that_are_a_fifth_apart_do_not),
        TEST(test_an_acceptance_forgets_them),
        TEST(test_an_older_acceptance_does_not),
        TEST(test_one_closes_what_was_accepted_too_long_ago),
        TEST(test_once_refused_it_ends_early_though_nobody_answers),
        KEEPS(test_and_so_where_outages_are_borne),
        TEST(test_any_call_finds_that_it_has_ended),
        TEST(test_what_was_asked_before_the_acceptance_says_nothing),
        TEST(test_without_holders_nothing_is_closed),
        TEST(test_an_acceptance_opens),
        TEST(test_one_that_was_asked_for_before_it_closed_does_not),
        TEST(test_warnings_come_at_half_and_ten_minutes_before_the_end),
        TEST(test_where_both_are_past_there_is_one),
        TEST(test_after_an_acceptance_they_come_anew),
        TEST(test_the_end_closes),
        TEST(test_what_nobody_used_ends_without_an_alarm),
        KEEPS(test_where_outages_are_borne_the_end_is_told_once),
        TEST(test_after_an_outage_the_next_comes_after_a_tenth_and_twice_as_late_each_time),
        TEST(test_a_refusal_of_another_verb_makes_it_due),
        TEST(test_many_of_them_make_it_due_once_in_a_second),
        TEST(test_one_that_comes_during_a_check_is_not_forgotten),
    };

    return cmocka_run_group_tests_name("leases and time", tests, NULL, NULL);
}
