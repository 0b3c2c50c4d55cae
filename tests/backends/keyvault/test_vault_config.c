/*
 * A section of the configuration: what is accepted,
 * and what is refused with its line and a word of advice.
 */
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/vault_config.h"
#include "tests/backends/keyvault/https_server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VERSION  "0123456789abcdef0123456789abcdef"
#define VERSION2 "fedcba9876543210fedcba9876543210"
#define UPPER    "0123456789ABCDEF0123456789ABCDEF"
#define UPPER2   "FEDCBA9876543210FEDCBA9876543210"
#define REST     "identity = client-secret\ntenant = t\nclient-id = c\nclient-secret-file = \"/run/secret\"\n"
#define VAULT    "vault = \"https://contoso.vault.azure.net\"\n"

static const char *const words[] = {"keyvault", NULL};
static const struct setting_option every[] = {{.name = "backend", .type = SETTING_WORD, .words = words}};
static const struct setting_option global[] = {{.name = "log", .type = SETTING_TEXT}};

struct read {
    struct settings_file *file;
    struct vault_config config;
    char log[128];
};

static int set_up(void **state)
{
    struct read *read = calloc(1, sizeof *read);
    char choice[160];

    snprintf(read->log, sizeof read->log, "%s", test_file("log", ""));
    snprintf(choice, sizeof choice, "warning file:%s", read->log);
    *state = read;
    return log_configure(choice) == CKR_OK ? 0 : 1;
}

static void forget(struct read *read)
{
    vault_config_done(&read->config);
    settings_free(read->file);
    read->file = NULL;
}

static int tear_down(void **state)
{
    forget(*state);
    free(*state);
    return log_configure("error stderr") == CKR_OK ? 0 : 1;
}

/* The section begins in line 1; its options in line 3. */
static CK_RV read_section(struct read *read, const char *options)
{
    const struct setting_group globals = {NULL, global, 1};
    const struct setting_group groups[] = {{NULL, every, 1}, {"keyvault", vault_options, VAULT_OPTION_COUNT}};
    char text[4096], reserved[160];
    CK_RV rv;

    forget(read);
    snprintf(text, sizeof text, "token \"contoso\" {\nbackend = keyvault\n%s}\n", options);
    snprintf(reserved, sizeof reserved, "config=%s", test_file("conf", text));
    rv = settings_read(reserved, &globals, groups, 2, &read->file);
    return rv == CKR_OK ? vault_config_read(settings_section(read->file, 0), &read->config) : rv;
}

static const char *log_text(const struct read *read)
{
    static char text[4096];
    FILE *file = fopen(read->log, "r");

    text[file == NULL ? 0 : fread(text, 1, sizeof text - 1, file)] = 0;
    if (file != NULL) {
        fclose(file);
    }
    return text;
}

static void expect_refused(struct read *read, const char *options, const char *said)
{
    (void)test_file("log", "");
    assert_int_equal(read_section(read, options), CKR_GENERAL_ERROR);
    if (strstr(log_text(read), said) == NULL || strstr(log_text(read), "conf:") == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", said, log_text(read));
    }
}

static void test_defaults(void **state)
{
    struct read *read = *state;
    const struct vault_config *config = &read->config;

    assert_int_equal(read_section(read, VAULT REST), CKR_OK);
    assert_string_equal(config->about, "contoso");
    assert_string_equal(config->url, "https://contoso.vault.azure.net");
    assert_string_equal(config->identity.authority, "https://login.microsoftonline.com");
    assert_string_equal(config->identity.audience, "https://vault.azure.net");
    assert_string_equal(config->api_version, "7.6");
    assert_string_equal(config->identity.client_secret_file, "/run/secret");
    assert_null(config->ca_file);
    assert_int_equal(config->key_count, 0);
    assert_int_equal(config->timeout, 30000);
    assert_int_equal(config->connect_timeout, 5000);
    assert_int_equal(config->connection_age, 600000);
    assert_false(config->managed_hsm);
}

