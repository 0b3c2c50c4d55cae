/* A key of a token that lies below: what it says of itself, and what it is called in records and in the log. */
#ifndef BYOK_BACKENDS_TOKEN_KEY_H
#define BYOK_BACKENDS_TOKEN_KEY_H

#include "backends/backend.h"
#include "backends/key_service.h"

/*
 * CKR_OK also where it does not tell all of it; what it does not tell has ulValueLen CK_UNAVAILABLE_INFORMATION.
 * Else what the token answers.
 */
MUST_USE CK_RV token_key_attributes(struct token_session *below, CK_OBJECT_HANDLE key, CK_ATTRIBUTE *list,
                                    CK_ULONG count);

/*
 * Its URI (RFC 7512) under `label`, which is what this module calls the token; "handle 0x..." where it says nothing of
 * itself. True for a key of the token, and for one that does not tell; false for one of a session.
 */
bool token_key_name(struct token_session *below, const char *label, CK_OBJECT_HANDLE key,
                    char ret_text[KEY_TEXT_SIZE]);

#endif
