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

/* What an operation is given. */
struct vault_parameters {
    const char *algorithm;     /* the service's name for it */
    struct bytes value;        /* plaintext, ciphertext, or the digest that is signed */
    struct bytes iv, aad, tag; /* of AES; empty: left out */
};

/* {"alg":...,"value":...} and what there is of the rest; replaces what ret_body held. */
MUST_USE CK_RV vault_json_write_operation(const struct vault_parameters *parameters, struct buffer *ret_body);

/*
 * The answer: which key did it and the decoded value, which replaces what ret_value held; the iv and tag that
 * came with it, else they are empty.
 */
MUST_USE CK_RV vault_json_read_operation(struct bytes body, struct key_id *ret_kid, struct buffer *ret_value,
                                         struct aes_extra *ret_extra);

/* Random bytes: the decoded value replaces what ret_value held. */
MUST_USE CK_RV vault_json_read_random(struct bytes body, struct buffer *ret_value);

/*
 * A key bundle. ret_info is overwritten; its `rsa` or `ec` is the caller's then. A key on a curve that is not
 * one of enum ec_curve has no `ec`.
 */
MUST_USE CK_RV vault_json_read_key(struct bytes body, struct key_id *ret_kid, struct key_info *ret_info);

/* One item of a list; `info` is lent, its `rsa` NULL, its version that of `kid`. False ends the walk. */
typedef bool vault_item_visitor(void *arg, const struct key_id *kid, struct key_info *info);

/*
 * One page of a list, which may be empty. Items without a valid identifier are left out. The address of the
 * next page replaces what ret_next held: empty at the last page, or when `visit` ended the walk.
 */
MUST_USE CK_RV vault_json_read_page(struct bytes body, vault_item_visitor *visit, void *arg,
                                    struct buffer *ret_next);

/* One name of a list of certificates; `id` is lent. False ends the walk. */
typedef bool vault_certificate_visitor(void *arg, const struct key_id *id);

/* As vault_json_read_page(). */
MUST_USE CK_RV vault_json_read_certificates(struct bytes body, vault_certificate_visitor *visit, void *arg,
                                            struct buffer *ret_next);

/*
 * A certificate bundle: its identifier, the identifier of its key (its name "" where none was told), and the
 * DER, which replaces what ret_der held.
 */
MUST_USE CK_RV vault_json_read_certificate(struct bytes body, struct key_id *ret_id, struct key_id *ret_kid,
                                           struct buffer *ret_der);

/* False, and all empty, where the body is not the service's own JSON. */
bool vault_json_read_error(struct bytes body, struct vault_error *ret_error);

#endif
