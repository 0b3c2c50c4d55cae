/* Who comes in at all, and how often: the network rules and the quota. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <string.h>
#include <unistd.h>

static int as_at_the_start(void **state)
{
    (void)state;
    free(standin_control(&standin, "DELETE", "/settings", NULL));
    return 0;
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
    cmocka_unit_test_teardown(test_a_firewall_judges_before_any_token, as_at_the_start),
    cmocka_unit_test_teardown(test_a_private_link_judges_before_any_token, as_at_the_start),
    cmocka_unit_test_teardown(test_without_network_rules_all_come_in, as_at_the_start),
    cmocka_unit_test_teardown(test_larger_keys_weigh_more, as_at_the_start),
    cmocka_unit_test_teardown(test_the_quota_comes_back, as_at_the_start),
    cmocka_unit_test_teardown(test_a_429_can_say_when_to_come_again, as_at_the_start),
    cmocka_unit_test_teardown(test_a_managed_hsm_does_not_throttle, as_at_the_start),
};
const struct test_list quota_tests = TEST_LIST(tests);
