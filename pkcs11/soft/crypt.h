/*
 * One way to encrypt and decrypt: what crypt.c asks of RSA and of the modes of AES.
 * The session's lock is held.
 */
#ifndef BYOK_PKCS11_SOFT_CRYPT_H
#define BYOK_PKCS11_SOFT_CRYPT_H

#include "pkcs11/soft/soft.h"

/*
 * Key and IV into the operation's context: one that waits with the key, where there is one. The key lives here, and is
 * entered. CKR_FUNCTION_FAILED, CKR_HOST_MEMORY.
 */
MUST_USE CK_RV crypt_begin_cipher(struct soft_session *session, struct operation *operation,
                                  const struct object *key, enum cipher_mode mode, struct bytes iv);

/* A context that waited may have been one with padding or one without. */
void crypt_set_padding(struct operation *operation, bool padding);

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

/* Whether the key may encrypt or decrypt so. CKR_KEY_HANDLE_INVALID where there is none (NULL). */
MUST_USE CK_RV crypt_check_key(const struct soft_session *session, const struct object *object,
                               const struct mechanism *mechanism, bool encrypt);
/* False where there is none, or a logout has ended it. */
bool crypt_is_running_locked(const struct soft_session *session, struct operation *operation);
/*
 * Copies the input to `aside` where the cipher would write over what it has yet to read: it may begin in the
 * same place (2.40, 5.8.3), but not with bytes held back from the part before, which come out first.
 */
MUST_USE CK_RV crypt_set_apart(const struct operation *operation, struct bytes *in, const CK_BYTE *out,
                               const CK_ULONG *out_size, struct buffer *aside);

/* The end of a message under AES-GCM. `out` may be where `text` is; it is wiped where the tag is wrong. */
MUST_USE CK_RV crypt_gcm_put_tag(struct operation *operation, unsigned char *tag);
MUST_USE CK_RV crypt_gcm_open(struct operation *operation, struct bytes text, const unsigned char *tag,
                              unsigned char *out);

/* One more part of a block cipher, which gives out `size` bytes and holds the rest back. */
MUST_USE CK_RV crypt_block_part(struct operation *operation, struct bytes in, size_t size, CK_BYTE *out,
                                CK_ULONG *out_size);

#endif
