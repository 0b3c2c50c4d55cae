/* Who we are, as a section and the environment say it: what each identity needs, may have and must not have.
 */
#include "backends/base/process.h"
#include "backends/base/settings_private.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/vault_config.h"
#include "tests/backends/base/base_test.h"

#define TENANT "AZURE_TENANT_ID"
#define CLIENT "AZURE_CLIENT_ID"
#define SECRET "AZURE_CLIENT_SECRET"
#define PATH   "AZURE_CLIENT_CERTIFICATE_PATH"
#define WORD   "AZURE_CLIENT_CERTIFICATE_PASSWORD"
#define FILE_  "AZURE_FEDERATED_TOKEN_FILE"
#define HOST   "AZURE_AUTHORITY_HOST"

static const char *const variables[] = {TENANT, CLIENT, SECRET, PATH, WORD, FILE_, HOST};

static const char *const backends[] = {"keyvault", NULL};
static const struct setting_option every[] = {{.name = "backend", .type = SETTING_WORD, .words = backends}};
static const struct setting_option global[] = {{.name = "log", .type = SETTING_TEXT}};
static const struct setting_group globals = {NULL, global, 1};
static const struct setting_group groups[] = {{NULL, every, 1},
                                              {"keyvault", vault_options, VAULT_OPTION_COUNT}};
static const struct settings_schema schema = {&globals, groups, 2};

static struct settings_file *file;
static struct identity_config config;

static void forget(void)
{
    identity_config_done(&config);
    settings_free(file);
    file = NULL;
}

static int begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        unsetenv(variables[i]);
    }
    (void)test_logged();
    return 0;
}

static int end(void **state)
{
    forget();
    return begin(state);
}

/* As a set-id process has it: the file of the system alone. */
static CK_RV read_lines(const char *lines)
{
    const struct settings_origin origin = {true, test_path("conf")};
    char text[4096];
    CK_RV rv;

    forget();
    snprintf(text, sizeof text, "token \"t\" {\nbackend = keyvault\n%s\n}\n", lines);
    test_write("conf", text, 0600);
    rv = settings_read_from(&origin, NULL, &schema, &file);
    return rv == CKR_OK ? identity_config_read(settings_section(file, 0), cloud_public(), &config) : rv;
}

static void accept(const char *lines, const struct identity_kind *kind)
{
    if (read_lines(lines) != CKR_OK) {
        fail_msg("%s: %s", lines, test_logged());
    }
    assert_ptr_equal(config.kind, kind);
    assert_nothing_logged();
}

static void refuse(const char *lines, const char *words)
{
    assert_int_equal(read_lines(lines), CKR_GENERAL_ERROR);
    assert_logged(words);
}

/* The configuration is right, but there will be no token, because of `words`. */
static void expect_problem(const char *lines, const char *words)
{
    struct identity *identity;
    struct identity_failure failure;

    assert_int_equal(read_lines(lines), CKR_OK);
    assert_nothing_logged();
    assert_int_equal(identity_config_open(&config, "t", NULL, &identity), CKR_OK);
    assert_false(identity->ops->fetch(identity, NULL, deadline_in(0), NULL, NULL, &failure));
    identity->ops->free(identity);
    assert_int_equal(failure.rv, CKR_USER_NOT_LOGGED_IN);
    assert_text_contains(failure.said, words);
}

/* --- The table --- */

static void test_every_word_has_a_row(void **state)
{
    size_t i = 0;

    (void)state;
    for (; identity_rows[i].word != NULL; i++) {
        assert_string_equal(identity_words[i], identity_rows[i].word);
        assert_non_null(identity_rows[i].kind->open);
        assert_int_equal(identity_rows[i].needs & identity_rows[i].completed, 0);
    }
    assert_null(identity_words[i]);
    assert_int_equal(i, 7);
}

static void test_what_each_needs(void **state)
{
    (void)state;
    refuse("identity = client-secret", "client-id is missing");
    refuse("identity = client-secret\nclient-id = c", "client-secret-file is missing");
    refuse("identity = client-certificate", "client-id is missing");
    refuse("identity = client-certificate\nclient-id = c", "client-certificate-file is missing");
    refuse("identity = token-file", "token-file is missing");
    accept("identity = client-secret\nclient-id = c\nclient-secret-file = \"/s\"", &client_secret_kind);
    accept("identity = client-certificate\nclient-id = c\nclient-certificate-file = \"/s\"",
           &client_certificate_kind);
    accept("identity = managed-identity", &managed_identity_kind);
    accept("identity = azure-cli", &azure_cli_kind);
    accept("identity = token-file\ntoken-file = \"/t\"", &token_file_kind);
}

