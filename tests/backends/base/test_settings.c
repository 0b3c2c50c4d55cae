/* What a configuration says: what is understood, what is refused, and how that is said. */
#include "tests/backends/base/settings_test.h"

/* --- What is understood --- */

static const char whole[] = "log = \"info stderr\"   # a comment\n"
                            "// another\n"
                            "token \"on-prem\" {\n"
                            "    backend = hsm /* and\n"
                            "    one more */ uri = \"pkcs11:token=a#b//c/*d;e=%20\"\n"
                            "    finalize = yes\n"
                            "}\n"
                            "token 'contoso' {\n"
                            "    backend  = keyvault\n"
                            "    vault    = \"https://contoso.vault.azure.net\"\n"
                            "    keys     = {\"storage-kek\", # with a comment\n"
                            "                sql-kek}\n"
                            "    identity = managed-identity\n"
                            "    lease = off timeout = 1500ms\n"
                            "}\n";

static void test_reads_in_the_order_of_the_file(void **state)
{
    const struct settings *hsm, *vault;

    (void)state;
    assert_int_equal(read_text(whole), CKR_OK);
    assert_nothing_logged();
    assert_string_equal(settings_text(settings_global(file), "log"), "info stderr");
    assert_int_equal(settings_section_count(file), 2);
    hsm = settings_section(file, 0);
    vault = settings_section(file, 1);
    assert_string_equal(settings_title(hsm), "on-prem");
    assert_string_equal(settings_text(hsm, "uri"), "pkcs11:token=a#b//c/*d;e=%20");
    assert_true(settings_yes(hsm, "finalize"));
    assert_string_equal(settings_title(vault), "contoso");
    assert_string_equal(settings_text(vault, "backend"), "keyvault");
    assert_string_equal(settings_text(vault, "identity"), "managed-identity");
    assert_int_equal(settings_list_count(vault, "keys"), 2);
    assert_string_equal(settings_list_item(vault, "keys", 0), "storage-kek");
    assert_string_equal(settings_list_item(vault, "keys", 1), "sql-kek");
    assert_null(settings_list_item(vault, "keys", 2));
    assert_int_equal(settings_milliseconds(vault, "lease"), -1);
    assert_int_equal(settings_milliseconds(vault, "timeout"), 1500);
}

static void test_what_is_not_written_is_preset(void **state)
{
    const struct settings *section = accept_section("token a { backend = keyvault }");

    (void)state;
    assert_string_equal(settings_text(settings_global(file), "log"), "warning syslog");
    assert_false(settings_yes(settings_global(file), "audit-required"));
    assert_int_equal(settings_milliseconds(section, "timeout"), 30000);
    assert_int_equal(settings_milliseconds(section, "lease"), 3600000);
    assert_int_equal(settings_number(section, "older-versions"), 16);
    assert_null(settings_text(section, "vault"));
    assert_int_equal(settings_list_count(section, "keys"), 0);
    assert_false(settings_written(section, "timeout"));
    assert_true(settings_written(section, "backend"));
    assert_null(settings_text(section, "uri")); /* of another backend */
}

static void test_an_empty_file_has_no_tokens(void **state)
{
    (void)state;
    assert_int_equal(read_text(""), CKR_OK);
    assert_int_equal(settings_section_count(file), 0);
    settings_free(file);
    assert_int_equal(read_text("# nothing"), CKR_OK);
    assert_int_equal(settings_section_count(file), 0);
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t milliseconds;
    } pairs[] = {{"0", 0},       {"7", 7000},     {"250ms", 250},   {"3s", 3000},
                 {"2m", 120000}, {"1h", 3600000}, {"2d", 172800000}};
    char text[100];
    size_t at;

    (void)state;
    for (at = 0; at < COUNT(pairs); at++) {
        snprintf(text, sizeof text, "token a { backend = keyvault\nrefresh = %s }", pairs[at].text);
        assert_int_equal(settings_milliseconds(accept_section(text), "refresh"), pairs[at].milliseconds);
        settings_free(file);
        file = NULL;
    }
}

