/*
 * The documents of the key service to structs and back (keys.json of the service's OpenAPI description). No
 * network and no policy: what an answer means for a call is vault_client's and vault_error's. Everything read
 * here is hostile: CKR_DATA_INVALID where a document is not what it should be, CKR_HOST_MEMORY.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_VAULT_JSON_H
#define BYOK_BACKENDS_KEYVAULT_VAULT_JSON_H

#include "backends/keyvault/key_id.h"

/* What the service said of a refusal; "" what it did not say. Not yet fit for a log: see log_write(). */
struct vault_error {
    char code[64];
    char inner[64]; /* the innermost code */
    char message[512];
};

/* {"alg":...,"value":...}, for wrapkey, unwrapkey, encrypt and decrypt; replaces what ret_body held. */
MUST_USE CK_RV vault_json_write_operation(enum rsa_padding padding, struct bytes value,
                                          struct buffer *ret_body);

/* Their answer: which key did it and the decoded value, which replaces what ret_value held. */
MUST_USE CK_RV vault_json_read_operation(struct bytes body, struct key_id *ret_kid, struct buffer *ret_value);

/* A key bundle. ret_info is overwritten; its `rsa` is the caller's then. */
MUST_USE CK_RV vault_json_read_key(struct bytes body, struct key_id *ret_kid, struct key_info *ret_info);

/* One item of a list; `info` is lent, its `rsa` NULL, its version that of `kid`. False ends the walk. */
typedef bool vault_item_visitor(void *arg, const struct key_id *kid, struct key_info *info);

/*
 * One page of a list, which may be empty. Items without a valid identifier are left out. The address of the
 * next page replaces what ret_next held: empty at the last page, or when `visit` ended the walk.
 */
MUST_USE CK_RV vault_json_read_page(struct bytes body, vault_item_visitor *visit, void *arg,
                                    struct buffer *ret_next);

/* False, and all empty, where the body is not the service's own JSON. */
bool vault_json_read_error(struct bytes body, struct vault_error *ret_error);

#endif
