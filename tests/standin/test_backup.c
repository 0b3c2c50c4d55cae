/* Backup, restore, and release. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <string.h>

typedef struct reply (*asker)(const char *method, const char *path, const char *body);

/* The body of a restore. From malloc. */
static char *back_up(asker ask)
{
    struct reply reply ENDS(reply_done) = ask("POST", "/keys/treasure/backup", NULL);

    assert_int_equal(reply.status, 200);
    assert_true(strlen(reply_text(&reply, "value")) > 4000);
    return text("{\"value\":\"%s\"}", reply_text(&reply, "value"));
}

static void lose(asker ask)
{
    struct reply purged ENDS(reply_done) = {0};

    ignore(ask("DELETE", "/keys/treasure", NULL));
    purged = ask("DELETE", "/deletedkeys/treasure", NULL);
    assert_int_equal(purged.status, 204);
}

static void check_all_versions_come_back(asker ask)
{
    struct reply rotated ENDS(reply_done) = ask("POST", "/keys/treasure/rotate", NULL);
    struct reply before ENDS(reply_done) = ask("GET", "/keys/treasure", NULL), after ENDS(reply_done) = {0},
                        versions ENDS(reply_done) = {0};
    char *body OWNED(owned_free) = back_up(ask);

    lose(ask);
    reply_done(&rotated);
    rotated = ask("POST", "/keys/restore", body);
    assert_int_equal(rotated.status, 200);
    after = ask("GET", "/keys/treasure", NULL);
    assert_string_equal(reply_text(&after, "key.kid"), reply_text(&before, "key.kid"));
    assert_string_equal(reply_text(&after, "key.x"), reply_text(&before, "key.x"));
    versions = ask("GET", "/keys/treasure/versions", NULL);
    assert_int_equal(cJSON_GetArraySize(reply_item(&versions, "value")), 2);
}

static void test_all_versions_come_back(void **state)
{
    (void)state;
    make_vault_key("treasure", "{\"kty\":\"EC\"}");
    check_all_versions_come_back(vault);
    make_mhsm_key("treasure", "{\"kty\":\"EC\"}");
    check_all_versions_come_back(mhsm);
}

static void test_a_restored_key_signs(void **state)
{
    char *body OWNED(owned_free) = NULL;
    struct reply restored ENDS(reply_done) = {0};
    unsigned char signature[64];
    size_t size = sizeof signature;

    (void)state;
    make_vault_key("treasure", "{\"kty\":\"EC\"}");
    body = back_up(vault);
    lose(vault);
    restored = vault("POST", "/keys/restore", body);
    assert_int_equal(restored.status, 200);
    assert_true(use_key("/keys/treasure/sign", "ES256", data_key, 32, signature, &size));
}

static void test_a_name_in_use_is_not_overwritten(void **state)
{
    char *body OWNED(owned_free) = NULL;

    (void)state;
    make_vault_key("treasure", "{\"kty\":\"EC\"}");
    body = back_up(vault);
    expect_refusal(vault("POST", "/keys/restore", body), 409, "Conflict", "");
    ignore(vault("DELETE", "/keys/treasure", NULL));
    expect_refusal(vault("POST", "/keys/restore", body), 409, "Conflict", "");
}

static void test_what_is_no_backup_is_refused(void **state)
{
    char *body OWNED(owned_free) = NULL;

    (void)state;
    expect_refusal(vault("POST", "/keys/restore", "{\"value\":\"ZG9lc25vdGV4aXN0\"}"), 400,
                   "Malformed backup blob", "");
    expect_refusal(mhsm("POST", "/keys/restore", "{\"value\":\"ZG9lc25vdGV4aXN0\"}"), 400,
                   "MalformedBackupBlob", "");
    expect_refusal(vault("POST", "/keys/restore", "{}"), 400, "Malformed backup blob", "");
    expect_refusal(vault("POST", "/keys/nobody/backup", NULL), 404, "KeyNotFound", "");
    make_vault_key("treasure", "{\"kty\":\"EC\"}");
    body = back_up(vault);
    lose(vault);
    expect_refusal(mhsm("POST", "/keys/restore", body), 400, "MalformedBackupBlob", "");
    body[strlen(body) - 3] = '\0'; /* as if cut */
    strcat(body, "\"}");
    expect_refusal(vault("POST", "/keys/restore", body), 400, "Malformed backup blob", "");
}

