/*
 * The service's challenges ($BYOK_TEST_DATA/keyvault/recordings): our reading of them, and whether they are
 * followed, as its own clients read and follow them.
 */
#include "backends/base/scope.h"
#include "backends/keyvault/sign_in.h"
#include "tests/truth/recorded.h"
#include <stdlib.h>
#include <string.h>

#define TENANT "11111111-2222-3333-4444-555555555555"

/* --- Read by the test --- */

/* The text between the quotes behind `name=`, from malloc; NULL: not there. */
static char *parameter(const char *value, const char *name)
{
    char *sought ENDED_BY(free_text) = format("%s=\"", name);
    const char *at = strstr(value, sought);

    return at == NULL ? NULL : format("%.*s", (int)strcspn(at + strlen(sought), "\""), at + strlen(sought));
}

/* "vault.azure.net" of "https://vault.azure.net/.default". */
static char *host_of(const char *url)
{
    const char *host = strstr(url, "://") + 3;

    return format("%.*s", (int)strcspn(host, "/"), host);
}

static char *challenge_of(const cJSON *item)
{
    char *value = format("%s\n", text_at(item, "value"));

    replace_all(&value, "{tenant}", TENANT);
    return value;
}

/* --- Reading --- */

static void expect_place(const struct place *place, const char *url)
{
    char *host ENDED_BY(free_text) = host_of(url);

    assert_string_equal(place->host, host);
    assert_int_equal(place->port, 443);
}

/* Who signs in, and for whom: scope wins over resource. */
static void expect_read(const char *value)
{
    struct vault_challenge challenge;
    char *authority ENDED_BY(free_text) = parameter(value, "authorization");
    char *resource ENDED_BY(free_text) = parameter(value, "scope");

    if (!vault_challenge_read(bytes_of_text(value), &challenge)) {
        fail_msg("it was not read: %s", value);
    }
    if (resource == NULL) {
        resource = parameter(value, "resource");
    }
    assert_non_null(authority);
    assert_non_null(resource);
    expect_place(&challenge.authority, authority);
    assert_string_equal(challenge.tenant, strrchr(authority, '/') + 1);
    expect_place(&challenge.resource, resource);
    assert_int_equal(challenge.claims.size, 0);
    vault_challenge_done(&challenge);
}

static void expect_claims(const char *value, const cJSON *expected)
{
    struct vault_challenge challenge;
    cJSON *claims ENDED_BY(free_json) = NULL;

    assert_true(vault_challenge_read(bytes_of_text(value), &challenge));
    claims = cJSON_Parse(buffer_text(&challenge.claims));
    assert_true(cJSON_Compare(claims, expected, true));
    vault_challenge_done(&challenge);
}

static void test_challenges_are_read(void **state)
{
    cJSON *challenges ENDED_BY(free_json) = recorded_need("recordings/challenges.json");
    const cJSON *item;

    (void)state;
    cJSON_ArrayForEach(item, item_at(challenges, "items"))
    {
        char *value ENDED_BY(free_text) = challenge_of(item);

        if (item_at(item, "decoded_claims") == NULL) {
            expect_read(value);
        } else {
            expect_claims(value, item_at(item, "decoded_claims"));
        }
    }
}

/* --- Those of all recorded exchanges --- */

static unsigned read_all(const cJSON *json)
{
    const char *value = cJSON_IsObject(json) ? text_at(json, "www-authenticate") : "";
    unsigned count = 0;
    const cJSON *item;

    if (*value != '\0') {
        char *line ENDED_BY(free_text) = format("%s\n", value);

        expect_read(line);
        return 1;
    }
    cJSON_ArrayForEach(item, json)
    {
        count += cJSON_IsObject(item) || cJSON_IsArray(item) ? read_all(item) : 0;
    }
    return count;
}

static void test_recorded_challenges_are_read(void **state)
{
    cJSON *index ENDED_BY(free_json) = recorded_need("recordings/INDEX.json");
    unsigned count = 0;
    const cJSON *entry;

    (void)state;
    cJSON_ArrayForEach(entry, item_at(index, "files"))
    {
        char *path ENDED_BY(free_text) = format("recordings/%s", text_at(entry, "file"));
        cJSON *recorded ENDED_BY(free_json) = recorded_need(path);

        count += read_all(recorded);
    }
    assert_true(count > 20);
}

