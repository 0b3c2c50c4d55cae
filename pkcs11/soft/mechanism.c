/* The table of mechanisms, and how their parameters are read. */
#include "pkcs11/soft/mechanism.h"
#include <string.h>

enum {
    AES_BLOCK = 16,
    KEY_WRAP_IV = 8,        /* RFC 3394, 2.2.3 */
    LONGEST_GCM_IV = 128,   /* OpenSSL's own limit */
    SHORTEST_TAG_BITS = 96, /* SP 800-38D, 5.2.1.2, without the two for special uses */
    LONGEST_TAG_BITS = 128
};

static CK_RV read_nothing(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    (void)parameter;
    return from->ulParameterLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV read_pkcs1(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    parameter->padding = RSA_PADDING_PKCS1;
    return read_nothing(from, parameter);
}

/*
 * Both hashes alike and no label: all that key services know.
 * No parameter: the defaults of RFC 8017, A.2.1.
 */
static CK_RV read_oaep(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    CK_RSA_PKCS_OAEP_PARAMS oaep;

    parameter->padding = RSA_PADDING_OAEP_SHA1;
    if (from->pParameter == NULL && from->ulParameterLen == 0) {
        return CKR_OK;
    }
    if (from->pParameter == NULL || from->ulParameterLen != sizeof oaep) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    memcpy(&oaep, from->pParameter, sizeof oaep);
    if ((oaep.source != 0 && oaep.source != CKZ_DATA_SPECIFIED) || oaep.ulSourceDataLen != 0) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    if (oaep.hashAlg == CKM_SHA_1 && oaep.mgf == CKG_MGF1_SHA1) {
        return CKR_OK;
    }
    parameter->padding = RSA_PADDING_OAEP_SHA256;
    return oaep.hashAlg == CKM_SHA256 && oaep.mgf == CKG_MGF1_SHA256 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV read_gcm(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    CK_GCM_PARAMS gcm;

    if (from->pParameter == NULL || from->ulParameterLen != sizeof gcm) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    memcpy(&gcm, from->pParameter, sizeof gcm);
    if (gcm.pIv == NULL || gcm.ulIvLen == 0 || gcm.ulIvLen > LONGEST_GCM_IV ||
        (gcm.ulIvBits != 0 && gcm.ulIvBits != gcm.ulIvLen * 8) || (gcm.pAAD == NULL && gcm.ulAADLen != 0)) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    if (gcm.ulTagBits < SHORTEST_TAG_BITS || gcm.ulTagBits > LONGEST_TAG_BITS || gcm.ulTagBits % 8 != 0) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    parameter->iv = bytes_of(gcm.pIv, gcm.ulIvLen);
    parameter->aad = bytes_of(gcm.pAAD, gcm.ulAADLen);
    parameter->tag_size = gcm.ulTagBits / 8;
    return CKR_OK;
}

static CK_RV read_cbc(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    parameter->iv = bytes_of(from->pParameter, from->ulParameterLen);
    return from->pParameter != NULL && from->ulParameterLen == AES_BLOCK ? CKR_OK
                                                                         : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV read_key_wrap(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    if (from->ulParameterLen == 0) {
        return CKR_OK;
    }
    parameter->iv = bytes_of(from->pParameter, from->ulParameterLen);
    return from->pParameter != NULL && from->ulParameterLen == KEY_WRAP_IV ? CKR_OK
                                                                           : CKR_MECHANISM_PARAM_INVALID;
}

#define RSA_USES (CKF_ENCRYPT | CKF_DECRYPT | CKF_WRAP | CKF_UNWRAP)

static const struct mechanism table[] = {
    {CKM_RSA_PKCS, FAMILY_RSA, CKK_RSA, {2048, 4096, RSA_USES}, read_pkcs1},
    {CKM_RSA_PKCS_OAEP, FAMILY_RSA, CKK_RSA, {2048, 4096, RSA_USES}, read_oaep},
    {CKM_AES_KEY_GEN, FAMILY_KEY_GEN, CKK_AES, {16, 32, CKF_GENERATE}, read_nothing},
    {CKM_AES_CBC_PAD, FAMILY_CBC_PAD, CKK_AES, {16, 32, CKF_ENCRYPT | CKF_DECRYPT}, read_cbc},
    {CKM_AES_GCM, FAMILY_GCM, CKK_AES, {16, 32, CKF_ENCRYPT | CKF_DECRYPT}, read_gcm},
    {CKM_AES_KEY_WRAP, FAMILY_KEY_WRAP, CKK_AES, {16, 32, CKF_WRAP | CKF_UNWRAP}, read_key_wrap},
    {CKM_GENERIC_SECRET_KEY_GEN, FAMILY_KEY_GEN, CKK_GENERIC_SECRET, {8, 32768, CKF_GENERATE}, read_nothing},
};

enum { ROWS = sizeof table / sizeof table[0] };

static const struct mechanism *row_of(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (table[i].type == type) {
            return &table[i];
        }
    }
    return NULL;
}

CK_RV mechanism_read(const CK_MECHANISM *from, CK_FLAGS flag, const struct mechanism **ret_mechanism,
                     struct mechanism_parameter *ret_parameter)
{
    struct mechanism_parameter parameter = {RSA_PADDING_OAEP_SHA1};
    const struct mechanism *row;
    CK_RV rv;

    if (from == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    row = row_of(from->mechanism);
    if (row == NULL || (row->info.flags & flag) == 0) {
        return CKR_MECHANISM_INVALID;
    }
    rv = row->read(from, &parameter);
    if (rv != CKR_OK) {
        return rv;
    }
    *ret_mechanism = row;
    *ret_parameter = parameter;
    return CKR_OK;
}

CK_RV mechanism_list(CK_MECHANISM_TYPE *ret_list, CK_ULONG *ret_count)
{
    CK_ULONG room;

    if (ret_count == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    room = *ret_count;
    *ret_count = ROWS;
    if (ret_list == NULL) {
        return CKR_OK;
    }
    if (room < ROWS) {
        return CKR_BUFFER_TOO_SMALL;
    }
    for (size_t i = 0; i < ROWS; i++) {
        ret_list[i] = table[i].type;
    }
    return CKR_OK;
}

CK_RV mechanism_info(CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info)
{
    const struct mechanism *row = row_of(type);

    if (ret_info == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    if (row == NULL) {
        return CKR_MECHANISM_INVALID;
    }
    *ret_info = row->info;
    return CKR_OK;
}