/* --- Release --- */

/* {"anyOf":[{"allOf":[{"claim":"c","equals":"v"}],"authority":"https://a"}],"version":"1.0.0"} */
#define POLICY                                                                                               \
    "eyJhbnlPZiI6W3siYWxsT2YiOlt7ImNsYWltIjoiYyIsImVxdWFscyI6InYifV0sImF1dGhvcml0eSI6Imh0dHBzOi8vYSJ9XSwi"   \
    "dmVyc2lvbiI6IjEuMC4wIn0"
/* The same as the vault writes it down. */
#define POLICY_AGAIN                                                                                         \
    "eyJ2ZXJzaW9uIjoiMS4wLjAiLCJhbnlPZiI6W3siYXV0aG9yaXR5IjoiaHR0cHM6Ly9hIiwiYWxsT2YiOlt7ImNsYWltIjoiYyIs"   \
    "ImVxdWFscyI6InYifV19XX0"

static void test_a_release_policy_is_told(void **state)
{
    struct reply got ENDS(reply_done) = {0};

    (void)state;
    make_vault_key(
        "treasure",
        "{\"kty\":\"EC-HSM\",\"attributes\":{\"exportable\":true},\"release_policy\":{\"data\":\"" POLICY
        "\"}}");
    got = vault("GET", "/keys/treasure", NULL);
    assert_string_equal(reply_text(&got, "release_policy.data"), POLICY_AGAIN);
    assert_true(cJSON_IsFalse(reply_item(&got, "release_policy.immutable")));
    assert_true(cJSON_IsTrue(reply_item(&got, "attributes.exportable")));
    expect_refusal(vault("POST", "/keys/treasure/release", "{\"target\":\"target\"}"), 403, "Forbidden",
                   "AccessDenied");
    expect_refusal(vault("POST", "/keys/treasure/release", "{}"), 400, "BadParameter", "");
}

static void check_not_made(const char *body)
{
    expect_refusal(vault("POST", "/keys/refused/create", body), 400, "BadParameter", "");
}

static void test_exportable_and_policy_go_together(void **state)
{
    (void)state;
    check_not_made("{\"kty\":\"EC-HSM\",\"attributes\":{\"exportable\":true}}");
    check_not_made("{\"kty\":\"EC-HSM\",\"release_policy\":{\"data\":\"" POLICY "\"}}");
    check_not_made(
        "{\"kty\":\"EC\",\"attributes\":{\"exportable\":true},\"release_policy\":{\"data\":\"" POLICY "\"}}");
    check_not_made(
        "{\"kty\":\"EC-HSM\",\"attributes\":{\"exportable\":true},\"release_policy\":{\"data\":\"AQID\"}}");
    expect_refusal(vault("GET", "/keys/refused", NULL), 404, "KeyNotFound", "");
}

static void test_an_immutable_policy_stays(void **state)
{
    static const char change[] = "{\"release_policy\":{\"data\":\"" POLICY "\"}}";
    struct reply changed ENDS(reply_done) = {0};

    (void)state;
    make_vault_key(
        "treasure",
        "{\"kty\":\"EC-HSM\",\"attributes\":{\"exportable\":true},\"release_policy\":{\"data\":\"" POLICY
        "\"}}");
    changed = vault("PATCH", "/keys/treasure", change);
    assert_int_equal(changed.status, 200);
    make_vault_key(
        "treasure",
        "{\"kty\":\"EC-HSM\",\"attributes\":{\"exportable\":true},\"release_policy\":{\"immutable\":true,"
        "\"data\":\"" POLICY "\"}}");
    expect_refusal(vault("PATCH", "/keys/treasure", change), 400, "BadParameter", "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_all_versions_come_back),
    cmocka_unit_test(test_a_restored_key_signs),
    cmocka_unit_test(test_a_name_in_use_is_not_overwritten),
    cmocka_unit_test(test_what_is_no_backup_is_refused),
    cmocka_unit_test(test_a_release_policy_is_told),
    cmocka_unit_test(test_exportable_and_policy_go_together),
    cmocka_unit_test(test_an_immutable_policy_stays),
};
const struct test_list backup_tests = TEST_LIST(tests);
