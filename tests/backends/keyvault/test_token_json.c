/* Tokens as machines and the Azure CLI give them, and what a token says of itself. */
#include "backends/base/base64url.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/token_json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { NOW = 1700000000 };

typedef CK_RV reader(struct bytes body, int64_t now, struct buffer *ret_token, int64_t *ret_lifetime);

static void expect_lifetime(reader *read, const char *body, int64_t expected)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(100);
    int64_t lifetime = -1;

    if (read(bytes_of_text(body), NOW, &token, &lifetime) != CKR_OK) {
        fail_msg("refused: %s", body);
    }
    assert_string_equal(buffer_text(&token), "a.b-c_d");
    assert_int_equal(lifetime, expected);
}

static void expect_none(reader *read, const char *body)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(100);
    int64_t lifetime = -1;

    if (read(bytes_of_text(body), NOW, &token, &lifetime) != CKR_DATA_INVALID) {
        fail_msg("accepted: %s", body);
    }
    assert_int_equal(lifetime, -1);
}

#define TOKEN "\"access_token\":\"a.b-c_d\""

static void test_lifetime_as_number_or_text(void **state)
{
    (void)state;
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_in\":3599}", 3599);
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_in\":\"85770\"}", 85770);
}

static void test_only_the_end(void **state)
{
    (void)state;
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_on\":\"1700003600\"}", 3600);
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_on\":1700003601}", 3601);
}

/* It does not depend on anybody's clock. */
static void test_lifetime_wins(void **state)
{
    (void)state;
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_in\":\"60\",\"expires_on\":\"1\"}", 60);
}

static void test_end_as_a_date(void **state)
{
    (void)state;
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_on\":\"11/14/2023 23:13:20 +00:00\"}",
                    3600);
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_on\":\"11/14/2023 11:13:20 PM +00:00\"}",
                    3600);
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_on\":\"11/15/2023 12:13:20 AM +00:00\"}",
                    7200);
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_on\":\"11/15/2023 12:13:20 PM +00:00\"}",
                    7200 + 12 * 3600);
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_on\":\"11/15/2023 1:13:20 AM +00:00\"}",
                    10800);
}

static void test_no_date(void **state)
{
    static const char *const wrong[] = {"11/14/2023 23:13:20",
                                        "11/14/2023 23:13:20 +01:00",
                                        "11/14/2023 13:13:20 PM +00:00",
                                        "11/14/2023 0:13:20 AM +00:00",
                                        "13/14/2023 23:13:20 +00:00",
                                        "0/14/2023 23:13:20 +00:00",
                                        "11/32/2023 23:13:20 +00:00",
                                        "11/14/2023 24:13:20 +00:00",
                                        "11/14/2023 23:60:20 +00:00",
                                        "11/14/2023 23:13:61 +00:00",
                                        "11/14/1969 23:13:20 +00:00",
                                        "11/14/20231 23:13:20 +00:00",
                                        "-1/14/2023 23:13:20 +00:00",
                                        "11/14/2023 23:13:20 +00:00x",
                                        "tomorrow",
                                        ""};
    char body[256];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(body, sizeof body, "{" TOKEN ",\"expires_on\":\"%s\"}", wrong[i]);
        expect_none(token_json_read_machine, body);
    }
}

static void test_ended_already(void **state)
{
    (void)state;
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_on\":1700000000}", 0);
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_on\":-5}", 0);
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_in\":0}", 0);
}

static void test_a_week_at_most(void **state)
{
    (void)state;
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_in\":9007199254740992}", 604800);
    expect_lifetime(token_json_read_machine, "{" TOKEN ",\"expires_on\":\"9007199254740992\"}", 604800);
}

static void test_no_token_of_a_machine(void **state)
{
    static const char *const wrong[] = {
        "",
        "{}",
        "[]",
        "{" TOKEN "}",
        "{" TOKEN ",\"expires_in\":-1}",
        "{" TOKEN ",\"expires_in\":\"-1\",\"expires_on\":\"1700003600\"}",
        "{" TOKEN ",\"expiresOn\":\"2023-11-14 23:13:20\"}",
        "{\"expires_in\":1}",
        "{\"accessToken\":\"a.b-c_d\",\"expires_in\":1}",
        "{\"access_token\":7,\"expires_in\":1}",
        "{\"access_token\":\"a b\",\"expires_in\":1}",
        "{\"access_token\":\"a\\r\\nX: y\",\"expires_in\":1}",
        "{" TOKEN ",\"expires_in\":1}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        expect_none(token_json_read_machine, wrong[i]);
    }
}

