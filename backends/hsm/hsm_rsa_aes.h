/* CKM_RSA_AES_KEY_WRAP, made of what the HSM has. */
#ifndef BYOK_BACKENDS_HSM_HSM_RSA_AES_H
#define BYOK_BACKENDS_HSM_HSM_RSA_AES_H

#include "backends/hsm/hsm_session.h"

/*
 * C_WrapKey and C_UnwrapKey with this mechanism. CKR_KEY_NOT_WRAPPABLE and CKR_KEY_FUNCTION_NOT_PERMITTED for an RSA
 * key with a template for what it wraps: the HSM cannot hold the inner key to it. CKR_KEY_SIZE_RANGE where the
 * HSM would wrap another key than was asked for. CKR_WRAPPED_KEY_INVALID for a blob of which either half does not
 * open.
 */
MUST_USE CK_RV hsm_rsa_aes_wrap(struct hsm_session *session, const CK_MECHANISM *mechanism,
                                CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG *out_size);
MUST_USE CK_RV hsm_rsa_aes_unwrap(struct hsm_session *session, const CK_MECHANISM *mechanism,
                                  CK_OBJECT_HANDLE kek, CK_BYTE *blob, CK_ULONG size, CK_ATTRIBUTE *template,
                                  CK_ULONG count, CK_OBJECT_HANDLE *ret_key);

#endif