static void test_paths_start_where_the_file_is(void **state)
{
    const struct settings *section = accept_section("token a { backend = hsm\nca-file = \"certs/ca.pem\" }");

    (void)state;
    assert_string_equal(settings_text(section, "ca-file"), test_path("certs/ca.pem"));
    settings_free(file);
    section = accept_section("token a { backend = keyvault\nca-file = /etc/ca.pem }");
    assert_string_equal(settings_text(section, "ca-file"), "/etc/ca.pem");
}

static void test_the_environment_in_double_quotes(void **state)
{
    const struct settings *section;

    (void)state;
    setenv("BYOK_TEST_HOST", "contoso", 1);
    section = accept_section("token a { backend = keyvault\nvault = \"https://${BYOK_TEST_HOST}.net\" }");
    assert_string_equal(settings_text(section, "vault"), "https://contoso.net");
    settings_free(file);
    section = accept_section("token a { backend = keyvault\nvault = '${BYOK_TEST_HOST}' }");
    assert_string_equal(settings_text(section, "vault"), "${BYOK_TEST_HOST}");
}

static void test_a_list_of_one_needs_no_braces(void **state)
{
    const struct settings *section = accept_section("token a { backend = keyvault\nkeys = kek }");

    (void)state;
    assert_int_equal(settings_list_count(section, "keys"), 1);
}

static void test_a_list_may_go_on(void **state)
{
    const struct settings *section =
        accept_section("token a { backend = keyvault\nkeys = {a, b}\nkeys += {c, d} }");

    (void)state;
    assert_int_equal(settings_list_count(section, "keys"), 4);
}

static void test_windows_lines(void **state)
{
    (void)state;
    accept_section("token a {\r\nbackend = hsm # x\r\nfinalize = yes\r\n}\r\n");
    assert_true(settings_yes(settings_section(file, 0), "finalize"));
}

/* --- What is refused, and how that is said --- */

static void test_syntax_errors(void **state)
{
    (void)state;
    assert_refused("token \"a\" {\n backend = hsm\n", "1: this '{' is never closed");
    assert_refused("token \"a\" {\n backend = hsm\n}\n}\n", "4: this '}' closes nothing");
    assert_refused("\ntoken \"a {\n backend = hsm\n}", "2: this string is never closed");
    assert_refused("\n/* token \"a\" {\n backend = hsm\n}", "2: this comment is never closed");
    assert_refused("token { backend = hsm }", "1: missing title for section 'token'");
    assert_refused("token \"a\" {\n backend hsm }", "2: missing equal sign after option 'backend'");
    assert_refused("token \"a\" {\n backend = }", "2: unexpected token '}'");
    assert_refused("token \"a\" {\n backend = {hsm} }", "2: unexpected token '{'");
    assert_refused("token a { backend = \"h\\777\" }", "1: invalid octal number '\\777'");
    assert_refused("token a { backend = hsm \x01}", "1: byte 0x01 is no text");
    assert_refused("# \n# \n \x7f", "3: byte 0x7f is no text");
}

static void test_unknown_options(void **state)
{
    (void)state;
    assert_refused("# 1\n# 2\ntoken \"a\" { # 3\n backend = keyvault # 4\n vualt = \"x\" }",
                   "5: unknown option \"vualt\"; did you mean \"vault\"?");
    assert_refused("token \"a\" {\n colour = red\n backend = hsm }", "2: unknown option \"colour\"");
    assert_refused("tokn \"a\" { backend = hsm }", "1: unknown option \"tokn\"; did you mean \"token\"?");
    assert_refused("logg = \"info\"", "1: unknown option \"logg\"; did you mean \"log\"?");
    assert_refused("token a { backend = hsm\ninclude(\"/etc/passwd\") }", "2: unknown option \"include\"");
    assert_refused("vault = \"x\"", "1: \"vault\" belongs into a token section");
    assert_refused("token a { log = info }", "1: \"log\" belongs before the token sections");
}

static void test_options_of_another_backend(void **state)
{
    (void)state;
    assert_refused("token \"a\" {\n backend = keyvault\n uri = \"x\"\n}",
                   "3: \"uri\" belongs to backend = hsm");
    assert_refused("token \"a\" {\n vault = x\n backend = hsm\n}",
                   "2: \"vault\" belongs to backend = keyvault");
}

