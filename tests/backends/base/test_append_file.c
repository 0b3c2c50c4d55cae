/* A file that lines are appended to: in a set-id process it is nobody else's, and the host's files are the host's. */
#include "tests/backends/base/base_test.h"

#include "backends/base/append_file.h"
#include <errno.h>
#include <fcntl.h>

static int begin_anew(void **state)
{
    (void)state;
    unlink(test_path("lines"));
    unlink(test_path("other"));
    return 0;
}

static void assert_content(const char *path, const char *expected)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_int_equal(fread(text, 1, sizeof text - 1, file), strlen(expected));
    fclose(file);
    assert_string_equal(text, expected);
}

/* What becomes of one line for a file of this name. */
static int append_as(const char *name, bool secure)
{
    struct append_file file = APPEND_FILE_INIT;
    int cause;

    append_file_choose(&file, strdup(test_path(name)), 0600, secure);
    cause = append_file_write(&file, bytes_of_text("line\n"));
    append_file_choose(&file, NULL, 0, secure);
    return cause;
}

static void test_a_set_id_process_makes_its_file(void **state)
{
    (void)state;
    assert_int_equal(append_as("lines", true), 0);
    assert_int_equal(append_as("lines", true), 0);
    assert_content(test_path("lines"), "line\nline\n");
}

static void test_a_set_id_process_follows_no_link(void **state)
{
    (void)state;
    test_write("other", "", 0600);
    assert_int_equal(symlink(test_path("other"), test_path("lines")), 0);
    assert_int_equal(append_as("lines", true), ELOOP);
    assert_content(test_path("other"), "");
    assert_int_equal(append_as("lines", false), 0);
    assert_content(test_path("other"), "line\n");
}

static void test_nor_a_second_name(void **state)
{
    (void)state;
    test_write("other", "", 0600);
    assert_int_equal(link(test_path("other"), test_path("lines")), 0);
    assert_int_equal(append_as("lines", true), EPERM);
    assert_content(test_path("other"), "");
    assert_int_equal(append_as("lines", false), 0);
}

static void test_nor_writes_to_anothers_file(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        test_skip("needs root");
    }
    test_write("lines", "", 0666);
    assert_int_equal(chown(test_path("lines"), 65534, 65534), 0);
    assert_int_equal(append_as("lines", true), EPERM);
    assert_content(test_path("lines"), "");
    assert_int_equal(append_as("lines", false), 0);
}

static void test_nor_to_what_is_no_file(void **state)
{
    int reader;

    (void)state;
    assert_int_equal(mkfifo(test_path("lines"), 0600), 0);
    reader = open(test_path("lines"), O_RDONLY | O_NONBLOCK);
    assert_int_equal(append_as("lines", true), EPERM);
    assert_int_equal(append_as("lines", false), 0);
    close(reader);
}

/* It may close all numbers that it does not know, and use them again. */
static void test_a_host_that_closed_it_keeps_what_it_has_there(void **state)
{
    struct append_file file = APPEND_FILE_INIT;
    int other;

    (void)state;
    append_file_choose(&file, strdup(test_path("lines")), 0600, false);
    assert_int_equal(append_file_write(&file, bytes_of_text("one\n")), 0);
    test_write("other", "", 0600);
    other = open(test_path("other"), O_WRONLY);
    assert_int_equal(dup2(other, file.file), file.file);
    int number = file.file;

    assert_int_equal(append_file_write(&file, bytes_of_text("two\n")), 0);
    append_file_choose(&file, NULL, 0, false);
    assert_content(test_path("lines"), "one\ntwo\n");
    assert_content(test_path("other"), "");
    assert_int_not_equal(fcntl(number, F_GETFD), -1);
    close(number);
    close(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin_anew)
    const struct CMUnitTest tests[] = {
        TEST(test_a_set_id_process_makes_its_file),
        TEST(test_a_set_id_process_follows_no_link),
        TEST(test_nor_a_second_name),
        TEST(test_nor_writes_to_anothers_file),
        TEST(test_nor_to_what_is_no_file),
        TEST(test_a_host_that_closed_it_keeps_what_it_has_there),
    };

    return cmocka_run_group_tests(tests, test_begin, test_end);
}
