/* How the parameters of mechanisms are read: one reader for each form, named by the rows of mechanism.c. */
#ifndef BYOK_PKCS11_SOFT_MECHANISM_PARAMETER_H
#define BYOK_PKCS11_SOFT_MECHANISM_PARAMETER_H

#include "backends/base/buffer.h"
#include "backends/base/cryptoki.h"
#include "backends/base/hash.h"
#include "backends/base/rsa.h"

enum { LONGEST_GCM_IV = 128 /* bytes; OpenSSL's own limit */ };

/* A mechanism's parameter, read and checked. Bytes are lent by the application for the call. */
struct mechanism_parameter {
    enum rsa_padding padding; /* RSA */
    size_t aes_size;          /* CKM_RSA_AES_KEY_WRAP: bytes of the key in the middle */
    struct bytes iv;          /* AES; empty: the mechanism's own */
    struct bytes aad;         /* AES-GCM */
    size_t tag_size;          /* AES-GCM, bytes */
    size_t counter_bits;      /* AES-CTR */
    enum hash hash;           /* PSS and what hashes; before it is read: the mechanism's own */
    size_t mac_size;          /* HMAC, bytes; before it is read: all */
};

/* CKR_MECHANISM_PARAM_INVALID where it is not what the mechanism wants, or not what can be done. */
typedef CK_RV parameter_reader(const CK_MECHANISM *from, struct mechanism_parameter *parameter);

parameter_reader parameter_read_nothing, parameter_read_pkcs1, parameter_read_oaep, parameter_read_rsa_aes,
    parameter_read_gcm, parameter_read_cbc, parameter_read_ctr, parameter_read_key_wrap,
    parameter_read_key_wrap_pad, parameter_read_pss, parameter_read_mac_size;

/* Of one message under AES-GCM, which has it in place of the mechanism's. */
MUST_USE CK_RV parameter_read_gcm_message(const void *from, CK_ULONG size,
                                          struct gcm_message_params *ret_parameter);

#endif