static void expect_cloud(struct read *read, const char *vault, const char *authority, const char *audience,
                         bool hsm)
{
    char options[512];

    snprintf(options, sizeof options, "vault = \"%s\"\n" REST, vault);
    assert_int_equal(read_section(read, options), CKR_OK);
    assert_string_equal(read->config.identity.authority, authority);
    assert_string_equal(read->config.identity.audience, audience);
    assert_int_equal(read->config.managed_hsm, hsm);
}

static void test_clouds(void **state)
{
    expect_cloud(*state, "https://a.managedhsm.azure.net", "https://login.microsoftonline.com",
                 "https://managedhsm.azure.net", true);
    expect_cloud(*state, "https://a.vault.azure.cn", "https://login.chinacloudapi.cn",
                 "https://vault.azure.cn", false);
    expect_cloud(*state, "https://A.VAULT.usgovcloudapi.net/", "https://login.microsoftonline.us",
                 "https://vault.usgovcloudapi.net", false);
    expect_cloud(*state, "https://127.0.0.1:8443", "https://login.microsoftonline.com",
                 "https://vault.azure.net", false);
    expect_cloud(*state, "https://localhost:8443", "https://login.microsoftonline.com",
                 "https://vault.azure.net", false);
}

static void test_own_values(void **state)
{
    struct read *read = *state;

    assert_int_equal(read_section(read,
                                  "vault = \"https://Vault.Example:8443/\"\n" REST
                                  "authority = \"https://login.example:444/\"\naudience = \"https://aud\"\n"
                                  "ca-file = \"/etc/ca.pem\"\napi-version = \"7.4\"\ntimeout = 2s\n"),
                     CKR_OK);
    assert_string_equal(read->config.url, "https://vault.example:8443");
    assert_string_equal(read->config.identity.authority, "https://login.example:444");
    assert_string_equal(read->config.identity.audience, "https://aud");
    assert_string_equal(read->config.ca_file, "/etc/ca.pem");
    assert_string_equal(read->config.api_version, "7.4");
    assert_int_equal(read->config.timeout, 2000);
}

static void test_keys(void **state)
{
    struct read *read = *state;
    const struct key_id *keys;

    assert_int_equal(read_section(read,
                                  VAULT REST "keys = {\"a\", \"b/" VERSION
                                             "\", \"https://CONTOSO.vault.azure.net:443/keys/c\","
                                             "\"https://contoso.vault.azure.net/keys/a/" VERSION "\"}\n"),
                     CKR_OK);
    keys = read->config.keys;
    assert_int_equal(read->config.key_count, 4);
    assert_string_equal(keys[0].name, "a");
    assert_string_equal(keys[0].version, "");
    assert_string_equal(keys[1].name, "b");
    assert_string_equal(keys[1].version, VERSION);
    assert_string_equal(keys[2].name, "c");
    assert_string_equal(keys[3].version, VERSION);
    assert_int_equal(read->config.older_count, 0);
}

/* One key, as it may be written; "" or a version. */
static void expect_key(struct read *read, const char *written, const char *version)
{
    char options[1024];

    snprintf(options, sizeof options, VAULT REST "keys = {\"%s\"}\n", written);
    if (read_section(read, options) != CKR_OK) {
        fail_msg("%s: %s", written, log_text(read));
    }
    assert_int_equal(read->config.key_count, 1);
    assert_string_equal(read->config.keys[0].name, "kek");
    assert_string_equal(read->config.keys[0].version, version);
}

