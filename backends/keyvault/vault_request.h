/* What the verbs share, and nobody else uses: addresses, one request and answer, and whom an answer is about. */
#ifndef BYOK_BACKENDS_KEYVAULT_VAULT_REQUEST_H
#define BYOK_BACKENDS_KEYVAULT_VAULT_REQUEST_H

#include "backends/keyvault/vault_call.h"

enum { VAULT_URL_LIMIT = 1024 };

/* URL/COLLECTION/NAME[/VERSION][/VERB]?api-version=..., appended; collection and verb bring their slashes. */
MUST_USE CK_RV vault_request_url(const struct vault_client *client, const char *collection,
                                 const struct key_ref *key, const char *verb, struct buffer *url);

/* The answer must be about what was asked for, in the vault that was asked; its version goes to the answer. */
MUST_USE CK_RV vault_request_check(struct vault_call *call, const struct key_id *id);

/* The answer is none of the service's: always CKR_DEVICE_ERROR, logged. */
MUST_USE CK_RV vault_request_no_answer(struct vault_call *call, const char *said);

/*
 * An operation with the call's key. The value of the answer replaces what ret_value held; ret_extra (NULL:
 * not wanted) gets the iv and tag that came with it.
 */
MUST_USE CK_RV vault_request_operate(struct vault_call *call, const struct vault_parameters *parameters,
                                     struct buffer *ret_value, struct aes_extra *ret_extra);

/* As long as a ciphertext or signature of the service's RSA keys: 256, 384 or 512 bytes. */
bool vault_request_is_rsa_block(size_t size);

/* One page to whoever keeps its items; the next one's address replaces what ret_next held. */
typedef CK_RV vault_page_reader(struct bytes body, void *arg, struct buffer *ret_next);

/* Every page of a collection ("keys"). What `read` refuses ends the walk. */
MUST_USE CK_RV vault_request_pages(struct vault_call *call, const char *collection, vault_page_reader *read,
                                   void *arg);

#endif
