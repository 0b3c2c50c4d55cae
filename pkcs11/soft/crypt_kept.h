/*
 * Ways to encrypt and decrypt whose result waits in the session where it did not fit, so that a second call costs
 * no second request; a size query never costs one. Parts are collected for C_EncryptFinal and C_DecryptFinal.
 */
#ifndef BYOK_PKCS11_SOFT_CRYPT_KEPT_H
#define BYOK_PKCS11_SOFT_CRYPT_KEPT_H

#include "pkcs11/soft/crypt.h"

struct kept_way {
    size_t longest; /* bytes of input */
    CK_RV too_long; /* for ciphertexts; for plaintexts it is CKR_DATA_LEN_RANGE */
    /* Bytes of the result for `size` bytes of input; ret_known false: it may be less. */
    size_t (*room)(const struct operation *operation, const struct object *key, size_t size, bool *ret_known);
    /* The result goes to operation->result, which is empty. */
    CK_RV(*make)
    (struct soft_session *session, struct operation *operation, const struct object *key, struct bytes in);
};

/* For ways whose begin sets operation->kept. */
crypt_step crypt_kept_whole, crypt_kept_part, crypt_kept_finish;

#endif
