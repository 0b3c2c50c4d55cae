/*
 * A token over an HSM's, which records what keys of the HSM are used for (audit.h): C_WrapKey, C_UnwrapKey,
 * C_DeriveKey, and encrypting, decrypting and signing, also of messages (3.0). Keys that live in a session are data
 * keys, and no concern of records. Put there where records are wanted, so that it costs nothing where they are not;
 * each use then costs one C_GetAttributeValue, for the key's name. C_SetOperationState is refused, for a state that was
 * saved does not tell which key goes on in it.
 *
 * Where data comes in parts, that this has begun is recorded before the first part gives anything away, and the
 * use with its result at the end. With audit-required, what cannot be recorded is wiped (a key: destroyed).
 */
#ifndef BYOK_BACKENDS_AUDIT_TOKEN_H
#define BYOK_BACKENDS_AUDIT_TOKEN_H

#include "backends/backend.h"

/*
 * Puts it above *token where records are wanted, and leaves *token alone where not. The token below is its own from
 * then on. `label` is what this module calls the token; lent for its life, as the section is. CKR_HOST_MEMORY: *token
 * is as it was.
 */
MUST_USE CK_RV audit_token_above(const struct settings *section, const char *label, struct token **token);

#endif
