/*
 * byok-pkcs11.conf(5) beside the tables that the module reads its options by: the same options in the same places,
 * the same defaults, limits and words.
 */
#include "pkcs11/module.h"
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { OPTIONS = 256, LINE = 1024, TEXT = 4096 };

/* What stands above an option: its table's place in the code and its section in the manual. */
static const struct place {
    const char *backend, *section;
} places[] = {
    {NULL, "OPTIONS OF EVERY TOKEN"},
    {"hsm", "OPTIONS OF AN HSM"},
    {"keyvault", "OPTIONS OF A KEY VAULT"},
};

static const char globals[] = "GLOBAL OPTIONS";

static struct {
    struct {
        const struct setting_option *option;
        const char *section;
    } of[OPTIONS];
    size_t count;
} known;

static struct described {
    char name[64], section[64], preset[64], limits[64], text[TEXT];
} described[OPTIONS];
static size_t described_count;

/* --- The code --- */

static void add_known(const struct setting_group *group, const char *section)
{
    for (size_t i = 0; i < group->count; i++) {
        assert_true(known.count < OPTIONS);
        known.of[known.count].option = &group->options[i];
        known.of[known.count++].section = section;
    }
}

static void add_group(void *arg, const struct setting_group *group)
{
    (void)arg;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (group->backend == NULL
                ? places[i].backend == NULL
                : places[i].backend != NULL && strcmp(group->backend, places[i].backend) == 0) {
            add_known(group, places[i].section);
            return;
        }
    }
    fail_msg("a kind of token that byok-pkcs11.conf(5) has no section for: %s", group->backend);
}

/* --- The manual --- */

/* "( WORD )" of .RI, without quotes. */
static void read_preset(const char *line, struct described *to)
{
    const char *from = strstr(line, "( "), *end = from == NULL ? NULL : strstr(from, " )");
    size_t size = 0;

    for (const char *at = from; end != NULL && at + 2 < end && size + 1 < sizeof to->preset; at++) {
        if (at[2] != '"') {
            to->preset[size++] = at[2];
        }
    }
}

static void read_line(const char *line, struct described *to)
{
    size_t size = strlen(to->text);

    if (size == 0 && strncmp(line, ".RI ( ", 6) == 0) {
        read_preset(line, to);
    }
    if (strncmp(line, "From ", 5) == 0) {
        snprintf(to->limits, sizeof to->limits, "%.*s", (int)strcspn(line, "."), line);
    }
    snprintf(to->text + size, sizeof to->text - size, "%s", line);
}

static bool is_heading(const char *line)
{
    return strcmp(line, ".TP\n") == 0 || strncmp(line, ".S", 2) == 0;
}

/* An option is a tagged paragraph of one bold word in a section about options; deeper ones are words of an option. */
static void read_options(FILE *page)
{
    char line[LINE], section[64] = "", name[64];
    struct described *at = NULL;
    bool tagged = false;
    int depth = 0;

    while (fgets(line, sizeof line, page) != NULL) {
        if (sscanf(line, ".SH \"%63[^\"]\"", section) != 1 && strncmp(line, ".SH", 3) == 0) {
            section[0] = '\0';
        }
        depth += (strncmp(line, ".RS", 3) == 0) - (strncmp(line, ".RE", 3) == 0);
        if (is_heading(line) && depth == 0) {
            at = NULL;
        }
        if (tagged && strstr(section, "OPTIONS") != NULL && depth == 0 &&
            sscanf(line, ".B %63[a-z0-9-]", name) == 1) {
            assert_true(described_count < OPTIONS);
            at = &described[described_count++];
            strcpy(at->name, name);
            strcpy(at->section, section);
        } else if (at != NULL) {
            read_line(line, at);
        }
        tagged = strcmp(line, ".TP\n") == 0;
    }
}

static int set_up(void **state)
{
    FILE *page = fopen(MANUAL "/byok-pkcs11.conf.5", "r");

    (void)state;
    if (page == NULL) {
        return -1;
    }
    add_known(module_global_options(), globals);
    slots_each_group(add_group, NULL);
    read_options(page);
    return fclose(page);
}

/* --- Both --- */

static const struct described *description_of(size_t index)
{
    for (size_t i = 0; i < described_count; i++) {
        if (strcmp(described[i].name, known.of[index].option->name) == 0 &&
            strcmp(described[i].section, known.of[index].section) == 0) {
            return &described[i];
        }
    }
    return NULL;
}

static bool is_known(const struct described *one)
{
    for (size_t i = 0; i < known.count; i++) {
        if (description_of(i) == one) {
            return true;
        }
    }
    return false;
}

