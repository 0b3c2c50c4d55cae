/* Text that becomes part of an address or of a form. */
#ifndef BYOK_BACKENDS_KEYVAULT_URL_TEXT_H
#define BYOK_BACKENDS_KEYVAULT_URL_TEXT_H

#include "backends/base/buffer.h"

/*
 * Appends `value` with all but the unreserved characters of RFC 3986 as %XX, which both queries and
 * application/x-www-form-urlencoded understand.
 */
MUST_USE CK_RV url_append_encoded(struct buffer *to, struct bytes value);

#endif
