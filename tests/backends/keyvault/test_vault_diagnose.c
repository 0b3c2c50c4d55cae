/*
 * Examining a vault: what is found of one in which all is well, and each mistake that is planted, by its name.
 * Over the stand-in.
 */
#include "backends/diagnosis.h"
#include "backends/keyvault/keyvault.h"
#include "tests/backends/keyvault/https_server.h"
#include "tests/standin/run_standin.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct standin_process standin;

/* What is found: a line each, "ok clock: TEXT | ADVICE". */
struct found {
    char text[32 * 1024];
    unsigned fails, warnings;
    bool ends_here;
};

static struct found found;

static void note(void *arg, const struct finding *finding)
{
    static const char *const words[] = {"ok", "warn", "fail"};
    size_t size = strlen(found.text);

    (void)arg;
    snprintf(found.text + size, sizeof found.text - size, "%s %s: %s%s%s\n", words[finding->status],
             finding->check, finding->text, finding->advice == NULL ? "" : " | ",
             finding->advice == NULL ? "" : finding->advice);
    found.fails += finding->status == FINDING_FAIL;
    found.warnings += finding->status == FINDING_WARN;
}

static void examine_section(const struct settings *section)
{
    struct diagnosis diagnosis = {.token = "t", .tell = note};

    memset(&found, 0, sizeof found);
    diagnosis_begin(&diagnosis);
    keyvault_kind.diagnose(section, &diagnosis);
    diagnosis_end(&diagnosis);
    found.ends_here = diagnosis.ends_here;
}

/* `lines`: the section but for the vault's CA. */
static void examine_lines(const char *lines)
{
    static const char *const kinds[] = {"keyvault", NULL};
    static const struct setting_option every[] = {{.name = "backend", .type = SETTING_WORD, .words = kinds}};
    static const struct setting_option global[] = {{.name = "log", .type = SETTING_TEXT}};
    const struct setting_group globals = {NULL, global, 1};
    const struct setting_group groups[] = {{NULL, every, 1},
                                           {"keyvault", keyvault_kind.options, keyvault_kind.option_count}};
    char text[4096], reserved[200];
    struct settings_file *file;

    snprintf(text, sizeof text, "token \"t\" {\nbackend = keyvault\n%s}\n", lines);
    snprintf(reserved, sizeof reserved, "config=%s", test_file("conf", text));
    assert_int_equal(settings_read(reserved, &globals, groups, 2, &file), CKR_OK);
    examine_section(settings_section(file, 0));
    settings_free(file);
}

/* The usual caller; `vault` and `more` lines. */
static void examine_at(const char *vault, const char *more)
{
    char lines[3000];

    snprintf(lines, sizeof lines,
             "vault = \"%s\"\nidentity = client-secret\nclient-id = \"%s\"\nclient-secret-file = \"%s\"\n"
             "authority = \"%s\"\nca-file = \"%s\"\ntimeout = 10s\n%s",
             vault, standin.client_id, standin.client_secret_file, standin.identity_url, standin.vault_ca,
             more);
    examine_lines(lines);
}

static void examine(const char *more)
{
    char lines[2000];

    snprintf(lines, sizeof lines, "tenant = \"%s\"\n%s", standin.tenant_id, more);
    examine_at(standin.vault_url, lines);
}

static void expect(const char *words)
{
    if (strstr(found.text, words) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", words, found.text);
    }
}

static void expect_none(const char *words)
{
    if (strstr(found.text, words) != NULL) {
        fail_msg("\"%s\" is in:\n%s", words, found.text);
    }
}

static void control(const char *method, const char *path, const char *json)
{
    char *answer = standin_control(&standin, method, path, json);

    assert_non_null(answer);
    free(answer);
}

static void permit(const char *json)
{
    char path[200];

    snprintf(path, sizeof path, "/callers/%s/permissions", standin.client_id);
    control("PUT", path, json);
}

/* --- All is well --- */

#define KEK "keys = {\"kek\"}\n"

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

static void test_versions(void **state)
{
    char more[200], version[64], *answer;

    (void)state;
    control("PUT", "/keys/aged", "{\"versions\":3}");
    examine("keys = {\"aged\"}\n");
    expect("of 2 older ones 2 are still enabled");
    answer = standin_control(&standin, "GET", "/keys/aged", NULL);
    assert_non_null(answer);
    snprintf(version, sizeof version, "%.32s",
             strstr(strstr(strstr(answer, "\"version\":\"") + 11, "\"version\":\"") + 11, "\"version\":\"") +
                 11);
    free(answer);
    snprintf(more, sizeof more, "keys = {\"aged/%s\"}\n", version);
    examine(more);
    expect("warn key-versions: aged/");
    expect("is pinned, and is not the latest version");
    assert_int_equal(found.fails, 0);
}

/* --- */

static int as_at_the_start(void **state)
{
    (void)state;
    control("DELETE", "/settings", NULL);
    control("DELETE", "/faults", NULL);
    permit("[\"get\",\"list\",\"wrapKey\",\"unwrapKey\",\"encrypt\",\"decrypt\",\"sign\",\"verify\"]");
    return 0;
}

static int start(void **state)
{
    (void)state;
    return standin_run(&standin) ? as_at_the_start(NULL) : -1;
}

static int end(void **state)
{
    (void)state;
    return standin_end(&standin) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define DIAGNOSE_TEST(name) cmocka_unit_test_teardown(name, as_at_the_start)
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
    };
    int failed;

    setenv("NO_PROXY", "*", 1);
    unsetenv("BYOK_PKCS11_LOG");
    signal(SIGPIPE, SIG_IGN);
    failed = cmocka_run_group_tests(tests, start, end);
    test_folder_remove();
    return failed;
}