static void test_repeated_options(void **state)
{
    (void)state;
    assert_refused("token a {\n backend = hsm\n uri = x\n uri = x\n}",
                   "4: \"uri\" was written before, in line 3");
    assert_refused("log = info\ntoken a { backend = hsm }\nlog = debug\n",
                   "3: \"log\" was written before, in line 1");
    assert_refused("token a {\n backend = keyvault\n keys = {a, b}\n keys = {c}\n}",
                   "4: \"keys\" was written before, in line 3");
    assert_refused("token a {\n backend = keyvault\n keys = {a}\n keys = {}\n}",
                   "3: \"keys\" is an empty list");
}

static void test_the_same_option_in_two_sections(void **state)
{
    (void)state;
    assert_int_equal(read_text("token a { backend = hsm\nuri = x }\ntoken b { backend = hsm\nuri = x }"),
                     CKR_OK);
    assert_int_equal(settings_section_count(file), 2);
}

static void test_wrong_words(void **state)
{
    (void)state;
    assert_refused("token a {\n backend = keyvalt }",
                   "2: \"backend\" cannot be \"keyvalt\"; did you mean \"keyvault\"?");
    assert_refused("token a {\n backend = keyvault\n identity = managed }",
                   "3: \"identity\" cannot be \"managed\"; did you mean \"managed-identity\"?");
    assert_refused("token a {\n backend = tpm }",
                   "2: \"backend\" cannot be \"tpm\"; it is one of: hsm keyvault");
    assert_refused("token a {\n backend = hsm\n finalize = true }",
                   "3: \"finalize\" is yes or no, not \"true\"");
    assert_refused("audit-required = Yes", "1: \"audit-required\" is yes or no, not \"Yes\"");
}

static void refuse_in_vault(const char *option, const char *message)
{
    char text[200], whole_message[300];

    snprintf(text, sizeof text, "token a {\n backend = keyvault\n %s\n}\n", option);
    snprintf(whole_message, sizeof whole_message, "3: %s", message);
    assert_refused(text, whole_message);
}

static void test_wrong_numbers(void **state)
{
    (void)state;
    refuse_in_vault("older-versions = 101", "\"older-versions\" cannot be 101; it is from 0 to 100");
    refuse_in_vault("older-versions = -1", "\"older-versions\" is a whole number, not \"-1\"");
    refuse_in_vault("older-versions = 1.5", "\"older-versions\" is a whole number, not \"1.5\"");
    refuse_in_vault("older-versions = 99999999999999999999",
                    "\"older-versions\" is a whole number, not \"99999999999999999999\"");
    refuse_in_vault("timeout = 999ms", "\"timeout\" cannot be 999ms; it is from 1s to 1h");
    refuse_in_vault("timeout = 2h", "\"timeout\" cannot be 2h; it is from 1s to 1h");
    refuse_in_vault("lease = 59", "\"lease\" cannot be 59; it is from 1m to 1d");
    refuse_in_vault("timeout = off",
                    "\"timeout\" is a time, a whole number with ms, s, m, h or d, not \"off\"");
    refuse_in_vault("lease = never",
                    "\"lease\" is a time, a whole number with ms, s, m, h or d, or off, not \"never\"");
    refuse_in_vault("refresh = 1w",
                    "\"refresh\" is a time, a whole number with ms, s, m, h or d, not \"1w\"");
    refuse_in_vault(
        "refresh = 9223372036854775807d",
        "\"refresh\" is a time, a whole number with ms, s, m, h or d, not \"9223372036854775807d\"");
}

static void test_nothing_where_something_belongs(void **state)
{
    (void)state;
    refuse_in_vault("vault = \"\"", "\"vault\" is empty; leave it out, or give it a value");
    refuse_in_vault("vault = \"${BYOK_TEST_UNSET}\"", "\"vault\" is empty; leave it out, or give it a value");
    refuse_in_vault("keys = {\"a\", \"\"}", "\"keys\" is empty; leave it out, or give it a value");
    assert_refused("\n\ntoken a {\n}\n", "3: token \"a\" has no \"backend\"");
    assert_refused("\ntoken a {\n backend = keyvault\n keys = {}\n}", "2: \"keys\" is an empty list");
}