/* Only this machine's services tell the end alone. */
static void test_token_endpoint_tells_the_lifetime(void **state)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(100);
    int64_t lifetime;

    (void)state;
    assert_int_equal(
        token_json_read(bytes_of_text("{" TOKEN ",\"expires_on\":\"1700003600\"}"), &token, &lifetime),
        CKR_DATA_INVALID);
}

/* --- The Azure CLI --- */

static void test_cli(void **state)
{
    (void)state;
    expect_lifetime(token_json_read_cli,
                    "{\"accessToken\":\"a.b-c_d\",\"expiresOn\":\"2001-01-01 00:00:00.000000\","
                    "\"expires_on\":1700003600,\"tokenType\":\"Bearer\"}",
                    3600);
}

static void test_older_cli_speaks_local_time(void **state)
{
    char *before = getenv("TZ") == NULL ? NULL : strdup(getenv("TZ"));

    (void)state;
    setenv("TZ", "Asia/Tokyo", 1); /* 9 hours ahead, no summer time */
    tzset();
    expect_lifetime(token_json_read_cli,
                    "{\"accessToken\":\"a.b-c_d\",\"expiresOn\":\"2023-11-15 08:13:20.000000\"}", 3600);
    expect_lifetime(token_json_read_cli,
                    "{\"accessToken\":\"a.b-c_d\",\"expiresOn\":\"2023-11-15 08:13:20\"}", 3600);
    if (before == NULL) {
        unsetenv("TZ");
    } else {
        setenv("TZ", before, 1);
    }
    free(before);
    tzset();
}

static void test_no_token_of_the_cli(void **state)
{
    static const char *const wrong[] = {
        "ERROR: Please run 'az login' to setup account.",
        "{\"accessToken\":\"a.b-c_d\"}",
        "{\"accessToken\":\"a.b-c_d\",\"expires_in\":3600}",
        "{\"accessToken\":\"a.b-c_d\",\"expiresOn\":\"2023-13-15 08:13:20\"}",
        "{\"accessToken\":\"a.b-c_d\",\"expiresOn\":\"2023-11-15T08:13:20Z\"}",
        "{\"accessToken\":\"a.b-c_d\",\"expiresOn\":\"2023-11-15 08:13:20 +00:00\"}",
        "{\"accessToken\":\"a.b-c_d\",\"expiresOn\":7}",
        "{" TOKEN ",\"expires_on\":1700003600}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        expect_none(token_json_read_cli, wrong[i]);
    }
}

/* --- Refusals --- */

static void test_says(void **state)
{
    (void)state;
    assert_true(
        token_json_says(bytes_of_text("{\"error_description\":\"Identity not found\"}"), "not found"));
    assert_true(token_json_says(bytes_of_text("{\"message\":\"Identity not found\"}"), "Identity"));
    assert_false(token_json_says(bytes_of_text("{\"error\":\"Identity not found\"}"), "Identity"));
    assert_false(token_json_says(bytes_of_text("{\"message\":7}"), "7"));
    assert_false(token_json_says(bytes_of_text("Identity not found"), "Identity"));
}

/* --- A token by itself --- */

static void make_token(const char *payload, struct buffer *token)
{
    assert_int_equal(buffer_append_text(token, "eyJhIjoxfQ."), CKR_OK);
    assert_int_equal(base64url_encode(bytes_of_text(payload), token), CKR_OK);
    assert_int_equal(buffer_append_text(token, ".c2ln"), CKR_OK);
}

static bool end_of(const char *payload, int64_t *ret_end)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(64 * 1024);

    make_token(payload, &token);
    return token_read_end(buffer_text(&token), ret_end);
}

static void test_end_of_a_token(void **state)
{
    int64_t end = 0;

    (void)state;
    assert_true(end_of("{\"exp\":1700003600}", &end));
    assert_int_equal(end, 1700003600);
    assert_true(end_of("{\"aud\":\"x\",\"exp\":1.7e9}", &end));
    assert_int_equal(end, 1700000000);
}

