/* Findings: their text, what was heard between them, and files that others can read. */
#include "backends/diagnosis.h"
#include "tests/backends/base/base_test.h"

static struct diagnosis diagnosis;
static char last[512], overheard[512];
static enum finding_status status;

static void listen(void *arg, const struct finding *finding)
{
    (void)arg;
    status = finding->status;
    snprintf(last, sizeof last, "%s|%s|%s|%s", finding->token == NULL ? "-" : finding->token, finding->check,
             finding->text, finding->advice == NULL ? "-" : finding->advice);
}

static void overhear(void *arg, enum log_level level, const char *about, const char *text)
{
    (void)arg;
    snprintf(overheard, sizeof overheard, "%d %s %s", (int)level, about == NULL ? "-" : about, text);
}

static int set_up(void **state)
{
    (void)state;
    test_log_here();
    diagnosis = (struct diagnosis){.tell = listen, .overhear = overhear, .token = "contoso"};
    diagnosis_begin(&diagnosis);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    diagnosis_end(&diagnosis);
    return 0;
}

static void test_a_finding_has_all_its_parts(void **state)
{
    (void)state;
    diagnosis_warn(&diagnosis, "clock", "set it", "%d s ahead", 7);
    assert_string_equal(last, "contoso|clock|7 s ahead|set it");
    diagnosis.token = NULL;
    diagnosis_ok(&diagnosis, "clock", "fine");
    assert_string_equal(last, "-|clock|fine|-");
    diagnosis_fail(&diagnosis, "clock", NULL, "wrong");
    assert_int_equal(diagnosis.count[FINDING_OK], 1);
    assert_int_equal(diagnosis.count[FINDING_WARN], 1);
    assert_int_equal(diagnosis.count[FINDING_FAIL], 1);
}

static void test_the_log_is_heard_and_goes_nowhere_else(void **state)
{
    (void)state;
    log_info("contoso", "not this");
    log_warning("contoso", "first");
    log_error(NULL, "second");
    assert_string_equal(diagnosis_heard(&diagnosis), "first; second");
    assert_string_equal(overheard, "0 - second");
    diagnosis_fail(&diagnosis, "way", NULL, "%s", diagnosis_heard(&diagnosis));
    assert_string_equal(last, "contoso|way|first; second|-");
    assert_string_equal(diagnosis_heard(&diagnosis), "");
}

static void test_the_log_is_as_before_afterwards(void **state)
{
    (void)state;
    diagnosis_end(&diagnosis);
    log_warning(NULL, "to the log");
    assert_string_equal(diagnosis_heard(&diagnosis), "");
    assert_logged("to the log");
}

static void test_what_is_logged_does_not_overflow(void **state)
{
    char text[900];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 5; i++) {
        log_error(NULL, "%s", text);
    }
    assert_int_equal(strlen(diagnosis_heard(&diagnosis)), DIAGNOSIS_HEARD_SIZE - 1);
}

static const char *file_with_mode(mode_t mode, const char *content)
{
    const char *path = test_path("file");
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(content, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static void check_file(mode_t mode, bool secret, enum finding_status expected)
{
    assert_true(diagnosis_file(&diagnosis, "f", "some-file", file_with_mode(mode, "x"), secret));
    assert_int_equal(status, expected);
}

static void test_who_can_read_and_change_a_file(void **state)
{
    (void)state;
    check_file(0600, true, FINDING_OK);
    check_file(0640, true, FINDING_WARN);
    check_file(0604, true, FINDING_WARN);
    check_file(0644, false, FINDING_OK);
    check_file(0664, false, FINDING_WARN);
    check_file(0602, true, FINDING_WARN);
}

static void test_a_file_that_cannot_be_used(void **state)
{
    (void)state;
    assert_false(diagnosis_file(&diagnosis, "f", "some-file", test_path("nothing"), true));
    assert_int_equal(status, FINDING_FAIL);
    assert_false(diagnosis_file(&diagnosis, "f", "some-file", "/", true));
    assert_int_equal(status, FINDING_FAIL);
    assert_false(diagnosis_file(&diagnosis, "f", "some-file", file_with_mode(0600, ""), true));
    assert_int_equal(status, FINDING_FAIL);
}

static void test_a_folder_that_others_can_write(void **state)
{
    char path[512];

    (void)state;
    file_with_mode(0600, "x");
    snprintf(path, sizeof path, "%s", test_path("open"));
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0777), 0);
    strcat(path, "/file");
    assert_int_equal(link(test_path("file"), path), 0);
    assert_true(diagnosis_file(&diagnosis, "f", "some-file", path, true));
    assert_int_equal(status, FINDING_WARN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_finding_has_all_its_parts),     TEST(test_the_log_is_heard_and_goes_nowhere_else),
        TEST(test_the_log_is_as_before_afterwards), TEST(test_what_is_logged_does_not_overflow),
        TEST(test_who_can_read_and_change_a_file),  TEST(test_a_file_that_cannot_be_used),
        TEST(test_a_folder_that_others_can_write),
    };

    return cmocka_run_group_tests_name("backends/diagnosis", tests, test_begin, test_end);
}
