/*
 * One way to encrypt and decrypt: what crypt.c asks of RSA and of the modes of AES.
 * The session's lock is held.
 */
#ifndef BYOK_PKCS11_SOFT_CRYPT_H
#define BYOK_PKCS11_SOFT_CRYPT_H

#include "pkcs11/soft/soft.h"

/* The key is entered for the call; `in` is checked for NULL; *out_size is never read where `out` is NULL. */
typedef CK_RV crypt_step(struct soft_session *session, struct operation *operation, const struct object *key,
                         struct bytes in, CK_BYTE *out, CK_ULONG *out_size);

struct crypt_way {
    CK_RV(*begin)
    (struct soft_session *session, struct operation *operation, const struct object *key,
     const struct mechanism_parameter *parameter);
    crypt_step *whole;  /* C_Encrypt, C_Decrypt */
    crypt_step *part;   /* C_EncryptUpdate, C_DecryptUpdate */
    crypt_step *finish; /* C_EncryptFinal, C_DecryptFinal; `in` is empty */
};

extern const struct crypt_way crypt_rsa, crypt_gcm, crypt_cbc, crypt_block, crypt_service;

/* One more part of a block cipher, which gives out `size` bytes and holds the rest back. */
MUST_USE CK_RV crypt_block_part(struct operation *operation, struct bytes in, size_t size, CK_BYTE *out,
                                CK_ULONG *out_size);

#endif