static void test_tokens_that_do_not_say(void **state)
{
    static const char *const payloads[] = {
        "", "{}", "[1]", "{\"exp\":\"soon\"}", "{\"exp\":1e300}", "{\"exp\":{}}", "{\"exp\":1", "\x01\x02"};
    static const char *const tokens[] = {"", ".", "..", "...", "a", "a.b", "a.b.c", "a.!!!!.c", "a.e30"};
    int64_t end = 77;

    (void)state;
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        assert_false(end_of(payloads[i], &end));
    }
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        assert_false(token_read_end(tokens[i], &end));
    }
    assert_int_equal(end, 77);
}

static void test_payload_beyond_its_limit(void **state)
{
    struct buffer payload SCOPED(buffer_free) = BUFFER_INIT(32 * 1024);
    int64_t end;

    (void)state;
    assert_int_equal(buffer_printf(&payload, "{\"exp\":1,\"x\":\"%020000d\"}", 7), CKR_OK);
    assert_false(end_of(buffer_text(&payload), &end));
}

static void test_when_it_was_issued(void **state)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(1024);
    int64_t issue = 77;

    (void)state;
    make_token("{\"iat\":1700000000,\"exp\":1700003600}", &token);
    assert_true(token_read_issue(buffer_text(&token), &issue));
    assert_int_equal(issue, 1700000000);
    buffer_clear(&token);
    make_token("{\"exp\":1700003600}", &token);
    assert_false(token_read_issue(buffer_text(&token), &issue));
    assert_false(token_read_issue("opaque", &issue));
    assert_int_equal(issue, 1700000000);
}

static void expect_principal(const char *payload, const char *expected)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(64 * 1024);
    char principal[17] = "before";

    make_token(payload, &token);
    token_read_principal(buffer_text(&token), principal, sizeof principal);
    assert_string_equal(principal, expected);
}

static void test_whose_it_is(void **state)
{
    (void)state;
    expect_principal("{\"appid\":\"a\",\"sub\":\"s\",\"oid\":\"0-f\"}", "0-f");
    expect_principal("{\"appid\":\"a\",\"sub\":\"s\"}", "s");
    expect_principal("{\"azp\":\"z\",\"appid\":\"a\"}", "a");
    expect_principal("{\"azp\":\"z\"}", "z");
    expect_principal("{\"oid\":7,\"sub\":\"\",\"appid\":\"a\"}", "a");
}

static void test_what_cannot_stand_in_a_record_is_nobodys(void **state)
{
    static const char *const tokens[] = {"", ".", "..", "a", "a.b", "a.!!!!.c", "a.e30", "opaque-token"};
    char principal[17];

    (void)state;
    expect_principal("{}", "");
    expect_principal("[]", "");
    expect_principal("{\"oid\":\"a b\"}", "");
    expect_principal("{\"oid\":\"a\\n\"}", "");
    expect_principal("{\"oid\":\"\xc3\xa4\"}", "");
    expect_principal("{\"oid\":\"0123456789abcdef\"}", "0123456789abcdef");
    expect_principal("{\"oid\":\"0123456789abcdefg\"}", "");
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        memcpy(principal, "before", 7);
        token_read_principal(tokens[i], principal, sizeof principal);
        assert_string_equal(principal, "");
    }
}

static void test_valid_tokens(void **state)
{
    (void)state;
    assert_true(token_is_valid("abc.DEF-_~+/09=="));
    assert_false(token_is_valid(""));
    assert_false(token_is_valid("a b"));
    assert_false(token_is_valid("a\n"));
    assert_false(token_is_valid("\xc3\xa4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lifetime_as_number_or_text),
        cmocka_unit_test(test_only_the_end),
        cmocka_unit_test(test_lifetime_wins),
        cmocka_unit_test(test_end_as_a_date),
        cmocka_unit_test(test_no_date),
        cmocka_unit_test(test_ended_already),
        cmocka_unit_test(test_a_week_at_most),
        cmocka_unit_test(test_no_token_of_a_machine),
        cmocka_unit_test(test_token_endpoint_tells_the_lifetime),
        cmocka_unit_test(test_cli),
        cmocka_unit_test(test_older_cli_speaks_local_time),
        cmocka_unit_test(test_no_token_of_the_cli),
        cmocka_unit_test(test_says),
        cmocka_unit_test(test_end_of_a_token),
        cmocka_unit_test(test_tokens_that_do_not_say),
        cmocka_unit_test(test_payload_beyond_its_limit),
        cmocka_unit_test(test_when_it_was_issued),
        cmocka_unit_test(test_whose_it_is),
        cmocka_unit_test(test_what_cannot_stand_in_a_record_is_nobodys),
        cmocka_unit_test(test_valid_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
