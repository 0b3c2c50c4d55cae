/* Records: what stands in them, in which order, and what happens when they cannot be written. */
#include "tests/backends/base/base_test.h"

#include "tests/backends/audit_test.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#define TO_FILE "audit-file = \"%s/audit\"\n"

static const char *audit_path(void)
{
    return test_path("audit");
}

static int begin_anew(void **state)
{
    (void)state;
    audit_forget();
    unlink(test_path("audit"));
    unlink(test_path("audit.1"));
    test_logged();
    return 0;
}

static void use_ok(void)
{
    struct audit_use use = audit_a_use();

    assert_int_equal(audit_use(&use), CKR_OK);
}

/* --- What stands in it --- */

static void test_nothing_is_wanted(void **state)
{
    (void)state;
    audit_begin(test_directory, "# %s\n");
    assert_false(audit_wanted());
    assert_int_equal(audit_began(), 0);
    use_ok();
    audit_event(AUDIT_CLOSED, "t", "b", "k", NULL, NULL);
    assert_int_equal(access(audit_path(), F_OK), -1);
    assert_nothing_logged();
}

static void test_the_start(void **state)
{
    cJSON *line;

    (void)state;
    audit_begin(test_directory, TO_FILE);
    assert_true(audit_wanted());
    line = audit_line(audit_path(), 0);
    assert_string_equal(audit_member(line, "event"), "started");
    assert_int_equal(strlen(audit_member(line, "version")) > 0, 1);
    assert_int_equal(strlen(audit_member(line, "configuration_sha256")), 64);
    assert_int_equal(strlen(audit_member(line, "chain")), 36);
    assert_int_equal(audit_number(line, "sequence"), 1);
    assert_null(cJSON_GetObjectItem(line, "previous"));
    assert_int_equal(audit_number(line, "pid"), getpid());
    assert_int_equal(audit_number(line, "uid"), getuid());
    assert_text_contains(audit_member(line, "program"), "test_audit");
    assert_int_equal(strlen(audit_member(line, "time")), strlen("2026-11-23T02:35:16.123Z"));
    cJSON_Delete(line);
    assert_nothing_logged();
}

static void test_the_hash_is_the_files(void **state)
{
    char command[512], hash[80] = "";
    FILE *sum;
    cJSON *line;

    (void)state;
    audit_begin(test_directory, TO_FILE);
    snprintf(command, sizeof command, "sha256sum %s.%ld", test_path("audit.conf"), (long)getpid());
    sum = popen(command, "r");
    assert_non_null(sum);
    assert_int_equal(fread(hash, 1, 64, sum), 64);
    pclose(sum);
    line = audit_line(audit_path(), 0);
    assert_string_equal(audit_member(line, "configuration_sha256"), hash);
    cJSON_Delete(line);
}

static void test_a_use(void **state)
{
    static const char *const members[][2] = {
        {"event", "use"},
        {"token", "vault"},
        {"backend", "keyvault"},
        {"operation", "unwrap"},
        {"place", "service"},
        {"mechanism", "CKM_RSA_PKCS_OAEP"},
        {"key", "https://vault/keys/kek/0123"},
        {"blob_sha256", "fa2c8cc4f28176bbeed4b736df569a34c79cd3723e9ec42f9674b4d46ac6b8b8"},
        {"result", "CKR_OK"},
        {"request_id", "theirs"},
        {"client_request_id", "ours"},
        {"principal", "who"},
    };
    cJSON *line;

    (void)state;
    audit_begin(test_directory, TO_FILE);
    use_ok();
    line = audit_line(audit_path(), 1);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        assert_string_equal(audit_member(line, members[i][0]), members[i][1]);
    }
    assert_int_equal(audit_number(line, "http_status"), 200);
    assert_int_equal(audit_number(line, "tries"), 1);
    assert_in_range(audit_number(line, "duration_ms"), 0, 60000);
    assert_int_equal(audit_number(line, "sequence"), 2);
    assert_int_equal(strlen(audit_member(line, "previous")), 64);
    cJSON_Delete(line);
}

static void test_what_is_not_known_is_left_out(void **state)
{
    struct audit_use use = {.operation = "sign", .mechanism = 0x80000001, .rv = 0x80000002};
    cJSON *line;

    (void)state;
    audit_begin(test_directory, TO_FILE);
    assert_int_equal(audit_use(&use), CKR_OK);
    line = audit_line(audit_path(), 1);
    assert_null(cJSON_GetObjectItem(line, "token"));
    assert_null(cJSON_GetObjectItem(line, "blob_sha256"));
    assert_null(cJSON_GetObjectItem(line, "http_status"));
    assert_string_equal(audit_member(line, "mechanism"), "0x80000001");
    assert_string_equal(audit_member(line, "result"), "0x80000002");
    cJSON_Delete(line);
}

