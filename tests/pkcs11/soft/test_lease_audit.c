/* What is recorded of leases: that a key was closed and why, that it was opened, what was unwrapped for it; and told. */
#include "tests/pkcs11/soft/lease_test.h"

#include "backends/base/log.h"
#include "tests/backends/audit/audit_test.h"
#include <stdio.h>
#include <string.h>

static const char *audit_path(void)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/audit", soft_folder());
    return path;
}

static int set_up(void **state)
{
    audit_forget();
    if (soft_setup(state) != 0) {
        return -1;
    }
    audit_begin(soft_folder(), "audit-file = \"%s/audit\"\n");
    return 0;
}

static int tear_down(void **state)
{
    log_listen(NULL, NULL);
    audit_forget();
    return soft_end(state);
}

static cJSON *last_but(size_t number)
{
    return audit_line(audit_path(), audit_line_count(audit_path()) - 1 - number);
}

/* The last record is of this event of the version in use. */
static void expect_event(const char *event, const char *reason)
{
    cJSON *line = last_but(0);

    assert_string_equal(audit_member(line, "event"), event);
    assert_string_equal(audit_member(line, "reason"), reason);
    assert_non_null(strstr(audit_member(line, "key"), fake_version(fake, "kek")->version));
    cJSON_Delete(line);
}

/* The first record after the start is the application's own unwrap. */
static void expect_opened_again(void)
{
    cJSON *first = audit_line(audit_path(), 1), *opened = last_but(1), *use = last_but(0);

    assert_string_equal(audit_member(opened, "event"), "opened");
    assert_string_equal(audit_member(use, "event"), "use");
    assert_string_equal(audit_member(use, "operation"), "unwrap");
    assert_string_equal(audit_member(use, "place"), "service");
    assert_string_equal(audit_member(use, "result"), "CKR_OK");
    assert_string_equal(audit_member(use, "mechanism"), audit_member(first, "mechanism"));
    assert_string_equal(audit_member(use, "blob_sha256"), audit_member(first, "blob_sha256"));
    assert_string_equal(audit_member(use, "key"), audit_member(first, "key"));
    cJSON_Delete(first);
    cJSON_Delete(opened);
    cJSON_Delete(use);
}

static void test_an_outage_and_its_end(void **state)
{
    CK_OBJECT_HANDLE key = data_key();
    size_t before;

    (void)state;
    answering(fake_unreachable);
    age_leases(50 * MINUTE);
    before = audit_line_count(audit_path());
    assert_rv(use(key), CKR_OK);
    assert_int_equal(audit_line_count(audit_path()), before);
    age_leases(10 * MINUTE);
    assert_rv(use(key), CKR_DEVICE_ERROR);
    expect_event("closed", "the service did not confirm that it may be used");
    answering(works);
    opens(key);
    expect_opened_again();
}

static void test_a_disabled_key_and_its_return(void **state)
{
    CK_OBJECT_HANDLE key = data_key();
    size_t before;

    (void)state;
    answering(disabled);
    age_leases(5 * MINUTE);
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect_event("closed", "the key is disabled");
    before = audit_line_count(audit_path());
    age_leases(2 * SECOND);
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED); /* asks in vain */
    assert_int_equal(audit_line_count(audit_path()), before);
    answering(works);
    opens(key);
    expect_opened_again();
}

/* What closes it is time, but why is known. */
static void test_a_refusal_and_then_silence(void **state)
{
    CK_OBJECT_HANDLE key = data_key();

    (void)state;
    answering(fake_refused);
    age_leases(5 * MINUTE);
    assert_rv(use(key), CKR_OK);
    answering(fake_unreachable);
    age_leases(2 * MINUTE);
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect_event("closed", "the service refuses to unwrap with it");
}

static void test_what_nobody_used(void **state)
{
    CK_OBJECT_HANDLE key = data_key();
    CK_SESSION_INFO info;

    (void)state;
    age_leases(HOUR);
    assert_rv(CALL(get_session_info, &info), CKR_OK);
    expect_event("closed", "not used for the length of its lease");
    assert_rv(use(key), CKR_OK);
    expect_opened_again();
}

static void test_a_check_is_no_use(void **state)
{
    CK_OBJECT_HANDLE key = data_key();
    size_t before = audit_line_count(audit_path());

    (void)state;
    age_leases(5 * MINUTE);
    assert_rv(use(key), CKR_OK);
    assert_int_equal(asked(), 2);
    assert_int_equal(audit_line_count(audit_path()), before);
}

/* --- The log --- */

static const char *wanted;
static unsigned heard;

static void hear(void *arg, enum log_level level, const char *about, const char *text)
{
    (void)arg;
    (void)level;
    (void)about;
    heard += strstr(text, wanted) != NULL;
}

static void expect_uses_heard(CK_OBJECT_HANDLE key, const char *text, unsigned count)
{
    wanted = text;
    heard = 0;
    for (int i = 0; i < 3; i++) {
        (void)use(key);
        age_leases(30 * SECOND); /* each of them is a check */
    }
    assert_int_equal(heard, count);
}

static void test_the_operator_is_warned_of_the_end(void **state)
{
    CK_OBJECT_HANDLE key = data_key();

    (void)state;
    log_listen(hear, NULL);
    answering(fake_unreachable);
    age_leases(20 * MINUTE);
    expect_uses_heard(key, "its lease ends", 0);
    age_leases(9 * MINUTE);
    expect_uses_heard(key, "its lease ends and what it unwrapped is wiped", 1);
    age_leases(15 * MINUTE);
    expect_uses_heard(key, "its lease ends", 0);
    age_leases(5 * MINUTE);
    expect_uses_heard(key, "its lease ends", 1);
    age_leases(10 * MINUTE);
    expect_uses_heard(key, "is closed", 1);
    answering(works);
    wanted = "is open again";
    heard = 0;
    opens(key);
    assert_int_equal(heard, 1);
}

static void test_nothing_is_opened_again_unrecorded(void **state)
{
    CK_OBJECT_HANDLE key = data_key();

    (void)state;
    answering(disabled);
    age_leases(5 * MINUTE);
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    answering(works);
    audit_begin(soft_folder(), "audit-file = /dev/full # %s\naudit-required = yes\n");
    age_leases(2 * SECOND);
    assert_rv(use(key), CKR_DEVICE_ERROR);
    audit_begin(soft_folder(), "audit-file = \"%s/audit\"\n");
    opens(key);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_an_outage_and_its_end),
        TEST(test_a_disabled_key_and_its_return),
        TEST(test_a_refusal_and_then_silence),
        TEST(test_what_nobody_used),
        TEST(test_a_check_is_no_use),
        TEST(test_nothing_is_opened_again_unrecorded),
        TEST(test_the_operator_is_warned_of_the_end),
    };

    return cmocka_run_group_tests_name("records of leases", tests, NULL, NULL);
}
