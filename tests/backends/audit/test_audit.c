/* Records: what stands in them. */
#include "tests/backends/audit/audit_file_test.h"

/* --- What stands in it --- */

static void test_nothing_is_wanted(void **state)
{
    (void)state;
    audit_begin(test_directory, "# %s\n");
    assert_false(audit_wanted());
    assert_int_equal(audit_began(), 0);
    audit_use_ok();
    audit_event(AUDIT_CLOSED, "t", "b", "k", NULL, NULL);
    assert_int_equal(access(audit_file_path(), F_OK), -1);
    assert_nothing_logged();
}

static void test_the_start(void **state)
{
    cJSON *line;

    (void)state;
    audit_begin(test_directory, AUDIT_TO_FILE);
    assert_true(audit_wanted());
    line = audit_line(audit_file_path(), 0);
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
    audit_begin(test_directory, AUDIT_TO_FILE);
    snprintf(command, sizeof command, "sha256sum %s.%ld", test_path("audit.conf"), (long)getpid());
    sum = popen(command, "r");
    assert_non_null(sum);
    assert_int_equal(fread(hash, 1, 64, sum), 64);
    pclose(sum);
    line = audit_line(audit_file_path(), 0);
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
    audit_begin(test_directory, AUDIT_TO_FILE);
    audit_use_ok();
    line = audit_line(audit_file_path(), 1);
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
    audit_begin(test_directory, AUDIT_TO_FILE);
    assert_int_equal(audit_use(&use), CKR_OK);
    line = audit_line(audit_file_path(), 1);
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
    audit_begin(test_directory, AUDIT_TO_FILE);
    use.blob = bytes_of("bl", 2);
    use.rest = bytes_of("ob", 2);
    assert_int_equal(audit_use(&use), CKR_OK);
    line = audit_line(audit_file_path(), 1);
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
    audit_begin(test_directory, AUDIT_TO_FILE);
    use.token = "a\"b\\c\nd\xff\xc3(\xe2\x82\xac\xe2\x82\xc2\x9b";
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    use.key = longest;
    assert_int_equal(audit_use(&use), CKR_OK);
    assert_int_equal(audit_line_count(audit_file_path()), 2);
    line = audit_line(audit_file_path(), 1);
    assert_string_equal(audit_member(line, "token"), "a\"b\\c?d?"
                                                     "?(\xe2\x82\xac???");
    assert_in_range(strlen(audit_member(line, "key")), 1000, 1023);
    cJSON_Delete(line);
    assert_true(audit_read_path(audit_file_path()).is_whole);
}

static void test_the_events(void **state)
{
    static const char *const words[] = {"closed", "opened", "rolled", "refused"};
    struct service_answer answer = {.status = 403, .request_id = "r"};
    cJSON *line;

    (void)state;
    audit_begin(test_directory, AUDIT_TO_FILE);
    for (int i = 0; i < 4; i++) {
        audit_event((enum audit_event)i, "vault", "keyvault", "kek", "KeyDisabled", i == 0 ? &answer : NULL);
        line = audit_line(audit_file_path(), (size_t)i + 1);
        assert_string_equal(audit_member(line, "event"), words[i]);
        assert_string_equal(audit_member(line, "reason"), "KeyDisabled");
        assert_int_equal(audit_number(line, "http_status"), i == 0 ? 403 : -1);
        cJSON_Delete(line);
    }
    assert_int_equal(audit_read_path(audit_file_path()).totals.events, 5);
}

static void test_data_in_parts_is_said_to_have_begun(void **state)
{
    struct audit_use use = audit_a_use();
    cJSON *line;

    (void)state;
    audit_begin(test_directory, AUDIT_TO_FILE);
    use.is_begun = true;
    assert_int_equal(audit_use(&use), CKR_OK);
    line = audit_line(audit_file_path(), 1);
    assert_string_equal(audit_member(line, "event"), "begun");
    assert_string_equal(audit_member(line, "result"), "");
    cJSON_Delete(line);
    assert_int_equal(audit_read_path(audit_file_path()).totals.uses, 0);
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
#define TEST(name) cmocka_unit_test_setup(name, audit_begin_anew)
        TEST(test_nothing_is_wanted),
        TEST(test_the_start),
        TEST(test_the_hash_is_the_files),
        TEST(test_a_use),
        TEST(test_what_is_not_known_is_left_out),
        TEST(test_a_blob_in_two_parts_has_one_hash),
        TEST(test_texts_from_elsewhere_stay_json),
        TEST(test_the_events),
        TEST(test_data_in_parts_is_said_to_have_begun),
        TEST(test_to_syslog_nothing_fails),
    };

    return cmocka_run_group_tests(tests, test_begin, test_end);
}
