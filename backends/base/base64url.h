/*
 * Base64url without padding (RFC 4648 section 5), as the service writes every number and blob. Decoding is
 * strict: no padding, no white space, no '+' or '/', no stray bits in the last character.
 */
#ifndef BYOK_BASE_BASE64URL_H
#define BYOK_BASE_BASE64URL_H

#include "backends/base/buffer.h"

/* Appended to `to`. CKR_DATA_LEN_RANGE beyond its limit, CKR_HOST_MEMORY. */
MUST_USE CK_RV base64url_encode(struct bytes from, struct buffer *to);
/* Appended to `to`. CKR_DATA_INVALID where `text` is not base64url, else as above; `to` is then as it was. */
MUST_USE CK_RV base64url_decode(const char *text, struct buffer *to);

#endif
