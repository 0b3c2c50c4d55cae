/* 401: what a challenge says, and when it asks for claims. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <openssl/evp.h>
#include <string.h>

static int as_at_the_start(void **state)
{
    char *path OWNED(owned_free) = text("/callers/%s/claims", standin.client_id);

    (void)state;
    control(path, "null");
    free(standin_control(&standin, "DELETE", "/settings", NULL));
    return 0;
}

/* --- Challenges --- */

static void check_challenge(const char *settings, const char *expected)
{
    struct reply reply ENDS(reply_done) = {0};

    if (settings != NULL) {
        control("/settings", settings);
    }
    reply = call_vault(NULL, "GET", "/keys/kek", NULL);
    assert_int_equal(reply.status, 401);
    assert_string_equal(reply_header(&reply, "WWW-Authenticate"), expected);
}

static void test_a_challenge_names_authority_and_resource(void **state)
{
    char *expected OWNED(owned_free) =
        text("Bearer authorization=\"%s/%s\", resource=\"https://vault.azure.net\"", standin.identity_url,
             standin.tenant_id);

    (void)state;
    check_challenge(NULL, expected);
}

static void test_a_managed_hsm_challenges_without_a_word(void **state)
{
    struct reply reply ENDS(reply_done) = call_mhsm(NULL, "GET", "/keys/kek", NULL);
    char *expected OWNED(owned_free) =
        text("Bearer authorization=\"%s/%s\", resource=\"https://managedhsm.azure.net\"",
             standin.identity_url, standin.tenant_id);

    (void)state;
    assert_int_equal(reply.status, 401);
    assert_int_equal(reply.size, 0);
    assert_string_equal(reply_header(&reply, "WWW-Authenticate"), expected);
    assert_string_equal(reply_header(&reply, "Content-Type"), "application/json; charset=utf-8");
}

static void test_a_challenge_can_name_a_scope(void **state)
{
    char *expected OWNED(owned_free) =
        text("Bearer authorization=\"%s/%s\", scope=\"https://vault.azure.net/.default\"",
             standin.identity_url, standin.tenant_id);
    char *both OWNED(owned_free) =
        text("Bearer authorization=\"%s/%s\", resource=\"https://resource.invalid\" "
             "scope=\"https://vault.azure.net/.default\"",
             standin.identity_url, standin.tenant_id);

    (void)state;
    check_challenge("{\"challenge_by\":\"scope\"}", expected);
    check_challenge("{\"challenge_by\":\"both\"}", both);
}

static void test_a_challenge_can_lead_astray(void **state)
{
    (void)state;
    check_challenge("{\"challenge_uri\":true,\"challenge_resource\":\"https://myvault.azure.net\","
                    "\"challenge_tenant\":\"other\",\"challenge_authority\":\"http://elsewhere.example\"}",
                    "Bearer authorization_uri=\"http://elsewhere.example/other\", "
                    "resource=\"https://myvault.azure.net\"");
    check_challenge("{\"challenge_header\":\"Negotiate\"}", "Negotiate");
}

static void test_a_token_of_another_tenant(void **state)
{
    char *token OWNED(owned_free) = NULL;
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    control("/settings", "{\"token_tenant\":\"00000000-0000-0000-0000-00000000beef\"}");
    token = fresh_token();
    reply = call_vault(token, "GET", "/keys/kek", NULL);
    assert_int_equal(reply.status, 401);
    assert_non_null(strstr(reply_text(&reply, "error.message"), "AKV10032: Invalid issuer."));
    assert_non_null(strstr(reply_text(&reply, "error.message"), "00000000-0000-0000-0000-00000000beef"));
}

/* --- Claims --- */

/* What the claims challenge of this reply says, from cJSON's malloc. */
static cJSON *claims_in(const struct reply *reply)
{
    const char *header = reply_header(reply, "WWW-Authenticate"), *at;
    unsigned char plain[512] = "";
    char encoded[512] = "";

    assert_int_equal(reply->status, 401);
    assert_non_null(strstr(header, "error=\"insufficient_claims\""));
    at = strstr(header, "claims=\"") + strlen("claims=\"");
    memcpy(encoded, at, strcspn(at, "\""));
    assert_int_equal(strlen(encoded) % 4, 0);
    assert_true(EVP_DecodeBlock(plain, (unsigned char *)encoded, (int)strlen(encoded)) > 0);
    return cJSON_Parse((const char *)plain);
}

