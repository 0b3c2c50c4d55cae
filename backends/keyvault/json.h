/*
 * JSON from outside, read strictly: one object, whole, no zero bytes in it, not even escaped ones. What cJSON
 * copied out of it is wiped when it is freed, for answers hold keys and tokens. cJSON's hooks are never set:
 * they are global and belong to the host.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_JSON_H
#define BYOK_BACKENDS_KEYVAULT_JSON_H

#include "backends/base/buffer.h"
#include "backends/base/scope.h"
#include <cjson/cJSON.h>
#include <stdint.h>

/* The object, or NULL where `text` is none. */
cJSON *json_parse(struct bytes text);
/* Wiped and freed, or NULL. */
void json_free(cJSON *object);
DEFINE_SCOPED(cJSON, json_free)

/* The member of that name, or NULL; also where `object` is NULL or no object. */
const cJSON *json_member(const cJSON *object, const char *name);
/* Its text, or NULL where it is none. Lent for the life of the object. */
const char *json_text(const cJSON *object, const char *name);
/* A whole number of at most 2^53, also one written as text (some token endpoints do that); false: none. */
bool json_whole(const cJSON *object, const char *name, int64_t *ret_number);

#endif
