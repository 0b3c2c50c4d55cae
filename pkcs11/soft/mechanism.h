/*
 * THE table of mechanisms. C_GetMechanismList, C_GetMechanismInfo and every Init read it; a new mechanism is
 * one new row. Only what works stands in it.
 */
#ifndef BYOK_PKCS11_SOFT_MECHANISM_H
#define BYOK_PKCS11_SOFT_MECHANISM_H

#include "backends/base/buffer.h"
#include "backends/base/cryptoki.h"
#include "backends/base/rsa.h"

enum mechanism_family { FAMILY_RSA, FAMILY_GCM, FAMILY_CBC_PAD, FAMILY_KEY_WRAP, FAMILY_KEY_GEN };

/* A mechanism's parameter, read and checked. Bytes are lent by the application for the call. */
struct mechanism_parameter {
    enum rsa_padding padding; /* RSA */
    struct bytes iv;          /* AES; empty: the mechanism's own */
    struct bytes aad;         /* AES-GCM */
    size_t tag_size;          /* AES-GCM, bytes */
};

struct mechanism {
    CK_MECHANISM_TYPE type;
    enum mechanism_family family;
    CK_KEY_TYPE key_type;
    CK_MECHANISM_INFO
    info; /* sizes: bits for RSA and generic secrets, bytes for AES, as the standard has them */
    CK_RV (*read)(const CK_MECHANISM *from, struct mechanism_parameter *ret_parameter);
};

/*
 * The row for a mechanism that is used as `flag` says (CKF_WRAP, ...) and its parameter. CKR_ARGUMENTS_BAD,
 * CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID.
 */
MUST_USE CK_RV mechanism_read(const CK_MECHANISM *from, CK_FLAGS flag, const struct mechanism **ret_mechanism,
                              struct mechanism_parameter *ret_parameter);

/* C_GetMechanismList and C_GetMechanismInfo. */
CK_RV mechanism_list(CK_MECHANISM_TYPE *ret_list, CK_ULONG *ret_count);
CK_RV mechanism_info(CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info);

#endif
