/* Examining the keys of a vault: permissions, states, dates, operations, versions. Over the stand-in. */
#include "tests/backends/keyvault/diagnose_world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- Permissions --- */

static void test_list_wrap_and_unwrap_are_enough(void **state)
{
    (void)state;
    permit("[\"list\",\"wrapKey\",\"unwrapKey\"]");
    examine(KEK);
    expect("ok get-permission: get is not permitted on kek, and not needed");
    expect("ok key-type: the type and size of kek are not told without get");
    expect("ok key-enabled: kek is enabled");
    expect("purge-protection: ");
    expect("ok wrap-permission: ");
    expect("ok unwrap-permission: ");
    expect("ok sign-permission: sign is not permitted with kek; it takes that for C_Sign");
    assert_int_equal(found.fails, 0);
}

static void test_without_list(void **state)
{
    (void)state;
    permit("[\"wrapKey\",\"unwrapKey\"]");
    examine(KEK);
    expect("warn list-permission: ");
    expect("`older`");
    expect("warn purge-protection: whether kek is under soft delete and purge protection is not told");
    assert_int_equal(found.fails, 0);
    examine("keys = {\"kek\"}\nolder = {\"0123456789abcdef0123456789abcdef\"}\n");
    expect("ok list-permission: list is not permitted, and not needed");
    examine("");
    expect("fail list-permission: ");
    expect("Grant the caller this permission");
}

static void test_without_wrap(void **state)
{
    (void)state;
    permit("[\"get\",\"list\",\"unwrapKey\"]");
    examine(KEK);
    expect("fail wrap-permission: wrapKey with key kek");
    expect("ForbiddenByPolicy");
    expect("| Grant the caller this permission");
    expect("ok unwrap-permission: unwrapKey is permitted with kek: it was a blob without meaning");
    assert_int_equal(found.fails, 1);
    assert_false(found.ends_here);
}

static void test_without_unwrap_by_roles(void **state)
{
    (void)state;
    control("PUT", "/settings", "{\"rbac\":true}");
    permit("[\"get\",\"list\",\"wrapKey\"]");
    examine(KEK);
    expect("fail unwrap-permission: unwrapKey with key kek");
    expect("ForbiddenByRbac");
    expect("Key Vault Crypto Service Encryption User");
}

/* --- Keys --- */

static void test_a_key_that_is_not_there(void **state)
{
    (void)state;
    examine("keys = {\"nothing\"}\n");
    expect("fail key: get with key nothing");
    expect("| There is no such key or version");
    assert_int_equal(found.fails, 1);
}

static void test_a_disabled_key(void **state)
{
    (void)state;
    control("PUT", "/keys/off", "{\"enabled\":false}");
    examine("keys = {\"off\"}\n");
    expect("fail key-enabled: off is disabled");
    expect_none("wrap-permission");
    assert_int_equal(found.fails, 1);
}

static void test_a_disabled_key_without_any_word_of_it(void **state)
{
    (void)state;
    control("PUT", "/keys/off", "{\"enabled\":false}");
    permit("[\"wrapKey\",\"unwrapKey\"]");
    examine("keys = {\"off\"}\n");
    expect("fail key-enabled: wrapKey with key off");
}

static void test_dates(void **state)
{
    char json[100];

    (void)state;
    control("PUT", "/keys/past", "{\"nbf\":1000000000,\"exp\":1100000000}");
    examine("keys = {\"past\"}\n");
    expect("fail key-dates: past has expired, 2004-11-09 11:33:20 UTC");
    expect_none(" wrap-permission");
    expect("ok unwrap-permission");
    control("PUT", "/keys/future", "{\"nbf\":4000000000}");
    examine("keys = {\"future\"}\n");
    expect("fail key-dates: future is not valid before 2096");
    snprintf(json, sizeof json, "{\"exp\":%lld}", (long long)time(NULL) + 10 * 24 * 3600);
    control("PUT", "/keys/soon", json);
    examine("keys = {\"soon\"}\n");
    expect("warn key-dates: soon expires in ");
    assert_int_equal(found.fails, 0);
}

static void test_operations_of_a_key(void **state)
{
    (void)state;
    control("PUT", "/keys/half", "{\"key_ops\":[\"wrapKey\"]}");
    examine("keys = {\"half\"}\n");
    expect("fail key-operations: the operations of half (key_ops) lack unwrapKey");
    expect_none("unwrap-permission");
    control("PUT", "/keys/signs", "{\"key_ops\":[\"sign\",\"verify\"]}");
    examine("keys = {\"signs\"}\n");
    expect("warn key-operations: ");
    expect("ok sign-permission: sign is permitted with signs");
}

static void test_operations_that_nobody_tells(void **state)
{
    (void)state;
    control("PUT", "/keys/half", "{\"key_ops\":[\"wrapKey\"]}");
    permit("[\"wrapKey\",\"unwrapKey\"]");
    examine("keys = {\"half\"}\n");
    expect("fail key-operations: unwrapKey with key half");
    expect("KeyOperationForbidden");
}