static void test_a_blob_in_two_parts_has_one_hash(void **state)
{
    struct audit_use use = audit_a_use();
    cJSON *line;

    (void)state;
    audit_begin(test_directory, TO_FILE);
    use.blob = bytes_of("bl", 2);
    use.rest = bytes_of("ob", 2);
    assert_int_equal(audit_use(&use), CKR_OK);
    line = audit_line(audit_path(), 1);
    assert_string_equal(audit_member(line, "blob_sha256"),
                        "fa2c8cc4f28176bbeed4b736df569a34c79cd3723e9ec42f9674b4d46ac6b8b8");
    cJSON_Delete(line);
}

static void test_texts_from_elsewhere_stay_json(void **state)
{
    struct audit_use use = audit_a_use();
    char longest[5000];
    cJSON *line;

    (void)state;
    audit_begin(test_directory, TO_FILE);
    use.token = "a\"b\\c\nd\xff\xc3(\xe2\x82\xac\xe2\x82";
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    use.key = longest;
    assert_int_equal(audit_use(&use), CKR_OK);
    assert_int_equal(audit_line_count(audit_path()), 2);
    line = audit_line(audit_path(), 1);
    assert_string_equal(audit_member(line, "token"), "a\"b\\c\nd?"
                                                     "?(\xe2\x82\xac??");
    assert_in_range(strlen(audit_member(line, "key")), 1000, 1023);
    cJSON_Delete(line);
    assert_true(audit_read_path(audit_path()).is_whole);
}

static void test_the_events(void **state)
{
    static const char *const words[] = {"closed", "opened", "rolled", "refused"};
    struct service_answer answer = {.status = 403, .request_id = "r"};
    cJSON *line;

    (void)state;
    audit_begin(test_directory, TO_FILE);
    for (int i = 0; i < 4; i++) {
        audit_event((enum audit_event)i, "vault", "keyvault", "kek", "KeyDisabled", i == 0 ? &answer : NULL);
        line = audit_line(audit_path(), (size_t)i + 1);
        assert_string_equal(audit_member(line, "event"), words[i]);
        assert_string_equal(audit_member(line, "reason"), "KeyDisabled");
        assert_int_equal(audit_number(line, "http_status"), i == 0 ? 403 : -1);
        cJSON_Delete(line);
    }
    assert_int_equal(audit_read_path(audit_path()).totals.events, 5);
}

static void test_data_in_parts_is_said_to_have_begun(void **state)
{
    struct audit_use use = audit_a_use();
    cJSON *line;

    (void)state;
    audit_begin(test_directory, TO_FILE);
    use.is_begun = true;
    assert_int_equal(audit_use(&use), CKR_OK);
    line = audit_line(audit_path(), 1);
    assert_string_equal(audit_member(line, "event"), "begun");
    assert_string_equal(audit_member(line, "result"), "");
    cJSON_Delete(line);
    assert_int_equal(audit_read_path(audit_path()).totals.uses, 0);
}

/* --- The chain --- */

static void test_again_is_the_same_chain(void **state)
{
    struct audit_seen seen;

    (void)state;
    audit_begin(test_directory, TO_FILE);
    use_ok();
    audit_begin(test_directory, TO_FILE);
    use_ok();
    seen = audit_read_path(audit_path());
    assert_true(seen.is_whole);
    assert_int_equal(seen.chains, 1);
    assert_int_equal(seen.totals.records, 4);
    assert_int_equal(seen.totals.events, 2);
}

static void test_a_use_before_the_start_is_written_comes_second(void **state)
{
    cJSON *line;

    (void)state;
    assert_int_equal(audit_begin_with(test_directory, TO_FILE), CKR_OK);
    use_ok();
    audit_started();
    line = audit_line(audit_path(), 0);
    assert_string_equal(audit_member(line, "event"), "started");
    cJSON_Delete(line);
    assert_int_equal(audit_line_count(audit_path()), 2);
}

