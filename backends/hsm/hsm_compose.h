/* Wrapping and unwrapping with mechanisms that the HSM lacks, out of those that it has. */
#ifndef BYOK_BACKENDS_HSM_HSM_COMPOSE_H
#define BYOK_BACKENDS_HSM_HSM_COMPOSE_H

#include "backends/hsm/hsm_session.h"

/*
 * C_WrapKey and C_UnwrapKey: passed through where the HSM has the mechanism, or nobody can make it. No key
 * leaves the HSM in the clear; a temporary AES key is a session object there, and destroyed on every way out.
 */
CK_RV hsm_compose_wrap_key(struct token_session *base, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                           CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG *out_size);
CK_RV hsm_compose_unwrap_key(struct token_session *base, CK_MECHANISM *mechanism,
                             CK_OBJECT_HANDLE unwrapping_key, CK_BYTE *blob, CK_ULONG blob_size,
                             CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_key);

#endif
