#include "backends/base/log.h"
#include "tests/backends/base/base_test.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

static int set_up(void **state)
{
    (void)state;
    unlink(test_path("log"));
    unlink(test_path("other"));
    test_log_here();
    return 0;
}

static void test_a_line_has_all_its_parts(void **state)
{
    char expected[128];

    (void)state;
    log_warning("contoso", "%s %d", "text", 7);
    snprintf(expected, sizeof expected, "byok-pkcs11[%ld] warning contoso: text 7\n", (long)getpid());
    assert_string_equal(test_logged(), expected);
}

static void test_a_line_of_the_module(void **state)
{
    (void)state;
    log_error(NULL, "text");
    assert_logged("] error: text");
}

static void configure_to_file(const char *level, const char *name)
{
    char text[128];

    unsetenv("BYOK_PKCS11_LOG");
    snprintf(text, sizeof text, "%s file:%s", level, test_path(name));
    assert_int_equal(log_configure(text), CKR_OK);
}

static void test_levels_below_are_left_out(void **state)
{
    (void)state;
    configure_to_file("info", "log");
    assert_true(log_wants(LOG_LEVEL_ERROR));
    assert_true(log_wants(LOG_LEVEL_INFO));
    assert_false(log_wants(LOG_LEVEL_DEBUG));
    log_debug(NULL, "not this");
    log_info(NULL, "this");
    assert_logged("] info: this");
}

static void test_the_environment_wins(void **state)
{
    (void)state;
    assert_int_equal(log_configure("error syslog"), CKR_OK);
    log_debug(NULL, "still here");
    assert_logged("still here");
}

static void test_a_wrong_environment_does_not(void **state)
{
    (void)state;
    configure_to_file("info", "log");
    setenv("BYOK_PKCS11_LOG", "loud", 1);
    configure_to_file("error", "other");
    log_error(NULL, "there");
    assert_nothing_logged();
    assert_int_equal(access(test_path("other"), F_OK), 0);
}

static void test_wrong_choices_keep_the_former(void **state)
{
    static const char *const wrong[] = {"",
                                        "loud",
                                        "Debug",
                                        "debug stdout",
                                        "debug file:",
                                        "debug file:x",
                                        "debug stderr x",
                                        "debug:stderr",
                                        "errors stderr"};
    size_t at;

    (void)state;
    for (at = 0; at < sizeof wrong / sizeof wrong[0]; at++) {
        assert_int_equal(log_configure(wrong[at]), CKR_ARGUMENTS_BAD);
    }
    log_debug(NULL, "as before");
    assert_logged("as before");
}

static void test_right_choices(void **state)
{
    static const char *const right[] = {"debug", "error syslog", "warning stderr", "info  file:/dev/null"};
    size_t at;

    (void)state;
    unsetenv("BYOK_PKCS11_LOG");
    for (at = 0; at < sizeof right / sizeof right[0]; at++) {
        assert_int_equal(log_configure(right[at]), CKR_OK);
    }
}

static void test_stderr(void **state)
{
    int before = dup(STDERR_FILENO), file = open(test_path("log"), O_CREAT | O_RDWR, 0600);

    (void)state;
    assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
    setenv("BYOK_PKCS11_LOG", "debug", 1);
    assert_int_equal(log_configure("error syslog"), CKR_OK);
    log_debug("x", "on stderr");
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    close(before);
    close(file);
    assert_logged("debug x: on stderr");
}

/* The host may have closed it: no signal, and the host's own pending one stays. */
static void test_a_broken_stderr(void **state)
{
    int before = dup(STDERR_FILENO), ends[2];
    sigset_t pending, mask;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    setenv("BYOK_PKCS11_LOG", "debug:stderr", 1);
    assert_int_equal(log_configure("error syslog"), CKR_OK);
    log_error(NULL, "for nobody");
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    close(before);
    close(ends[1]);
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &mask), 0);
    assert_int_equal(sigismember(&mask, SIGPIPE), 0);
}

static void test_control_characters_become_question_marks(void **state)
{
    (void)state;
    log_error("a\nb", "c\r\nd\x1b[1m\x7f");
    assert_logged("error a?b: c??d?[1m?\n");
}

static void test_a_line_has_an_end(void **state)
{
    char text[4000];
    const char *lines;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_error(NULL, "%s", text);
    lines = test_logged();
    assert_int_equal(test_line_count(lines), 1);
    assert_true(strlen(lines) <= 1024);
    log_error(text, "x");
    assert_true(strlen(test_logged()) <= 1024);
}

static void test_errno_stays(void **state)
{
    (void)state;
    errno = ENOTTY;
    log_error(NULL, "text");
    assert_int_equal(errno, ENOTTY);
    setenv("BYOK_PKCS11_LOG", "debug:file:/nonexistent/log", 1);
    assert_int_equal(log_configure("error"), CKR_OK);
    errno = ENOTTY;
    log_error(NULL, "to syslog instead");
    assert_int_equal(errno, ENOTTY);
}

static void test_a_file_moved_away_is_made_again(void **state)
{
    (void)state;
    log_error(NULL, "first");
    assert_int_equal(rename(test_path("log"), test_path("other")), 0);
    log_error(NULL, "second");
    assert_logged("second");
}

static void test_the_file_is_not_for_others(void **state)
{
    struct stat about;

    (void)state;
    log_error(NULL, "text");
    assert_int_equal(stat(test_path("log"), &about), 0);
    assert_int_equal(about.st_mode & 0137, 0);
}

static void *log_many(void *arg)
{
    size_t at;

    for (at = 0; at < 200; at++) {
        log_info(arg, "0123456789");
    }
    return NULL;
}

static void test_threads_log_whole_lines(void **state)
{
    static char about[] = "thread";
    pthread_t threads[4];
    char expected[80], line[80];
    size_t at, count = 0;
    FILE *file;

    (void)state;
    for (at = 0; at < 4; at++) {
        assert_int_equal(pthread_create(&threads[at], NULL, log_many, about), 0);
    }
    for (at = 0; at < 4; at++) {
        assert_int_equal(pthread_join(threads[at], NULL), 0);
    }
    snprintf(expected, sizeof expected, "byok-pkcs11[%ld] info thread: 0123456789\n", (long)getpid());
    file = fopen(test_path("log"), "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        assert_string_equal(line, expected);
        count++;
    }
    fclose(file);
    assert_int_equal(count, 800);
}

static int child_logs(void *arg)
{
    log_after_fork();
    log_error(arg, "from the child");
    return 0;
}

static void test_a_child_logs_with_its_own_number(void **state)
{
    static char about[] = "child";
    char parents[32];

    (void)state;
    assert_int_equal(test_in_child(child_logs, about), 0);
    snprintf(parents, sizeof parents, "[%ld]", (long)getpid());
    assert_null(strstr(test_logged(), parents));
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_line_has_all_its_parts),
        TEST(test_a_line_of_the_module),
        TEST(test_levels_below_are_left_out),
        TEST(test_the_environment_wins),
        TEST(test_a_wrong_environment_does_not),
        TEST(test_wrong_choices_keep_the_former),
        TEST(test_right_choices),
        TEST(test_stderr),
        TEST(test_a_broken_stderr),
        TEST(test_control_characters_become_question_marks),
        TEST(test_a_line_has_an_end),
        TEST(test_errno_stays),
        TEST(test_a_file_moved_away_is_made_again),
        TEST(test_the_file_is_not_for_others),
        TEST(test_threads_log_whole_lines),
        TEST(test_a_child_logs_with_its_own_number),
    };

    return cmocka_run_group_tests(tests, test_begin, test_end);
}
