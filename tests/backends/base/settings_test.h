/*
 * What the tests of settings share: options to read by, a file of them, and what is said of it. Like base_test.h for
 * one program each.
 */
#ifndef BYOK_TESTS_SETTINGS_TEST_H
#define BYOK_TESTS_SETTINGS_TEST_H

#include "backends/base/settings.h"
#include "backends/base/settings_private.h"
#include "tests/backends/base/base_test.h"

static const char *const backends[] = {"hsm", "keyvault", NULL};
static const char *const identities[] = {"client-secret", "managed-identity", NULL};

static char used[32]; /* what a global option that cannot wait was called with */

static const char *use(const char *text)
{
    snprintf(used, sizeof used, "%s", text);
    return strcmp(text, "shout") == 0 ? "`log` does not shout" : NULL;
}

static const struct setting_option global_options[] = {
    {"log", SETTING_TEXT, "warning syslog", NULL, 0, 0, use},
    {"audit-required", SETTING_YES_NO, "no", NULL, 0, 0},
};
static const struct setting_option common_options[] = {
    {"backend", SETTING_WORD, NULL, backends, 0, 0},
    {"label", SETTING_TEXT, NULL, NULL, 0, 0},
};
static const struct setting_option hsm_options[] = {
    {"uri", SETTING_TEXT, NULL, NULL, 0, 0},
    {"finalize", SETTING_YES_NO, "no", NULL, 0, 0},
    {"ca-file", SETTING_PATH, NULL, NULL, 0, 0}, /* as another backend has it */
};
static const struct setting_option keyvault_options[] = {
    {"vault", SETTING_TEXT, NULL, NULL, 0, 0},
    {"keys", SETTING_LIST, NULL, NULL, 0, 0},
    {"identity", SETTING_WORD, "client-secret", identities, 0, 0},
    {"timeout", SETTING_DURATION, "30s", NULL, 1000, 3600000},
    {"lease", SETTING_DURATION_OR_OFF, "1h", NULL, 60000, 86400000},
    {"refresh", SETTING_DURATION, "5m", NULL, 0, 0},
    {"older-versions", SETTING_NUMBER, "16", NULL, 0, 100},
    {"ca-file", SETTING_PATH, NULL, NULL, 0, 0},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct setting_group global = {NULL, global_options, COUNT(global_options)};
static const struct setting_group groups[] = {
    {NULL, common_options, COUNT(common_options)},
    {"hsm", hsm_options, COUNT(hsm_options)},
    {"keyvault", keyvault_options, COUNT(keyvault_options)},
};
static const struct settings_schema schema = {&global, groups, COUNT(groups)};

static struct settings_file *file;

static int set_up(void **state)
{
    (void)state;
    unsetenv("BYOK_PKCS11_CONF");
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", test_path("home"), 1);
    assert_int_equal(chmod(test_directory, 0700), 0);
    test_logged();
    unlink(test_path("conf"));
    unlink(test_path("system.conf"));
    file = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    settings_free(file);
    file = NULL;
    return 0;
}

TEST_UNUSED static CK_RV read_from(bool secure, const char *reserved)
{
    const struct settings_origin origin = {secure, test_path("system.conf")};

    return settings_read_from(&origin, reserved, &schema, &file);
}

TEST_UNUSED static CK_RV read_named(const char *name)
{
    char reserved[300];

    snprintf(reserved, sizeof reserved, "config=%s", test_path(name));
    return read_from(false, reserved);
}

TEST_UNUSED static CK_RV read_text(const char *text)
{
    test_write("conf", text, 0600);
    return read_named("conf");
}

/* The whole message, behind the path. */
TEST_UNUSED static void assert_refused(const char *text, const char *message)
{
    char expected[600];

    assert_int_equal(read_text(text), CKR_GENERAL_ERROR);
    assert_null(file);
    snprintf(expected, sizeof expected, "] error: %s:%s\n", test_path("conf"), message);
    assert_logged(expected);
}

TEST_UNUSED static const struct settings *accept_section(const char *text)
{
    assert_int_equal(read_text(text), CKR_OK);
    assert_nothing_logged();
    assert_non_null(file);
    assert_int_equal(settings_section_count(file), 1);
    return settings_section(file, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
