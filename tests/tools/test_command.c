/* The command itself: usage, exit status, one JSON object a line, no colors in a pipe. No network. */
#include "tools/duration.h"
#include "tools/print.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[PATH_MAX / 4], output[65536];

static void write_file(const char *name, mode_t mode, const char *text)
{
    char path[PATH_MAX];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

/* Runs it with both outputs in `output`. The exit status. */
static int run(const char *arguments)
{
    char line[PATH_MAX * 2];
    FILE *pipe;
    size_t size;

    snprintf(line, sizeof line, "cd '%s' && BYOK_PKCS11_CONF= XDG_CONFIG_HOME='%s' '%s' %s 2>&1", folder,
             folder, COMMAND, arguments);
    pipe = popen(line, "r");
    assert_non_null(pipe);
    size = fread(output, 1, sizeof output - 1, pipe);
    output[size] = '\0';
    int status = pclose(pipe);

    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int set_up(void **state)
{
    const char *base = getenv("TMPDIR");

    (void)state;
    snprintf(folder, sizeof folder, "%s/byok-command.XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    write_file("none.conf", 0600, "log = \"warning stderr\"\n");
    write_file(
        "hsm.conf", 0600,
        "token \"first \\\"one\\\"\" {\n backend = hsm\n uri = \"pkcs11:token=x?module-path=/nowhere/vendor.so\"\n}\n"
        "token \"second\" {\n backend = hsm\n label = \"other\"\n"
        " uri = \"pkcs11:token=y?module-path=/nowhere/vendor.so\"\n}\n");
    write_file("wrong.conf", 0600, "token \"x\" {\n backend = hsm\n urj = \"\"\n}\n");
    write_file("open.conf", 0666, "log = \"warning stderr\"\n");
    return 0;
}

static int tear_down(void **state)
{
    char line[PATH_MAX];

    (void)state;
    snprintf(line, sizeof line, "rm -rf '%s'", folder);
    return system(line);
}

static void test_help_and_version(void **state)
{
    (void)state;
    assert_int_equal(run("--help"), 0);
    assert_non_null(strstr(output, "Usage: byok-pkcs11"));
    assert_int_equal(run("--version"), 0);
    assert_non_null(strstr(output, "byok-pkcs11 "));
}

static void test_wrong_usage(void **state)
{
    static const char *const wrong[] = {"",          "examine",        "--loud",           "check a b",
                                        "audit",     "check --fleet",  "check --fleet=0",  "check --fleet=x",
                                        "keys -f 5", "check --config", "check --fleet=-1", "check -c ''"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(run(wrong[i]), 2);
        assert_true(output[0] != '\0');
    }
}

static void test_wrong_configuration(void **state)
{
    (void)state;
    assert_int_equal(run("-c wrong.conf check"), 2);
    assert_non_null(strstr(output, "wrong.conf:3"));
    assert_non_null(strstr(output, "; to do: correct that line"));
    assert_int_equal(run("-c open.conf check"), 2);
    assert_non_null(strstr(output, "writ"));
    assert_int_equal(run("-c missing.conf check"), 2);
    assert_non_null(strstr(output, "missing.conf: No such file"));
    assert_non_null(strstr(output, "; to do: name a file that is there"));
    assert_int_equal(run("-c hsm.conf check third"), 2);
    assert_non_null(strstr(output, "third"));
}

static void test_no_token_is_a_warning(void **state)
{
    (void)state;
    assert_int_equal(run("-c none.conf check"), 0);
    assert_non_null(strstr(output, "warn configuration"));
}

static void test_a_failure_is_status_1(void **state)
{
    (void)state;
    assert_int_equal(run("-c hsm.conf check"), 1);
    assert_non_null(strstr(output, "fail first \"one\": hsm-module:"));
    assert_non_null(strstr(output, "fail second: hsm-module:"));
}

static void test_one_token_alone_by_title_or_label(void **state)
{
    (void)state;
    assert_int_equal(run("-c hsm.conf check other"), 1);
    assert_null(strstr(output, "first"));
    assert_non_null(strstr(output, "second: hsm-module"));
    assert_int_equal(run("-c hsm.conf check second"), 1);
    assert_null(strstr(output, "first"));
}

static void test_what_cannot_be_written_is_a_failure(void **state)
{
    (void)state;
    assert_int_equal(run("-c none.conf check 2>said >/dev/full; status=$?; cat said; exit $status"), 1);
    assert_non_null(strstr(output, "writing: No space left"));
    assert_int_equal(run("--help >/dev/full"), 1);
    assert_int_equal(run("-c none.conf check >/dev/null"), 0);
    assert_string_equal(output, "");
}

/* `output` is what a terminal gets. */
static void run_on_terminal(const char *variable, const char *value)
{
    int terminal, status;
    size_t size = 0;
    ssize_t got;
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);

    if (child < 0) {
        print_message("# SKIP there are no terminals here: %s\n", strerror(errno));
        skip();
    }
    if (child == 0) {
        setenv("TERM", "xterm", 1);
        unsetenv("NO_COLOR");
        setenv(variable, value, 1);
        if (chdir(folder) == 0) {
            execl(COMMAND, COMMAND, "-c", "none.conf", "check", NULL);
        }
        _exit(99);
    }
    while (size < sizeof output - 1 && (got = read(terminal, output + size, sizeof output - 1 - size)) > 0) {
        size += (size_t)got;
    }
    output[size] = '\0';
    close(terminal);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_colors_on_a_terminal(void **state)
{
    (void)state;
    run_on_terminal("NO_COLOR", "");
    assert_non_null(strstr(output, "\033[33mwarn \033[0mconfiguration: "));
}

static void test_no_colors_where_they_are_not_wanted(void **state)
{
    (void)state;
    run_on_terminal("NO_COLOR", "1");
    assert_non_null(strstr(output, "warn configuration: "));
    assert_null(strchr(output, '\033'));
    run_on_terminal("TERM", "dumb");
    assert_non_null(strstr(output, "warn configuration: "));
    assert_null(strchr(output, '\033'));
}

static void test_no_colors_and_no_log_in_a_pipe(void **state)
{
    (void)state;
    run("-c hsm.conf check");
    assert_null(strchr(output, '\033'));
    assert_null(strstr(output, "byok-pkcs11["));
}

static void check_text_or_null(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    assert_true(cJSON_IsString(item) || cJSON_IsNull(item));
}

static void test_json_is_an_object_on_each_line(void **state)
{
    unsigned lines = 0;

    (void)state;
    assert_int_equal(run("--json -c hsm.conf check"), 1);
    for (char *line = strtok(output, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        cJSON *object = cJSON_ParseWithOpts(line, NULL, true);

        assert_true(cJSON_IsObject(object));
        assert_int_equal(cJSON_GetArraySize(object), 5);
        assert_true(cJSON_IsString(cJSON_GetObjectItemCaseSensitive(object, "check")));
        assert_true(cJSON_IsString(cJSON_GetObjectItemCaseSensitive(object, "status")));
        assert_true(cJSON_IsString(cJSON_GetObjectItemCaseSensitive(object, "text")));
        check_text_or_null(object, "token");
        check_text_or_null(object, "advice");
        cJSON_Delete(object);
        lines++;
    }
    assert_true(lines >= 4);
}

static void test_audit_of_no_file(void **state)
{
    (void)state;
    assert_int_equal(run("audit nothing"), 1);
    assert_non_null(strstr(output, "No such file"));
    assert_int_equal(run("audit none.conf"), 1);
    assert_non_null(strstr(output, "audit-chain"));
}

static void test_durations(void **state)
{
    char text[DURATION_SIZE];

    (void)state;
    assert_string_equal(duration_text(3600000, text), "1 h");
    assert_string_equal(duration_text(420000, text), "7 min");
    assert_string_equal(duration_text(90000, text), "90 s");
    assert_string_equal(duration_text(1500, text), "1500 ms");
    assert_string_equal(duration_text(86400000, text), "1 d");
}

static void test_dates(void **state)
{
    char text[DATE_SIZE];

    (void)state;
    assert_string_equal(date_text(0, text), "");
    assert_string_equal(date_text(1000000000, text), "2001-09-09T01:46:40Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_and_version),
        cmocka_unit_test(test_wrong_usage),
        cmocka_unit_test(test_wrong_configuration),
        cmocka_unit_test(test_no_token_is_a_warning),
        cmocka_unit_test(test_a_failure_is_status_1),
        cmocka_unit_test(test_one_token_alone_by_title_or_label),
        cmocka_unit_test(test_what_cannot_be_written_is_a_failure),
        cmocka_unit_test(test_colors_on_a_terminal),
        cmocka_unit_test(test_no_colors_where_they_are_not_wanted),
        cmocka_unit_test(test_no_colors_and_no_log_in_a_pipe),
        cmocka_unit_test(test_json_is_an_object_on_each_line),
        cmocka_unit_test(test_audit_of_no_file),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_dates),
    };

    return cmocka_run_group_tests_name("tools/command", tests, set_up, tear_down);
}