static char *token_for_claims(const char *claims)
{
    char *url OWNED(owned_free) = text("%s/%s/oauth2/v2.0/token", standin.identity_url, standin.tenant_id);
    char *secret OWNED(owned_free) = form_escaped(client_secret()),
                 *asked OWNED(owned_free) = form_escaped(claims);
    char *form OWNED(owned_free) = text("grant_type=client_credentials&client_id=%s&client_secret=%s&"
                                        "scope=https://vault.azure.net/.default&claims=%s",
                                        standin.client_id, secret, asked);
    struct reply reply ENDS(reply_done) = post_form(url, form);

    assert_int_equal(reply.status, 200);
    return text("%s", reply_text(&reply, "access_token"));
}

static long status_with_claims(const char *claims)
{
    char *token OWNED(owned_free) = token_for_claims(claims);
    struct reply reply ENDS(reply_done) = call_vault(token, "GET", "/keys/kek", NULL);

    return reply.status;
}

static void want_claims(const char *claims)
{
    char *path OWNED(owned_free) = text("/callers/%s/claims", standin.client_id);

    control(path, claims);
}

#define NBF "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"1726077595\"}}}"
#define NBF_CP1                                                                                              \
    "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"1726077595\"},\"xms_cc\":{\"values\":[\"cp1\"]}}}"

static void test_claims_are_asked_for_until_a_token_has_them(void **state)
{
    char *plain OWNED(owned_free) = fresh_token();
    struct reply reply ENDS(reply_done) = {0};
    cJSON *claims OWNED(owned_json) = NULL;

    (void)state;
    want_claims(NBF);
    reply = call_vault(plain, "GET", "/keys/kek", NULL);
    claims = claims_in(&reply);
    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetObjectItem(
            cJSON_GetObjectItem(cJSON_GetObjectItem(claims, "access_token"), "nbf"), "value")),
        "1726077595");
    assert_int_equal(status_with_claims(NBF_CP1), 200);
    assert_int_equal(status_with_claims(NBF), 401);
    assert_int_equal(status_with_claims("{\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]}}}"), 401);
}

static void test_claims_can_be_asked_for_twice_in_a_row(void **state)
{
    char *first OWNED(owned_free) = NULL;
    struct reply again ENDS(reply_done) = {0};
    cJSON *claims OWNED(owned_json) = NULL;

    (void)state;
    want_claims("[" NBF ",{\"access_token\":{\"nbf\":{\"value\":\"2\"}}}]");
    first = token_for_claims(NBF_CP1);
    again = call_vault(first, "GET", "/keys/kek", NULL);
    claims = claims_in(&again);
    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetObjectItem(
            cJSON_GetObjectItem(cJSON_GetObjectItem(claims, "access_token"), "nbf"), "value")),
        "2");
    assert_int_equal(status_with_claims(
                         "{\"access_token\":{\"nbf\":{\"value\":\"2\"},\"xms_cc\":{\"values\":[\"cp1\"]}}}"),
                     200);
}

static void test_no_token_is_challenged_as_ever_when_claims_are_wanted(void **state)
{
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    want_claims(NBF);
    reply = call_vault(NULL, "GET", "/keys/kek", NULL);
    assert_null(strstr(reply_header(&reply, "WWW-Authenticate"), "insufficient_claims"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_challenge_names_authority_and_resource),
    cmocka_unit_test(test_a_managed_hsm_challenges_without_a_word),
    cmocka_unit_test_teardown(test_a_challenge_can_name_a_scope, as_at_the_start),
    cmocka_unit_test_teardown(test_a_challenge_can_lead_astray, as_at_the_start),
    cmocka_unit_test_teardown(test_a_token_of_another_tenant, as_at_the_start),
    cmocka_unit_test_teardown(test_claims_are_asked_for_until_a_token_has_them, as_at_the_start),
    cmocka_unit_test_teardown(test_claims_can_be_asked_for_twice_in_a_row, as_at_the_start),
    cmocka_unit_test_teardown(test_no_token_is_challenged_as_ever_when_claims_are_wanted, as_at_the_start),
};
const struct test_list challenge_tests = TEST_LIST(tests);