static void test_titles(void **state)
{
    (void)state;
    accept_section("token \"12345678901234567890123456789012\" { backend = hsm }");
    settings_free(file);
    file = NULL;
    accept_section("token \"Schl\xc3\xbcssel\" { backend = hsm }");
    settings_free(file);
    file = NULL;
    assert_refused("\ntoken \"\" { backend = hsm }", "2: token \"\": a title has 1 to 32 bytes");
    assert_refused("token \"123456789012345678901234567890123\" { backend = hsm }",
                   "1: token \"123456789012345678901234567890123\": a title has 1 to 32 bytes");
    assert_refused("token \"a\\tb\" { backend = hsm }", "1: token \"a?b\": a title is printable");
    assert_refused("token \"a\xff\" { backend = hsm }", "1: token \"a\xff\": a title is printable");
    assert_refused("token a { backend = hsm }\ntoken b { backend = hsm }\ntoken a { backend = hsm }\n",
                   "3: found duplicate title 'a'");
}

static void test_a_room_refuses_by_line(void **state)
{
    const struct settings *section = accept_section("\n# x\ntoken a {\n backend = keyvault\n lease = 2h\n}");
    char expected[300];

    (void)state;
    snprintf(expected, sizeof expected, "error: %s:5: half of 2\n", test_path("conf"));
    assert_int_equal(settings_refuse(section, "lease", "half of %d", 2), CKR_GENERAL_ERROR);
    assert_logged(expected);
    snprintf(expected, sizeof expected, "error: %s:3: no vault\n", test_path("conf"));
    assert_int_equal(settings_refuse(section, "vault", "no vault"), CKR_GENERAL_ERROR);
    assert_logged(expected);
    assert_int_equal(settings_refuse(section, NULL, "no vault"), CKR_GENERAL_ERROR);
    assert_logged(expected);
}

static void test_too_large_a_file(void **state)
{
    static char text[1024 * 1024 + 2];

    (void)state;
    memset(text, ' ', sizeof text - 1);
    assert_int_equal(read_text(text), CKR_GENERAL_ERROR);
    assert_logged("File too large");
    text[1024 * 1024] = '\0';
    assert_int_equal(read_text(text), CKR_OK);
}

static void test_a_zero_byte(void **state)
{
    FILE *to = fopen(test_path("conf"), "w");

    (void)state;
    assert_int_equal(fwrite("log = info\n\0", 1, 12, to), 12);
    fclose(to);
    assert_int_equal(chmod(test_path("conf"), 0600), 0);
    assert_int_equal(read_named("conf"), CKR_GENERAL_ERROR);
    assert_logged(":2: byte 0x00 is no text");
}

static void test_an_option_that_cannot_wait_is_used_before_what_follows(void **state)
{
    (void)state;
    used[0] = 0;
    assert_refused("log = \"debug stderr\"\nnonsense = 1\n", "2: unknown option \"nonsense\"");
    assert_string_equal(used, "debug stderr");
}

static void test_an_option_that_cannot_wait_may_be_refused(void **state)
{
    (void)state;
    assert_refused("\nlog = shout\n", "2: `log` does not shout");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reads_in_the_order_of_the_file),
        TEST(test_what_is_not_written_is_preset),
        TEST(test_an_empty_file_has_no_tokens),
        TEST(test_durations),
        TEST(test_paths_start_where_the_file_is),
        TEST(test_the_environment_in_double_quotes),
        TEST(test_a_list_of_one_needs_no_braces),
        TEST(test_a_list_may_go_on),
        TEST(test_windows_lines),
        TEST(test_syntax_errors),
        TEST(test_unknown_options),
        TEST(test_options_of_another_backend),
        TEST(test_repeated_options),
        TEST(test_the_same_option_in_two_sections),
        TEST(test_wrong_words),
        TEST(test_wrong_numbers),
        TEST(test_nothing_where_something_belongs),
        TEST(test_titles),
        TEST(test_an_option_that_cannot_wait_is_used_before_what_follows),
        TEST(test_an_option_that_cannot_wait_may_be_refused),
        TEST(test_a_room_refuses_by_line),
        TEST(test_too_large_a_file),
        TEST(test_a_zero_byte),
    };

    return cmocka_run_group_tests(tests, test_begin, test_end);
}
