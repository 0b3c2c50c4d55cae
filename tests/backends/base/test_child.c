/* Programs that are run for their output. */
#include "backends/base/child.h"
#include "backends/base/scope.h"
#include "tests/backends/base/base_test.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

struct run {
    struct child_outcome outcome;
    struct buffer output, complaint;
};

static void run_done(struct run *run)
{
    buffer_free(&run->output);
    buffer_free(&run->complaint);
}

static struct run run_program(const char *path, const char *const *arguments, int64_t milliseconds)
{
    struct run run = {.output = BUFFER_INIT(1000), .complaint = BUFFER_INIT(100)};

    run.outcome = child_run(path, arguments, deadline_in(milliseconds), &run.output, &run.complaint);
    return run;
}

static struct run run_script(const char *script, int64_t milliseconds)
{
    const char *arguments[] = {"sh", "-c", script, NULL};

    return run_program("/bin/sh", arguments, milliseconds);
}

static void test_output_and_status(void **state)
{
    struct run run SCOPED(run_done) = run_script("echo out; echo err >&2; exit 3", 5000);

    (void)state;
    assert_int_equal(run.outcome.end, CHILD_EXITED);
    assert_int_equal(run.outcome.number, 3);
    assert_string_equal(buffer_text(&run.output), "out\n");
    assert_string_equal(buffer_text(&run.complaint), "err\n");
}

static void test_arguments_are_no_shell_words(void **state)
{
    static const char *const arguments[] = {"printf", "%s|", "$(id)", "a b", "; exit 9", NULL};
    struct run run SCOPED(run_done) = run_program("/usr/bin/printf", arguments, 5000);

    (void)state;
    assert_string_equal(buffer_text(&run.output), "$(id)|a b|; exit 9|");
}

static void test_no_such_program(void **state)
{
    static const char *const arguments[] = {"none", NULL};
    struct run run SCOPED(run_done) = run_program(test_path("none"), arguments, 5000);

    (void)state;
    assert_int_equal(run.outcome.end, CHILD_NOT_STARTED);
    assert_int_equal(run.outcome.number, ENOENT);
}

/* A file without an interpreter's line: a shell would be guesswork. */
static void test_no_program(void **state)
{
    static const char *const arguments[] = {"x", NULL};
    struct run run SCOPED(run_done) = {.output = BUFFER_INIT(1)};

    (void)state;
    test_write("text", "echo hello\n", 0755);
    run = run_program(test_path("text"), arguments, 5000);
    assert_int_equal(run.outcome.end, CHILD_NOT_STARTED);
    assert_int_equal(run.outcome.number, ENOEXEC);
}

static void test_too_much_output_ends_it(void **state)
{
    int64_t begun = clock_now();
    struct run run SCOPED(run_done) = run_script("while :; do echo 0123456789; done", 20000);

    (void)state;
    assert_int_equal(run.outcome.end, CHILD_TOO_MUCH);
    assert_true(run.output.size <= 1000);
    assert_true(clock_now() - begun < 10000);
}

static void test_output_of_exactly_the_limit(void **state)
{
    struct run run SCOPED(run_done) = run_script("printf '%01000d' 7", 5000);

    (void)state;
    assert_int_equal(run.outcome.end, CHILD_EXITED);
    assert_int_equal(run.output.size, 1000);
}

/* The rest is read and dropped, so that it does not wait for us. */
static void test_long_complaints_do_not_block_it(void **state)
{
    struct run run SCOPED(run_done) = run_script(
        "i=0; while [ $i -lt 300 ]; do printf '%01000d' $i >&2; i=$((i+1)); done; echo done", 20000);

    (void)state;
    assert_int_equal(run.outcome.end, CHILD_EXITED);
    assert_string_equal(buffer_text(&run.output), "done\n");
    assert_int_equal(run.complaint.size, 100);
}

