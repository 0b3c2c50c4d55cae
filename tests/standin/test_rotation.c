/* Rotation, and the policy of it, in both services. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <string.h>
#include <time.h>

static const char ninety_days[] =
    "{\"attributes\":{\"expiryTime\":\"P90D\"},\"lifetimeActions\":[{\"action\":{\"type\":\"rotate\"},\"trigger\":"
    "{\"timeAfterCreate\":\"P30D\"}}]}";

static void test_a_rotated_key_has_one_more_version_of_its_kind(void **state)
{
    struct reply before ENDS(reply_done) = {0}, after ENDS(reply_done) = {0}, now ENDS(reply_done) = {0};

    (void)state;
    make_vault_key("turning",
                   "{\"kty\":\"EC\",\"crv\":\"P-384\",\"key_ops\":[\"sign\"],\"tags\":{\"a\":\"b\"}}");
    before = vault("GET", "/keys/turning", NULL);
    after = vault("POST", "/keys/turning/rotate", NULL);
    now = vault("GET", "/keys/turning", NULL);
    assert_int_equal(after.status, 200);
    assert_string_not_equal(reply_text(&after, "key.kid"), reply_text(&before, "key.kid"));
    assert_string_not_equal(reply_text(&after, "key.x"), reply_text(&before, "key.x"));
    assert_string_equal(reply_text(&after, "key.crv"), "P-384");
    assert_int_equal(cJSON_GetArraySize(reply_item(&after, "key.key_ops")), 1);
    assert_string_equal(reply_text(&after, "tags.a"), "b");
    assert_string_equal(reply_text(&now, "key.kid"), reply_text(&after, "key.kid"));
    expect_refusal(vault("POST", "/keys/nobody/rotate", NULL), 404, "KeyNotFound", "");
}

static void test_no_policy(void **state)
{
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    make_vault_key("turning", "{\"kty\":\"EC\"}");
    reply = vault("GET", "/keys/turning/rotationpolicy", NULL);
    assert_string_equal(reply_text(&reply, "lifetimeActions.0.action.type"), "Notify");
    assert_true(cJSON_IsNull(reply_item(&reply, "attributes")));
    make_mhsm_key("turning", "{\"kty\":\"EC\"}");
    expect_refusal(mhsm("GET", "/keys/turning/rotationpolicy", NULL), 404, "KeyNotFound", "");
}

static void test_a_policy_is_kept_and_completed(void **state)
{
    struct reply put ENDS(reply_done) = {0}, got ENDS(reply_done) = {0};

    (void)state;
    make_vault_key("turning", "{\"kty\":\"EC\"}");
    put = vault("PUT", "/keys/turning/rotationpolicy", ninety_days);
    got = vault("GET", "/keys/turning/rotationpolicy", NULL);
    assert_int_equal(put.status, 200);
    assert_string_equal(put.body, got.body);
    assert_string_equal(reply_text(&got, "lifetimeActions.0.action.type"), "Rotate");
    assert_string_equal(reply_text(&got, "lifetimeActions.1.action.type"), "Notify");
    assert_string_equal(reply_text(&got, "attributes.expiryTime"), "P90D");
    assert_non_null(strstr(reply_text(&got, "id"), "https://"));
}

static void test_a_managed_hsm_keeps_it_as_it_came(void **state)
{
    struct reply put ENDS(reply_done) = {0};

    (void)state;
    make_mhsm_key("turning", "{\"kty\":\"EC\"}");
    put = mhsm("PUT", "/keys/turning/rotationpolicy", ninety_days);
    assert_string_equal(reply_text(&put, "lifetimeActions.0.action.type"), "rotate");
    assert_int_equal(cJSON_GetArraySize(reply_item(&put, "lifetimeActions")), 1);
    assert_string_equal(reply_text(&put, "id"), "keys/turning/rotationpolicy");
    expect_refusal(
        mhsm("PUT", "/keys/turning/rotationpolicy",
             "{\"lifetimeActions\":[{\"action\":{\"type\":\"notify\"},\"trigger\":{\"timeBeforeExpiry\":"
             "\"P30D\"}}]}"),
        400, "NotSupported", "");
}

/* Seconds between `created` and `exp` of a new version. */
static int64_t life_under(const char *expiry)
{
    char *policy OWNED(owned_free) = text("{\"attributes\":{\"expiryTime\":\"%s\"}}", expiry);
    struct reply put ENDS(reply_done) = {0}, made ENDS(reply_done) = {0};

    make_vault_key("turning", "{\"kty\":\"EC\"}");
    put = vault("PUT", "/keys/turning/rotationpolicy", policy);
    assert_int_equal(put.status, 200);
    made = vault("POST", "/keys/turning/rotate", NULL);
    return (int64_t)(cJSON_GetNumberValue(reply_item(&made, "attributes.exp")) -
                     cJSON_GetNumberValue(reply_item(&made, "attributes.created")));
}

static void test_new_versions_end_when_it_says(void **state)
{
    (void)state;
    assert_int_equal(life_under("P90D"), 90 * 24 * 3600);
    assert_in_range(life_under("P1Y"), 365 * 24 * 3600, 366 * 24 * 3600);
    assert_in_range(life_under("P18M"), 546 * 24 * 3600, 550 * 24 * 3600);
}

static void check_bad_policy(const char *policy)
{
    expect_refusal(vault("PUT", "/keys/turning/rotationpolicy", policy), 400, "BadParameter", "");
}

static void test_a_policy_that_is_none_is_refused(void **state)
{
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    make_vault_key("turning", "{\"kty\":\"EC\"}");
    check_bad_policy("{\"attributes\":{\"expiryTime\":\"P27D\"}}");
    check_bad_policy("{\"attributes\":{\"expiryTime\":\"90D\"}}");
    check_bad_policy("{\"attributes\":{\"expiryTime\":\"P\"}}");
    check_bad_policy("{\"attributes\":{\"expiryTime\":\"P1W\"}}");
    check_bad_policy(
        "{\"lifetimeActions\":[{\"action\":{\"type\":\"Rotate\"},\"trigger\":{\"timeAfterCreate\":"
        "\"P27D\"}}]}");
    check_bad_policy(
        "{\"lifetimeActions\":[{\"action\":{\"type\":\"Dance\"},\"trigger\":{\"timeAfterCreate\":"
        "\"P30D\"}}]}");
    check_bad_policy("{\"lifetimeActions\":[{\"action\":{\"type\":\"Rotate\"},\"trigger\":{}}]}");
    check_bad_policy(
        "{\"lifetimeActions\":[{\"action\":{\"type\":\"Rotate\"},\"trigger\":{\"timeBeforeExpiry\":"
        "\"P30D\"}}]}");
    check_bad_policy("[]");
    reply = vault("GET", "/keys/turning/rotationpolicy", NULL);
    assert_true(cJSON_IsNull(reply_item(&reply, "attributes")));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_rotated_key_has_one_more_version_of_its_kind),
    cmocka_unit_test(test_no_policy),
    cmocka_unit_test(test_a_policy_is_kept_and_completed),
    cmocka_unit_test(test_a_managed_hsm_keeps_it_as_it_came),
    cmocka_unit_test(test_new_versions_end_when_it_says),
    cmocka_unit_test(test_a_policy_that_is_none_is_refused),
};
const struct test_list rotation_tests = TEST_LIST(tests);
