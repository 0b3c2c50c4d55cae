/*
 * The soft token: a token that lives in this process and asks a key service for private-key work only. It
 * fills in backend.h's struct token over key_service.h; what it can do is everything in this folder.
 */
#ifndef BYOK_PKCS11_SOFT_TOKEN_H
#define BYOK_PKCS11_SOFT_TOKEN_H

#include "backends/backend.h"
#include "backends/key_service.h"

/* The options of a section that belong to this room, whatever the key service. */
extern const struct setting_option soft_token_options[];
extern const size_t soft_token_option_count;

/*
 * Opens a token over `service`, which it owns from then on, also when it fails. `number` (from 0, at most
 * 2047) differs from token to token: it is part of the object handles, so that one token's are unknown to the
 * others. No network.
 */
MUST_USE CK_RV soft_token_open(struct key_service *service, const struct settings *section, unsigned number,
                               struct token **ret_token);

#endif
