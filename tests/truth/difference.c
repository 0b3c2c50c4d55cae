/* Lines and their reasons. */
#include "tests/truth/difference.h"
#include "tests/truth/recorded.h"
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

void differ(struct differences *found, const char *how, ...)
{
    va_list arguments;

    assert_true(found->count < sizeof found->lines / sizeof *found->lines);
    va_start(arguments, how);
    assert_true(vasprintf(&found->lines[found->count++], how, arguments) >= 0);
    va_end(arguments);
}

void differences_done(struct differences *found)
{
    while (found->count > 0) {
        free(found->lines[--found->count]);
    }
}

bool known_explains(const struct known_table *table, const char *where, const char *line)
{
    for (size_t i = 0; i < table->count; i++) {
        if (fnmatch(table->rows[i].where, where, 0) == 0 && fnmatch(table->rows[i].what, line, 0) == 0) {
            table->used[i] = true;
            return true;
        }
    }
    return false;
}

void differences_judge(const struct differences *found, const char *where, const struct known_table *table)
{
    unsigned unknown = 0;

    for (size_t i = 0; i < found->count; i++) {
        if (!known_explains(table, where, found->lines[i])) {
            print_message("# %s: %s\n", where, found->lines[i]);
            unknown++;
        }
    }
    assert_int_equal(unknown, 0);
}

void known_all_used(const struct known_table *table)
{
    unsigned idle = 0;

    for (size_t i = 0; i < table->count; i++) {
        if (!table->used[i]) {
            print_message("# not needed any more: %s, %s\n", table->rows[i].where, table->rows[i].what);
            idle++;
        }
    }
    assert_int_equal(idle, 0);
}
