/* The file of records: its chains, who shares it, and what happens when it cannot be written. */
#include "tests/backends/audit/audit_file_test.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

/* --- The chain --- */

static void test_again_is_the_same_chain(void **state)
{
    struct audit_seen seen;

    (void)state;
    audit_begin(test_directory, AUDIT_TO_FILE);
    audit_use_ok();
    audit_begin(test_directory, AUDIT_TO_FILE);
    audit_use_ok();
    seen = audit_read_path(audit_file_path());
    assert_true(seen.is_whole);
    assert_int_equal(seen.chains, 1);
    assert_int_equal(seen.totals.records, 4);
    assert_int_equal(seen.totals.events, 2);
}

static void test_a_use_before_the_start_is_written_comes_second(void **state)
{
    cJSON *line;

    (void)state;
    assert_int_equal(audit_begin_with(test_directory, AUDIT_TO_FILE), CKR_OK);
    audit_use_ok();
    audit_started();
    line = audit_line(audit_file_path(), 0);
    assert_string_equal(audit_member(line, "event"), "started");
    cJSON_Delete(line);
    assert_int_equal(audit_line_count(audit_file_path()), 2);
}

static int use_in_child(void *arg)
{
    struct audit_use use = audit_a_use();

    (void)arg;
    audit_after_fork();
    if (audit_begin_with(test_directory, AUDIT_TO_FILE) != CKR_OK) {
        return 1;
    }
    audit_started();
    for (int i = 0; i < 50; i++) {
        if (audit_use(&use) != CKR_OK) {
            return 2;
        }
    }
    return 0;
}

static void test_a_forked_child_has_a_chain_of_its_own(void **state)
{
    struct audit_seen seen;

    (void)state;
    audit_begin(test_directory, AUDIT_TO_FILE);
    assert_int_equal(test_in_child(use_in_child, NULL), 0);
    audit_use_ok();
    seen = audit_read_path(audit_file_path());
    assert_true(seen.is_whole);
    assert_int_equal(seen.chains, 2);
    assert_int_equal(seen.totals.records, 2 + 51);
}

static void *use_often(void *arg)
{
    const int *times = arg;
    struct audit_use use = audit_a_use();

    for (int i = 0; i < *times; i++) {
        if (audit_use(&use) != CKR_OK) {
            return arg;
        }
    }
    return NULL;
}

enum { THREADS = 4, PROCESSES = 4 };

static void run_threads(int times, void (*meanwhile)(void))
{
    pthread_t threads[THREADS];
    void *failed;

    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, use_often, &times), 0);
    }
    if (meanwhile != NULL) {
        meanwhile();
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

static void test_threads_and_processes_share_a_file(void **state)
{
    struct audit_seen seen;
    pid_t children[PROCESSES];
    int status;

    (void)state;
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            _exit(use_in_child(NULL));
        }
    }
    audit_begin(test_directory, AUDIT_TO_FILE);
    run_threads(100, NULL);
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    seen = audit_read_path(audit_file_path());
    assert_true(seen.is_whole);
    assert_int_equal(seen.chains, PROCESSES + 1);
    assert_int_equal(seen.totals.records, PROCESSES * 51 + 1 + THREADS * 100);
}

/* --- The file --- */

