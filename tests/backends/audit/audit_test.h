/*
 * What tests of records share: a configuration that asks for them, uses of a key, what stands in the file, and
 * what the reading side makes of it. After tests/backends/base/base_test.h.
 */
#ifndef BYOK_TESTS_AUDIT_TEST_H
#define BYOK_TESTS_AUDIT_TEST_H

#include "backends/audit.h"
#include "backends/audit/audit_read.h"
#include <cjson/cJSON.h>

/* The global options `options`, whose %s is `folder`; as C_Initialize does it. */
CK_RV audit_begin_with(const char *folder, const char *options);
/* audit_begin_with() that must succeed, and the start written. Once more: again, with the same chain. */
void audit_begin(const char *folder, const char *options);
/* Off, and as a process that has just been started. */
void audit_forget(void);

/* One unwrap of a key in a vault that gave CKR_OK; free to be changed. */
struct audit_use audit_a_use(void);
/* And it is recorded. */
void audit_use_ok(void);

/* All of it; lent until the next call. */
const char *audit_text(const char *path);
/* Line `number` of it, from 0, parsed; to be deleted. Fails where there is none or it is no JSON. */
cJSON *audit_line(const char *path, size_t number);
size_t audit_line_count(const char *path);

/* A member's text, "" where there is none. */
const char *audit_member(const cJSON *line, const char *name);
double audit_number(const cJSON *line, const char *name);

/* What reading says. */
struct audit_seen {
    bool is_whole;
    unsigned found[AUDIT_LOST + 1]; /* findings, by kind */
    struct audit_finding last;      /* its texts are not to be used */
    struct audit_totals totals;     /* the same */
    unsigned chains, whole_chains;
};
struct audit_seen audit_read_text(const void *text, size_t size);
struct audit_seen audit_read_path(const char *path);

#endif
