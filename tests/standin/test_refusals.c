/* Who may do what, and from when on. */
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
    char *path OWNED(owned_free) = text("/callers/%s/permissions", SOMEBODY);
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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_each_request_needs_its_own_permission),
    cmocka_unit_test(test_that_permission_is_enough),
    cmocka_unit_test_teardown(test_roles_read_keys_and_lists_alike, as_at_the_start),
    cmocka_unit_test(test_a_managed_hsm_refuses_in_its_own_words),
    cmocka_unit_test_teardown(test_permissions_can_be_seen_late, as_at_the_start),
    cmocka_unit_test_teardown(test_a_new_key_can_be_seen_late, as_at_the_start),
    cmocka_unit_test_teardown(test_a_disabled_key_can_be_seen_late, as_at_the_start),
    cmocka_unit_test_teardown(test_a_rotation_can_be_seen_late, as_at_the_start),
    cmocka_unit_test_teardown(test_a_deleted_key_is_gone_at_once, as_at_the_start),
};
const struct test_list refusal_tests = TEST_LIST(tests);