static void test_it_is_the_owners_alone(void **state)
{
    struct stat about;

    (void)state;
    audit_begin(test_directory, AUDIT_TO_FILE);
    assert_int_equal(stat(audit_file_path(), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

static void test_what_was_there_stays(void **state)
{
    (void)state;
    test_write("audit", "{}\n", 0600);
    audit_begin(test_directory, AUDIT_TO_FILE);
    assert_int_equal(audit_line_count(audit_file_path()), 2);
    assert_int_equal(strncmp(audit_text(audit_file_path()), "{}\n", 3), 0);
}

static void test_it_is_made_again_after_it_was_renamed(void **state)
{
    struct audit_seen seen;

    (void)state;
    audit_begin(test_directory, AUDIT_TO_FILE);
    audit_use_ok();
    assert_int_equal(rename(audit_file_path(), test_path("audit.1")), 0);
    audit_use_ok();
    assert_int_equal(audit_line_count(test_path("audit.1")), 2);
    assert_int_equal(audit_line_count(audit_file_path()), 1);
    seen = audit_read_path(audit_file_path());
    assert_int_equal(seen.found[AUDIT_BEGINS_LATER], 1);
    assert_true(seen.is_whole);
    assert_nothing_logged();
}

static void rotate(void)
{
    for (int i = 0; i < 5; i++) {
        char name[32];

        snprintf(name, sizeof name, "rotated.%d", i);
        if (rename(audit_file_path(), test_path(name)) != 0 && errno != ENOENT) {
            fail();
        }
        usleep(2000);
    }
}

static void test_nothing_is_lost_while_it_rotates(void **state)
{
    struct audit_report *report = NULL;
    char name[32];

    (void)state;
    audit_begin(test_directory, AUDIT_TO_FILE);
    run_threads(100, rotate);
    audit_use_ok();
    assert_int_equal(audit_report_new(NULL, NULL, &report), CKR_OK);
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "rotated.%d", i);
        if (access(test_path(name), F_OK) == 0) {
            assert_int_equal(audit_report_read(report, test_path(name)), CKR_OK);
            unlink(test_path(name));
        }
    }
    assert_int_equal(audit_report_read(report, audit_file_path()), CKR_OK);
    assert_true(audit_report_end(report));
    assert_int_equal(audit_report_totals(report).records, 2 + THREADS * 100);
    audit_report_free(report);
}

/* The number of our file, which the host may close and give to something else. */
static int number_of_file(void)
{
    char link[64], path[256];
    ssize_t size;

    for (int i = 3; i < 100; i++) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", i);
        size = readlink(link, path, sizeof path - 1);
        path[size < 0 ? 0 : size] = 0;
        if (strcmp(path, audit_file_path()) == 0 && (fcntl(i, F_GETFL) & O_ACCMODE) == O_WRONLY) {
            return i;
        }
    }
    return -1;
}

static void test_a_host_that_closed_it_keeps_what_it_has_there(void **state)
{
    int number, other;

    (void)state;
    audit_begin(test_directory, AUDIT_TO_FILE);
    number = number_of_file();
    assert_int_not_equal(number, -1);
    test_write("other", "", 0600);
    other = open(test_path("other"), O_WRONLY);
    assert_int_equal(dup2(other, number), number);
    audit_use_ok();
    assert_int_equal(audit_line_count(audit_file_path()), 2);
    assert_string_equal(audit_text(test_path("other")), "");
    assert_int_not_equal(fcntl(number, F_GETFD), -1);
    close(number);
    close(other);
}

/* --- When it cannot be written --- */

static void test_a_full_disk_is_loud_and_told(void **state)
{
    struct audit_seen seen;

    (void)state;
    audit_begin(test_directory, "audit-file = /dev/full # %s\n");
    for (int i = 0; i < 3; i++) {
        audit_use_ok();
    }
    assert_logged("No space left on device");
    audit_begin(test_directory, AUDIT_TO_FILE);
    audit_use_ok();
    assert_logged("3 were lost");
    seen = audit_read_path(audit_file_path());
    assert_true(seen.is_whole);
    assert_int_equal(seen.found[AUDIT_LOST], 1);
    assert_int_equal(seen.found[AUDIT_BEGINS_LATER], 0);
    assert_int_equal(seen.totals.lost, 3);
}

static void test_in_the_middle_of_a_chain(void **state)
{
    struct audit_seen seen;
    cJSON *line;

    (void)state;
    audit_begin(test_directory, AUDIT_TO_FILE);
    audit_use_ok();
    assert_int_equal(rename(audit_file_path(), test_path("audit.1")), 0);
    assert_int_equal(symlink("/dev/full", audit_file_path()), 0);
    audit_use_ok();
    audit_use_ok();
    assert_logged("audit: a record cannot be written");
    unlink(audit_file_path());
    assert_int_equal(rename(test_path("audit.1"), audit_file_path()), 0);
    audit_use_ok();
    line = audit_line(audit_file_path(), 2);
    assert_string_equal(audit_member(line, "event"), "lost");
    assert_int_equal(audit_number(line, "count"), 2);
    assert_int_equal(audit_number(line, "sequence"), 5);
    cJSON_Delete(line);
    seen = audit_read_path(audit_file_path());
    assert_true(seen.is_whole);
    assert_int_equal(seen.totals.lost, 2);
}

static void test_half_a_line_does_not_spoil_the_next(void **state)
{
    struct rlimit before, half;
    struct audit_seen seen;
    struct stat about;

    (void)state;
    audit_begin(test_directory, AUDIT_TO_FILE);
    audit_use_ok();
    assert_int_equal(stat(audit_file_path(), &about), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    half = (struct rlimit){(rlim_t)about.st_size + 100, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &half), 0);
    audit_use_ok();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    audit_use_ok();
    seen = audit_read_path(audit_file_path());
    assert_int_equal(seen.found[AUDIT_DAMAGED], 1);
    assert_int_equal(seen.found[AUDIT_LOST], 1);
    assert_int_equal(seen.found[AUDIT_MISSING], 0);
    assert_int_equal(seen.totals.uses, 2);
}

