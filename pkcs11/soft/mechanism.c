/* The table of mechanisms. */
#include "pkcs11/soft/mechanism.h"

#define CRYPT    (CKF_ENCRYPT | CKF_DECRYPT)
#define MESSAGES (CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE)
#define WRAP     (CKF_WRAP | CKF_UNWRAP)
#define RSA_USES (CRYPT | WRAP)
#define SIGN     (CKF_SIGN | CKF_VERIFY)
#define NO_KEY   CK_UNAVAILABLE_INFORMATION
#define EC_SIGN  (SIGN | CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)

static const struct mechanism table[] = {
    {CKM_RSA_PKCS, FAMILY_RSA, CKK_RSA, {2048, 4096, RSA_USES | SIGN}, parameter_read_pkcs1},
    {CKM_RSA_PKCS_OAEP, FAMILY_RSA, CKK_RSA, {2048, 4096, RSA_USES}, parameter_read_oaep},
    {CKM_RSA_AES_KEY_WRAP, FAMILY_RSA_AES, CKK_RSA, {2048, 4096, WRAP}, parameter_read_rsa_aes},
    {CKM_AES_KEY_GEN, FAMILY_KEY_GEN, CKK_AES, {16, 32, CKF_GENERATE}, parameter_read_nothing},
    {CKM_AES_ECB, FAMILY_ECB, CKK_AES, {16, 32, CRYPT}, parameter_read_nothing},
    {CKM_AES_CBC, FAMILY_CBC, CKK_AES, {16, 32, CRYPT}, parameter_read_cbc},
    {CKM_AES_CBC_PAD, FAMILY_CBC_PAD, CKK_AES, {16, 32, CRYPT}, parameter_read_cbc},
    {CKM_AES_CTR, FAMILY_CTR, CKK_AES, {16, 32, CRYPT}, parameter_read_ctr},
    {CKM_AES_GCM, FAMILY_GCM, CKK_AES, {16, 32, CRYPT | MESSAGES}, parameter_read_gcm},
    {CKM_AES_KEY_WRAP, FAMILY_KEY_WRAP, CKK_AES, {16, 32, WRAP}, parameter_read_key_wrap},
    /* RFC 5649 under both names, as HSMs do; 2.40 left open what the first one pads with. */
    {CKM_AES_KEY_WRAP_PAD, FAMILY_KEY_WRAP_PAD, CKK_AES, {16, 32, WRAP}, parameter_read_key_wrap_pad},
    {CKM_AES_KEY_WRAP_KWP, FAMILY_KEY_WRAP_PAD, CKK_AES, {16, 32, WRAP}, parameter_read_key_wrap_pad},
    {CKM_GENERIC_SECRET_KEY_GEN,
     FAMILY_KEY_GEN,
     CKK_GENERIC_SECRET,
     {8, 32768, CKF_GENERATE},
     parameter_read_nothing},
    /* clang-format off */
    {CKM_SHA256_RSA_PKCS, FAMILY_SIGNATURE, CKK_RSA, {2048, 4096, SIGN}, parameter_read_nothing, {SIGNATURE_PKCS1, HASH_SHA256}},
    {CKM_SHA384_RSA_PKCS, FAMILY_SIGNATURE, CKK_RSA, {2048, 4096, SIGN}, parameter_read_nothing, {SIGNATURE_PKCS1, HASH_SHA384}},
    {CKM_SHA512_RSA_PKCS, FAMILY_SIGNATURE, CKK_RSA, {2048, 4096, SIGN}, parameter_read_nothing, {SIGNATURE_PKCS1, HASH_SHA512}},
    {CKM_RSA_PKCS_PSS, FAMILY_SIGNATURE, CKK_RSA, {2048, 4096, SIGN}, parameter_read_pss, {SIGNATURE_PSS}},
    {CKM_SHA256_RSA_PKCS_PSS, FAMILY_SIGNATURE, CKK_RSA, {2048, 4096, SIGN}, parameter_read_pss, {SIGNATURE_PSS, HASH_SHA256}},
    {CKM_SHA384_RSA_PKCS_PSS, FAMILY_SIGNATURE, CKK_RSA, {2048, 4096, SIGN}, parameter_read_pss, {SIGNATURE_PSS, HASH_SHA384}},
    {CKM_SHA512_RSA_PKCS_PSS, FAMILY_SIGNATURE, CKK_RSA, {2048, 4096, SIGN}, parameter_read_pss, {SIGNATURE_PSS, HASH_SHA512}},
    {CKM_ECDSA, FAMILY_SIGNATURE, CKK_EC, {256, 521, EC_SIGN}, parameter_read_nothing, {SIGNATURE_ECDSA}},
    {CKM_ECDSA_SHA256, FAMILY_SIGNATURE, CKK_EC, {256, 521, EC_SIGN}, parameter_read_nothing, {SIGNATURE_ECDSA, HASH_SHA256}},
    {CKM_ECDSA_SHA384, FAMILY_SIGNATURE, CKK_EC, {256, 521, EC_SIGN}, parameter_read_nothing, {SIGNATURE_ECDSA, HASH_SHA384}},
    {CKM_ECDSA_SHA512, FAMILY_SIGNATURE, CKK_EC, {256, 521, EC_SIGN}, parameter_read_nothing, {SIGNATURE_ECDSA, HASH_SHA512}},
    {CKM_SHA256_HMAC, FAMILY_HMAC, CKK_GENERIC_SECRET, {8, 32768, SIGN}, parameter_read_nothing, {.hash = HASH_SHA256}},
    {CKM_SHA384_HMAC, FAMILY_HMAC, CKK_GENERIC_SECRET, {8, 32768, SIGN}, parameter_read_nothing, {.hash = HASH_SHA384}},
    {CKM_SHA512_HMAC, FAMILY_HMAC, CKK_GENERIC_SECRET, {8, 32768, SIGN}, parameter_read_nothing, {.hash = HASH_SHA512}},
    {CKM_SHA256_HMAC_GENERAL, FAMILY_HMAC, CKK_GENERIC_SECRET, {8, 32768, SIGN}, parameter_read_mac_size, {.hash = HASH_SHA256}},
    {CKM_SHA384_HMAC_GENERAL, FAMILY_HMAC, CKK_GENERIC_SECRET, {8, 32768, SIGN}, parameter_read_mac_size, {.hash = HASH_SHA384}},
    {CKM_SHA512_HMAC_GENERAL, FAMILY_HMAC, CKK_GENERIC_SECRET, {8, 32768, SIGN}, parameter_read_mac_size, {.hash = HASH_SHA512}},
    {CKM_SHA_1, FAMILY_DIGEST, NO_KEY, {0, 0, CKF_DIGEST}, parameter_read_nothing, {.hash = HASH_SHA1}},
    {CKM_SHA224, FAMILY_DIGEST, NO_KEY, {0, 0, CKF_DIGEST}, parameter_read_nothing, {.hash = HASH_SHA224}},
    {CKM_SHA256, FAMILY_DIGEST, NO_KEY, {0, 0, CKF_DIGEST}, parameter_read_nothing, {.hash = HASH_SHA256}},
    {CKM_SHA384, FAMILY_DIGEST, NO_KEY, {0, 0, CKF_DIGEST}, parameter_read_nothing, {.hash = HASH_SHA384}},
    {CKM_SHA512, FAMILY_DIGEST, NO_KEY, {0, 0, CKF_DIGEST}, parameter_read_nothing, {.hash = HASH_SHA512}},
    /* clang-format on */
};

