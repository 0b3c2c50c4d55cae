/* What the files of vault_json share. */
#ifndef BYOK_BACKENDS_KEYVAULT_VAULT_JSON_PRIVATE_H
#define BYOK_BACKENDS_KEYVAULT_VAULT_JSON_PRIVATE_H

#include "backends/keyvault/json.h"
#include "backends/keyvault/vault_json.h"

/* The identifier that stands under this name; CKR_DATA_INVALID. */
MUST_USE CK_RV vault_json_id(const cJSON *object, const char *name, const char *collection,
                             struct key_id *ret_id);
/* What base64url says under this name, which replaces what ret_value held; CKR_DATA_INVALID. */
MUST_USE CK_RV vault_json_bytes(const cJSON *object, const char *name, struct buffer *ret_value);

/* False ends the walk. */
typedef bool json_item_visitor(void *arg, const cJSON *item);
/* The items of a page; see vault_json_read_page(). */
MUST_USE CK_RV vault_json_walk(struct bytes body, json_item_visitor *visit, void *arg,
                               struct buffer *ret_next);

#endif
