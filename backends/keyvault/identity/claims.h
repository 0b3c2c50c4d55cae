/* The claims that a token is asked for with (OpenID Connect Core 1.0, 5.5). No network. */
#ifndef BYOK_BACKENDS_KEYVAULT_IDENTITY_CLAIMS_H
#define BYOK_BACKENDS_KEYVAULT_IDENTITY_CLAIMS_H

#include "backends/base/buffer.h"

/*
 * What `challenge` says (JSON; NULL: nothing; what is no object counts as nothing), and that we can answer
 * such challenges (the client capability cp1); appended. CKR_DATA_LEN_RANGE, CKR_HOST_MEMORY.
 */
MUST_USE CK_RV claims_write(const char *challenge, struct buffer *ret_claims);

#endif
