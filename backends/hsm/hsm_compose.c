/* Which calls are composed; and RFC 5649 under the name that the HSM has not. */
#include "backends/hsm/hsm_compose.h"
#include "backends/hsm/hsm_rsa_aes.h"

/* The same mechanism by the HSM's own name, where there is something to be composed at all. */
static CK_MECHANISM renamed(struct hsm_session *session, const CK_MECHANISM *mechanism, CK_FLAGS use)
{
    CK_MECHANISM below = *mechanism;

    (void)hsm_session_rfc5649(session, use, &below.mechanism);
    return below;
}

static bool is_composed(struct hsm_session *session, const CK_MECHANISM *mechanism, CK_FLAGS use)
{
    if (mechanism == NULL || hsm_session_is_gone(session)) {
        return false;
    }
    switch (mechanism->mechanism) {
    case CKM_RSA_AES_KEY_WRAP:
    case CKM_AES_KEY_WRAP_KWP:
    case CKM_AES_KEY_WRAP_PAD:
        return hsm_session_composes(session, mechanism->mechanism, use);
    default:
        return false;
    }
}

CK_RV hsm_compose_wrap_key(struct token_session *base, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                           CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG *out_size)
{
    struct hsm_session *session = (struct hsm_session *)base;

    if (!is_composed(session, mechanism, CKF_WRAP)) {
        return hsm_pass_wrap_key(base, mechanism, wrapping_key, key, out, out_size);
    }
    if (mechanism->mechanism == CKM_RSA_AES_KEY_WRAP) {
        return hsm_rsa_aes_wrap(session, mechanism, wrapping_key, key, out, out_size);
    }
    CK_MECHANISM below = renamed(session, mechanism, CKF_WRAP);

    return hsm_pass_wrap_key(base, &below, wrapping_key, key, out, out_size);
}

CK_RV hsm_compose_unwrap_key(struct token_session *base, CK_MECHANISM *mechanism,
                             CK_OBJECT_HANDLE unwrapping_key, CK_BYTE *blob, CK_ULONG blob_size,
                             CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_key)
{
    struct hsm_session *session = (struct hsm_session *)base;

    if (!is_composed(session, mechanism, CKF_UNWRAP)) {
        return hsm_pass_unwrap_key(base, mechanism, unwrapping_key, blob, blob_size, template, count,
                                   ret_key);
    }
    if (mechanism->mechanism == CKM_RSA_AES_KEY_WRAP) {
        return hsm_rsa_aes_unwrap(session, mechanism, unwrapping_key, blob, blob_size, template, count,
                                  ret_key);
    }
    CK_MECHANISM below = renamed(session, mechanism, CKF_UNWRAP);

    return hsm_pass_unwrap_key(base, &below, unwrapping_key, blob, blob_size, template, count, ret_key);
}
