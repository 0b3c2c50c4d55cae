/* A workbench over SoftHSM: one token "hsm" for all tests of a program, whose PIN is in bench_path("pin"). */
#ifndef BYOK_TESTS_BACKENDS_HSM_SOFTHSM_BENCH_H
#define BYOK_TESTS_BACKENDS_HSM_SOFTHSM_BENCH_H

#include "tests/backends/hsm/workbench.h"

/* cmocka's set-up and tear-down of the program. */
int softhsm_make(void **state);
int softhsm_remove(void **state);

/* Those of each test. */
int softhsm_set_up(void **state);
int softhsm_tear_down(void **state);

const char *softhsm_folder(void);
const char *softhsm_library(void); /* its path */

/* The first line of a file of the folder. */
void softhsm_read_line(const char *name, char *to, int size);

/* pkcs11:token=TOKEN with the library, and with the PIN of a file in the folder unless that is NULL. */
const char *softhsm_uri(const char *token, const char *pin_file);

/* A session of the token, opened by its own PIN; `more` are further options or NULL. */
struct token_session *softhsm_open(const char *more);

/* In a program that has been started anew: the token of another one. */
void softhsm_use(const char *folder);

#endif