static void test_required_refuses(void **state)
{
    struct audit_use use = audit_a_use();

    (void)state;
    audit_begin(test_directory, "audit-file = /dev/full # %s\naudit-required = yes\n");
    assert_int_equal(audit_use(&use), CKR_FUNCTION_FAILED);
    assert_text_contains(test_logged(), "refused");
    audit_begin(test_directory, AUDIT_TO_FILE "audit-required = yes\n");
    assert_int_equal(audit_use(&use), CKR_OK);
}

static void test_a_folder_that_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(audit_begin_with(test_directory, "audit-file = \"%s/no/such\"\n"), CKR_OK);
    assert_logged("No such file or directory; keys are used without a record");
    assert_true(audit_wanted());
}

static void test_a_folder_that_is_not_there_and_required(void **state)
{
    (void)state;
    assert_int_equal(audit_begin_with(test_directory, "audit-file = \"%s/no/such\"\naudit-required = yes\n"),
                     CKR_GENERAL_ERROR);
    assert_logged(":1: audit-file");
    assert_false(audit_wanted());
}

static void test_required_needs_a_place(void **state)
{
    (void)state;
    assert_int_equal(audit_begin_with(test_directory, "# %s\naudit-required = yes\n"), CKR_GENERAL_ERROR);
    assert_logged(":2: audit-required needs");
}

static void *use_once(void *arg)
{
    struct audit_use use = audit_a_use();

    (void)arg;
    return audit_use(&use) == CKR_OK ? NULL : arg;
}

/* A FIFO that is full and has nobody who reads is a disk that hangs. */
static void test_who_hangs_hangs_alone(void **state)
{
    char rubbish[4096] = "";
    pthread_t stuck;
    int reader, writer;
    int64_t began;

    (void)state;
    assert_int_equal(mkfifo(audit_file_path(), 0600), 0);
    reader = open(audit_file_path(), O_RDONLY | O_NONBLOCK);
    audit_begin(test_directory, AUDIT_TO_FILE);
    writer = number_of_file();
    assert_int_not_equal(writer, -1);
    for (size_t size = sizeof rubbish; size != 0; size /= 2) {
        while (write(writer, rubbish, size) > 0) {
        }
    }
    assert_int_equal(fcntl(writer, F_SETFL, O_WRONLY | O_APPEND), 0);
    assert_int_equal(pthread_create(&stuck, NULL, use_once, NULL), 0);
    usleep(300 * 1000);
    began = clock_now();
    audit_use_ok();
    assert_in_range(clock_now() - began, 100, 60 * 1000);
    began = clock_now();
    for (int i = 0; i < 100; i++) {
        audit_use_ok();
    }
    assert_in_range(clock_now() - began, 0, AUDIT_PATIENCE * 20);
    assert_logged("does the disk hang?");
    while (read(reader, rubbish, sizeof rubbish) > 0) {
    }
    assert_int_equal(pthread_join(stuck, NULL), 0);
    audit_use_ok();
    close(reader);
    unlink(audit_file_path());
    assert_text_contains(test_logged(), "101 were lost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, audit_begin_anew)
        TEST(test_again_is_the_same_chain),
        TEST(test_a_use_before_the_start_is_written_comes_second),
        TEST(test_a_forked_child_has_a_chain_of_its_own),
        TEST(test_threads_and_processes_share_a_file),
        TEST(test_it_is_the_owners_alone),
        TEST(test_what_was_there_stays),
        TEST(test_it_is_made_again_after_it_was_renamed),
        TEST(test_nothing_is_lost_while_it_rotates),
        TEST(test_a_host_that_closed_it_keeps_what_it_has_there),
        TEST(test_a_full_disk_is_loud_and_told),
        TEST(test_in_the_middle_of_a_chain),
        TEST(test_half_a_line_does_not_spoil_the_next),
        TEST(test_required_refuses),
        TEST(test_a_folder_that_is_not_there),
        TEST(test_a_folder_that_is_not_there_and_required),
        TEST(test_required_needs_a_place),
        TEST(test_who_hangs_hangs_alone),
    };

    return cmocka_run_group_tests(tests, test_begin, test_end);
}