enum { ROWS = sizeof table / sizeof table[0] };

static const struct mechanism *row_of(const struct token_policy *policy, CK_MECHANISM_TYPE type)
{
    if (!token_policy_has(policy, type)) {
        return NULL;
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (table[i].type == type) {
            return &table[i];
        }
    }
    return NULL;
}

CK_RV mechanism_find(const struct token_policy *policy, const CK_MECHANISM *from, CK_FLAGS flag,
                     const struct mechanism **ret_mechanism)
{
    const struct mechanism *row = from == NULL ? NULL : row_of(policy, from->mechanism);

    if (from == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    if (row == NULL || (row->info.flags & flag) == 0) {
        return CKR_MECHANISM_INVALID;
    }
    *ret_mechanism = row;
    return CKR_OK;
}

CK_RV mechanism_read(const struct token_policy *policy, const CK_MECHANISM *from, CK_FLAGS flag,
                     const struct mechanism **ret_mechanism, struct mechanism_parameter *ret_parameter)
{
    struct mechanism_parameter parameter = {RSA_PADDING_OAEP_SHA1};
    const struct mechanism *row;
    CK_RV rv = mechanism_find(policy, from, flag, &row);

    if (rv != CKR_OK) {
        return rv;
    }
    parameter.hash = row->how.hash;
    parameter.mac_size = hash_size(row->how.hash);
    rv = row->read(from, &parameter);
    if (rv != CKR_OK) {
        return rv;
    }
    *ret_mechanism = row;
    *ret_parameter = parameter;
    return CKR_OK;
}

CK_RV mechanism_list(const struct token_policy *policy, CK_MECHANISM_TYPE *ret_list, CK_ULONG *ret_count)
{
    CK_MECHANISM_TYPE all[ROWS];

    if (ret_count == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    for (size_t i = 0; i < ROWS; i++) {
        all[i] = table[i].type;
    }
    return token_policy_list(policy, all, ROWS, ret_list, ret_count);
}

/* Signatures of smaller keys are still checked. */
static bool is_for_large_keys(const struct mechanism *row)
{
    return row->key_type == CKK_RSA && (row->info.flags & CKF_VERIFY) == 0;
}

CK_RV mechanism_info(const struct token_policy *policy, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info)
{
    const struct mechanism *row = row_of(policy, type);

    if (ret_info == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    if (row == NULL) {
        return CKR_MECHANISM_INVALID;
    }
    *ret_info = row->info;
    if (is_for_large_keys(row) && ret_info->ulMinKeySize < policy->min_rsa_bits) {
        ret_info->ulMinKeySize = policy->min_rsa_bits;
    }
    return CKR_OK;
}
