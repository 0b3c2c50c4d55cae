/*
 * Examining a vault in which all is well; and each mistake on the way there, and in who we are, by its name. Over the
 * stand-in.
 */
#include "tests/backends/keyvault/diagnose_world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- All is well --- */

static void test_all_is_well(void **state)
{
    static const char *const checks[] = {"name-resolution",
                                         "proxy",
                                         "tls",
                                         "clock",
                                         "vault",
                                         "identity",
                                         "token",
                                         "list-permission",
                                         "get-permission",
                                         "key-type",
                                         "key-operations",
                                         "key-enabled",
                                         "key-dates",
                                         "key-versions",
                                         "soft-delete",
                                         "wrap-permission",
                                         "unwrap-permission",
                                         "encrypt-permission",
                                         "decrypt-permission",
                                         "sign-permission"};

    (void)state;
    control("PUT", "/settings", "{\"recovery_level\":\"CustomizedRecoverable\"}");
    examine(KEK);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        char line[64];

        snprintf(line, sizeof line, "ok %s: ", checks[i]);
        expect(line);
    }
    expect("ok purge-protection: ");
    expect("kek is RSA of 2048 bits, protected by software");
    expect("this machine");
    expect(standin.client_id);
    assert_int_equal(found.fails + found.warnings, 0);
    assert_false(found.ends_here);
}

static void test_no_secret_is_told(void **state)
{
    FILE *file = fopen(standin.client_secret_file, "r");
    char secret[200] = "";

    (void)state;
    assert_non_null(fgets(secret, sizeof secret, file));
    fclose(file);
    secret[strcspn(secret, "\r\n")] = 0;
    examine(KEK);
    expect_none(secret);
    expect_none("eyJ");
}

static void test_some_of_the_keys_that_are_listed(void **state)
{
    (void)state;
    examine("");
    expect("ok key-type: kek is RSA of 2048 bits");
    expect("ok key-type: kek-4096 is RSA of 4096 bits");
    assert_int_equal(found.fails, 0);
}

static void test_a_managed_hsm(void **state)
{
    char lines[200];

    (void)state;
    snprintf(lines, sizeof lines, "tenant = \"%s\"\naudience = \"https://managedhsm.azure.net\"\n" KEK,
             standin.tenant_id);
    examine_at(standin.mhsm_url, lines);
    expect("it is taken for a Managed HSM");
    expect("warn clock: the service did not tell its time | see that this machine's clock is right");
    expect("kek is RSA of 2048 bits, in an HSM");
    assert_int_equal(found.fails, 0);
}

static void test_the_tenant_is_told_by_the_vault(void **state)
{
    (void)state;
    examine_at(standin.vault_url, "verify-challenge = no\n" KEK);
    expect(standin.tenant_id);
    expect("ok token: ");
    assert_int_equal(found.fails, 0);
}

/* --- The way --- */

static void test_a_name_that_does_not_resolve(void **state)
{
    (void)state;
    examine_at("https://nobody.invalid", "tenant = t\naudience = \"https://vault.azure.net\"\n" KEK);
    expect("fail name-resolution: nobody.invalid does not resolve");
    expect("DNS");
    assert_int_equal(found.fails, 1);
    assert_true(found.ends_here);
}

static void test_nobody_listens(void **state)
{
    (void)state;
    examine_at("https://127.0.0.1:1", "tenant = t\n" KEK);
    expect("fail connection: ");
    assert_true(found.ends_here);
}

static void test_another_ca(void **state)
{
    char lines[2000];
    struct https_server *other = https_server_start("127.0.0.1", NULL, NULL);

    (void)state;
    snprintf(
        lines, sizeof lines,
        "vault = \"%s\"\nidentity = client-secret\ntenant = t\nclient-id = c\nclient-secret-file = \"%s\"\n"
        "ca-file = \"%s\"\n" KEK,
        standin.vault_url, standin.client_secret_file, https_server_ca(other));
    examine_lines(lines);
    https_server_stop(other);
    expect("fail tls: ");
    expect("ca-file");
    assert_true(found.ends_here);
}

static void test_a_firewall(void **state)
{
    (void)state;
    control("PUT", "/settings", "{\"firewall\":true}");
    examine(KEK);
    expect("fail firewall: ");
    expect("ForbiddenByFirewall");
    expect("its name led to 127.0.0.1 (this machine)");
    expect_none("permission:");
    assert_true(found.ends_here);
}

static void test_a_private_link(void **state)
{
    (void)state;
    control("PUT", "/settings", "{\"private_link\":true}");
    examine(KEK);
    expect("fail firewall: ");
    expect("must resolve to a private address");
}

static void test_a_proxy_that_is_not_there(void **state)
{
    (void)state;
    examine("proxy = \"http://user:s3cr3t@127.0.0.1:1\"\n" KEK);
    expect("fail proxy: no connection to https://");
    expect(" over the proxy 127.0.0.1:1, of `proxy`: ");
    expect_none("ok proxy: ");
    expect_none("fail connection: ");
    expect_none("s3cr3t");
}

/* Nobody listens at the vault either, so that both ways fail. */
static void test_a_proxy_of_the_environment_that_is_not_there(void **state)
{
    (void)state;
    setenv("https_proxy", "http://user:s3cr3t@127.0.0.1:1", 1);
    unsetenv("NO_PROXY"); /* which main() sets */
    examine_at("https://localhost:1", "tenant = t\naudience = \"https://vault.azure.net\"\n" KEK);
    expect("fail proxy: no connection to https://localhost:1 over the proxy 127.0.0.1:1, of https_proxy: ");
    setenv("NO_PROXY", "*", 1);
    examine_at("https://localhost:1", "tenant = t\naudience = \"https://vault.azure.net\"\n" KEK);
    unsetenv("https_proxy");
    expect("fail connection: no connection to https://localhost:1: ");
    expect_none("s3cr3t");
}