static int use_in_child(void *arg)
{
    struct audit_use use = audit_a_use();

    (void)arg;
    audit_after_fork();
    if (audit_begin_with(test_directory, TO_FILE) != CKR_OK) {
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
    audit_begin(test_directory, TO_FILE);
    assert_int_equal(test_in_child(use_in_child, NULL), 0);
    use_ok();
    seen = audit_read_path(audit_path());
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
    audit_begin(test_directory, TO_FILE);
    run_threads(100, NULL);
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    seen = audit_read_path(audit_path());
    assert_true(seen.is_whole);
    assert_int_equal(seen.chains, PROCESSES + 1);
    assert_int_equal(seen.totals.records, PROCESSES * 51 + 1 + THREADS * 100);
}

/* --- The file --- */

static void test_it_is_the_owners_alone(void **state)
{
    struct stat about;

    (void)state;
    audit_begin(test_directory, TO_FILE);
    assert_int_equal(stat(audit_path(), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

static void test_what_was_there_stays(void **state)
{
    (void)state;
    test_write("audit", "{}\n", 0600);
    audit_begin(test_directory, TO_FILE);
    assert_int_equal(audit_line_count(audit_path()), 2);
    assert_int_equal(strncmp(audit_text(audit_path()), "{}\n", 3), 0);
}

static void test_it_is_made_again_after_it_was_renamed(void **state)
{
    struct audit_seen seen;

    (void)state;
    audit_begin(test_directory, TO_FILE);
    use_ok();
    assert_int_equal(rename(audit_path(), test_path("audit.1")), 0);
    use_ok();
    assert_int_equal(audit_line_count(test_path("audit.1")), 2);
    assert_int_equal(audit_line_count(audit_path()), 1);
    seen = audit_read_path(audit_path());
    assert_int_equal(seen.found[AUDIT_BEGINS_LATER], 1);
    assert_true(seen.is_whole);
    assert_nothing_logged();
}

static void rotate(void)
{
    for (int i = 0; i < 5; i++) {
        char name[32];

        snprintf(name, sizeof name, "rotated.%d", i);
        if (rename(audit_path(), test_path(name)) != 0 && errno != ENOENT) {
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
    audit_begin(test_directory, TO_FILE);
    run_threads(100, rotate);
    use_ok();
    assert_int_equal(audit_report_new(NULL, NULL, &report), CKR_OK);
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "rotated.%d", i);
        if (access(test_path(name), F_OK) == 0) {
            assert_int_equal(audit_report_read(report, test_path(name)), CKR_OK);
            unlink(test_path(name));
        }
    }
    assert_int_equal(audit_report_read(report, audit_path()), CKR_OK);
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
        if (strcmp(path, audit_path()) == 0 && (fcntl(i, F_GETFL) & O_ACCMODE) == O_WRONLY) {
            return i;
        }
    }
    return -1;
}

static void test_a_host_that_closed_it_keeps_what_it_has_there(void **state)
{
    int number, other;

    (void)state;
    audit_begin(test_directory, TO_FILE);
    number = number_of_file();
    assert_int_not_equal(number, -1);
    test_write("other", "", 0600);
    other = open(test_path("other"), O_WRONLY);
    assert_int_equal(dup2(other, number), number);
    use_ok();
    assert_int_equal(audit_line_count(audit_path()), 2);
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
        use_ok();
    }
    assert_logged("No space left on device");
    audit_begin(test_directory, TO_FILE);
    use_ok();
    assert_logged("3 were lost");
    seen = audit_read_path(audit_path());
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
    audit_begin(test_directory, TO_FILE);
    use_ok();
    assert_int_equal(rename(audit_path(), test_path("audit.1")), 0);
    assert_int_equal(symlink("/dev/full", audit_path()), 0);
    use_ok();
    use_ok();
    assert_logged("audit: a record cannot be written");
    unlink(audit_path());
    assert_int_equal(rename(test_path("audit.1"), audit_path()), 0);
    use_ok();
    line = audit_line(audit_path(), 2);
    assert_string_equal(audit_member(line, "event"), "lost");
    assert_int_equal(audit_number(line, "count"), 2);
    assert_int_equal(audit_number(line, "sequence"), 5);
    cJSON_Delete(line);
    seen = audit_read_path(audit_path());
    assert_true(seen.is_whole);
    assert_int_equal(seen.totals.lost, 2);
}

static void test_half_a_line_does_not_spoil_the_next(void **state)
{
    struct rlimit before, half;
    struct audit_seen seen;
    struct stat about;

    (void)state;
    audit_begin(test_directory, TO_FILE);
    use_ok();
    assert_int_equal(stat(audit_path(), &about), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    half = (struct rlimit){(rlim_t)about.st_size + 100, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &half), 0);
    use_ok();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    use_ok();
    seen = audit_read_path(audit_path());
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
    audit_begin(test_directory, TO_FILE "audit-required = yes\n");
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
    assert_int_equal(mkfifo(audit_path(), 0600), 0);
    reader = open(audit_path(), O_RDONLY | O_NONBLOCK);
    audit_begin(test_directory, TO_FILE);
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
    use_ok();
    assert_in_range(clock_now() - began, 100, 60 * 1000);
    began = clock_now();
    for (int i = 0; i < 100; i++) {
        use_ok();
    }
    assert_in_range(clock_now() - began, 0, AUDIT_PATIENCE * 20);
    assert_logged("does the disk hang?");
    while (read(reader, rubbish, sizeof rubbish) > 0) {
    }
    assert_int_equal(pthread_join(stuck, NULL), 0);
    use_ok();
    close(reader);
    unlink(audit_path());
    assert_text_contains(test_logged(), "101 were lost");
}

/* --- syslog --- */

static void test_to_syslog_nothing_fails(void **state)
{
    struct audit_use use = audit_a_use();

    (void)state;
    audit_begin(test_directory, "# %s\naudit-syslog = yes\naudit-required = yes\n");
    assert_true(audit_wanted());
    assert_int_equal(audit_use(&use), CKR_OK);
    assert_nothing_logged();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, begin_anew)
        TEST(test_nothing_is_wanted),
        TEST(test_the_start),
        TEST(test_the_hash_is_the_files),
        TEST(test_a_use),
        TEST(test_what_is_not_known_is_left_out),
        TEST(test_a_blob_in_two_parts_has_one_hash),
        TEST(test_texts_from_elsewhere_stay_json),
        TEST(test_the_events),
        TEST(test_data_in_parts_is_said_to_have_begun),
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
        TEST(test_to_syslog_nothing_fails),
    };

    return cmocka_run_group_tests(tests, test_begin, test_end);
}
