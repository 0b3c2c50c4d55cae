/* A configuration that is missing, unreadable or wrong. */
#include "tests/failures/failures.h"
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What comes before a configuration is read goes to stderr or where $BYOK_PKCS11_LOG says: caught here. */
static char log_variable[4200];

static int log_in(void **state)
{
    snprintf(log_variable, sizeof log_variable, "warning:file:%s/failures.log", getenv("TOKENS_DIR"));
    setenv("BYOK_PKCS11_LOG", log_variable, 1);
    return in(state);
}

static int log_out(void **state)
{
    unsetenv("BYOK_PKCS11_LOG");
    unlink(configuration_path);
    return out(state);
}
#define with_log(test) cmocka_unit_test_setup_teardown(test, log_in, log_out)

/* Whatever was wrong before, a good file works afterwards. */
static void assert_recovers(void)
{
    chmod(configuration_path, 0600);
    start_well(hsm_section(NULL, NULL), vault_section(NULL, NULL));
    assert_works(HSM);
}

static void test_a_named_file_that_is_missing(void **state)
{
    (void)state;
    setenv("BYOK_PKCS11_CONF", "/nonexistent/byok.conf", 1);
    assert_rv(p11->C_Initialize(NULL), CKR_GENERAL_ERROR);
    assert_one_complaint("/nonexistent/byok.conf");
    assert_recovers();
}

static void test_a_named_file_that_is_a_folder(void **state)
{
    (void)state;
    setenv("BYOK_PKCS11_CONF", getenv("TOKENS_DIR"), 1);
    assert_rv(p11->C_Initialize(NULL), CKR_GENERAL_ERROR);
    assert_one_complaint(getenv("TOKENS_DIR"));
    assert_recovers();
}

enum { NOBODY = 65534, STILL_ROOT = 255 };

/* C_Initialize in a child that is not root, which may read everything; its log is opened before that. */
static CK_RV initialize_as_nobody(void)
{
    int log = open(strstr(log_variable, "/"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), status;
    pid_t child = fork();

    if (child == 0) {
        setenv("BYOK_PKCS11_LOG", "warning:stderr", 1);
        dup2(log, STDERR_FILENO);
        bool root = geteuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
                                       setresuid(NOBODY, NOBODY, NOBODY) != 0);
        _exit(root ? STILL_ROOT : (int)p11->C_Initialize(NULL));
    }
    close(log);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return (CK_RV)WEXITSTATUS(status);
}

static void test_a_file_that_the_user_may_not_read(void **state)
{
    (void)state;
    start_with_file("");
    p11->C_Finalize(NULL);
    forget_log();
    assert_int_equal(chmod(configuration_path, geteuid() == 0 ? 0600 : 0), 0);
    assert_int_equal(chmod(getenv("TOKENS_DIR"), 0711), 0);
    CK_RV rv = initialize_as_nobody();
    assert_int_equal(chmod(getenv("TOKENS_DIR"), 0700), 0);
    if (rv == STILL_ROOT) {
        print_message("# SKIP root may read every file, and cannot become another user here\n");
        skip();
    }
    assert_rv(rv, CKR_GENERAL_ERROR);
    assert_one_complaint(configuration_path);
    assert_true(log_has("Permission denied"));
    assert_recovers();
}

static void test_a_file_that_others_may_write(void **state)
{
    (void)state;
    assert_rv(start_with_file("\n"), CKR_OK);
    p11->C_Finalize(NULL);
    forget_log();
    assert_int_equal(chmod(configuration_path, 0666), 0);
    assert_rv(p11->C_Initialize(NULL), CKR_GENERAL_ERROR);
    assert_one_complaint("writ");
    assert_recovers();
}

static void refused(const char *content, const char *line, const char *words)
{
    char place[4200];

    assert_rv(start_with_file(content), CKR_GENERAL_ERROR);
    snprintf(place, sizeof place, "%s:%s: ", configuration_path, line);
    assert_one_complaint(words);
    if (!log_has(place)) {
        fail_msg("the log does not name %s", place);
    }
    forget_log();
}

static void test_wrong_content_is_named_by_file_and_line(void **state)
{
    (void)state;
    refused("\nlgo = \"info stderr\"\n", "2", "log");
    refused("\nlog = \"loudly stderr\"\n", "2", "log");
    refused("token \"a\" {\n    backend = hms\n}\n", "2", "hsm");
    refused("token \"a\" {\n    backend = hsm\n    url = \"pkcs11:\"\n}\n", "3", "uri");
    refused("token \"a\" {\n    backend = keyvault\n    timeout = soon\n}\n", "3", "timeout");
    refused("token \"a\" {\n    backend = hsm\n    backend = hsm\n}\n", "3", "backend");
    assert_recovers();
}

static void test_two_tokens_of_one_name(void **state)
{
    char content[8192];

    (void)state;
    snprintf(content, sizeof content, "%s%s", hsm_section(NULL, NULL), hsm_section(NULL, NULL));
    assert_rv(start_with_file(content), CKR_GENERAL_ERROR);
    assert_one_complaint("hsm");
    assert_recovers();
}

static void test_a_section_without_its_most_important_word(void **state)
{
    (void)state;
    assert_rv(start_with_file("token \"a\" {\n    backend = hsm\n}\n"), CKR_GENERAL_ERROR);
    assert_one_complaint("uri");
    forget_log();
    assert_rv(start_with_file("token \"a\" {\n    backend = keyvault\n}\n"), CKR_GENERAL_ERROR);
    assert_one_complaint("vault");
    assert_recovers();
}

static void test_an_empty_file_is_no_tokens(void **state)
{
    CK_ULONG count = 4711;

    (void)state;
    assert_rv(start_with_file(""), CKR_OK);
    assert_rv(p11->C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(complaints(), 0);
}

static const struct CMUnitTest tests[] = {
    with_log(test_a_named_file_that_is_missing),
    with_log(test_a_named_file_that_is_a_folder),
    with_log(test_a_file_that_the_user_may_not_read),
    with_log(test_a_file_that_others_may_write),
    with_log(test_wrong_content_is_named_by_file_and_line),
    with_log(test_two_tokens_of_one_name),
    with_log(test_a_section_without_its_most_important_word),
    with_log(test_an_empty_file_is_no_tokens),
};

const struct room configuration_room = ROOM(tests);