/* --- Following --- */

static bool tell(void *arg, struct vault_challenge *ret_challenge, struct identity_failure *ret_failure)
{
    (void)ret_failure;
    vault_challenge_read(bytes_of_text(arg), ret_challenge);
    return true;
}

static bool follow(char *value, const char *host, bool verify, struct sign_in_scope *ret_scope)
{
    struct place vault = {.port = 443};
    struct sign_in_options options = {"test", &vault, "https://login.microsoftonline.com", "", false, verify};
    const char *domain = strchr(host, '.') + 1;
    char *audience ENDED_BY(free_text) = format("https://%s", domain);
    struct identity_failure failure;
    struct sign_in *sign_in;
    bool followed;

    strncpy(vault.host, host, sizeof vault.host - 1);
    options.audience = audience;
    assert_int_equal(sign_in_new(&options, &sign_in), CKR_OK);
    followed = sign_in_get(sign_in, tell, value, deadline_in(1000), ret_scope, &failure);
    sign_in_free(sign_in);
    return followed;
}

/* A claims challenge is no answer to a request without a token. */
static bool is_first(const cJSON *item)
{
    return item_at(item, "decoded_claims") == NULL;
}

static void test_challenges_are_followed_where_the_vault_is_of_the_resource(void **state)
{
    cJSON *challenges ENDED_BY(free_json) = recorded_need("recordings/challenges.json");
    unsigned refused = 0, followed = 0;
    const cJSON *item;

    (void)state;
    cJSON_ArrayForEach(item, item_at(challenges, "items"))
    {
        bool hsm = strcmp(text_at(item, "service"), "mhsm") == 0;
        bool refuse = strncmp(text_at(item, "expect"), "refuse", 6) == 0;
        const char *host = refuse ? text_at(item, "request_host")
                           : hsm  ? "myhsm.managedhsm.azure.net"
                                  : "myvault.vault.azure.net";
        char *value ENDED_BY(free_text) = challenge_of(item);
        struct sign_in_scope scope;

        if (is_first(item)) {
            assert_int_equal(follow(value, host, true, &scope), !refuse);
            refused += refuse;
            followed += !refuse;
        }
    }
    assert_int_equal(refused, 2);
    assert_int_equal(followed, 4);
}

static void test_the_scope_is_what_the_challenge_says(void **state)
{
    cJSON *challenges ENDED_BY(free_json) = recorded_need("recordings/challenges.json");
    char *value ENDED_BY(free_text) = challenge_of(item_at(challenges, "items.0"));
    struct sign_in_scope scope;

    (void)state;
    assert_true(follow(value, "myvault.vault.azure.net", true, &scope));
    assert_string_equal(scope.scope.tenant, "00000000-0000-0000-0000-000000000000");
    assert_string_equal(scope.scope.audience, "https://vault.azure.net");
    assert_string_equal(scope.scope.authority, "https://login.microsoftonline.com");
}

/* As for a vault on the loopback. */
static void test_without_verification_any_resource_is_followed(void **state)
{
    cJSON *challenges ENDED_BY(free_json) = recorded_need("recordings/challenges.json");
    char *value ENDED_BY(free_text) = challenge_of(item_at(challenges, "items.2"));
    struct sign_in_scope scope;

    (void)state;
    assert_true(follow(value, "myvault.example.org", false, &scope));
    assert_false(follow(value, "myvault.example.org", true, &scope));
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenges_are_read),
        cmocka_unit_test(test_recorded_challenges_are_read),
        cmocka_unit_test(test_challenges_are_followed_where_the_vault_is_of_the_resource),
        cmocka_unit_test(test_the_scope_is_what_the_challenge_says),
        cmocka_unit_test(test_without_verification_any_resource_is_followed),
    };

    return recorded_run("challenges", tests, sizeof tests / sizeof tests[0], NULL, NULL);
}
