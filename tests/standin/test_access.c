/* Who is let in: the identity service, tokens, permissions. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <string.h>
#include <unistd.h>

static const char vault_scope[] = "https://vault.azure.net/.default";
static const char everything[] =
    "[\"encrypt\",\"decrypt\",\"sign\",\"verify\",\"wrapKey\",\"unwrapKey\",\"get\","
    "\"list\",\"create\",\"update\",\"import\",\"delete\",\"recover\",\"purge\",\"backup\",\"restore\",\"rotate\","
    "\"getrotationpolicy\",\"setrotationpolicy\",\"release\",\"rng\",\"getcertificate\",\"listcertificates\","
    "\"getsecret\"]";

static int as_at_the_start(void **state)
{
    char *path OWNED(owned_free) = text("/callers/%s/permissions", standin.client_id);

    (void)state;
    control(path, everything);
    free(standin_control(&standin, "DELETE", "/settings", NULL));
    return 0;
}

/* --- The identity service --- */

static void test_a_token_is_given(void **state)
{
    struct reply reply ENDS(reply_done) =
        ask_token(standin.tenant_id, standin.client_id, client_secret(), vault_scope);

    (void)state;
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_text(&reply, "token_type"), "Bearer");
    assert_int_equal(cJSON_GetNumberValue(reply_item(&reply, "expires_in")), 3599);
    assert_non_null(strchr(reply_text(&reply, "access_token"), '.'));
}

static void check_token_error(struct reply reply, long status, const char *error, int number)
{
    struct reply judged ENDS(reply_done) = reply;
    char *start OWNED(owned_free) = text("AADSTS%d: ", number);

    assert_int_equal(judged.status, status);
    assert_string_equal(reply_text(&judged, "error"), error);
    assert_int_equal(cJSON_GetNumberValue(reply_item(&judged, "error_codes.0")), number);
    assert_int_equal(strncmp(reply_text(&judged, "error_description"), start, strlen(start)), 0);
}

static void test_wrong_credentials(void **state)
{
    static const char nobody[] = "00000000-0000-0000-0000-00000000dead";

    (void)state;
    check_token_error(ask_token(standin.tenant_id, standin.client_id, "wrong", vault_scope), 401,
                      "invalid_client", 7000215);
    check_token_error(ask_token(standin.tenant_id, nobody, client_secret(), vault_scope), 400,
                      "unauthorized_client", 700016);
    check_token_error(ask_token(nobody, standin.client_id, client_secret(), vault_scope), 400,
                      "invalid_request", 90002);
    check_token_error(
        ask_token(standin.tenant_id, standin.client_id, client_secret(), "https://vault.azure.net"), 400,
        "invalid_scope", 1002012);
}

static void test_a_disabled_application(void **state)
{
    (void)state;
    control("/callers/11111111-0000-0000-0000-000000000000", "{\"secret\":\"s\",\"disabled\":true}");
    check_token_error(ask_token(standin.tenant_id, "11111111-0000-0000-0000-000000000000", "s", vault_scope),
                      400, "unauthorized_client", 7000112);
}

/* --- The vault --- */

static void check_unauthorized(const char *token, const char *message)
{
    struct reply reply ENDS(reply_done) = call_vault(token, "GET", "/keys/kek", NULL);
    char *challenge OWNED(owned_free) =
        text("Bearer authorization=\"%s/%s\", resource=\"https://vault.azure.net\"", standin.identity_url,
             standin.tenant_id);

    assert_int_equal(reply.status, 401);
    assert_string_equal(reply_text(&reply, "error.code"), "Unauthorized");
    assert_non_null(strstr(reply_text(&reply, "error.message"), message));
    assert_string_equal(reply_header(&reply, "WWW-Authenticate"), challenge);
}

static void test_no_token_and_a_false_one(void **state)
{
    char *token OWNED(owned_free) = fresh_token();

    (void)state;
    check_unauthorized(NULL, "AKV10000");
    check_unauthorized("nonsense", "AKV10046");
    token[strlen(token) - 3] ^= 1;
    check_unauthorized(token, "AKV10046");
}

static char *token_for(const char *scope)
{
    struct reply reply ENDS(reply_done) =
        ask_token(standin.tenant_id, standin.client_id, client_secret(), scope);

    assert_int_equal(reply.status, 200);
    return text("%s", reply_text(&reply, "access_token"));
}

static void test_a_token_for_something_else(void **state)
{
    char *slash OWNED(owned_free) = token_for("https://vault.azure.net//.default");
    char *other OWNED(owned_free) = token_for("https://management.azure.com/.default");

    (void)state;
    check_unauthorized(slash, "AKV10022");
    check_unauthorized(other, "AKV10022");
}

static void test_tokens_expire(void **state)
{
    char *token OWNED(owned_free) = NULL;

    (void)state;
    control("/settings", "{\"token_lifetime\":1}");
    token = fresh_token();
    usleep(1100 * 1000);
    check_unauthorized(token, "expired");
}

static long status_of(const char *token, const char *method, const char *path)
{
    struct reply reply ENDS(reply_done) = call_vault(
        token, method, path, strcmp(method, "POST") == 0 ? "{\"alg\":\"RSA-OAEP\",\"value\":\"AQ\"}" : NULL);

    return reply.status;
}