static void test_endless_complaints_meet_the_deadline(void **state)
{
    int64_t begun = clock_now();
    struct run run SCOPED(run_done) = run_script("exec cat /dev/zero >&2", 500);

    (void)state;
    assert_int_equal(run.outcome.end, CHILD_TIMED_OUT);
    assert_true(clock_now() - begun < 5000);
}

static bool is_gone(pid_t pid)
{
    for (int i = 0; i < 200; i++) {
        if (kill(pid, 0) != 0 && errno == ESRCH) {
            return true;
        }
        usleep(10000);
    }
    return false;
}

/* With what it has started, though that is no child of ours. */
static void test_killed_at_the_deadline(void **state)
{
    int64_t begun = clock_now();
    struct run run SCOPED(run_done) = run_script("sleep 60 & echo $! $$; wait", 500);
    int inner = 0, own = 0;

    (void)state;
    assert_int_equal(run.outcome.end, CHILD_TIMED_OUT);
    assert_in_range(clock_now() - begun, 490, 5000);
    assert_int_equal(sscanf(buffer_text(&run.output), "%d %d", &inner, &own), 2);
    assert_int_equal(waitpid(own, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_true(is_gone(own));
    /* An orphan is reaped by whoever adopts it; a container's first process may leave it as a zombie. */
    if (!is_gone(inner)) {
        char path[64], line[256] = "";
        FILE *file;

        snprintf(path, sizeof path, "/proc/%d/stat", inner);
        file = fopen(path, "r");
        assert_true(file == NULL || fgets(line, sizeof line, file) == NULL || strstr(line, ") Z ") != NULL);
        if (file != NULL) {
            fclose(file);
        }
    }
}

/* A telemetry that runs on behind it keeps its output open. */
static void test_what_it_leaves_behind_is_not_waited_for(void **state)
{
    int64_t begun = clock_now();
    struct run run SCOPED(run_done) = run_script("sleep 5 & echo token", 20000);

    (void)state;
    assert_int_equal(run.outcome.end, CHILD_EXITED);
    assert_string_equal(buffer_text(&run.output), "token\n");
    assert_true(clock_now() - begun < 3000);
}

static void test_a_closed_output_is_no_end(void **state)
{
    struct run run SCOPED(run_done) = run_script("echo token; exec >&- 2>&-; sleep 0.3; exit 4", 5000);

    (void)state;
    assert_int_equal(run.outcome.end, CHILD_EXITED);
    assert_int_equal(run.outcome.number, 4);
}

static void test_killed_by_another(void **state)
{
    struct run run SCOPED(run_done) = run_script("kill -9 $$", 5000);

    (void)state;
    assert_int_equal(run.outcome.end, CHILD_SIGNALLED);
    assert_int_equal(run.outcome.number, SIGKILL);
}

/* --- Manners --- */

static void test_it_gets_three_files(void **state)
{
    int extra = open("/dev/null", O_RDONLY); /* without O_CLOEXEC, as careless hosts do */
    struct run run SCOPED(run_done) = run_script("ls /proc/$$/fd; readlink /proc/$$/fd/0", 5000);

    (void)state;
    assert_true(extra > 2);
    assert_string_equal(buffer_text(&run.output), "0\n1\n2\n/dev/null\n");
    close(extra);
}

/* A daemon has closed them: the pipes' own numbers are then 0 to 2. */
static int run_without_standard_files(void *arg)
{
    struct run run SCOPED(run_done) = {.output = BUFFER_INIT(1)};

    (void)arg;
    close(0);
    close(1);
    close(2);
    run = run_script("echo out; echo err >&2; cat", 5000);
    return run.outcome.end == CHILD_EXITED && run.outcome.number == 0 &&
                   strcmp(buffer_text(&run.output), "out\n") == 0 &&
                   strcmp(buffer_text(&run.complaint), "err\n") == 0
               ? 0
               : 1;
}

static void test_host_without_standard_files(void **state)
{
    (void)state;
    assert_int_equal(test_in_child(run_without_standard_files, NULL), 0);
}

static void test_no_descriptor_stays(void **state)
{
    int before = dup(0), after;

    (void)state;
    close(before);
    for (int i = 0; i < 10; i++) {
        struct run run SCOPED(run_done) = run_script("echo x", 5000);

        assert_int_equal(run.outcome.end, CHILD_EXITED);
    }
    after = dup(0);
    close(after);
    assert_int_equal(after, before);
}

static void test_signals_are_as_at_login(void **state)
{
    struct run run SCOPED(run_done) = {.output = BUFFER_INIT(1)};
    unsigned long long mask, ignored;
    sigset_t blocked, before;

    (void)state;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    run = run_script("exec grep -E 'Sig(Blk|Ign)' /proc/self/status", 5000);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(sscanf(buffer_text(&run.output), "SigBlk: %llx SigIgn: %llx", &mask, &ignored), 2);
    assert_int_equal(mask, 0);
    assert_int_equal(ignored & 0x7fffffff, 0); /* 32 and 33 are the C library's own */
}

static void test_it_has_a_session_of_its_own(void **state)
{
    struct run run SCOPED(run_done) = run_script("cut -d' ' -f1,6 /proc/$$/stat", 5000);
    int pid = 0, session = 0;

    (void)state;
    assert_int_equal(sscanf(buffer_text(&run.output), "%d %d", &pid, &session), 2);
    assert_int_equal(pid, session);
}

static void test_environment_is_the_hosts(void **state)
{
    struct run run SCOPED(run_done) = {.output = BUFFER_INIT(1)};

    (void)state;
    setenv("BYOK_TEST_VARIABLE", "a value", 1);
    run = run_script("echo \"$BYOK_TEST_VARIABLE\"", 5000);
    assert_string_equal(buffer_text(&run.output), "a value\n");
    unsetenv("BYOK_TEST_VARIABLE");
}

static void test_host_that_ignores_its_children(void **state)
{
    struct run run SCOPED(run_done) = {.output = BUFFER_INIT(1)};

    (void)state;
    signal(SIGCHLD, SIG_IGN);
    run = run_script("echo token", 5000);
    signal(SIGCHLD, SIG_DFL);
    assert_int_equal(run.outcome.end, CHILD_UNKNOWN);
    assert_string_equal(buffer_text(&run.output), "token\n");
}

static void test_deadline_of_a_host_that_ignores_its_children(void **state)
{
    struct run run SCOPED(run_done) = {.output = BUFFER_INIT(1)};
    int64_t begun = clock_now();

    (void)state;
    signal(SIGCHLD, SIG_IGN);
    run = run_script("sleep 60", 300);
    signal(SIGCHLD, SIG_DFL);
    assert_int_equal(run.outcome.end, CHILD_TIMED_OUT);
    assert_true(clock_now() - begun < 5000);
}

static void *reap_all(void *arg)
{
    atomic_bool *stop = arg;

    while (!*stop) {
        if (waitpid(-1, NULL, WNOHANG) <= 0) {
            usleep(100);
        }
    }
    return NULL;
}

static void test_host_that_waits_for_all_children(void **state)
{
    atomic_bool stop = false;
    pthread_t thread;

    (void)state;
    pthread_create(&thread, NULL, reap_all, &stop);
    for (int i = 0; i < 20; i++) {
        struct run run SCOPED(run_done) = run_script("echo token", 5000);

        assert_true(run.outcome.end == CHILD_UNKNOWN || run.outcome.end == CHILD_EXITED);
        assert_string_equal(buffer_text(&run.output), "token\n");
    }
    stop = true;
    pthread_join(thread, NULL);
}

/* --- Finding --- */

static CK_RV find(const char *path, struct buffer *ret_path)
{
    char *before = strdup(getenv("PATH"));
    CK_RV rv;

    setenv("PATH", path, 1);
    rv = child_find_program("az", ret_path);
    setenv("PATH", before, 1);
    free(before);
    return rv;
}

/* '@' in `path` is the test's folder; NULL: nothing is found. */
static void expect_found(const char *path, const char *expected)
{
    struct buffer found SCOPED(buffer_free) = BUFFER_INIT(256), whole SCOPED(buffer_free) = BUFFER_INIT(1024);

    for (; *path != 0; path++) {
        assert_int_equal(*path == '@' ? buffer_append_text(&whole, test_directory)
                                      : buffer_append(&whole, path, 1),
                         CKR_OK);
    }
    assert_int_equal(find(buffer_text(&whole), &found), expected == NULL ? CKR_DATA_INVALID : CKR_OK);
    assert_string_equal(buffer_text(&found), expected == NULL ? "" : test_path(expected));
}

static void make_folder(const char *name, mode_t mode, mode_t program_mode)
{
    char program[64];

    mkdir(test_path(name), 0755);
    snprintf(program, sizeof program, "%s/az", name);
    test_write(program, "#!/bin/sh\n", program_mode);
    assert_int_equal(chmod(test_path(name), mode), 0);
}

static void test_first_in_path(void **state)
{
    (void)state;
    make_folder("one", 0755, 0755);
    make_folder("two", 0755, 0755);
    expect_found("/none:@/one:@/two", "one/az");
    expect_found("@/two:@/one", "two/az");
    expect_found("/none:/nowhere", NULL);
    expect_found("", NULL);
}

static void test_relative_folders_do_not_count(void **state)
{
    char *before = getcwd(NULL, 0);

    (void)state;
    make_folder("one", 0755, 0755);
    assert_int_equal(chdir(test_path("one")), 0);
    expect_found(".::../one", NULL);
    expect_found(".:@/one", "one/az");
    assert_int_equal(chdir(before), 0);
    free(before);
}

static void test_what_everybody_may_write_to_is_passed_over(void **state)
{
    (void)state;
    make_folder("one", 0755, 0755);
    make_folder("open", 0777, 0755);
    make_folder("sticky", 01777, 0755);
    make_folder("file", 0755, 0757);
    expect_found("@/open", NULL);
    expect_found("@/sticky", NULL);
    expect_found("@/file:@/one", "one/az");
}

static void test_only_programs(void **state)
{
    (void)state;
    make_folder("plain", 0755, 0644);
    mkdir(test_path("folder"), 0755);
    mkdir(test_path("folder/az"), 0755);
    expect_found("@/plain:@/folder", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_and_status),
        cmocka_unit_test(test_arguments_are_no_shell_words),
        cmocka_unit_test(test_no_such_program),
        cmocka_unit_test(test_no_program),
        cmocka_unit_test(test_too_much_output_ends_it),
        cmocka_unit_test(test_output_of_exactly_the_limit),
        cmocka_unit_test(test_long_complaints_do_not_block_it),
        cmocka_unit_test(test_endless_complaints_meet_the_deadline),
        cmocka_unit_test(test_killed_at_the_deadline),
        cmocka_unit_test(test_what_it_leaves_behind_is_not_waited_for),
        cmocka_unit_test(test_a_closed_output_is_no_end),
        cmocka_unit_test(test_killed_by_another),
        cmocka_unit_test(test_it_gets_three_files),
        cmocka_unit_test(test_host_without_standard_files),
        cmocka_unit_test(test_no_descriptor_stays),
        cmocka_unit_test(test_signals_are_as_at_login),
        cmocka_unit_test(test_it_has_a_session_of_its_own),
        cmocka_unit_test(test_environment_is_the_hosts),
        cmocka_unit_test(test_host_that_ignores_its_children),
        cmocka_unit_test(test_deadline_of_a_host_that_ignores_its_children),
        cmocka_unit_test(test_host_that_waits_for_all_children),
        cmocka_unit_test(test_first_in_path),
        cmocka_unit_test(test_relative_folders_do_not_count),
        cmocka_unit_test(test_what_everybody_may_write_to_is_passed_over),
        cmocka_unit_test(test_only_programs),
    };

    return cmocka_run_group_tests(tests, test_begin, test_end);
}