static void test_what_is_pasted(void **state)
{
    static const struct {
        const char *written, *version;
    } pasted[] = {
        {"kek", ""},
        {" kek ", ""},
        {"kek/" VERSION, VERSION},
        {"kek/" VERSION "/", VERSION},
        {"kek/" UPPER, VERSION},
        {"https://contoso.vault.azure.net/keys/kek", ""},
        {"https://contoso.vault.azure.net/keys/kek/" VERSION, VERSION},
        {"https://contoso.vault.azure.net/keys/kek/" VERSION "/", VERSION},
        {"https://contoso.vault.azure.net/keys/kek/" UPPER, VERSION},
        {"https://contoso.vault.azure.net:443/keys/kek/" VERSION, VERSION},
        {"HTTPS://Contoso.Vault.Azure.Net/Keys/kek/" VERSION, VERSION},
        {"\thttps://contoso.vault.azure.net/keys/kek/" VERSION "\n", VERSION},
    };

    for (size_t i = 0; i < sizeof pasted / sizeof pasted[0]; i++) {
        expect_key(*state, pasted[i].written, pasted[i].version);
    }
}

static void expect_wrong_key(struct read *read, const char *written, const char *said)
{
    char options[1024];

    snprintf(options, sizeof options, VAULT REST "keys = {\"%s\"}\n", written);
    expect_refused(read, options, said);
}

static void test_wrong_names(void **state)
{
    expect_wrong_key(*state, "a b", "letters, digits and hyphens");
    expect_wrong_key(*state, " ", "letters, digits and hyphens");
    expect_wrong_key(*state, "/" VERSION, "letters, digits and hyphens");
    expect_wrong_key(*state, "contoso.vault.azure.net/keys/a", "begins with https://");
    expect_wrong_key(*state,
                     "/subscriptions/0/resourceGroups/g/providers/Microsoft.KeyVault/vaults/contoso/keys/a",
                     "this is a resource ID");
}

static void test_wrong_versions(void **state)
{
    expect_wrong_key(*state, "a/latest", "32 lower-case");
    expect_wrong_key(*state, "a/", "without the slash");
    expect_wrong_key(*state, "a/" VERSION "/wrapkey", "32 lower-case");
    expect_wrong_key(*state, "a/" VERSION "//", "32 lower-case");
    expect_wrong_key(*state, "keys/a/" VERSION, "`keys/` is left out");
    expect_wrong_key(*state, "https://contoso.vault.azure.net/keys/a/", "without the slash");
    expect_wrong_key(*state, "https://contoso.vault.azure.net/keys/a/" VERSION "0", "32 lower-case");
    expect_wrong_key(*state, "https://contoso.vault.azure.net/keys/a/" VERSION "/wrapkey",
                     "nothing follows it");
}

static void test_wrong_identifiers(void **state)
{
    expect_wrong_key(*state, "https://other.vault.azure.net/keys/a", "another vault");
    expect_wrong_key(*state, "https://contoso.vault.azure.net:8443/keys/a", "another vault");
    expect_wrong_key(*state, "https://contoso.privatelink.vaultcore.azure.net/keys/a", "its public name");
    expect_wrong_key(*state, "http://contoso.vault.azure.net/keys/a", "begins with https://");
    expect_wrong_key(*state, "pkcs11://a", "no key identifier");
    expect_wrong_key(*state, "https://contoso.vault.azure.net", "no key identifier");
    expect_wrong_key(*state, "https://contoso.vault.azure.net/keys/", "no key identifier");
    expect_wrong_key(*state, "https://contoso.vault.azure.net/secrets/a", "this is a secret");
    expect_wrong_key(*state, "https://contoso.vault.azure.net/certificates/a/" VERSION,
                     "this is a certificate");
    expect_wrong_key(*state, "https://contoso.vault.azure.net/deletedkeys/a", "this key is deleted");
    expect_wrong_key(*state, "https://contoso.vault.azure.net/keys/a?api-version=7.4", "before the '?'");
}

static void test_keys_listed_twice(void **state)
{
    expect_refused(*state, VAULT REST "keys = {\"a\", \"b\", \"A\"}\n", "twice");
    expect_refused(*state, VAULT REST "keys = {\"a\", \"https://contoso.vault.azure.net/keys/a\"}\n",
                   "twice");
    expect_refused(*state, VAULT REST "keys = {\"a/" VERSION "\", \"a/" UPPER "\"}\n", "twice");
}

