#include "backends/base/deadline.h"
#include "tests/backends/base/base_test.h"

static void test_the_clock_goes_forward(void **state)
{
    int64_t before = clock_now();

    (void)state;
    assert_true(before > 0);
    assert_true(clock_now() >= before);
}

static void test_a_deadline_ahead_has_time_left(void **state)
{
    struct deadline deadline = deadline_in(60000);

    (void)state;
    assert_false(deadline_passed(deadline));
    assert_in_range(deadline_left(deadline), 1, 60000);
}

static void test_a_deadline_behind_has_none(void **state)
{
    (void)state;
    assert_true(deadline_passed(deadline_in(0)));
    assert_int_equal(deadline_left(deadline_in(-1000)), 0);
}

static void test_sleeps_at_least_that_long(void **state)
{
    int64_t before = clock_now();

    (void)state;
    assert_true(deadline_sleep(deadline_in(60000), 20));
    assert_true(clock_now() - before >= 19);
}

static void test_never_sleeps_beyond_the_deadline(void **state)
{
    int64_t before = clock_now();

    (void)state;
    assert_false(deadline_sleep(deadline_in(1000), 60000));
    assert_true(clock_now() - before < 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_clock_goes_forward),
        cmocka_unit_test(test_a_deadline_ahead_has_time_left),
        cmocka_unit_test(test_a_deadline_behind_has_none),
        cmocka_unit_test(test_sleeps_at_least_that_long),
        cmocka_unit_test(test_never_sleeps_beyond_the_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