static void test_what_each_must_not_have(void **state)
{
    (void)state;
    refuse("identity = managed-identity\ntenant = t",
           "tenant is not used by identity = managed-identity; it belongs to "
           "client-secret, client-certificate, workload-identity, "
           "environment, azure-cli");
    refuse("identity = managed-identity\nauthority = \"https://a\"", "authority is not used");
    refuse("identity = managed-identity\nverify-challenge = no", "verify-challenge is not used");
    refuse("identity = azure-cli\nclient-id = c", "client-id is not used by identity = azure-cli");
    refuse("identity = token-file\ntoken-file = \"/t\"\naudience = \"https://a\"", "audience is not used");
    refuse("identity = workload-identity\nclient-secret-file = \"/s\"", "it belongs to client-secret");
    refuse("identity = environment\nclient-certificate-file = \"/s\"", "it belongs to client-certificate");
    refuse("identity = environment\nclient-certificate-key = \"pkcs11:object=a?module-path=/m.so\"",
           "it belongs to client-certificate");
}

static void test_where_it_stands(void **state)
{
    (void)state;
    refuse("identity = managed-identity\n\ntenant = t", "conf:5: ");
    refuse("identity = client-secret\nclient-id = c", "conf:1: ");
}

static void test_resource_ids_are_for_managed_identities(void **state)
{
    static const char id[] =
        "client-id = \"/subscriptions/11111111-2222-3333-4444-555555555555/resourcegroups/a_b.(c)/"
        "providers/Microsoft.ManagedIdentity/userAssignedIdentities/me\"";
    char lines[512];

    (void)state;
    snprintf(lines, sizeof lines, "identity = managed-identity\n%s", id);
    accept(lines, &managed_identity_kind);
    snprintf(lines, sizeof lines, "identity = client-secret\nclient-secret-file = \"/s\"\n%s", id);
    refuse(lines, "client-id = \"/subscriptions");
    refuse("identity = managed-identity\nclient-id = \"/subscriptions/a&b\"", "is not understood");
    refuse("identity = managed-identity\nclient-id = \"/elsewhere/a\"", "is not understood");
}

static void test_uri_of_a_key(void **state)
{
    static const char with[] =
        "identity = client-certificate\nclient-id = c\nclient-certificate-file = \"/s\"\n"
        "client-certificate-key = ";
    static const struct {
        const char *uri, *words;
    } rows[] = {
        {"\"/a/key.pem\"", "no PKCS#11 URI"},
        {"\"pkcs11:token=a?module-path=/m.so\"", "names no object"},
        {"\"pkcs11:token=a;object=b\"", "module-path="},
        {"\"pkcs11:token=a;object=b?module-path=/m.so&pin-value=1234\"", "pin-source=file:PATH"},
        {"\"pkcs11:token=a;object=b?module-path=/m.so&pin-source=|cat\"", "commands are not run"},
    };
    char lines[512];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(lines, sizeof lines, "%s%s", with, rows[i].uri);
        refuse(lines, rows[i].words);
        assert_null(config.client_certificate_key);
    }
    snprintf(lines, sizeof lines, "%s\"pkcs11:token=a;id=%%01?module-path=/m.so&pin-source=file:/p\"", with);
    accept(lines, &client_certificate_kind);
}

/* --- The environment --- */

static void test_workload_identity_is_completed(void **state)
{
    (void)state;
    setenv(TENANT, "env-tenant", 1);
    setenv(CLIENT, "env-client", 1);
    setenv(FILE_, "/env/file", 1);
    setenv(HOST, "https://login.microsoftonline.us/", 1);
    accept("identity = workload-identity", &workload_identity_kind);
    assert_string_equal(config.tenant, "env-tenant");
    assert_string_equal(config.client_id, "env-client");
    assert_string_equal(config.federated_token_file, "/env/file");
    assert_string_equal(config.authority, "https://login.microsoftonline.us");
    assert_string_equal(config.audience, "https://vault.azure.net");
}

static void test_what_is_written_wins(void **state)
{
    (void)state;
    setenv(TENANT, "env-tenant", 1);
    setenv(CLIENT, "env-client", 1);
    setenv(FILE_, "/env/file", 1);
    setenv(HOST, "https://env.example", 1);
    accept("identity = workload-identity\ntenant = t\nclient-id = c\nfederated-token-file = \"/f\"\n"
           "authority = \"https://login.example\"",
           &workload_identity_kind);
    assert_string_equal(config.tenant, "t");
    assert_string_equal(config.client_id, "c");
    assert_string_equal(config.federated_token_file, "/f");
    assert_string_equal(config.authority, "https://login.example");
}

