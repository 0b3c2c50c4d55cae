#include "backends/base/process.h"
#include "backends/base/settings.h"
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

/* --- A set-id process: this program again, as a set-uid copy that another user runs. --- */

enum { NOT_SECURE = 77 };

static int answer_as_secure(void)
{
    if (!process_is_secure()) {
        return NOT_SECURE;
    }
    if (settings_environment("BYOK_TEST_VARIABLE") != NULL ||
        settings_environment("BYOK_PKCS11_CONF") != NULL) {
        return 1;
    }
    return settings_environment_is_set("BYOK_TEST_VARIABLE") ? 0 : 2;
}

static void copy_this_program(const char *to)
{
    FILE *from = fopen("/proc/self/exe", "r"), *copy = fopen(to, "w");
    char part[65536];
    size_t got;

    assert_non_null(from);
    assert_non_null(copy);
    while ((got = fread(part, 1, sizeof part, from)) != 0) {
        assert_int_equal(fwrite(part, 1, got, copy), got);
    }
    fclose(from);
    assert_int_equal(fclose(copy), 0);
}

static int run_as_another(void *arg)
{
    const char *path = arg;

    if (setgid(65534) != 0 || setuid(65534) != 0) {
        return 3;
    }
    execl(path, path, "secure", (char *)NULL);
    return 4;
}

static void test_a_set_id_process_has_no_environment(void **state)
{
    char path[256];
    int answer;

    (void)state;
    if (geteuid() != 0 || TEST_SANITIZED != 0) {
        test_skip("needs root, and no sanitizer");
    }
    snprintf(path, sizeof path, "%s", test_path("secure"));
    setenv("BYOK_TEST_VARIABLE", "x", 1);
    assert_string_equal(settings_environment("BYOK_TEST_VARIABLE"), "x");
    copy_this_program(path);
    assert_int_equal(chmod(path, 04755), 0);
    assert_int_equal(chmod(test_directory, 0755), 0);
    answer = test_in_child(run_as_another, path);
    if (answer == NOT_SECURE) {
        test_skip("set-uid has no effect on this file system");
    }
    assert_int_equal(answer, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unmarked_at_first),
        cmocka_unit_test(test_marked_when_marked),
        cmocka_unit_test(test_a_child_is_not),
        cmocka_unit_test(test_nor_is_the_child_of_a_marked_child),
        cmocka_unit_test(test_secure_is_what_the_kernel_says),
        cmocka_unit_test(test_a_set_id_process_has_no_environment),
    };

    if (argc == 2 && strcmp(argv[1], "secure") == 0) {
        return answer_as_secure();
    }
    return cmocka_run_group_tests(tests, test_begin, test_end);
}
