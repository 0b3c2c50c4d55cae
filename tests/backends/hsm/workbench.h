/*
 * What the tests of the HSM token share:
 * a folder of their own, tokens opened from a configuration, the log.
 */
#ifndef BYOK_TESTS_BACKENDS_HSM_WORKBENCH_H
#define BYOK_TESTS_BACKENDS_HSM_WORKBENCH_H

#include "backends/backend.h"
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { BENCH_TOKENS = 2, BENCH_PATH = 1024 };

/* One test's; made anew for each. */
struct bench {
    char folder[BENCH_PATH / 2];
    struct settings_file *settings;
    struct token *token[BENCH_TOKENS];
};

extern struct bench bench;

/* cmocka's set-up and tear-down of one test. */
int bench_set_up(void **state);
int bench_tear_down(void **state);

const char *bench_path(const char *name); /* in the folder; up to four at a time */
void bench_write(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
void bench_copy(const char *from, const char *name);
void bench_remove(const char *path);

/*
 * Opens a token of kind hsm, with records and a policy above it where they are asked for, for each `uri` that is not NULL; `more` are further options. The result is that
 * of the first open_token() that fails.
 */
CK_RV bench_try(const char *first_uri, const char *second_uri, const char *more);
void bench_open(const char *first_uri, const char *second_uri, const char *more); /* must work */
void bench_close(void);

struct token_session *bench_session(struct token *token); /* must open */
CK_RV bench_close_session(struct token_session *session);

/* The one key "kek" of this class. */
CK_OBJECT_HANDLE bench_kek(struct token_session *session, CK_OBJECT_CLASS class);

/* How many lines of the log have this text. */
unsigned bench_logged(const char *text);

/* Ends the test when `rv` is not what was expected. */
#define assert_rv(rv, expected) assert_int_equal((rv), (expected))

#endif
