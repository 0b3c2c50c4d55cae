/* How the parameters of mechanisms are read. */
#include "pkcs11/soft/mechanism_parameter.h"
#include <stddef.h>
#include <string.h>

enum {
    AES_BLOCK = 16,
    KEY_WRAP_IV = 8,        /* RFC 3394, 2.2.3 */
    KEY_WRAP_PAD_IV = 4,    /* RFC 5649, 3: the half that is not the length */
    SHORTEST_TAG_BITS = 96, /* SP 800-38D, 5.2.1.2, without the two for special uses */
    LONGEST_TAG_BITS = 128
};

CK_RV parameter_read_nothing(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    (void)parameter;
    return from->ulParameterLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

CK_RV parameter_read_pkcs1(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    parameter->padding = RSA_PADDING_PKCS1;
    return parameter_read_nothing(from, parameter);
}

/*
 * Both hashes alike and no label: all that key services know.
 * No parameter: the defaults of RFC 8017, A.2.1.
 */
CK_RV parameter_read_oaep(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
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

CK_RV parameter_read_rsa_aes(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    struct rsa_aes_key_wrap_params both;
    CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, NULL, sizeof(CK_RSA_PKCS_OAEP_PARAMS)};

    if (from->pParameter == NULL || from->ulParameterLen != sizeof both) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    memcpy(&both, from->pParameter, sizeof both);
    if (both.aes_bits != 128 && both.aes_bits != 192 && both.aes_bits != 256) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    parameter->aes_size = both.aes_bits / 8;
    oaep.pParameter = both.oaep;
    return parameter_read_oaep(&oaep, parameter);
}

static bool is_tag_size(CK_ULONG bits)
{
    return bits >= SHORTEST_TAG_BITS && bits <= LONGEST_TAG_BITS && bits % 8 == 0;
}

CK_RV parameter_read_gcm_message(const void *from, CK_ULONG size, struct gcm_message_params *ret_parameter)
{
    struct gcm_message_params gcm;

    if (from == NULL || size != sizeof gcm) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    memcpy(&gcm, from, sizeof gcm);
    if (gcm.iv == NULL || gcm.iv_size == 0 || gcm.iv_size > LONGEST_GCM_IV ||
        gcm.iv_fixed_bits > gcm.iv_size * 8 || gcm.generator > CKG_GENERATE_COUNTER_XOR) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    if (gcm.tag == NULL || !is_tag_size(gcm.tag_bits)) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    *ret_parameter = gcm;
    return CKR_OK;
}

CK_RV parameter_read_gcm(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
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
    if (!is_tag_size(gcm.ulTagBits)) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    parameter->iv = bytes_of(gcm.pIv, gcm.ulIvLen);
    parameter->aad = bytes_of(gcm.pAAD, gcm.ulAADLen);
    parameter->tag_size = gcm.ulTagBits / 8;
    return CKR_OK;
}

CK_RV parameter_read_cbc(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    parameter->iv = bytes_of(from->pParameter, from->ulParameterLen);
    return from->pParameter != NULL && from->ulParameterLen == AES_BLOCK ? CKR_OK
                                                                         : CKR_MECHANISM_PARAM_INVALID;
}

CK_RV parameter_read_ctr(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    CK_AES_CTR_PARAMS ctr;

    if (from->pParameter == NULL || from->ulParameterLen != sizeof ctr) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    memcpy(&ctr, from->pParameter, sizeof ctr);
    parameter->iv =
        bytes_of((const unsigned char *)from->pParameter + offsetof(CK_AES_CTR_PARAMS, cb), AES_BLOCK);
    parameter->counter_bits = ctr.ulCounterBits;
    return ctr.ulCounterBits == 0 || ctr.ulCounterBits > AES_BLOCK * 8 ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
}

static CK_RV read_iv_or_nothing(const CK_MECHANISM *from, size_t size, struct mechanism_parameter *parameter)
{
    if (from->ulParameterLen == 0) {
        return CKR_OK;
    }
    parameter->iv = bytes_of(from->pParameter, from->ulParameterLen);
    return from->pParameter != NULL && from->ulParameterLen == size ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

CK_RV parameter_read_key_wrap(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    return read_iv_or_nothing(from, KEY_WRAP_IV, parameter);
}

CK_RV parameter_read_key_wrap_pad(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    return read_iv_or_nothing(from, KEY_WRAP_PAD_IV, parameter);
}

/* MGF1 with the same hash and a salt of its length: all that key services know. */
CK_RV parameter_read_pss(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_RSA_PKCS_MGF_TYPE mgf;
        enum hash hash;
    } hashes[] = {{CKM_SHA256, CKG_MGF1_SHA256, HASH_SHA256},
                  {CKM_SHA384, CKG_MGF1_SHA384, HASH_SHA384},
                  {CKM_SHA512, CKG_MGF1_SHA512, HASH_SHA512}};
    CK_RSA_PKCS_PSS_PARAMS pss;

    if (from->pParameter == NULL || from->ulParameterLen != sizeof pss) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    memcpy(&pss, from->pParameter, sizeof pss);
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        if (pss.hashAlg == hashes[i].type && pss.mgf == hashes[i].mgf &&
            pss.sLen == hash_size(hashes[i].hash) &&
            (parameter->hash == HASH_NONE || parameter->hash == hashes[i].hash)) {
            parameter->hash = hashes[i].hash;
            return CKR_OK;
        }
    }
    return CKR_MECHANISM_PARAM_INVALID;
}

CK_RV parameter_read_mac_size(const CK_MECHANISM *from, struct mechanism_parameter *parameter)
{
    CK_ULONG size;

    if (from->pParameter == NULL || from->ulParameterLen != sizeof size) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    memcpy(&size, from->pParameter, sizeof size);
    if (size == 0 || size > parameter->mac_size) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    parameter->mac_size = size;
    return CKR_OK;
}
