/* A workbench with a fake vendor's module of its own: bench_path("fake.so"). */
#ifndef BYOK_TESTS_BACKENDS_HSM_FAKE_BENCH_H
#define BYOK_TESTS_BACKENDS_HSM_FAKE_BENCH_H

#include "tests/backends/hsm/fake_hsm.h"
#include "tests/backends/hsm/workbench.h"

extern struct fake_hsm *fake; /* this test's copy */

int fake_set_up(void **state);
int fake_tear_down(void **state);

/* pkcs11:TOKEN?module-path=.../fake.so&MORE; up to four at a time. */
const char *fake_uri(const char *token, const char *more);
/* The same with pin-source, of the file "pin", which then holds `pin`. */
const char *fake_pin_uri(const char *token, const char *pin);

#endif
