/* Challenges of a 401: those of the service, those of others, and those that are meant to hurt. */
#include "backends/base/scope.h"
#include "backends/keyvault/vault_challenge.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TENANT "72f988bf-86f1-41af-91ab-2d7cd011db47"

static void expect(const char *values, const char *authority, const char *tenant, const char *resource,
                   const char *claims)
{
    struct vault_challenge challenge SCOPED(vault_challenge_done);
    bool told = vault_challenge_read(bytes_of_text(values), &challenge);

    assert_string_equal(challenge.authority.host, authority);
    assert_string_equal(challenge.tenant, tenant);
    assert_string_equal(challenge.resource.host, resource);
    assert_string_equal(buffer_text(&challenge.claims), claims);
    assert_int_equal(told, *authority != 0 || *resource != 0 || *claims != 0);
}

static void expect_nothing(const char *values)
{
    expect(values, "", "", "", "");
}

static void test_challenge_of_a_vault(void **state)
{
    (void)state;
    expect("Bearer authorization=\"https://login.windows.net/" TENANT
           "\", resource=\"https://vault.azure.net\"\n",
           "login.windows.net", TENANT, "vault.azure.net", "");
}

static void test_challenge_of_a_managed_hsm(void **state)
{
    (void)state;
    expect("Bearer authorization=\"https://login.microsoftonline.com/" TENANT
           "\", resource=\"https://managedhsm.azure.net\"\n",
           "login.microsoftonline.com", TENANT, "managedhsm.azure.net", "");
}

static void test_other_spellings(void **state)
{
    (void)state;
    expect("bearer Authorization_URI = \"https://login.example/t/oauth2/authorize\" , SCOPE = "
           "\"https://vault.azure.net/.default\"\n",
           "login.example", "t", "vault.azure.net", "");
    expect("Bearer authorization=https://login.example/t resource=https://vault.azure.net/\n",
           "login.example", "t", "vault.azure.net", "");
    expect("Bearer authorization=\"HTTPS://LOGIN.example:8443/t\",resource=\"https://Vault.Azure.Net\"",
           "login.example", "t", "vault.azure.net", "");
}

static void test_scope_wins_over_resource(void **state)
{
    (void)state;
    expect("Bearer resource=\"https://resource.invalid\" scope=\"https://vault.azure.net//.default\"\n", "",
           "", "vault.azure.net", "");
    expect("Bearer scope=\"api://x/.default\", resource=\"https://vault.azure.net\"\n", "", "", "", "");
}

static void test_authorization_wins_over_authorization_uri(void **state)
{
    (void)state;
    expect("Bearer authorization_uri=\"https://b.example/u\", authorization=\"https://a.example/t\"\n",
           "a.example", "t", "", "");
}

static void test_first_of_two_counts(void **state)
{
    (void)state;
    expect("Bearer authorization=\"https://a.example/t\", authorization=\"https://b.example/u\"\n",
           "a.example", "t", "", "");
    expect("Bearer authorization=\"https://a.example/t\"\nBearer authorization=\"https://b.example/u\", "
           "resource=\"https://vault.azure.net\"\n",
           "a.example", "t", "vault.azure.net", "");
}

static void test_other_schemes_are_passed_over(void **state)
{
    (void)state;
    expect_nothing("Basic authorization=\"https://a.example/t\"\n");
    expect_nothing("PoP authorization=\"https://a.example/t\"\n");
    expect("Negotiate YIIabc==, Basic realm=\"a, b\", Bearer authorization=\"https://a.example/t\", Digest "
           "resource=\"https://vault.azure.net\"\n",
           "a.example", "t", "", "");
}

static void test_not_https(void **state)
{
    (void)state;
    expect_nothing("Bearer authorization=\"http://login.example/t\", resource=\"http://vault.azure.net\"\n");
    expect_nothing("Bearer authorization=\"login.example/t\", resource=\"vault.azure.net\"\n");
    expect_nothing("Bearer authorization=\"https://a:b@login.example/t\"\n");
}

static void test_tenants_that_are_none(void **state)
{
    static const char *const paths[] = {"",     "/",          "//t",  "/common", "/Organizations/x",
                                        "/..",  "/a%2fb",     "/a b", "/a\\\\b", "?t",
                                        "/a@b", "/consumers", "/a;b"};
    char values[160];

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct vault_challenge challenge SCOPED(vault_challenge_done);

        snprintf(values, sizeof values, "Bearer authorization=\"https://login.example%s\"\n", paths[i]);
        (void)vault_challenge_read(bytes_of_text(values), &challenge);
        assert_string_equal(challenge.tenant, "");
    }
}

