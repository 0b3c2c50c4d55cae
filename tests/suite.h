/* What the suites over whole tokens share: they run room by room. */
#ifndef BYOK_TESTS_SUITE_H
#define BYOK_TESTS_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/built_module.h"
#include <cmocka.h>
#include <string.h>

/* The tests of one file. */
struct room {
    const struct CMUnitTest *tests;
    size_t count;
};
#define ROOM(tests)                                                                                          \
    {                                                                                                        \
        (tests), sizeof(tests) / sizeof(tests)[0]                                                            \
    }

/* All rooms in one TAP run; how many tests failed. */
static inline int run_rooms(const char *name, const struct room *const *rooms, size_t room_count)
{
    static struct CMUnitTest all[256];
    size_t count = 0;

    for (size_t i = 0; i < room_count; i++) {
        if (rooms[i]->count > sizeof all / sizeof all[0] - count) {
            fprintf(stderr, "%s: there are more tests than places for them\n", name);
            return 99;
        }
        memcpy(all + count, rooms[i]->tests, rooms[i]->count * sizeof *all);
        count += rooms[i]->count;
    }
    int failed = _cmocka_run_group_tests(name, all, count, NULL, NULL);
    let_threads_end();
    return failed;
}

#endif