static void test_list_wrap_and_unwrap_are_enough_for_those(void **state)
{
    char *token OWNED(owned_free) = fresh_token(), *path OWNED(owned_free) = NULL;

    (void)state;
    path = text("/callers/%s/permissions", standin.client_id);
    control(path, "[\"list\",\"wrapKey\",\"unwrapKey\"]");
    assert_int_equal(status_of(token, "GET", "/keys"), 200);
    assert_int_equal(status_of(token, "GET", "/keys/kek/versions"), 200);
    assert_int_equal(status_of(token, "POST", "/keys/kek/wrapkey"), 200);
    assert_int_equal(status_of(token, "POST", "/keys/kek/unwrapkey"), 400);
    assert_int_equal(status_of(token, "GET", "/keys/kek"), 403);
    assert_int_equal(status_of(token, "POST", "/keys/kek/decrypt"), 403);
}

static void test_a_refusal_says_what_is_missing(void **state)
{
    char *path OWNED(owned_free) = text("/callers/%s/permissions", standin.client_id);
    struct reply policy ENDS(reply_done) = {0}, role ENDS(reply_done) = {0};

    (void)state;
    control(path, "[]");
    policy = vault("POST", "/keys/kek/unwrapkey", "{}");
    control("/settings", "{\"rbac\":true}");
    role = vault("GET", "/keys/kek", NULL);
    assert_string_equal(reply_text(&policy, "error.innererror.code"), "ForbiddenByPolicy");
    assert_non_null(strstr(reply_text(&policy, "error.message"), "does not have keys unwrapKey permission"));
    assert_string_equal(reply_text(&role, "error.innererror.code"), "ForbiddenByRbac");
    assert_non_null(strstr(reply_text(&role, "error.message"), "Microsoft.KeyVault/vaults/keys/read"));
}

static void test_each_caller_has_permissions_of_its_own(void **state)
{
    struct reply reply ENDS(reply_done) = {0};
    char *token OWNED(owned_free) = NULL;

    (void)state;
    control("/callers/22222222-0000-0000-0000-000000000000", "{\"secret\":\"t\",\"permissions\":[\"get\"]}");
    reply = ask_token(standin.tenant_id, "22222222-0000-0000-0000-000000000000", "t", vault_scope);
    token = text("%s", reply_text(&reply, "access_token"));
    assert_int_equal(status_of(token, "GET", "/keys/kek"), 200);
    assert_int_equal(status_of(token, "GET", "/keys"), 403);
}

static void test_the_api_version_must_be_known(void **state)
{
    struct reply unknown ENDS(reply_done) = vault("GET", "/keys/kek?api-version=9.9", NULL);
    struct reply none ENDS(reply_done) = vault("GET", "/keys/kek?no-api-version=1", NULL);
    struct reply dated ENDS(reply_done) = vault("GET", "/keys/kek?api-version=2026-04-01", NULL);

    (void)state;
    assert_int_equal(unknown.status, 400);
    assert_int_equal(none.status, 400);
    assert_int_equal(dated.status, 200);
}

static void test_headers_of_an_answer(void **state)
{
    struct reply reply ENDS(reply_done) = vault("GET", "/keys/kek", NULL);

    (void)state;
    assert_string_equal(reply_header(&reply, "x-ms-client-request-id"),
                        "0badcafe-0000-4000-8000-000000000000");
    assert_int_equal(strlen(reply_header(&reply, "x-ms-request-id")), 36);
    assert_string_equal(reply_header(&reply, "Cache-Control"), "no-cache");
    assert_string_equal(reply_header(&reply, "Content-Type"), "application/json; charset=utf-8");
    assert_non_null(reply_header(&reply, "Date"));
}

static void test_a_clock_of_its_own(void **state)
{
    struct reply now ENDS(reply_done) = vault("GET", "/keys/kek", NULL), ahead ENDS(reply_done) = {0};

    (void)state;
    control("/settings", "{\"clock_ahead\":864000}");
    ahead = vault("GET", "/keys/kek", NULL);
    assert_int_equal(ahead.status, 200);
    assert_string_not_equal(strstr(now.headers, "Date: "), strstr(ahead.headers, "Date: "));
    assert_null(strstr(strstr(ahead.headers, "Date: ") + 1, "Date: "));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_token_is_given),
    cmocka_unit_test(test_wrong_credentials),
    cmocka_unit_test(test_a_disabled_application),
    cmocka_unit_test(test_no_token_and_a_false_one),
    cmocka_unit_test(test_a_token_for_something_else),
    cmocka_unit_test_teardown(test_tokens_expire, as_at_the_start),
    cmocka_unit_test_teardown(test_list_wrap_and_unwrap_are_enough_for_those, as_at_the_start),
    cmocka_unit_test_teardown(test_a_refusal_says_what_is_missing, as_at_the_start),
    cmocka_unit_test(test_each_caller_has_permissions_of_its_own),
    cmocka_unit_test(test_the_api_version_must_be_known),
    cmocka_unit_test(test_headers_of_an_answer),
    cmocka_unit_test_teardown(test_a_clock_of_its_own, as_at_the_start),
};
const struct test_list access_tests = TEST_LIST(tests);
