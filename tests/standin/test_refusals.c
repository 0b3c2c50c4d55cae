/* Why somebody is not let in: challenges, claims, network rules, permissions, the quota. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

static const char somebody[] = "55555555-0000-0000-0000-000000000000";

static int as_at_the_start(void **state)
{
    char *path OWNED(owned_free) = text("/callers/%s/claims", standin.client_id);

    (void)state;
    control(path, "null");
    free(standin_control(&standin, "DELETE", "/settings", NULL));
    return 0;
}

/* A caller with just these permissions, and its token for the resource, from malloc. */
static char *token_with(const char *permissions, const char *resource)
{
    char *path OWNED(owned_free) = text("/callers/%s", somebody);
    char *body OWNED(owned_free) = text("{\"secret\":\"s\",\"permissions\":%s}", permissions);
    char *scope OWNED(owned_free) = text("%s/.default", resource);
    struct reply reply ENDS(reply_done) = {0};

    control(path, body);
    reply = ask_token(standin.tenant_id, somebody, "s", scope);
    assert_int_equal(reply.status, 200);
    return text("%s", reply_text(&reply, "access_token"));
}

static struct reply call_mhsm(const char *token, const char *method, const char *path, const char *body)
{
    char *url OWNED(owned_free) = text("%s%s?api-version=7.6", standin.mhsm_url, path);
    char *bearer OWNED(owned_free) = text("Authorization: Bearer %s", token == NULL ? "" : token);
    const char *const lines[] = {"Content-Type: application/json", token == NULL ? NULL : bearer, NULL};

