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
/* The same; where it is not there, the test is skipped and this does not return. */
cJSON *recorded_need(const char *path);

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
 * A test for each recording whose kind ("exchange", "sequence") is chosen, named after its file, which is its
 * initial state; then `last`. Where there are no recordings: one test that is skipped. From malloc.
 */
struct recorded_choice {
    const char *kind;
    CMUnitTestFunction check;
};
size_t recorded_tests(const struct recorded_choice *choices, size_t count, const struct CMUnitTest *last,
                      size_t last_count, struct CMUnitTest **ret_tests);

#endif
