/*
 * What others wrote of the service, read at run time from $BYOK_TEST_DATA/keyvault: recorded exchanges, the
 * OpenAPI description, identity flows. Nothing of it is kept in this repository; where the folder is absent,
 * the tests that want it are skipped.
 */
#ifndef TRUTH_RECORDED_H
#define TRUTH_RECORDED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <stdbool.h>

#define ENDED_BY(free_function) __attribute__((cleanup(free_function)))

/* A file below keyvault/. NULL: it is not there. */
cJSON *recorded_read(const char *path);
/* The same; it must be there. */
cJSON *recorded_need(const char *path);
/* Where it is; from malloc. */
char *recorded_path(const char *path);

/* Along a path like "response.body.0.kid"; NULL: not there. Borrowed. */
const cJSON *item_at(const cJSON *json, const char *path);
/* "": there is no text. Borrowed. */
const char *text_at(const cJSON *json, const char *path);
/* 0: there is no number. */
double number_at(const cJSON *json, const char *path);

/* From malloc. */
char *format(const char *how, ...) __attribute__((format(printf, 1, 2)));
/* All `from` in `*text`, which is replaced. */
void replace_all(char **text, const char *from, const char *to);

/* For ENDED_BY. */
void free_text(char **text);
void free_json(cJSON **json);

/* What a base64url text without padding says: its octets; -1: it is none. */
long base64url_octets(const char *text);

/*
 * Runs these tests, as cmocka does. Where the folder is absent each of them is skipped instead, and nothing
 * is set up.
 */
int recorded_run(const char *name, struct CMUnitTest *tests, size_t count, CMFixtureFunction set_up,
                 CMFixtureFunction tear_down);

/* Before `last`, a test for each recording whose kind ("exchange", "sequence") is chosen, named after its
 * file, which is its initial state. */
struct recorded_choice {
    const char *kind;
    CMUnitTestFunction check;
};
int recorded_run_each(const char *name, const struct recorded_choice *choices, size_t count,
                      const struct CMUnitTest *last, size_t last_count, CMFixtureFunction set_up,
                      CMFixtureFunction tear_down);

#endif
