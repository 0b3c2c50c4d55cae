/*
 * The manual pages beside what they tell of: the examples of byok-pkcs11.conf(5) are understood, byok-pkcs11(1) has the
 * options of --help, byok-pkcs11(7) the answers that the command gives advice about.
 */
#include "tools/answers.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LINE = 1024, PAGE = 64 * 1024 };

static char page[PAGE];

/* Without the backslashes that keep a hyphen a hyphen. */
static void read_page(FILE *from)
{
    size_t size = fread(page, 1, sizeof page - 1, from), to = 0;

    for (size_t i = 0; i < size; i++) {
        if (page[i] != '\\') {
            page[to++] = page[i];
        }
    }
    page[to] = '\0';
}

static void open_page(const char *name)
{
    char path[LINE];
    FILE *file;

    snprintf(path, sizeof path, MANUAL "/%s", name);
    file = fopen(path, "r");
    assert_non_null(file);
    read_page(file);
    fclose(file);
}

/* Calls `use` with each word of the page that begins so and goes on with these. */
static void each_word(const char *begin, const char *more, void (*use)(const char *word))
{
    size_t size = strlen(begin);

    for (const char *at = page; (at = strstr(at, begin)) != NULL; at += size) {
        char word[64];

        snprintf(word, sizeof word, "%.*s", (int)(size + strspn(at + size, more)), at);
        use(word);
    }
}

/* --- Examples --- */

static char folder[64];

static void write_example(const char *text, size_t size)
{
    static const char logs[] = "/var/log/";
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/conf", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    for (const char *at = text; at < text + size; at++) {
        if (strncmp(at, logs, sizeof logs - 1) == 0) {
            fprintf(file, "%s/", folder);
            at += sizeof logs - 2;
        } else {
            fputc(*at, file);
        }
    }
    assert_int_equal(fclose(file), 0);
}

/* The module starts with it, and asks nobody: there is no such token. */
static void check_example(void)
{
    char line[512], said[LINE];
    FILE *from;
    size_t size;

    snprintf(line, sizeof line, "%s --config='%s/conf' check 'no such token' 2>&1", COMMAND, folder);
    from = popen(line, "r");
    assert_non_null(from);
    size = fread(said, 1, sizeof said - 1, from);
    said[size] = '\0';
    pclose(from);
    if (strstr(said, "has no token \"no such token\"") == NULL) {
        fail_msg("an example of byok-pkcs11.conf(5): %s", said);
    }
}

static void test_examples_are_understood(void **state)
{
    const char *at, *end;
    unsigned examples = 0;
    char line[128];

    (void)state;
    strcpy(folder, "/tmp/byok-manual.XXXXXX");
    assert_non_null(mkdtemp(folder));
    open_page("byok-pkcs11.conf.5");
    for (at = page; (at = strstr(at, ".EX\n")) != NULL; at = end) {
        at += 4;
        end = strstr(at, ".EE\n");
        assert_non_null(end);
        write_example(at, (size_t)(end - at));
        check_example();
        examples++;
    }
    assert_true(examples >= 4);
    snprintf(line, sizeof line, "rm -rf '%s'", folder);
    assert_int_equal(system(line), 0);
}

/* --- byok-pkcs11(1) --- */

static char help[PAGE];

static void is_in_help(const char *word)
{
    if (strstr(help, word) == NULL) {
        fail_msg("byok-pkcs11(1) has %s, --help has not", word);
    }
}

static void test_the_command_has_the_same_options_in_both(void **state)
{
    FILE *from = popen(COMMAND " --help", "r");
    unsigned options = 0;

    (void)state;
    assert_non_null(from);
    help[fread(help, 1, sizeof help - 1, from)] = '\0';
    assert_int_equal(pclose(from), 0);
    open_page("byok-pkcs11.1");
    each_word("--", "abcdefghijklmnopqrstuvwxyz", is_in_help);
    for (char *at = help; (at = strstr(at, "--")) != NULL; at += 2) {
        char word[64];

        snprintf(word, sizeof word, "%.*s", (int)(2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz")), at);
        if (strstr(page, word) == NULL) {
            fail_msg("--help has %s, byok-pkcs11(1) has not", word);
        }
        options++;
    }
    assert_true(options >= 6);
}

/* --- byok-pkcs11(7) --- */

static void is_an_answer(const char *word)
{
    for (const struct answer *row = answers; row->advice != NULL; row++) {
        if (strcmp(answer_name(row->rv), word) == 0) {
            return;
        }
    }
    fail_msg("byok-pkcs11(7) has %s, the table of answers has not", word);
}

static const char *wanted;
static bool is_there;

static void note_wanted(const char *word)
{
    is_there = is_there || strcmp(word, wanted) == 0;
}

static void test_answers_are_those_of_the_manual(void **state)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    char *errors;

    (void)state;
    open_page("byok-pkcs11.7");
    errors = strstr(page, ".SH ERRORS");
    assert_non_null(errors);
    memmove(page, errors, strlen(errors) + 1);
    each_word("CKR_", letters, is_an_answer);
    for (const struct answer *row = answers; row->advice != NULL; row++) {
        wanted = answer_name(row->rv);
        is_there = false;
        each_word("CKR_", letters, note_wanted);
        if (!is_there) {
            fail_msg("%s is not among the errors of byok-pkcs11(7)", wanted);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_are_understood),
        cmocka_unit_test(test_the_command_has_the_same_options_in_both),
        cmocka_unit_test(test_answers_are_those_of_the_manual),
    };

    return cmocka_run_group_tests_name("tools/pages", tests, NULL, NULL);
}
