/* Which file is read, and whether it may be believed; set-id processes. */
#include "tests/backends/base/settings_test.h"

/* --- Where it is --- */

static void assert_read(CK_RV rv, const char *title)
{
    assert_int_equal(rv, CKR_OK);
    assert_non_null(file);
    assert_string_equal(settings_title(settings_section(file, 0)), title);
    settings_free(file);
    file = NULL;
}

static void write_token(const char *name, const char *title)
{
    char text[100];

    snprintf(text, sizeof text, "token \"%s\" { backend = hsm }", title);
    test_write(name, text, 0600);
}

static void test_no_file_anywhere(void **state)
{
    (void)state;
    assert_int_equal(read_from(false, NULL), CKR_OK);
    assert_null(file);
    assert_int_equal(read_from(true, NULL), CKR_OK);
    assert_null(file);
    assert_nothing_logged();
}

static void test_the_first_place_wins(void **state)
{
    char reserved[300];

    (void)state;
    mkdir(test_path("home"), 0700);
    mkdir(test_path("home/.config"), 0700);
    mkdir(test_path("xdg"), 0700);
    write_token("system.conf", "system");
    assert_read(read_from(false, NULL), "system");
    write_token("home/.config/byok-pkcs11.conf", "home");
    assert_read(read_from(false, NULL), "home");
    write_token("xdg/byok-pkcs11.conf", "xdg");
    setenv("XDG_CONFIG_HOME", test_path("xdg"), 1);
    assert_read(read_from(false, NULL), "xdg");
    write_token("environment.conf", "environment");
    setenv("BYOK_PKCS11_CONF", test_path("environment.conf"), 1);
    assert_read(read_from(false, NULL), "environment");
    write_token("conf", "reserved");
    snprintf(reserved, sizeof reserved, "config=%s", test_path("conf"));
    assert_read(read_from(false, reserved), "reserved");
    assert_read(read_from(false, "other words"), "environment");
    unlink(test_path("home/.config/byok-pkcs11.conf"));
}

static void test_forms_of_the_reserved_string(void **state)
{
    static const char *const forms[] = {"config=%s",     "  config=%s",    "a config=%s b",
                                        "config=\"%s\"", "a\tconfig=%s\n", "xconfig=/x config=%s"};
    const char *path = strdup(test_path("conf"));
    char reserved[300];
    size_t at;

    (void)state;
    write_token("conf", "reserved");
    for (at = 0; at < COUNT(forms); at++) {
        const char *place = strstr(forms[at], "%s");

        snprintf(reserved, sizeof reserved, "%.*s%s%s", (int)(place - forms[at]), forms[at], path, place + 2);
        assert_read(read_from(false, reserved), "reserved");
    }
    assert_nothing_logged();
    free((void *)(uintptr_t)path);
}

static void test_a_path_with_blanks(void **state)
{
    char reserved[300];

    (void)state;
    write_token("my conf", "blank");
    snprintf(reserved, sizeof reserved, "config=\"%s\" x", test_path("my conf"));
    assert_read(read_from(false, reserved), "blank");
}

static void test_malformed_reserved_strings(void **state)
{
    static const char *const wrong[] = {"config=", "config= x", "config=\"\"", "config=\"/etc/x"};
    size_t at;

    (void)state;
    for (at = 0; at < COUNT(wrong); at++) {
        assert_int_equal(read_from(false, wrong[at]), CKR_ARGUMENTS_BAD);
        assert_logged("config= is followed by no path");
    }
}

static void test_a_relative_path(void **state)
{
    char *here = getcwd(NULL, 0);

    (void)state;
    write_token("conf", "relative");
    assert_int_equal(chdir(test_directory), 0);
    assert_read(read_from(false, "config=conf"), "relative");
    assert_int_equal(chdir(here), 0);
    free(here);
}

static void test_a_named_file_must_be_there(void **state)
{
    (void)state;
    assert_int_equal(read_named("none"), CKR_GENERAL_ERROR);
    assert_logged("none: No such file or directory");
    setenv("BYOK_PKCS11_CONF", test_path("none"), 1);
    assert_int_equal(read_from(false, NULL), CKR_GENERAL_ERROR);
    assert_logged("none: No such file or directory");
    assert_int_equal(read_named(""), CKR_GENERAL_ERROR); /* a directory */
    assert_logged("not a regular file");
}

/* --- Whether it may be believed --- */

static void test_a_file_that_others_can_write(void **state)
{
    static const mode_t wrong[] = {0620, 0602, 0666};
    size_t at;

    (void)state;
    for (at = 0; at < COUNT(wrong); at++) {
        write_token("conf", "a");
        assert_int_equal(chmod(test_path("conf"), wrong[at]), 0);
        assert_int_equal(read_named("conf"), CKR_GENERAL_ERROR);
        assert_logged("conf can be written by others; chmod go-w ");
    }
    assert_int_equal(chmod(test_path("conf"), 0644), 0);
    assert_read(read_named("conf"), "a");
}

