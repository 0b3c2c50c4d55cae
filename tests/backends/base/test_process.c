#include "backends/base/process.h"
#include "tests/backends/base/base_test.h"
#include <sys/auxv.h>

static int child_is_unmarked(void *arg)
{
    (void)arg;
    if (process_is_marked()) {
        return 1;
    }
    if (process_mark() != CKR_OK || !process_is_marked()) {
        return 2;
    }
    return 0;
}

static void test_unmarked_at_first(void **state)
{
    (void)state;
    assert_false(process_is_marked());
}

static void test_marked_when_marked(void **state)
{
    (void)state;
    assert_int_equal(process_mark(), CKR_OK);
    assert_true(process_is_marked());
    assert_int_equal(process_mark(), CKR_OK);
    assert_true(process_is_marked());
}

static void test_a_child_is_not(void **state)
{
    (void)state;
    assert_int_equal(process_mark(), CKR_OK);
    assert_int_equal(test_in_child(child_is_unmarked, NULL), 0);
    assert_true(process_is_marked());
}

static int child_has_a_child(void *arg)
{
    int status;
    pid_t pid;

    if (process_mark() != CKR_OK) {
        return 3;
    }
    pid = fork();
    if (pid == 0) {
        _exit(child_is_unmarked(arg));
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

static void test_nor_is_the_child_of_a_marked_child(void **state)
{
    (void)state;
    assert_int_equal(process_mark(), CKR_OK);
    assert_int_equal(test_in_child(child_has_a_child, NULL), 0);
}

static void test_secure_is_what_the_kernel_says(void **state)
{
    (void)state;
    assert_int_equal(process_is_secure(), getauxval(AT_SECURE) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unmarked_at_first),
        cmocka_unit_test(test_marked_when_marked),
        cmocka_unit_test(test_a_child_is_not),
        cmocka_unit_test(test_nor_is_the_child_of_a_marked_child),
        cmocka_unit_test(test_secure_is_what_the_kernel_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
