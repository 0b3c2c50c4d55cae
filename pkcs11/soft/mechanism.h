/*
 * THE table of mechanisms. C_GetMechanismList, C_GetMechanismInfo and every Init read it; a new mechanism is
 * one new row. Only what works stands in it, and of that a token has what its policy asks for.
 */
#ifndef BYOK_PKCS11_SOFT_MECHANISM_H
#define BYOK_PKCS11_SOFT_MECHANISM_H

#include "backends/token_policy.h"
#include "pkcs11/soft/mechanism_parameter.h"

enum mechanism_family {
    FAMILY_RSA,
    FAMILY_RSA_AES,
    FAMILY_ECB,
    FAMILY_CBC,
    FAMILY_CBC_PAD,
    FAMILY_CTR,
    FAMILY_GCM,
    FAMILY_KEY_WRAP,
    FAMILY_KEY_WRAP_PAD,
    FAMILY_KEY_GEN,
    FAMILY_SIGNATURE,
    FAMILY_HMAC,
    FAMILY_DIGEST
};

struct mechanism {
    CK_MECHANISM_TYPE type;
    enum mechanism_family family;
    CK_KEY_TYPE key_type;
    CK_MECHANISM_INFO info; /* sizes: bytes for AES, else bits, as the standard has them */
    parameter_reader *read;
    struct signature_way how; /* signatures; HMAC and digests: its hash */
};

/* The row for a mechanism that is used as `flag` says, whatever its parameter. */
MUST_USE CK_RV mechanism_find(const struct token_policy *policy, const CK_MECHANISM *from, CK_FLAGS flag,
                              const struct mechanism **ret_mechanism);
/*
 * The row for a mechanism that is used as `flag` says (CKF_WRAP, ...) and its parameter. CKR_ARGUMENTS_BAD,
 * CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID.
 */
MUST_USE CK_RV mechanism_read(const struct token_policy *policy, const CK_MECHANISM *from, CK_FLAGS flag,
                              const struct mechanism **ret_mechanism,
                              struct mechanism_parameter *ret_parameter);

/* C_GetMechanismList and C_GetMechanismInfo. */
CK_RV mechanism_list(const struct token_policy *policy, CK_MECHANISM_TYPE *ret_list, CK_ULONG *ret_count);
CK_RV mechanism_info(const struct token_policy *policy, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info);

#endif
