/* Examining a vault, for its tests: the stand-in with its usual caller, and what is found there. */
#ifndef BYOK_TESTS_DIAGNOSE_WORLD_H
#define BYOK_TESTS_DIAGNOSE_WORLD_H

#include "backends/diagnosis.h"
#include "backends/keyvault/keyvault.h"
#include "tests/backends/keyvault/https_server.h"
#include "tests/standin/run_standin.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KEK "keys = {\"kek\"}\n"

extern struct standin_process standin;

/* Of the last examination: a line each, "ok clock: TEXT | ADVICE". */
struct found {
    char text[32 * 1024];
    unsigned fails, warnings;
    bool ends_here;
};
extern struct found found;

/* Of a section with these lines; of one with the usual caller, at `vault`; of that at the stand-in's vault. */
void examine_lines(const char *lines);
void examine_at(const char *vault, const char *more);
void examine(const char *more);

/* Words that must be in what was found, or must not. */
void expect(const char *words);
void expect_none(const char *words);

void control(const char *method, const char *path, const char *json);
/* What the usual caller may do, as a list of JSON. */
void permit(const char *json);

/* After each test; before all, and after all. */
int diagnose_as_at_the_start(void **state);
int diagnose_start(void **state);
int diagnose_end(void **state);
#define DIAGNOSE_TEST(name) cmocka_unit_test_teardown(name, diagnose_as_at_the_start)

#endif