static void test_an_entry_longer_than_any(void **state)
{
    char options[2048], name[600] = "";

    memset(name, 'a', 599);
    snprintf(options, sizeof options, VAULT REST "keys = {\"%s\"}\n", name);
    expect_refused(*state, options, "longer than any key identifier");
}

/* --- versions, older --- */

static void test_latest_drops_versions(void **state)
{
    struct read *read = *state;

    assert_int_equal(read_section(read,
                                  VAULT REST "versions = latest\nkeys = {\"a/" VERSION "\", \"b\", \"A\","
                                             "\"https://contoso.vault.azure.net/keys/a/" VERSION2 "\"}\n"),
                     CKR_OK);
    assert_int_equal(read->config.key_count, 2);
    assert_string_equal(read->config.keys[0].name, "a");
    assert_string_equal(read->config.keys[0].version, "");
    assert_string_equal(read->config.keys[1].name, "b");
    assert_int_equal(read->config.older_count, 2); /* what was written may have wrapped something */
    assert_string_equal(read->config.older[0].version, VERSION);
    assert_string_equal(read->config.older[1].version, VERSION2);
}

static void test_versions_are_as_given_unless_told(void **state)
{
    struct read *read = *state;

    assert_int_equal(read_section(read, VAULT REST "versions = as-given\nkeys = {\"a/" VERSION "\"}\n"),
                     CKR_OK);
    assert_string_equal(read->config.keys[0].version, VERSION);
    expect_refused(read, VAULT REST "versions = newest\nkeys = {\"a\"}\n", "latest");
}

static void test_older_versions(void **state)
{
    struct read *read = *state;

    assert_int_equal(read_section(read, VAULT REST
                                  "keys = {\"a\"}\nolder = {\"a/" VERSION "\", \"b/" VERSION "\","
                                  "\"https://contoso.vault.azure.net:443/keys/a/" VERSION2 "\"}\n"),
                     CKR_OK);
    assert_int_equal(read->config.older_count, 3);
    assert_string_equal(read->config.older[0].name, "a");
    assert_string_equal(read->config.older[0].version, VERSION);
    assert_string_equal(read->config.older[1].name, "b");
    assert_string_equal(read->config.older[2].version, VERSION2);
}

static void test_a_bare_version_is_of_the_only_key(void **state)
{
    struct read *read = *state;

    assert_int_equal(
        read_section(read, VAULT REST "keys = {\"a\", \"A/" VERSION "\"}\nolder = {\"" UPPER2 "\"}\n"),
        CKR_OK);
    assert_int_equal(read->config.older_count, 1);
    assert_string_equal(read->config.older[0].name, "a");
    assert_string_equal(read->config.older[0].version, VERSION2);
}

static void test_a_bare_version_of_which_key(void **state)
{
    expect_refused(*state, VAULT REST "older = {\"" VERSION "\"}\n", "of which key?");
    expect_refused(*state, VAULT REST "keys = {\"a\", \"b\"}\nolder = {\"" VERSION "\"}\n", "of which key?");
}

static void test_wrong_older_versions(void **state)
{
    expect_refused(*state, VAULT REST "keys = {\"a\"}\nolder = {\"a\"}\n", "names no version");
    expect_refused(*state, VAULT REST "older = {\"https://contoso.vault.azure.net/keys/a\"}\n",
                   "names no version");
    expect_refused(*state, VAULT REST "older = {\"https://other.vault.azure.net/keys/a/" VERSION "\"}\n",
                   "another vault");
    expect_refused(*state, VAULT REST "older = {\"a/1\"}\n", "32 lower-case");
    expect_refused(*state, VAULT REST "older = {\"a/" VERSION "\", \"A/" UPPER "\"}\n", "twice");
}

