/* Deleted keys: where they are seen, when, and what their names are good for. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <string.h>
#include <time.h>

static const char ec[] = "{\"kty\":\"EC\"}";

static int usual(void **state)
{
    (void)state;
    control("/settings", "{\"delete_delay_ms\":0,\"recover_delay_ms\":0,\"recoverable_days\":7,"
                         "\"recovery_level\":\"CustomizedRecoverable+Purgeable\"}");
    return 0;
}

static void test_a_deleted_key_says_when_it_ends(void **state)
{
    struct reply reply ENDS(reply_done) = {0};
    const cJSON *deleted, *purge;

    (void)state;
    make_vault_key("mortal", ec);
    reply = vault("DELETE", "/keys/mortal", NULL);
    deleted = reply_item(&reply, "deletedDate");
    purge = reply_item(&reply, "scheduledPurgeDate");
    assert_int_equal(reply.status, 200);
    assert_in_range(cJSON_GetNumberValue(deleted), time(NULL) - 60, time(NULL));
    assert_int_equal(purge->valueint - deleted->valueint, 7 * 24 * 60 * 60);
    assert_non_null(strstr(reply_text(&reply, "recoveryId"), "/deletedkeys/mortal"));
    assert_string_equal(reply_text(&reply, "key.kty"), "EC");
}

static void test_a_deleted_key_is_gone_for_all_else(void **state)
{
    (void)state;
    make_vault_key("mortal", ec);
    ignore(vault("DELETE", "/keys/mortal", NULL));
    expect_refusal(vault("GET", "/keys/mortal", NULL), 404, "KeyNotFound", "");
    expect_refusal(vault("GET", "/keys/mortal/versions", NULL), 404, "KeyNotFound", "");
    expect_refusal(vault("DELETE", "/keys/mortal", NULL), 404, "KeyNotFound", "");
    expect_refusal(vault("POST", "/keys/mortal/sign", "{\"alg\":\"ES256\",\"value\":\"AQ\"}"), 404,
                   "KeyNotFound", "");
    expect_refusal(vault("POST", "/keys/mortal/create", ec), 409, "Conflict",
                   "ObjectIsDeletedButRecoverable");
}

static void test_it_is_listed_among_the_deleted_only(void **state)
{
    struct reply deleted ENDS(reply_done) = {0}, live ENDS(reply_done) = {0};

    (void)state;
    make_vault_key("mortal", ec);
    ignore(vault("DELETE", "/keys/mortal", NULL));
    deleted = vault("GET", "/deletedkeys", NULL);
    live = vault("GET", "/keys", NULL);
    assert_non_null(strstr(deleted.body, "/keys/mortal\""));
    assert_non_null(strstr(deleted.body, "scheduledPurgeDate"));
    assert_null(strstr(live.body, "/keys/mortal\""));
    assert_null(strstr(live.body, "scheduledPurgeDate"));
}

static void test_a_recovered_key_is_the_same(void **state)
{
    struct reply made ENDS(reply_done) = {0}, reply ENDS(reply_done) = {0};

    (void)state;
    make_vault_key("mortal", ec);
    made = vault("GET", "/keys/mortal", NULL);
    ignore(vault("DELETE", "/keys/mortal", NULL));
    ignore(vault("POST", "/deletedkeys/mortal/recover", NULL));
    reply = vault("GET", "/keys/mortal", NULL);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, made.body);
    expect_refusal(vault("GET", "/deletedkeys/mortal", NULL), 404, "KeyNotFound", "");
}

static void test_a_purged_name_is_free(void **state)
{
    struct reply purged ENDS(reply_done) = {0}, again ENDS(reply_done) = {0};

    (void)state;
    make_vault_key("mortal", ec);
    ignore(vault("DELETE", "/keys/mortal", NULL));
    purged = vault("DELETE", "/deletedkeys/mortal", NULL);
    assert_int_equal(purged.status, 204);
    assert_int_equal(purged.size, 0);
    expect_refusal(vault("GET", "/deletedkeys/mortal", NULL), 404, "KeyNotFound", "");
    expect_refusal(vault("POST", "/deletedkeys/mortal/recover", NULL), 404, "KeyNotFound", "");
    again = vault("POST", "/keys/mortal/create", ec);
    assert_int_equal(again.status, 200);
}

static void test_a_live_key_is_not_recovered_nor_purged(void **state)
{
    (void)state;
    make_vault_key("mortal", ec);
    expect_refusal(vault("POST", "/deletedkeys/mortal/recover", NULL), 404, "KeyNotFound", "");
    expect_refusal(vault("DELETE", "/deletedkeys/mortal", NULL), 404, "KeyNotFound", "");
}

static void test_purge_protection(void **state)
{
    (void)state;
    make_vault_key("mortal", ec);
    ignore(vault("DELETE", "/keys/mortal", NULL));
    control("/settings", "{\"recovery_level\":\"CustomizedRecoverable\"}");
    expect_refusal(vault("DELETE", "/deletedkeys/mortal", NULL), 403, "Forbidden", "ForbiddenByPolicy");
    control("/settings", "{\"recovery_level\":\"CustomizedRecoverable+Purgeable\"}");
    ignore(vault("DELETE", "/deletedkeys/mortal", NULL));
    expect_refusal(vault("GET", "/deletedkeys/mortal", NULL), 404, "KeyNotFound", "");
}

static void test_deletion_takes_its_time(void **state)
{
    struct reply early ENDS(reply_done) = {0}, late ENDS(reply_done) = {0};

    (void)state;
    make_vault_key("mortal", ec);
    control("/settings", "{\"delete_delay_ms\":1500}");
    ignore(vault("DELETE", "/keys/mortal", NULL));
    early = vault("GET", "/deletedkeys/mortal", NULL);
    assert_string_equal(reply_text(&early, "error.message"), "Deleted Key not found: mortal");
    expect_refusal(vault("GET", "/keys/mortal", NULL), 404, "KeyNotFound", "");
    expect_refusal(vault("POST", "/keys/mortal/create", ec), 409, "Conflict", "ObjectIsBeingDeleted");
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 600 * 1000 * 1000}, NULL);
    late = vault("GET", "/deletedkeys/mortal", NULL);
    assert_int_equal(late.status, 200);
}

static void test_recovery_takes_its_time(void **state)
{
    struct reply recovered ENDS(reply_done) = {0}, late ENDS(reply_done) = {0};

    (void)state;
    make_vault_key("mortal", ec);
    ignore(vault("DELETE", "/keys/mortal", NULL));
    control("/settings", "{\"recover_delay_ms\":1500}");
    recovered = vault("POST", "/deletedkeys/mortal/recover", NULL);
    assert_int_equal(recovered.status, 200);
    expect_refusal(vault("GET", "/keys/mortal", NULL), 404, "KeyNotFound", "");
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 600 * 1000 * 1000}, NULL);
    late = vault("GET", "/keys/mortal", NULL);
    assert_int_equal(late.status, 200);
}

static void test_without_soft_delete_a_key_is_gone_at_once(void **state)
{
    struct reply gone ENDS(reply_done) = {0}, again ENDS(reply_done) = {0};

    (void)state;
    make_vault_key("mortal", ec);
    control("/settings", "{\"recoverable_days\":0}");
    gone = vault("DELETE", "/keys/mortal", NULL);
    assert_int_equal(gone.status, 200);
    assert_null(reply_item(&gone, "recoveryId"));
    assert_string_equal(reply_text(&gone, "attributes.recoveryLevel"), "Purgeable");
    again = vault("POST", "/keys/mortal/create", ec);
    assert_int_equal(again.status, 200);
    expect_refusal(vault("GET", "/deletedkeys/mortal", NULL), 400, "NotSupported", "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(test_a_deleted_key_says_when_it_ends, usual),
    cmocka_unit_test_teardown(test_a_deleted_key_is_gone_for_all_else, usual),
    cmocka_unit_test_teardown(test_it_is_listed_among_the_deleted_only, usual),
    cmocka_unit_test_teardown(test_a_recovered_key_is_the_same, usual),
    cmocka_unit_test_teardown(test_a_purged_name_is_free, usual),
    cmocka_unit_test_teardown(test_a_live_key_is_not_recovered_nor_purged, usual),
    cmocka_unit_test_teardown(test_purge_protection, usual),
    cmocka_unit_test_teardown(test_deletion_takes_its_time, usual),
    cmocka_unit_test_teardown(test_recovery_takes_its_time, usual),
    cmocka_unit_test_teardown(test_without_soft_delete_a_key_is_gone_at_once, usual),
};
const struct test_list deleted_tests = TEST_LIST(tests);
