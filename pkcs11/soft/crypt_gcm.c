/*
 * AES-GCM (SP 800-38D; PKCS#11 2.40, mechanisms 2.12): the tag follows the ciphertext, and nothing is
 * released before it is verified, so parts of a ciphertext are collected until C_DecryptFinal.
 */
#include "backends/base/libcrypto_errors.h"
#include "pkcs11/soft/crypt.h"
#include <string.h>

enum { LONGEST_TAG = 16 };

static CK_RV begin(struct soft_session *session, struct operation *operation, const struct object *key,
                   const struct mechanism_parameter *parameter)
{
    size_t written;
    CK_RV rv = crypt_begin_cipher(session, operation, key, CIPHER_GCM, parameter->iv);

    operation->tag_size = parameter->tag_size;
    return rv == CKR_OK ? cipher_update(operation->context, parameter->aad, NULL, &written) : rv;
}

CK_RV crypt_gcm_put_tag(struct operation *operation, unsigned char *tag)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("making a GCM tag");
    unsigned char rest[LONGEST_TAG];
    int count;

    errors.none =
        EVP_CipherFinal_ex(operation->context, rest, &count) == 1 &&
        EVP_CIPHER_CTX_ctrl(operation->context, EVP_CTRL_AEAD_GET_TAG, (int)operation->tag_size, tag) == 1;
    return errors.none ? CKR_OK : CKR_FUNCTION_FAILED;
}

CK_RV crypt_gcm_open(struct operation *operation, struct bytes text, const unsigned char *tag,
                     unsigned char *out)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("verifying a GCM tag");
    unsigned char wanted[LONGEST_TAG], rest[LONGEST_TAG];
    size_t written;
    int count;
    CK_RV rv;

    memcpy(wanted, tag, operation->tag_size); /* out may reach as far */
    rv = cipher_update(operation->context, text, out, &written);
    if (rv == CKR_OK && (EVP_CIPHER_CTX_ctrl(operation->context, EVP_CTRL_AEAD_SET_TAG,
                                             (int)operation->tag_size, wanted) != 1 ||
                         EVP_CipherFinal_ex(operation->context, rest, &count) != 1)) {
        rv = CKR_ENCRYPTED_DATA_INVALID;
    }
    errors.none = rv == CKR_OK;
    if (rv != CKR_OK) {
        wipe(out, text.size);
    }
    return rv;
}

static CK_RV encrypt_whole(struct operation *operation, struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    size_t written;
    CK_RV rv;

    if (in.size > SIZE_MAX / 2) {
        return CKR_DATA_LEN_RANGE;
    }
    if (!output_fits(out, out_size, in.size + operation->tag_size, &rv)) {
        return rv;
    }
    rv = cipher_update(operation->context, in, out, &written);
    if (rv == CKR_OK) {
        rv = crypt_gcm_put_tag(operation, out + in.size);
    }
    *out_size = in.size + operation->tag_size;
    return rv;
}

static CK_RV decrypt_whole(struct operation *operation, struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    struct bytes text = in;
    CK_RV rv;

    if (in.size < operation->tag_size) {
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    }
    text.size -= operation->tag_size;
    if (!output_fits(out, out_size, text.size, &rv)) {
        return rv;
    }
    *out_size = text.size;
    return crypt_gcm_open(operation, text, in.data + text.size, out);
}

static CK_RV whole(struct soft_session *session, struct operation *operation, const struct object *key,
                   struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    (void)session;
    (void)key;
    return operation->encrypt ? encrypt_whole(operation, in, out, out_size)
                              : decrypt_whole(operation, in, out, out_size);
}

static CK_RV part(struct soft_session *session, struct operation *operation, const struct object *key,
                  struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    size_t written;
    CK_RV rv;

    (void)session;
    (void)key;
    if (!output_fits(out, out_size, operation->encrypt ? in.size : 0, &rv)) {
        return rv;
    }
    *out_size = operation->encrypt ? in.size : 0;
    if (operation->encrypt) {
        return cipher_update(operation->context, in, out, &written);
    }
    rv = buffer_append(&operation->collected, in.data, in.size);
    return rv == CKR_DATA_LEN_RANGE ? CKR_ENCRYPTED_DATA_LEN_RANGE : rv;
}

static CK_RV finish(struct soft_session *session, struct operation *operation, const struct object *key,
                    struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    (void)session;
    (void)key;
    return operation->encrypt ? encrypt_whole(operation, in, out, out_size)
                              : decrypt_whole(operation, buffer_bytes(&operation->collected), out, out_size);
}

const struct crypt_way crypt_gcm = {begin, whole, part, finish};