static void test_what_keys_and_older_both_name_counts_once(void **state)
{
    struct read *read = *state;

    assert_int_equal(read_section(read, VAULT REST "versions = latest\nkeys = {\"a/" VERSION
                                                   "\"}\nolder = {\"" VERSION2 "\", \"" VERSION "\"}\n"),
                     CKR_OK);
    assert_int_equal(read->config.older_count, 2);
    assert_string_equal(read->config.older[0].version, VERSION);
    assert_string_equal(read->config.older[1].version, VERSION2);
}

static void test_key_name_too_long(void **state)
{
    char options[1024], name[140] = "";

    memset(name, 'a', 128);
    snprintf(options, sizeof options, VAULT REST "keys = {\"%s\"}\n", name);
    expect_refused(*state, options, "1 to 127");
}

static void test_wrong_vault(void **state)
{
    expect_refused(*state, REST, "vault is missing");
    expect_refused(*state, "vault = \"http://contoso.vault.azure.net\"\n" REST, "https://");
    expect_refused(*state, "vault = contoso\n" REST, "looks like");
    expect_refused(*state, "vault = \"https://contoso.vault.azure.net/keys\"\n" REST, "looks like");
    expect_refused(*state, "vault = \"https://contoso.example\"\n" REST, "audience");
}

static void test_lines_are_told(void **state)
{
    expect_refused(*state, REST "vault = \"http://a\"\n", "conf:7");
}

static void test_missing_parts_of_the_identity(void **state)
{
    expect_refused(*state, VAULT, "identity is missing");
    expect_refused(*state, VAULT "identity = client-secret\n", "client-id is missing");
    expect_refused(*state, VAULT "identity = client-secret\ntenant = t\n", "client-id is missing");
    expect_refused(*state, VAULT "identity = client-secret\ntenant = t\nclient-id = c\n",
                   "client-secret-file is missing");
    expect_refused(*state, VAULT "identity = secret\n", "client-secret");
}

static void test_tenant_may_be_left_to_the_vault(void **state)
{
    struct read *read = *state;

    assert_int_equal(
        read_section(read, VAULT "identity = client-secret\nclient-id = c\nclient-secret-file = \"/s\"\n"),
        CKR_OK);
    assert_null(read->config.identity.tenant);
    assert_true(read->config.identity.kind->asks_tenant);
}

static void test_options_of_other_identities(void **state)
{
    expect_refused(*state, VAULT REST "token-file = \"/t\"\n",
                   "token-file is not used by identity = client-secret");
    expect_refused(*state, VAULT REST "federated-token-file = \"/t\"\n",
                   "federated-token-file is not used by identity = client-secret");
    expect_refused(*state, VAULT REST "client-certificate-file = \"/t\"\n",
                   "conf:8: client-certificate-file");
}

static void test_identities_that_do_not_exist(void **state)
{
    expect_refused(*state, VAULT "identity = default\n", "client-secret");
    expect_refused(*state, VAULT "identity = Client-Secret\n", "client-secret");
}

static void test_challenge_is_verified_unless_told(void **state)
{
    struct read *read = *state;

    assert_int_equal(read_section(read, VAULT REST), CKR_OK);
    assert_true(read->config.identity.verify_challenge);
    assert_int_equal(read_section(read, VAULT REST "verify-challenge = no\n"), CKR_OK);
    assert_false(read->config.identity.verify_challenge);
}

static void expect_proxy(struct read *read, const char *option, const char *expected)
{
    char options[512];

    snprintf(options, sizeof options, VAULT REST "%s", option);
    assert_int_equal(read_section(read, options), CKR_OK);
    if (expected == NULL) {
        assert_null(read->config.proxy);
    } else {
        assert_string_equal(read->config.proxy, expected);
    }
}