static void test_an_ec_key(void **state)
{
    (void)state;
    control("PUT", "/keys/curve", "{\"kty\":\"EC\"}");
    examine("keys = {\"curve\"}\n");
    expect("warn key-type: curve is an EC key, protected by software: it signs, and wraps nothing");
    expect("ok sign-permission: sign is permitted with curve");
    permit("[\"list\",\"wrapKey\",\"unwrapKey\"]");
    examine("keys = {\"curve\"}\n");
    expect("fail key-operations: wrapKey with key curve");
}

static void test_levels_of_recovery(void **state)
{
    (void)state;
    examine(KEK);
    expect("ok soft-delete: ");
    expect("warn purge-protection: purge protection is off");
    control("PUT", "/settings", "{\"recoverable_days\":0}");
    examine(KEK);
    expect("warn soft-delete: soft delete is off");
    assert_int_equal(found.fails, 0);
}

/* Of the oldest version of "aged", which has three. */
static void read_oldest(char ret_version[33])
{
    static const char mark[] = "\"version\":\"";
    char *answer = standin_control(&standin, "GET", "/keys/aged", NULL), *at = answer;

    assert_non_null(answer);
    for (int i = 0; i < 3; i++) {
        at = strstr(at, mark);
        assert_non_null(at);
        at += sizeof mark - 1;
    }
    snprintf(ret_version, 33, "%.32s", at);
    free(answer);
}

static void test_versions(void **state)
{
    char more[200], version[33];

    (void)state;
    control("PUT", "/keys/aged", "{\"versions\":3}");
    examine("keys = {\"aged\"}\n");
    expect("of 2 older ones 2 are still enabled");
    read_oldest(version);
    snprintf(more, sizeof more, "keys = {\"aged/%s\"}\n", version);
    examine(more);
    expect("warn key-versions: aged/");
    expect("is pinned, and is not the latest version");
    assert_int_equal(found.fails, 0);
}

static void test_older_versions_that_are_named(void **state)
{
    static const char missing[] = "0123456789abcdef0123456789abcdef";
    char more[300], disable[100], version[33];

    (void)state;
    control("PUT", "/keys/aged", "{\"versions\":3}");
    read_oldest(version);
    snprintf(more, sizeof more, "keys = {\"aged\"}\nolder = {\"aged/%s\"}\n", version);
    examine(more);
    expect_none("not there");
    snprintf(disable, sizeof disable, "{\"version\":\"%s\",\"enabled\":false}", version);
    control("PUT", "/keys/aged", disable);
    examine(more);
    expect("warn key-versions: not there, or not enabled: 1 of 1 older versions of aged");
    snprintf(more, sizeof more, "keys = {\"aged\"}\nolder = {\"aged/%s\", \"aged/%s\"}\n", version, missing);
    examine(more);
    expect("not there, or not enabled: 2 of 2 older versions of aged");
    assert_int_equal(found.fails, 0);
}

/* Keys that the configuration names are for wrapping; others may be for something else. */
static void test_what_nobody_has_named_may_be_no_key_to_wrap_with(void **state)
{
    (void)state;
    control("PUT", "/keys/aaa", "{\"enabled\":false}");
    control("PUT", "/keys/aab", "{\"exp\":1000000000}");
    control("PUT", "/keys/aac", "{\"key_ops\":[\"wrapKey\"]}");
    examine("");
    expect("warn key-enabled: aaa is disabled");
    expect("warn key-dates: aab has expired");
    expect("warn key-operations: the operations of aac (key_ops) lack unwrapKey");
    assert_int_equal(found.fails, 0);
    examine("keys = {\"aaa\", \"aab\", \"aac\"}\n");
    expect("fail key-enabled: aaa is disabled");
    expect("fail key-dates: aab has expired");
    expect("fail key-operations: the operations of aac (key_ops) lack unwrapKey");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIAGNOSE_TEST(test_list_wrap_and_unwrap_are_enough),
        DIAGNOSE_TEST(test_without_list),
        DIAGNOSE_TEST(test_without_wrap),
        DIAGNOSE_TEST(test_without_unwrap_by_roles),
        DIAGNOSE_TEST(test_a_key_that_is_not_there),
        DIAGNOSE_TEST(test_a_disabled_key),
        DIAGNOSE_TEST(test_a_disabled_key_without_any_word_of_it),
        DIAGNOSE_TEST(test_dates),
        DIAGNOSE_TEST(test_operations_of_a_key),
        DIAGNOSE_TEST(test_operations_that_nobody_tells),
        DIAGNOSE_TEST(test_an_ec_key),
        DIAGNOSE_TEST(test_levels_of_recovery),
        DIAGNOSE_TEST(test_versions),
        DIAGNOSE_TEST(test_older_versions_that_are_named),
        DIAGNOSE_TEST(test_what_nobody_has_named_may_be_no_key_to_wrap_with),
    };

    return cmocka_run_group_tests(tests, diagnose_start, diagnose_end);
}