static void test_a_directory_that_others_can_write(void **state)
{
    static const mode_t wrong[] = {0770, 0703, 0777};
    char expected[300];
    size_t at;

    (void)state;
    write_token("conf", "a");
    snprintf(expected, sizeof expected, "%s can be written by others; chmod go-w %s\n", test_directory,
             test_directory);
    for (at = 0; at < COUNT(wrong); at++) {
        assert_int_equal(chmod(test_directory, wrong[at]), 0);
        assert_int_equal(read_named("conf"), CKR_GENERAL_ERROR);
        assert_logged(expected);
    }
    assert_int_equal(chmod(test_directory, 01777), 0); /* sticky, as /tmp is */
    assert_read(read_named("conf"), "a");
}

static void test_a_link_into_such_a_directory(void **state)
{
    (void)state;
    mkdir(test_path("open"), 0700);
    write_token("open/conf", "a");
    unlink(test_path("conf"));
    assert_int_equal(symlink(test_path("open/conf"), test_path("conf")), 0);
    assert_read(read_named("conf"), "a");
    assert_int_equal(chmod(test_path("open"), 0777), 0);
    assert_int_equal(read_named("conf"), CKR_GENERAL_ERROR);
    assert_logged("/open can be written by others");
}

static void test_a_file_of_another_user(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        test_skip("only root can give files away");
    }
    write_token("conf", "a");
    assert_int_equal(chown(test_path("conf"), 65534, 65534), 0);
    assert_int_equal(read_named("conf"), CKR_GENERAL_ERROR);
    assert_logged("belongs to neither root nor this user");
}

static int child_may_not_read(void *arg)
{
    const struct settings_origin origin = {false, arg};
    struct settings_file *none = NULL;

    if (setuid(65534) != 0) {
        return 1;
    }
    return settings_read_from(&origin, NULL, &schema, &none) != CKR_OK || none != NULL;
}

/* Run as another user, who may look but not read. */
static void test_an_unreadable_default_file_is_one_warning(void **state)
{
    char path[300];

    (void)state;
    if (geteuid() != 0) {
        test_skip("only root can become another user");
    }
    write_token("system.conf", "a");
    snprintf(path, sizeof path, "%s", test_path("system.conf"));
    test_write("log", "", 0666);
    assert_int_equal(chmod(test_directory, 0755), 0);
    setenv("HOME", "/root", 1); /* which he may not even enter */
    assert_int_equal(test_in_child(child_may_not_read, path), 0);
    assert_logged("warning: configuration");
}

/* --- Set-id --- */

static void test_secure_reads_the_system_file_alone(void **state)
{
    char reserved[300];

    (void)state;
    if (geteuid() != 0) {
        test_skip("the file must be root's");
    }
    write_token("conf", "named");
    setenv("BYOK_PKCS11_CONF", test_path("conf"), 1);
    snprintf(reserved, sizeof reserved, "config=%s", test_path("conf"));
    assert_int_equal(read_from(true, reserved), CKR_OK);
    assert_null(file);
    write_token("system.conf", "system");
    assert_read(read_from(true, reserved), "system");
}

static void test_secure_refuses_the_environment(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        test_skip("the file must be root's");
    }
    test_write("system.conf", "token a {\n backend = keyvault\n vault = '${HOME}' }", 0600);
    assert_int_equal(read_from(false, NULL), CKR_OK);
    settings_free(file);
    file = NULL;
    assert_int_equal(read_from(true, NULL), CKR_GENERAL_ERROR);
    assert_logged("system.conf:3: ${ is not allowed");
}

static void test_secure_trusts_root_alone(void **state)
{
    (void)state;
    write_token("system.conf", "system");
    if (geteuid() == 0) {
        assert_int_equal(chmod(test_directory, 01777), 0);
        assert_int_equal(read_from(true, NULL), CKR_GENERAL_ERROR);
        assert_logged("can be written by others");
        assert_int_equal(chmod(test_directory, 0755), 0);
        assert_int_equal(chown(test_path("system.conf"), 65534, 65534), 0);
    }
    assert_int_equal(read_from(true, NULL), CKR_GENERAL_ERROR);
    assert_logged("belongs to another than root");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_file_anywhere),
        TEST(test_the_first_place_wins),
        TEST(test_forms_of_the_reserved_string),
        TEST(test_a_path_with_blanks),
        TEST(test_malformed_reserved_strings),
        TEST(test_a_relative_path),
        TEST(test_a_named_file_must_be_there),
        TEST(test_a_file_that_others_can_write),
        TEST(test_a_directory_that_others_can_write),
        TEST(test_a_link_into_such_a_directory),
        TEST(test_a_file_of_another_user),
        TEST(test_an_unreadable_default_file_is_one_warning),
        TEST(test_secure_reads_the_system_file_alone),
        TEST(test_secure_refuses_the_environment),
        TEST(test_secure_trusts_root_alone),
    };

    return cmocka_run_group_tests(tests, test_begin, test_end);
}
