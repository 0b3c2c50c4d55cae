/* SoftHSM itself, and other modules beside ours, by their own function lists. */
#ifndef BYOK_TESTS_BENCH_SOFTHSM_H
#define BYOK_TESTS_BENCH_SOFTHSM_H

#include "backends/base/cryptoki.h"
#include <stdbool.h>

/* NULL, with a line that says why. */
CK_FUNCTION_LIST *beside_load(const char *path);
bool beside_slot(CK_FUNCTION_LIST *functions, const char *label, CK_SLOT_ID *ret_slot);

/* The path of SoftHSM's module. */
bool softhsm_path(char *path, int size);

#endif