static void test_a_proxy_that_is_not_used(void **state)
{
    (void)state;
    setenv("https_proxy", "http://user:s3cr3t@127.0.0.1:1", 1);
    examine(KEK);
    unsetenv("https_proxy");
    expect("ok proxy: none: no_proxy of the environment leaves this vault out of https_proxy");
    expect_none("s3cr3t");
    assert_int_equal(found.fails, 0);
    examine("proxy = none\n" KEK);
    expect("ok proxy: none, as `proxy` says");
}

static void test_a_wrong_clock(void **state)
{
    (void)state;
    control("PUT", "/settings", "{\"clock_ahead\":100}");
    examine(KEK);
    expect("warn clock: this machine's clock is ");
    expect("behind the service's | set this machine's clock");
    control("PUT", "/settings", "{\"clock_ahead\":864000}");
    examine(KEK);
    expect("fail clock: ");
    assert_int_equal(found.fails, 1);
}

static void test_another_tenant(void **state)
{
    (void)state;
    examine_at(standin.vault_url, "tenant = \"00000000-0000-0000-0000-00000000dead\"\n" KEK);
    expect("fail tenant: ");
    expect(standin.tenant_id);
    assert_true(found.ends_here);
}

static void test_another_audience(void **state)
{
    (void)state;
    examine("audience = \"https://management.azure.com\"\n" KEK);
    expect("fail audience: the vault takes tokens for https://vault.azure.net");
    assert_true(found.ends_here);
}

static void test_no_vault(void **state)
{
    (void)state;
    control("PUT", "/faults", "[{\"match\":{\"server\":\"vault\"},\"html\":true,\"status\":404}]");
    examine(KEK);
    expect("fail vault: ");
    expect("404 without the service's own words");
}

/* --- Who we are --- */

static void test_a_wrong_secret(void **state)
{
    char more[2000];

    (void)state;
    snprintf(more, sizeof more,
             "vault = \"%s\"\nidentity = client-secret\nclient-id = \"%s\"\nclient-secret-file = \"%s\"\n"
             "authority = \"%s\"\nca-file = \"%s\"\ntenant = \"%s\"\n" KEK,
             standin.vault_url, standin.client_id, test_file("secret", "wrong"), standin.identity_url,
             standin.vault_ca, standin.tenant_id);
    examine_lines(more);
    expect("fail token: ");
    expect("AADSTS7000215");
    assert_int_equal(found.fails, 1);
    assert_true(found.ends_here);
}

static void test_a_disabled_application(void **state)
{
    char path[200];

    (void)state;
    snprintf(path, sizeof path, "/callers/%s/disabled", standin.client_id);
    control("PUT", path, "true");
    examine(KEK);
    control("PUT", path, "false");
    expect("fail token: ");
    expect("AADSTS7000112");
    expect("have the application enabled");
}

static void test_a_certificate_says_when_it_ends(void **state)
{
    char lines[2000];

    (void)state;
    snprintf(
        lines, sizeof lines,
        "vault = \"%s\"\nidentity = client-certificate\nclient-id = \"%s\"\nclient-certificate-file = \"%s\"\n"
        "authority = \"%s\"\nca-file = \"%s\"\ntenant = \"%s\"\n" KEK,
        standin.vault_url, standin.client_id, standin.client_certificate_file, standin.identity_url,
        standin.vault_ca, standin.tenant_id);
    examine_lines(lines);
    expect("client-certificate: the certificate in ");
    expect("ok token: ");
}

static void test_a_short_token(void **state)
{
    (void)state;
    control("PUT", "/settings", "{\"token_lifetime\":120}");
    examine(KEK);
    expect("warn token: the token ends in ");
    assert_int_equal(found.fails, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIAGNOSE_TEST(test_all_is_well),
        DIAGNOSE_TEST(test_no_secret_is_told),
        DIAGNOSE_TEST(test_some_of_the_keys_that_are_listed),
        DIAGNOSE_TEST(test_a_managed_hsm),
        DIAGNOSE_TEST(test_the_tenant_is_told_by_the_vault),
        DIAGNOSE_TEST(test_a_name_that_does_not_resolve),
        DIAGNOSE_TEST(test_nobody_listens),
        DIAGNOSE_TEST(test_another_ca),
        DIAGNOSE_TEST(test_a_firewall),
        DIAGNOSE_TEST(test_a_private_link),
        DIAGNOSE_TEST(test_a_proxy_that_is_not_there),
        DIAGNOSE_TEST(test_a_proxy_of_the_environment_that_is_not_there),
        DIAGNOSE_TEST(test_a_proxy_that_is_not_used),
        DIAGNOSE_TEST(test_a_wrong_clock),
        DIAGNOSE_TEST(test_another_tenant),
        DIAGNOSE_TEST(test_another_audience),
        DIAGNOSE_TEST(test_no_vault),
        DIAGNOSE_TEST(test_a_wrong_secret),
        DIAGNOSE_TEST(test_a_disabled_application),
        DIAGNOSE_TEST(test_a_certificate_says_when_it_ends),
        DIAGNOSE_TEST(test_a_short_token),
    };

    return cmocka_run_group_tests(tests, diagnose_start, diagnose_end);
}
