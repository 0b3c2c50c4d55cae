/* Blocks of PEM files (RFC 7468) as DER. */
#ifndef BYOK_PKCS11_SOFT_PEM_H
#define BYOK_PKCS11_SOFT_PEM_H

#include "backends/base/buffer.h"

/*
 * Appends the first block with this label ("CERTIFICATE") to `to`; others may stand before it. CKR_DATA_INVALID
 * where there is none.
 */
MUST_USE CK_RV pem_read(struct bytes pem, const char *label, struct buffer *to);

#endif