static void test_long_tenant(void **state)
{
    char tenant[200], values[400];

    (void)state;
    memset(tenant, 'a', sizeof tenant);
    tenant[127] = 0;
    snprintf(values, sizeof values, "Bearer authorization=\"https://login.example/%s/x\"\n", tenant);
    expect(values, "login.example", tenant, "", "");
    tenant[127] = 'a';
    tenant[128] = 0;
    snprintf(values, sizeof values, "Bearer authorization=\"https://login.example/%s/x\"\n", tenant);
    expect(values, "login.example", "", "", "");
}

static void test_resource_with_a_path(void **state)
{
    (void)state;
    expect_nothing("Bearer resource=\"https://vault.azure.net/x\"\n");
    expect_nothing("Bearer resource=\"https://vault.azure.net?x\"\n");
    expect_nothing("Bearer scope=\"https://vault.azure.net/.default https://graph.example/.default\"\n");
}

/* base64 of {"access_token":{"nbf":{"essential":true,"value":"1"}}} */
#define CLAIMS   "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxIn19fQ=="
#define CLAIMSED "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"1\"}}}"

static void test_claims(void **state)
{
    (void)state;
    expect(
        "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", "
        "error=\"insufficient_claims\", claims=\"" CLAIMS "\"\n",
        "", "", "", CLAIMSED);
}

static void test_claims_beside_a_challenge(void **state)
{
    (void)state;
    expect("Bearer authorization=\"https://a.example/t\", resource=\"https://vault.azure.net\"\n"
           "Bearer realm=\"\", error=\"insufficient_claims\", claims=\"" CLAIMS "\"\n",
           "a.example", "t", "vault.azure.net", CLAIMSED);
}

/* {"a":"??>"} in either alphabet */
static void test_claims_in_both_alphabets(void **state)
{
    (void)state;
    expect("Bearer error=insufficient_claims, claims=\"eyJhIjoiPz8+In0=\"\n", "", "", "", "{\"a\":\"?\?>\"}");
    expect("Bearer error=insufficient_claims, claims=\"eyJhIjoiPz8-In0\"\n", "", "", "", "{\"a\":\"?\?>\"}");
}

static void test_claims_that_are_none(void **state)
{
    (void)state;
    expect_nothing("Bearer error=\"insufficient_claims\"\n");
    expect_nothing("Bearer error=\"insufficient_claims\", claims=\"\"\n");
    expect_nothing("Bearer error=\"insufficient_claims\", claims=\"!!!!\"\n");
    expect_nothing("Bearer error=\"insufficient_claims\", claims=\"bm8ganNvbg==\"\n"); /* no json */
    expect_nothing("Bearer error=\"insufficient_claims\", claims=\"WzFd\"\n");         /* [1] */
    expect_nothing("Bearer error=\"insufficient_claims\", claims=\"eyJhIjoiXHUwMDAwIn0=\"\n");
    expect_nothing("Bearer error=\"invalid_token\", claims=\"" CLAIMS "\"\n");
}

static void test_spoiled_lines(void **state)
{
    static const char *const lines[] = {"",
                                        "\n",
                                        "Bearer",
                                        "Bearer \n",
                                        "Bearer authorization\n",
                                        "Bearer =\n",
                                        "=\"\"=\n",
                                        ",,,,",
                                        "\"\n",
                                        "Bearer a=\"b\n",
                                        "Bearer authorization=\"https://a.example/t\n",
                                        "Bearer authorization=\"https://a.exam\\ple/t\"\n",
                                        "Bearer a=\"\\",
                                        "Bearer authorization=\"\"\n",
                                        "\x80 authorization=x",
                                        "Bearer \x01 authorization=\"https://a.example/t\"\n"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        expect_nothing(lines[i]);
    }
}

static void test_zero_bytes(void **state)
{
    static const char values[] =
        "Bearer authorization=\"https://a.example/t\0\", resource=\"https://b\0.example\"";
    struct vault_challenge challenge SCOPED(vault_challenge_done);

    (void)state;
    assert_false(vault_challenge_read(bytes_of(values, sizeof values - 1), &challenge));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenge_of_a_vault),
        cmocka_unit_test(test_challenge_of_a_managed_hsm),
        cmocka_unit_test(test_other_spellings),
        cmocka_unit_test(test_scope_wins_over_resource),
        cmocka_unit_test(test_authorization_wins_over_authorization_uri),
        cmocka_unit_test(test_first_of_two_counts),
        cmocka_unit_test(test_other_schemes_are_passed_over),
        cmocka_unit_test(test_not_https),
        cmocka_unit_test(test_tenants_that_are_none),
        cmocka_unit_test(test_long_tenant),
        cmocka_unit_test(test_resource_with_a_path),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_claims_beside_a_challenge),
        cmocka_unit_test(test_claims_in_both_alphabets),
        cmocka_unit_test(test_claims_that_are_none),
        cmocka_unit_test(test_spoiled_lines),
        cmocka_unit_test(test_zero_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