static void test_proxies(void **state)
{
    expect_proxy(*state, "", NULL);
    expect_proxy(*state, "proxy = none\n", "");
    expect_refused(*state, VAULT REST "proxy = \"\"\n", "\"proxy\" is empty");
    expect_proxy(*state, "proxy = \"http://proxy.example:3128\"\n", "http://proxy.example:3128");
    expect_proxy(*state, "proxy = \"https://u:p@w@proxy.example:443\"\n", "https://u:p@w@proxy.example:443");
    expect_proxy(*state, "proxy = \"socks5h://[::1]:1080\"\n", "socks5h://[::1]:1080");
    expect_proxy(*state, "proxy = \"socks5://127.0.0.1:1080\"\n", "socks5://127.0.0.1:1080");
}

static void expect_wrong_proxy(struct read *read, const char *url)
{
    char options[512];

    snprintf(options, sizeof options, VAULT REST "proxy = \"%s\"\n", url);
    expect_refused(read, options, "proxy is not understood");
    assert_null(strstr(log_text(read), "s3cr3t"));
}

static void test_wrong_proxies(void **state)
{
    static const char *const urls[] = {"proxy.example:3128",
                                       "http://user:s3cr3t@proxy.example",
                                       "gopher://user:s3cr3t@proxy.example:70",
                                       "http://user:s3cr3t@:3128",
                                       "http://user:s3cr3t@proxy:0x50",
                                       "http://user:s3cr3t@proxy.example:3128/x",
                                       "http://user:s3cr3t@pro xy:1",
                                       "http://proxy.example:",
                                       "http://proxy.example:123456",
                                       "NONE"};

    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        expect_wrong_proxy(*state, urls[i]);
    }
}

static void test_wrong_values(void **state)
{
    expect_refused(*state, VAULT "identity = client-secret\ntenant = \"a/b\"\n", "tenant");
    expect_refused(*state, VAULT "identity = client-secret\ntenant = \"..\"\n", "tenant");
    expect_refused(*state, VAULT REST "authority = \"http://login.example\"\n", "https://");
    expect_refused(*state, VAULT REST "authority = \"https://login.example/x\"\n", "authority");
    expect_refused(*state, VAULT REST "audience = \"https://vault.azure.net/\"\n", "slash");
    expect_refused(*state, VAULT REST "api-version = \"7.6&x=1\"\n", "api-version");
    expect_refused(*state, VAULT REST "api-version = latest\n", "api-version");
    expect_refused(*state, VAULT REST "timeout = 0\n", "timeout");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CONFIG_TEST(test_defaults),
        CONFIG_TEST(test_clouds),
        CONFIG_TEST(test_own_values),
        CONFIG_TEST(test_keys),
        CONFIG_TEST(test_what_is_pasted),
        CONFIG_TEST(test_wrong_names),
        CONFIG_TEST(test_wrong_versions),
        CONFIG_TEST(test_wrong_identifiers),
        CONFIG_TEST(test_keys_listed_twice),
        CONFIG_TEST(test_an_entry_longer_than_any),
        CONFIG_TEST(test_latest_drops_versions),
        CONFIG_TEST(test_versions_are_as_given_unless_told),
        CONFIG_TEST(test_older_versions),
        CONFIG_TEST(test_a_bare_version_is_of_the_only_key),
        CONFIG_TEST(test_a_bare_version_of_which_key),
        CONFIG_TEST(test_wrong_older_versions),
        CONFIG_TEST(test_what_keys_and_older_both_name_counts_once),
        CONFIG_TEST(test_key_name_too_long),
        CONFIG_TEST(test_wrong_vault),
        CONFIG_TEST(test_lines_are_told),
        CONFIG_TEST(test_missing_parts_of_the_identity),
        CONFIG_TEST(test_tenant_may_be_left_to_the_vault),
        CONFIG_TEST(test_options_of_other_identities),
        CONFIG_TEST(test_identities_that_do_not_exist),
        CONFIG_TEST(test_challenge_is_verified_unless_told),
        CONFIG_TEST(test_proxies),
        CONFIG_TEST(test_wrong_proxies),
        CONFIG_TEST(test_wrong_values),
    };
    int failed;

    unsetenv("BYOK_PKCS11_LOG");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_folder_remove();
    return failed;
}
