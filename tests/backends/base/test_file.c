#include "backends/base/file.h"
#include "tests/backends/base/base_test.h"
#include <fcntl.h>
#include <time.h>

static int set_up(void **state)
{
    (void)state;
    test_logged();
    unlink(test_path("file"));
    return 0;
}

static void test_reads_all_of_it(void **state)
{
    struct buffer to = BUFFER_INIT(100);
    struct file_version version = {0};

    (void)state;
    test_write("file", "content\n", 0600);
    assert_int_equal(buffer_append_text(&to, "former"), CKR_OK);
    assert_int_equal(file_read("token", "file", test_path("file"), &to, &version), CKR_OK);
    assert_string_equal(buffer_text(&to), "content\n");
    assert_int_equal(version.size, 8);
    assert_nothing_logged();
    buffer_free(&to);
}

static void test_exactly_at_the_limit(void **state)
{
    struct buffer to = BUFFER_INIT(8);

    (void)state;
    test_write("file", "12345678", 0600);
    assert_int_equal(file_read("token", "file", test_path("file"), &to, NULL), CKR_OK);
    assert_int_equal(to.size, 8);
    buffer_free(&to);
}

static void test_beyond_the_limit(void **state)
{
    struct buffer to = BUFFER_INIT(8);

    (void)state;
    test_write("file", "123456789", 0600);
    assert_int_equal(file_read("token", "client-secret-file", test_path("file"), &to, NULL),
                     CKR_GENERAL_ERROR);
    assert_int_equal(to.size, 0);
    assert_logged("File too large");
    buffer_free(&to);
}

static void test_an_empty_file(void **state)
{
    struct buffer to = BUFFER_INIT(8);

    (void)state;
    test_write("file", "", 0600);
    assert_int_equal(file_read_secret("token", "file", test_path("file"), &to, NULL), CKR_OK);
    assert_int_equal(to.size, 0);
    buffer_free(&to);
}

static void test_a_missing_file_is_named(void **state)
{
    struct buffer to = BUFFER_INIT(8);
    const char *lines;

    (void)state;
    assert_int_equal(file_read("contoso", "ca-file", test_path("none"), &to, NULL), CKR_GENERAL_ERROR);
    lines = test_logged();
    assert_text_contains(lines, "error contoso: ca-file ");
    assert_text_contains(lines, test_path("none"));
    assert_text_contains(lines, "No such file");
    buffer_free(&to);
}

static void test_only_regular_files(void **state)
{
    struct buffer to = BUFFER_INIT(8);

    (void)state;
    assert_int_equal(mkfifo(test_path("file"), 0600), 0);
    assert_int_equal(file_read("token", "file", test_path("file"), &to, NULL), CKR_GENERAL_ERROR);
    assert_logged("not a regular file");
    assert_int_equal(file_read("token", "file", test_directory, &to, NULL), CKR_GENERAL_ERROR);
    assert_logged("not a regular file");
    assert_int_equal(file_read("token", "file", "/dev/zero", &to, NULL), CKR_GENERAL_ERROR);
    assert_logged("not a regular file");
    buffer_free(&to);
}

static void test_through_a_link(void **state)
{
    struct buffer to = BUFFER_INIT(8);

    (void)state;
    test_write("target", "x", 0600);
    assert_int_equal(symlink(test_path("target"), test_path("file")), 0);
    assert_int_equal(file_read("token", "file", test_path("file"), &to, NULL), CKR_OK);
    assert_string_equal(buffer_text(&to), "x");
    buffer_free(&to);
}

static void test_a_secret_loses_one_newline(void **state)
{
    static const char *const pairs[][2] = {{"pin\n", "pin"},     {"pin\r\n", "pin"}, {"pin", "pin"},
                                           {"pin\n\n", "pin\n"}, {"pin\r", "pin\r"}, {" pin ", " pin "},
                                           {"\n", ""},           {"\r\n", ""}};
    size_t at;

    (void)state;
    for (at = 0; at < sizeof pairs / sizeof pairs[0]; at++) {
        struct buffer to = BUFFER_INIT(16);

        test_write("file", pairs[at][0], 0600);
        assert_int_equal(file_read_secret("token", "pin", test_path("file"), &to, NULL), CKR_OK);
        assert_string_equal(buffer_text(&to), pairs[at][1]);
        assert_int_equal(to.size, strlen(pairs[at][1]));
        buffer_free(&to);
    }
    assert_nothing_logged();
}

static void test_a_secret_that_others_read_is_a_warning(void **state)
{
    static const mode_t modes[] = {0640, 0604, 0644};
    size_t at;

    (void)state;
    for (at = 0; at < 3; at++) {
        struct buffer to = BUFFER_INIT(16);
        char advice[300];

        test_write("file", "secret", modes[at]);
        assert_int_equal(file_read_secret("token", "pin", test_path("file"), &to, NULL), CKR_OK);
        snprintf(advice, sizeof advice, "chmod 600 %s", test_path("file"));
        assert_logged(advice);
        buffer_free(&to);
    }
}

static void test_a_changed_file_is_noticed(void **state)
{
    struct buffer to = BUFFER_INIT(16);
    struct file_version version = {0};
    const struct timespec times[2] = {{1000000000, 0}, {1000000000, 5}};

    (void)state;
    test_write("file", "one", 0600);
    assert_true(file_changed(test_path("file"), &version));
    assert_int_equal(file_read("token", "file", test_path("file"), &to, &version), CKR_OK);
    assert_false(file_changed(test_path("file"), &version));
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    test_write("file", "two", 0600); /* of the same size */
    assert_true(file_changed(test_path("file"), &version));
    assert_int_equal(file_read("token", "file", test_path("file"), &to, &version), CKR_OK);
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    assert_int_equal(utimensat(AT_FDCWD, test_path("file"), times, 0), 0); /* ctime tells */
    assert_true(file_changed(test_path("file"), &version));
    assert_int_equal(unlink(test_path("file")), 0);
    assert_true(file_changed(test_path("file"), &version));
    buffer_free(&to);
}

static void test_a_replaced_file_is_noticed(void **state)
{
    struct buffer to = BUFFER_INIT(16);
    struct file_version version;

    (void)state;
    test_write("file", "one", 0600);
    assert_int_equal(file_read("token", "file", test_path("file"), &to, &version), CKR_OK);
    test_write("next", "two", 0600);
    assert_int_equal(rename(test_path("next"), test_path("file")), 0);
    assert_true(file_changed(test_path("file"), &version));
    buffer_free(&to);
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reads_all_of_it),
        TEST(test_exactly_at_the_limit),
        TEST(test_beyond_the_limit),
        TEST(test_an_empty_file),
        TEST(test_a_missing_file_is_named),
        TEST(test_only_regular_files),
        TEST(test_through_a_link),
        TEST(test_a_secret_loses_one_newline),
        TEST(test_a_secret_that_others_read_is_a_warning),
        TEST(test_a_changed_file_is_noticed),
        TEST(test_a_replaced_file_is_noticed),
    };

    return cmocka_run_group_tests(tests, test_begin, test_end);
}
