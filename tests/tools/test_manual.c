/* byok-pkcs11.conf(5) has every option that the module knows, and no other; the manual pages have no broken line. */
#include "pkcs11/module.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { NAMES = 256, NAME_SIZE = 64, LINE = 1024 };

struct names {
    char name[NAMES][NAME_SIZE];
    size_t count;
};

static struct names known, described;

static void add(struct names *to, const char *name)
{
    assert_true(to->count < NAMES);
    snprintf(to->name[to->count++], NAME_SIZE, "%s", name);
}

static bool has(const struct names *in, const char *name)
{
    for (size_t i = 0; i < in->count; i++) {
        if (strcmp(in->name[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_group(void *arg, const struct setting_group *group)
{
    (void)arg;
    for (size_t i = 0; i < group->count; i++) {
        add(&known, group->options[i].name);
    }
}

/* An option is a tagged paragraph of one bold word in a section about options; deeper ones are words of an option. */
static void read_page(FILE *page)
{
    char line[LINE], name[NAME_SIZE];
    bool options = false, tagged = false;
    int depth = 0;

    while (fgets(line, sizeof line, page) != NULL) {
        if (strncmp(line, ".SH", 3) == 0) {
            options = strstr(line, "OPTIONS") != NULL;
        }
        depth += (strncmp(line, ".RS", 3) == 0) - (strncmp(line, ".RE", 3) == 0);
        if (tagged && options && depth == 0 && sscanf(line, ".B %63[a-z0-9-]", name) == 1) {
            add(&described, name);
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
    add_group(NULL, module_global_options());
    slots_each_group(add_group, NULL);
    read_page(page);
    return fclose(page);
}

static void test_every_option_is_described(void **state)
{
    unsigned missing = 0;

    (void)state;
    assert_true(known.count > 20);
    for (size_t i = 0; i < known.count; i++) {
        if (!has(&described, known.name[i])) {
            print_message("# `%s` is not in byok-pkcs11.conf(5)\n", known.name[i]);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static void test_no_option_is_described_that_is_not_there(void **state)
{
    unsigned surplus = 0;

    (void)state;
    assert_true(described.count > 20);
    for (size_t i = 0; i < described.count; i++) {
        if (!has(&known, described.name[i])) {
            print_message("# byok-pkcs11.conf(5) has `%s`, which is no option\n", described.name[i]);
            surplus++;
        }
    }
    assert_int_equal(surplus, 0);
}

static void test_no_option_is_described_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < described.count; i++) {
        for (size_t j = i + 1; j < described.count; j++) {
            assert_string_not_equal(described.name[i], described.name[j]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_option_is_described),
        cmocka_unit_test(test_no_option_is_described_that_is_not_there),
        cmocka_unit_test(test_no_option_is_described_twice),
    };

    return cmocka_run_group_tests_name("tools/manual", tests, set_up, NULL);
}
