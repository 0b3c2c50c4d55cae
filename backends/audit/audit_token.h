/*
 * A token over an HSM's, which records what keys of the HSM are used for (audit.h): C_WrapKey, C_UnwrapKey, and
 * encrypting, decrypting and signing, also of messages (3.0). Keys that live in a session are data keys, and no
 * concern of records. Put there where records are wanted, so that it costs nothing where they are not; each use
 * then costs one C_GetAttributeValue, for the key's name.
 *
 * Where data comes in parts, that this has begun is recorded before the first part gives anything away, and the
 * use with its result at the end. With audit-required, what cannot be recorded is wiped (a key: destroyed).
 */
#ifndef BYOK_BACKENDS_AUDIT_TOKEN_H
#define BYOK_BACKENDS_AUDIT_TOKEN_H

#include "backends/backend.h"

/*
 * `below` is taken, also when it fails: CKR_HOST_MEMORY. The texts are lent for the life of the token: the
 * title of its section, its label in this module, and the kind of key store.
 */
MUST_USE CK_RV audit_token_new(struct token *below, const char *title, const char *label, const char *backend,
                               struct token **ret_token);

#endif
