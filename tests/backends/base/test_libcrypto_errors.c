#include "backends/base/libcrypto_errors.h"
#include "tests/backends/base/base_test.h"
#include <openssl/err.h>

enum { OURS = 7, HOSTS = 8, HOSTS_OLDER = 9 };

static void fail_with(int reason)
{
    ERR_raise_data(ERR_LIB_USER, reason, "data of %d", reason);
}

static int reason_of(unsigned long code)
{
    return ERR_GET_REASON(code);
}

static int begin(void **state)
{
    (void)state;
    ERR_clear_error();
    return 0;
}

/* One guarded piece of work that fails so often. */
static void work(int failures)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("something");

    for (int i = 0; i < failures; i++) {
        fail_with(OURS);
    }
}

static void test_our_errors_are_told_and_gone(void **state)
{
    (void)state;
    test_logged();
    work(0);
    assert_nothing_logged();
    work(2);
    assert_int_equal(ERR_peek_error(), 0);
    assert_logged("debug: OpenSSL, something: ");
}

static void test_the_hosts_errors_stay(void **state)
{
    (void)state;
    fail_with(HOSTS_OLDER);
    fail_with(HOSTS);
    work(3);
    work(0);
    assert_int_equal(reason_of(ERR_peek_last_error()), HOSTS);
    assert_int_equal(reason_of(ERR_get_error()), HOSTS_OLDER);
    assert_int_equal(reason_of(ERR_get_error()), HOSTS);
    assert_int_equal(ERR_get_error(), 0);
}

static void test_the_hosts_mark_stays(void **state)
{
    (void)state;
    fail_with(HOSTS_OLDER);
    assert_int_equal(ERR_set_mark(), 1);
    work(1);
    fail_with(HOSTS);
    assert_int_equal(ERR_pop_to_mark(), 1);
    assert_int_equal(reason_of(ERR_peek_last_error()), HOSTS_OLDER);
}

static void work_in_work(void)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("more");

    fail_with(OURS);
    work(1);
    assert_int_equal(reason_of(ERR_peek_last_error()), OURS);
    work(0);
    assert_int_equal(reason_of(ERR_peek_last_error()), OURS);
}

static void test_one_within_another(void **state)
{
    (void)state;
    work_in_work();
    assert_int_equal(ERR_peek_error(), 0);
    fail_with(HOSTS);
    work_in_work();
    assert_int_equal(reason_of(ERR_peek_last_error()), HOSTS);
    assert_int_equal(reason_of(ERR_get_error()), HOSTS);
    assert_int_equal(ERR_get_error(), 0);
}

static void test_taken_and_given_back(void **state)
{
    struct libcrypto_kept *kept;
    const char *data, *function;
    int line, flags;
    unsigned long code;

    (void)state;
    fail_with(HOSTS_OLDER);
    fail_with(HOSTS);
    kept = libcrypto_errors_take();
    assert_int_equal(ERR_peek_error(), 0);
    fail_with(OURS);
    libcrypto_errors_give_back(kept, "inside another");
    code = ERR_get_error_all(NULL, &line, &function, &data, &flags);
    assert_int_equal(ERR_GET_LIB(code), ERR_LIB_USER);
    assert_int_equal(reason_of(code), HOSTS_OLDER);
    assert_string_equal(data, "data of 9");
    assert_string_equal(function, "fail_with");
    assert_true(line > 0);
    assert_int_equal(reason_of(ERR_get_error()), HOSTS);
    assert_int_equal(ERR_get_error(), 0);
}

static void test_nothing_taken(void **state)
{
    (void)state;
    assert_null(libcrypto_errors_take());
    fail_with(OURS);
    libcrypto_errors_give_back(NULL, "inside another");
    assert_int_equal(ERR_peek_error(), 0);
}

/* errno as an error, and one without data. */
static void test_other_kinds_of_errors(void **state)
{
    unsigned long system_error, plain;

    (void)state;
    ERR_raise(ERR_LIB_SYS, 2);
    ERR_raise(ERR_LIB_RSA, ERR_R_MALLOC_FAILURE);
    plain = ERR_peek_last_error();
    system_error = ERR_peek_error();
    libcrypto_errors_give_back(libcrypto_errors_take(), "inside another");
    assert_int_equal(ERR_get_error(), system_error);
    assert_int_equal(ERR_get_error(), plain);
}

static void test_as_many_as_there_can_be(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        fail_with(HOSTS);
    }
    libcrypto_errors_give_back(libcrypto_errors_take(), "inside another");
    for (int i = 0; i < 15; i++) {
        assert_int_equal(reason_of(ERR_get_error()), HOSTS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_our_errors_are_told_and_gone, begin),
        cmocka_unit_test_setup(test_the_hosts_errors_stay, begin),
        cmocka_unit_test_setup(test_the_hosts_mark_stays, begin),
        cmocka_unit_test_setup(test_one_within_another, begin),
        cmocka_unit_test_setup(test_taken_and_given_back, begin),
        cmocka_unit_test_setup(test_nothing_taken, begin),
        cmocka_unit_test_setup(test_other_kinds_of_errors, begin),
        cmocka_unit_test_setup(test_as_many_as_there_can_be, begin),
    };

    return cmocka_run_group_tests(tests, test_begin, test_end);
}
