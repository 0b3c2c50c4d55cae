/*
 * What goes wrong outside, and the words for it: a configuration, an HSM or a vault that fails gives the
 * CK_RV of the design and one line in the log that says what to do, and the other token keeps working. Run
 * under tests/with-tokens; each test writes the configuration it needs.
 */
#ifndef BYOK_TESTS_FAILURES_H
#define BYOK_TESTS_FAILURES_H

#include "tests/suite.h"
#include <stdbool.h>

extern CK_FUNCTION_LIST *p11;

enum { HSM = 0, VAULT = 1, BLOB_MOST = 512 };

/* For each test: in() takes away faults and old logs, out() finalises the module. */
int in(void **state);
int out(void **state);
#define with_module(test) cmocka_unit_test_setup_teardown(test, in, out)

/*
 * Configurations are made of pieces. hsm_section() and vault_section() are what with-tokens writes, with
 * `from` (NULL: nothing) replaced by `to`; each is lent until the eighth call after it.
 */
const char *hsm_section(const char *from, const char *to);
const char *vault_section(const char *from, const char *to);
/* Writes both sections (either may be NULL) and calls C_Initialize; returns its result. */
CK_RV start(const char *hsm, const char *vault);
void start_well(const char *hsm, const char *vault);
/* The file itself, as it will be read; C_Initialize's result. */
CK_RV start_with_file(const char *content);
extern char configuration_path[4096];

CK_RV open_session(CK_SLOT_ID slot, CK_SESSION_HANDLE *ret_session);
/* Wraps a new data key under slot's `kek`, and opens the blob again; the first code that is not CKR_OK. */
CK_RV seal_in(CK_SLOT_ID slot, CK_BYTE *ret_blob, CK_ULONG *ret_size);
CK_RV open_in(CK_SLOT_ID slot, CK_BYTE *blob, CK_ULONG size);
/* Both, for the token that must not notice: fails the test. */
void assert_works(CK_SLOT_ID slot);

/* A blob of the vault's kek from the same stand-in. */
CK_ULONG blob_of_vault(CK_BYTE *ret_blob);

/* curl -X METHOD $CONTROL_URL/PATH -d BODY; the answer is kept until the next call. */
const char *control(const char *method, const char *path, const char *body);
/* The number after "NAME": in GET /counts. */
long counted(const char *name);

/* The log since in() or forget_log(): lines of level error or warning; whether it has these words. */
int complaints(void);
bool log_has(const char *words);
void forget_log(void);
/* One line, with these words in it. */
void assert_one_complaint(const char *words);

#define assert_rv(call, expected) assert_rv_at((call), (expected), #call, __FILE__, __LINE__)
void assert_rv_at(CK_RV got, CK_RV expected, const char *call, const char *file, int line);

/* Milliseconds since in(). */
long elapsed(void);

extern const struct room configuration_room, hsm_room, vault_room, request_room, secret_room;

#endif