static void test_others_are_not_completed(void **state)
{
    (void)state;
    setenv(TENANT, "env-tenant", 1);
    setenv(CLIENT, "env-client", 1);
    setenv(HOST, "https://env.example", 1);
    refuse("identity = client-secret\nclient-secret-file = \"/s\"", "client-id is missing");
    accept("identity = client-secret\nclient-id = c\nclient-secret-file = \"/s\"", &client_secret_kind);
    assert_null(config.tenant);
    assert_string_equal(config.authority, "https://login.microsoftonline.com");
    accept("identity = managed-identity", &managed_identity_kind);
    assert_null(config.client_id);
}

static void test_what_the_environment_lacks_is_told_later(void **state)
{
    (void)state;
    expect_problem("identity = workload-identity", "neither client-id nor $" CLIENT " is set");
    setenv(CLIENT, "", 1);
    expect_problem("identity = environment", "neither client-id nor $" CLIENT " is set");
    setenv(CLIENT, "c", 1);
    expect_problem("identity = workload-identity", "neither federated-token-file nor $" FILE_ " is set");
}

static void test_what_the_environment_says_wrong_is_told_later(void **state)
{
    (void)state;
    setenv(CLIENT, "c", 1);
    setenv(TENANT, "a/../b", 1);
    expect_problem("identity = environment", "$" TENANT " is not understood");
    setenv(TENANT, "t", 1);
    setenv(HOST, "http://login.example", 1);
    expect_problem("identity = environment", "$" HOST " is not understood");
    setenv(HOST, "https://login.example/x", 1);
    expect_problem("identity = environment", "$" HOST " is not understood");
    setenv(HOST, "login.example", 1);
    accept("identity = environment", &environment_kind);
    assert_string_equal(config.authority, "https://login.example");
}

/* --- A set-id process: this program again, as a set-uid copy that another user runs --- */

enum { NOT_SECURE = 77 };

static bool reads_as(const char *lines, CK_RV expected)
{
    return read_lines(lines) == expected;
}

static int answer_as_secure(void)
{
    if (!process_is_secure()) {
        return NOT_SECURE;
    }
    if (!reads_as("identity = azure-cli", CKR_GENERAL_ERROR) ||
        !reads_as("identity = environment", CKR_GENERAL_ERROR)) {
        return 1;
    }
    if (!reads_as("identity = managed-identity", CKR_OK)) {
        return 2;
    }
    return reads_as("identity = workload-identity\nclient-id = c", CKR_OK) && config.problem != NULL &&
                   config.tenant == NULL
               ? 0
               : 3;
}

static int run_as_another(void *arg)
{
    const char *path = arg;

    if (setgid(65534) != 0 || setuid(65534) != 0) {
        return 4;
    }
    execl(path, path, "secure", test_directory, (char *)NULL);
    return 5;
}

static void test_a_set_id_process_has_neither_environment_nor_az(void **state)
{
    char command[1024], path[256];
    int answer;

    (void)state;
    if (geteuid() != 0 || TEST_SANITIZED != 0) {
        test_skip("needs root, and no sanitizer");
    }
    setenv(TENANT, "t", 1);
    setenv(FILE_, "/f", 1);
    snprintf(path, sizeof path, "%s", test_path("secure"));
    snprintf(command, sizeof command, "cp /proc/%d/exe %s && chmod 4755 %s && chmod 755 %s", (int)getpid(),
             path, path, test_directory);
    assert_int_equal(system(command), 0);
    answer = test_in_child(run_as_another, path);
    if (answer == NOT_SECURE) {
        test_skip("set-uid has no effect on this file system");
    }
    assert_int_equal(answer, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CONFIG_TEST(test_every_word_has_a_row),
        CONFIG_TEST(test_what_each_needs),
        CONFIG_TEST(test_what_each_must_not_have),
        CONFIG_TEST(test_where_it_stands),
        CONFIG_TEST(test_resource_ids_are_for_managed_identities),
        CONFIG_TEST(test_uri_of_a_key),
        CONFIG_TEST(test_workload_identity_is_completed),
        CONFIG_TEST(test_what_is_written_wins),
        CONFIG_TEST(test_others_are_not_completed),
        CONFIG_TEST(test_what_the_environment_lacks_is_told_later),
        CONFIG_TEST(test_what_the_environment_says_wrong_is_told_later),
        CONFIG_TEST(test_a_set_id_process_has_neither_environment_nor_az),
    };

    if (argc == 3 && strcmp(argv[1], "secure") == 0) {
        snprintf(test_directory, sizeof test_directory, "%s", argv[2]);
        return answer_as_secure();
    }
    return cmocka_run_group_tests(tests, test_begin, test_end);
}
