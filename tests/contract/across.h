/* The checks between the two tokens, a room of tests/contract/both. */
#ifndef BYOK_TESTS_CONTRACT_ACROSS_H
#define BYOK_TESTS_CONTRACT_ACROSS_H

#include "tests/suite.h"

extern const struct room across_room;
/* Where the module logs everything. */
const char *across_log(void);

#endif
