/*
 * Known answers of others (Wycheproof and the service itself), which are not in this repository: read from
 * $BYOK_TEST_DATA, or from `shared` beside the source tree. A test that wants them is skipped where they are
 * not.
 */
#ifndef BYOK_TESTS_VECTORS_H
#define BYOK_TESTS_VECTORS_H

#include "backends/base/buffer.h"
#include <cjson/cJSON.h>

/* A file of keyvault/vectors. Does not return where it is missing: the test is skipped. */
cJSON *vectors_read(const char *name);

/* The text of a member, "" where there is none. */
const char *vector_text(const cJSON *object, const char *name);

/* The bytes that `text` writes in hex, in `room`, which is large enough or the test fails. */
struct bytes vector_bytes(const char *text, unsigned char *room, size_t size);

#endif