    return call_url(method, url, lines, body);
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

/* --- Permissions --- */

static const struct request {
    const char *permission, *method, *path, *body;
} requests[] = {
    {"get", "GET", "/keys/kek", NULL},
    {"list", "GET", "/keys", NULL},
    {"list", "GET", "/keys/kek/versions", NULL},
    {"create", "POST", "/keys/kek/create", "{}"},
    {"update", "PATCH", "/keys/nobody", "{}"},
    {"import", "PUT", "/keys/nobody", "{}"},
    {"delete", "DELETE", "/keys/nobody", NULL},
    {"recover", "POST", "/deletedkeys/nobody/recover", NULL},
    {"purge", "DELETE", "/deletedkeys/nobody", NULL},
    {"get", "GET", "/deletedkeys/nobody", NULL},
    {"list", "GET", "/deletedkeys", NULL},
    {"backup", "POST", "/keys/nobody/backup", NULL},
    {"restore", "POST", "/keys/restore", "{}"},
    {"rotate", "POST", "/keys/nobody/rotate", NULL},
    {"getrotationpolicy", "GET", "/keys/nobody/rotationpolicy", NULL},
    {"setrotationpolicy", "PUT", "/keys/nobody/rotationpolicy", "{}"},
    {"release", "POST", "/keys/nobody/release", "{}"},
    {"encrypt", "POST", "/keys/kek/encrypt", "{}"},
    {"decrypt", "POST", "/keys/kek/decrypt", "{}"},
    {"sign", "POST", "/keys/kek/sign", "{}"},
    {"verify", "POST", "/keys/kek/verify", "{}"},
    {"wrapKey", "POST", "/keys/kek/wrapkey", "{}"},
    {"unwrapKey", "POST", "/keys/kek/unwrapkey", "{}"},
};

enum { REQUESTS = sizeof requests / sizeof *requests };

static void test_each_request_needs_its_own_permission(void **state)
{
    char *nothing OWNED(owned_free) = token_with("[]", "https://vault.azure.net");

    (void)state;
    for (size_t i = 0; i < REQUESTS; i++) {
        const struct request *request = &requests[i];
        char *missing OWNED(owned_free) = text("does not have keys %s permission", request->permission);
        struct reply reply ENDS(reply_done) =
            call_vault(nothing, request->method, request->path, request->body);

        assert_int_equal(reply.status, 403);
        assert_string_equal(reply_text(&reply, "error.innererror.code"), "ForbiddenByPolicy");
        assert_non_null(strstr(reply_text(&reply, "error.message"), missing));
    }
}

static void test_that_permission_is_enough(void **state)
{
    (void)state;
    for (size_t i = 0; i < REQUESTS; i++) {
        const struct request *request = &requests[i];
        char *list OWNED(owned_free) = text("[\"%s\"]", request->permission);
        char *token OWNED(owned_free) = token_with(list, "https://vault.azure.net");
        struct reply reply ENDS(reply_done) =
            call_vault(token, request->method, request->path, request->body);

        assert_int_not_equal(reply.status, 403);
        assert_int_not_equal(reply.status, 0);
    }
}

static void test_roles_read_keys_and_lists_alike(void **state)
{
    char *token OWNED(owned_free) = token_with("[\"list\"]", "https://vault.azure.net");
    struct reply policy ENDS(reply_done) = call_vault(token, "GET", "/keys/kek", NULL),
                        role ENDS(reply_done) = {0};
    struct reply refused ENDS(reply_done) = {0};

    (void)state;
    control("/settings", "{\"rbac\":true}");
    role = call_vault(token, "GET", "/keys/kek", NULL);
    refused = call_vault(token, "POST", "/keys/kek/unwrapkey", "{}");
    assert_int_equal(policy.status, 403);
    assert_int_equal(role.status, 200);
    assert_string_equal(reply_text(&refused, "error.innererror.code"), "ForbiddenByRbac");
    assert_non_null(
        strstr(reply_text(&refused, "error.message"), "'Microsoft.KeyVault/vaults/keys/unwrap/action'"));
}

static void test_a_managed_hsm_refuses_in_its_own_words(void **state)
{
    char *token OWNED(owned_free) = token_with("[\"list\"]", "https://managedhsm.azure.net");
    struct reply wrap ENDS(reply_done) = call_mhsm(token, "POST", "/keys/kek/wrapkey", "{}");
    struct reply get ENDS(reply_done) = call_mhsm(token, "GET", "/keys/kek", NULL);

    (void)state;
    assert_int_equal(wrap.status, 403);
    assert_string_equal(reply_text(&wrap, "error.code"), "AccessDenied");
    assert_null(reply_item(&wrap, "error.innererror"));
    assert_non_null(
        strstr(reply_text(&wrap, "error.message"),
               "Not authorized to access Microsoft.KeyVault/managedHsm/keys/wrap/action on /keys/kek "
               "(Activity ID: "));
    assert_int_equal(get.status, 200);
}

/* What is changed next is not seen in this test, or is seen once a moment has gone by. */
#define NOT_SOON "60000"
#define SOON     "50"

static void wait_a_moment(void)
{
    usleep(100 * 1000);
}

static void test_permissions_can_be_seen_late(void **state)
{
    char *token OWNED(owned_free) = token_with("[\"get\"]", "https://vault.azure.net");
    char *path OWNED(owned_free) = text("/callers/%s/permissions", somebody);
    struct reply early ENDS(reply_done) = {0}, late ENDS(reply_done) = {0};

    (void)state;
    control("/settings", "{\"permission_delay_ms\":" NOT_SOON "}");
    control(path, "[]");
    early = call_vault(token, "GET", "/keys/kek", NULL);
    control("/settings", "{\"permission_delay_ms\":" SOON "}");
    control(path, "[]");
    wait_a_moment();
    late = call_vault(token, "GET", "/keys/kek", NULL);
    assert_int_equal(early.status, 200);
    assert_int_equal(late.status, 403);
}

static long status_of(const char *method, const char *path, const char *body)
{
    struct reply reply ENDS(reply_done) = vault(method, path, body);

    return reply.status;
}

static void test_a_new_key_can_be_seen_late(void **state)
{
    struct reply list ENDS(reply_done) = {0};

    (void)state;
    control("/settings", "{\"key_delay_ms\":" NOT_SOON "}");
    assert_int_equal(status_of("POST", "/keys/late-key/create", "{\"kty\":\"EC\"}"), 200);
    list = vault("GET", "/keys", NULL);
    assert_int_equal(status_of("GET", "/keys/late-key", NULL), 404);
    assert_null(strstr(list.body, "late-key"));
    control("/settings", "{\"key_delay_ms\":" SOON "}");
    assert_int_equal(status_of("POST", "/keys/soon-key/create", "{\"kty\":\"EC\"}"), 200);
    wait_a_moment();
    assert_int_equal(status_of("GET", "/keys/soon-key", NULL), 200);
    assert_int_equal(status_of("GET", "/keys/soon-key/versions", NULL), 200);
}

static long status_of_wrap(const char *name)
{
    char *path OWNED(owned_free) = text("/keys/%s/wrapkey", name);

    return status_of("POST", path, "{\"alg\":\"RSA-OAEP\",\"value\":\"AQID\"}");
}

static void test_a_disabled_key_can_be_seen_late(void **state)
{
    (void)state;
    control("/keys/late-change", "{\"kty\":\"RSA\"}");
    control("/keys/soon-change", "{\"kty\":\"RSA\"}");
    control("/settings", "{\"key_delay_ms\":" NOT_SOON "}");
    control("/keys/late-change", "{\"enabled\":false}");
    control("/settings", "{\"key_delay_ms\":" SOON "}");
    control("/keys/soon-change", "{\"enabled\":false}");
    wait_a_moment();
    assert_int_equal(status_of_wrap("late-change"), 200);
    assert_int_equal(status_of_wrap("soon-change"), 403);
}

/* The version that wraps, from malloc. */
static char *newest(const char *name)
{
    char *path OWNED(owned_free) = text("/keys/%s", name);
    struct reply reply ENDS(reply_done) = vault("GET", path, NULL);

    assert_int_equal(reply.status, 200);
    return text("%s", reply_text(&reply, "key.kid"));
}

static bool changes_under(const char *delay, const char *name)
{
    char *path OWNED(owned_free) = text("/keys/%s", name);
    char *settings OWNED(owned_free) = text("{\"key_delay_ms\":%s}", delay);
    char *before OWNED(owned_free) = NULL, *after OWNED(owned_free) = NULL;

    control(path, "{\"kty\":\"EC\"}");
    before = newest(name);
    control("/settings", settings);
    control(path, "{\"rotate\":true}");
    wait_a_moment();
    after = newest(name);
    return strcmp(before, after) != 0;
}

static void test_a_rotation_can_be_seen_late(void **state)
{
    (void)state;
    assert_false(changes_under(NOT_SOON, "late-rotation"));
    free(standin_control(&standin, "DELETE", "/settings", NULL));
    assert_true(changes_under(SOON, "soon-rotation"));
}

static void test_a_deleted_key_is_gone_at_once(void **state)
{
    (void)state;
    control("/keys/late-delete", "{\"kty\":\"EC\"}");
    control("/settings", "{\"key_delay_ms\":" NOT_SOON "}");
    control("/keys/late-delete", "{\"enabled\":false}");
    assert_int_equal(status_of("GET", "/keys/late-delete", NULL), 200);
    control("/keys/late-delete", "{\"deleted\":true}");
    assert_int_equal(status_of("GET", "/keys/late-delete", NULL), 404);
}

/* --- The network --- */

static void check_network(const char *settings, const char *inner, const char *words)
{
    struct reply good ENDS(reply_done) = {0}, none ENDS(reply_done) = {0}, false_one ENDS(reply_done) = {0};

    control("/settings", settings);
    good = vault("GET", "/keys/kek", NULL);
    none = call_vault(NULL, "GET", "/keys/kek", NULL);
    false_one = call_vault("nonsense", "GET", "/keys/kek", NULL);
    assert_int_equal(good.status, 403);
    assert_string_equal(reply_text(&good, "error.innererror.code"), inner);
    assert_non_null(strstr(reply_text(&good, "error.message"), words));
    assert_non_null(strstr(reply_text(&good, "error.message"), standin.client_id));
    assert_int_equal(none.status, 403);
    assert_int_equal(false_one.status, 403);
}

static void test_a_firewall_judges_before_any_token(void **state)
{
    (void)state;
    check_network("{\"firewall\":true}", "ForbiddenByFirewall", "Client address: 127.0.0.1");
}

static void test_a_private_link_judges_before_any_token(void **state)
{
    (void)state;
    check_network("{\"private_link\":true}", "ForbiddenByConnection", "Public network access is disabled");
}

static void test_without_network_rules_all_come_in(void **state)
{
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    control("/settings", "{\"firewall\":true}");
    control("/settings", "{\"firewall\":false}");
    reply = vault("GET", "/keys/kek", NULL);
    assert_int_equal(reply.status, 200);
}

/* --- The quota --- */

static bool is_throttled(const char *name)
{
    char *path OWNED(owned_free) = text("/keys/%s/wrapkey", name);
    struct reply reply ENDS(reply_done) = vault("POST", path, "{\"alg\":\"RSA-OAEP\",\"value\":\"AQID\"}");

    if (reply.status == 429) {
        assert_string_equal(reply_text(&reply, "error.code"), "Throttled");
        assert_null(reply_header(&reply, "Retry-After"));
        return true;
    }
    assert_int_equal(reply.status, 200);
    return false;
}

static void limit(const char *settings)
{
    free(standin_control(&standin, "DELETE", "/counts", NULL));
    control("/settings", settings);
}

static void test_larger_keys_weigh_more(void **state)
{
    (void)state;
    limit("{\"quota_per_10s\":9}");
    assert_false(is_throttled("kek-4096"));
    assert_true(is_throttled("kek-3072"));
    assert_false(is_throttled("kek"));
    assert_true(is_throttled("kek"));
    assert_int_equal(standin_count(&standin, "throttled"), 2);
}

static void test_the_quota_comes_back(void **state)
{
    long refused = 0;

    (void)state;
    limit("{\"quota_per_second\":1}");
    for (int i = 0; i < 8; i++) {
        refused += is_throttled("kek");
    }
    assert_in_range(refused, 1, 7); /* a second may have gone by in between */
    sleep(1);
    assert_false(is_throttled("kek"));
    assert_int_equal(standin_count(&standin, "throttled"), refused);
}

static void test_a_429_can_say_when_to_come_again(void **state)
{
    struct reply first ENDS(reply_done) = {0}, second ENDS(reply_done) = {0};

    (void)state;
    limit("{\"quota_per_10s\":1,\"quota_retry_after\":\"2\"}");
    first = vault("GET", "/keys/kek", NULL);
    second = vault("GET", "/keys/kek", NULL);
    assert_int_equal(first.status, 200);
    assert_int_equal(second.status, 429);
    assert_string_equal(reply_header(&second, "Retry-After"), "2");
}

static void test_a_managed_hsm_does_not_throttle(void **state)
{
    char *token OWNED(owned_free) = token_with("[\"get\"]", "https://managedhsm.azure.net");

    (void)state;
    limit("{\"quota_per_10s\":1}");
    for (int i = 0; i < 3; i++) {
        struct reply reply ENDS(reply_done) = call_mhsm(token, "GET", "/keys/kek", NULL);

        assert_int_equal(reply.status, 200);
    }
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
    cmocka_unit_test(test_each_request_needs_its_own_permission),
    cmocka_unit_test(test_that_permission_is_enough),
    cmocka_unit_test_teardown(test_roles_read_keys_and_lists_alike, as_at_the_start),
    cmocka_unit_test(test_a_managed_hsm_refuses_in_its_own_words),
    cmocka_unit_test_teardown(test_permissions_can_be_seen_late, as_at_the_start),
    cmocka_unit_test_teardown(test_a_new_key_can_be_seen_late, as_at_the_start),
    cmocka_unit_test_teardown(test_a_disabled_key_can_be_seen_late, as_at_the_start),
    cmocka_unit_test_teardown(test_a_rotation_can_be_seen_late, as_at_the_start),
    cmocka_unit_test_teardown(test_a_deleted_key_is_gone_at_once, as_at_the_start),
    cmocka_unit_test_teardown(test_a_firewall_judges_before_any_token, as_at_the_start),
    cmocka_unit_test_teardown(test_a_private_link_judges_before_any_token, as_at_the_start),
    cmocka_unit_test_teardown(test_without_network_rules_all_come_in, as_at_the_start),
    cmocka_unit_test_teardown(test_larger_keys_weigh_more, as_at_the_start),
    cmocka_unit_test_teardown(test_the_quota_comes_back, as_at_the_start),
    cmocka_unit_test_teardown(test_a_429_can_say_when_to_come_again, as_at_the_start),
    cmocka_unit_test_teardown(test_a_managed_hsm_does_not_throttle, as_at_the_start),
};
const struct test_list refusal_tests = TEST_LIST(tests);