static void test_every_option_is_described(void **state)
{
    unsigned missing = 0;

    (void)state;
    assert_true(known.count > 20);
    for (size_t i = 0; i < known.count; i++) {
        if (description_of(i) == NULL) {
            print_message("# `%s` is not in byok-pkcs11.conf(5), %s\n", known.of[i].option->name,
                          known.of[i].section);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static void test_no_option_is_described_that_is_not_there(void **state)
{
    unsigned surplus = 0;

    (void)state;
    assert_true(described_count > 20);
    for (size_t i = 0; i < described_count; i++) {
        if (!is_known(&described[i])) {
            print_message("# byok-pkcs11.conf(5) has `%s` under %s, where there is none\n", described[i].name,
                          described[i].section);
            surplus++;
        }
    }
    assert_int_equal(surplus, 0);
}

static void test_no_option_is_described_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < described_count; i++) {
        for (size_t j = i + 1; j < described_count; j++) {
            assert_string_not_equal(described[i].name, described[j].name);
        }
    }
}

/* Calls `judge` with each option and its paragraph; the number of those it does not like. */
static unsigned judge_all(bool (*judge)(const struct setting_option *option, const struct described *as))
{
    unsigned wrong = 0;

    for (size_t i = 0; i < known.count; i++) {
        const struct described *as = description_of(i);

        wrong += as != NULL && !judge(known.of[i].option, as);
    }
    return wrong;
}

static bool preset_is_told(const struct setting_option *option, const struct described *as)
{
    const char *preset = option->preset == NULL ? "" : option->preset;

    if (strcmp(preset, as->preset) != 0) {
        print_message("# `%s`: the default is \"%s\", byok-pkcs11.conf(5) says \"%s\"\n", option->name,
                      preset, as->preset);
        return false;
    }
    return true;
}

static void test_defaults_are_those_of_the_code(void **state)
{
    (void)state;
    assert_int_equal(judge_all(preset_is_told), 0);
}

/* As it would be written in the file, in the largest unit that tells it exactly. */
static const char *written(const struct setting_option *option, int64_t value, char ret_text[32])
{
    static const struct {
        int64_t size;
        const char *name;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    bool is_time = option->type == SETTING_DURATION || option->type == SETTING_DURATION_OR_OFF;
    size_t at = 0;

    while (is_time && value % units[at].size != 0) {
        at++;
    }
    snprintf(ret_text, 32, "%lld%s", (long long)(is_time ? value / units[at].size : value),
             is_time ? units[at].name : "");
    return ret_text;
}

static bool limits_are_told(const struct setting_option *option, const struct described *as)
{
    char limits[64] = "", least[32], most[32];

    if (option->most != 0) {
        snprintf(limits, sizeof limits, "From %s to %s", written(option, option->least, least),
                 written(option, option->most, most));
    }
    if (strcmp(limits, as->limits) != 0) {
        print_message("# `%s`: the limits are \"%s\", byok-pkcs11.conf(5) says \"%s\"\n", option->name,
                      limits, as->limits);
        return false;
    }
    return true;
}

static void test_limits_are_those_of_the_code(void **state)
{
    (void)state;
    assert_int_equal(judge_all(limits_are_told), 0);
}

static bool has_word(const char *text, const char *word)
{
    size_t size = strlen(word);

    for (const char *at = text; (at = strstr(at, word)) != NULL; at++) {
        bool begins = at == text || (!isalnum((unsigned char)at[-1]) && at[-1] != '-');

        if (begins && !isalnum((unsigned char)at[size]) && at[size] != '-') {
            return true;
        }
    }
    return false;
}

static bool words_are_told(const struct setting_option *option, const struct described *as)
{
    static const char *const yes[] = {"yes", NULL}, *const no[] = {"no", NULL}, *const off[] = {"off", NULL};
    const char *const *words = option->words;
    bool told = true;

    if (option->type == SETTING_YES_NO) {
        words = strcmp(option->preset, "no") == 0 ? yes : no;
    }
    if (option->type == SETTING_DURATION_OR_OFF || option->type == SETTING_NUMBER_OR_OFF) {
        words = off;
    }
    for (; words != NULL && *words != NULL; words++) {
        if (!has_word(as->text, *words)) {
            print_message("# `%s`: byok-pkcs11.conf(5) does not tell of \"%s\"\n", option->name, *words);
            told = false;
        }
    }
    return told;
}

static void test_every_word_is_described(void **state)
{
    (void)state;
    assert_int_equal(judge_all(words_are_told), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_option_is_described),
        cmocka_unit_test(test_no_option_is_described_that_is_not_there),
        cmocka_unit_test(test_no_option_is_described_twice),
        cmocka_unit_test(test_defaults_are_those_of_the_code),
        cmocka_unit_test(test_limits_are_those_of_the_code),
        cmocka_unit_test(test_every_word_is_described),
    };

    return cmocka_run_group_tests_name("tools/manual", tests, set_up, NULL);
}
