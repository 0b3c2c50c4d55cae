/*
 * The DigestInfo of RSASSA-PKCS1-v1_5, read: applications that hash themselves hand it to CKM_RSA_PKCS, and key
 * services want the digest alone. RFC 8017, 9.2.
 */
#ifndef BYOK_PKCS11_SOFT_DIGEST_INFO_H
#define BYOK_PKCS11_SOFT_DIGEST_INFO_H

#include "backends/base/hash.h"

/*
 * The one encoding that RFC 8017 has for each of SHA-256, SHA-384 and SHA-512: a key service writes that one,
 * so with any other the signature would be of other bytes than those that were to be signed. The digest is
 * lent by `data`. CKR_DATA_LEN_RANGE where it has none of the three lengths, CKR_DATA_INVALID.
 */
MUST_USE CK_RV digest_info_read(struct bytes data, enum hash *ret_hash, struct bytes *ret_digest);

#endif
