/* AES-CBC with padding (PKCS#11 2.40, mechanisms 2.11.4). Every bad last block has the same code. */
#include "backends/base/libcrypto_errors.h"
#include "pkcs11/soft/crypt.h"
#include <string.h>

enum { BLOCK = 16 };

static CK_RV begin(struct soft_session *session, struct operation *operation, const struct object *key,
                   const struct mechanism_parameter *parameter)
{
    CK_RV rv = crypt_begin_cipher(session, operation, key, CIPHER_CBC, parameter->iv);

    if (rv == CKR_OK) {
        crypt_set_padding(operation, true);
    }
    return rv;
}

/* What libcrypto gives out for `size` bytes more: whole blocks, and when decrypting never the last one. */
static size_t part_size(const struct operation *operation, size_t size)
{
    size_t total = operation->held + size, out = total - total % BLOCK;

    return !operation->encrypt && out == total && out != 0 ? out - BLOCK : out;
}

static CK_RV final_block(struct operation *operation, unsigned char *out, size_t *ret_written)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) =
        libcrypto_errors("the last block of AES-CBC");
    unsigned char last[BLOCK];
    int count = 0;

    errors.none = EVP_CipherFinal_ex(operation->context, last, &count) == 1;
    if (!errors.none) {
        return operation->encrypt ? CKR_FUNCTION_FAILED : CKR_ENCRYPTED_DATA_INVALID;
    }
    if (count != 0) {
        memcpy(out, last, (size_t)count);
    }
    wipe(last, sizeof last);
    *ret_written = (size_t)count;
    return CKR_OK;
}

/* `out` has room for all that can come. */
static CK_RV run(struct operation *operation, struct bytes in, unsigned char *out, size_t *ret_written)
{
    size_t written = 0, last = 0;
    CK_RV rv = cipher_update(operation->context, in, out, &written);

    if (rv == CKR_OK) {
        rv = final_block(operation, out + written, &last);
    }
    if (rv != CKR_OK) {
        wipe(out, written);
        return rv;
    }
    *ret_written = written + last;
    return CKR_OK;
}

static CK_RV encrypt_rest(struct operation *operation, struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    size_t size = in.size - in.size % BLOCK + BLOCK, written;
    CK_RV rv;

    if (in.size > SIZE_MAX / 2) {
        return CKR_DATA_LEN_RANGE;
    }
    if (!output_fits(out, out_size, size, &rv)) {
        return rv;
    }
    rv = run(operation, in, out, &written);
    *out_size = size;
    return rv;
}

/* The length is known only after decrypting, which a tight buffer must not stop half way. */
static CK_RV decrypt_aside(struct operation *operation, struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    size_t written;
    CK_RV rv = buffer_resize(&operation->collected, in.size + BLOCK);

    if (rv == CKR_OK) {
        rv = run(operation, in, operation->collected.data, &written);
    }
    if (rv == CKR_OK) {
        rv = buffer_resize(&operation->collected, written);
    }
    if (rv != CKR_OK) {
        return rv == CKR_DATA_LEN_RANGE ? CKR_ENCRYPTED_DATA_LEN_RANGE : rv;
    }
    operation->done = true;
    return output_deliver(buffer_bytes(&operation->collected), out, out_size);
}

/* As C_DecryptInit left it. */
static CK_RV begin_again(struct soft_session *session, struct operation *operation, const struct object *key)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) =
        libcrypto_errors("beginning AES-CBC again");
    unsigned char iv[BLOCK];

    operation->done = false;
    buffer_free(&operation->collected);
    if (EVP_CIPHER_CTX_get_original_iv(operation->context, iv, sizeof iv) != 1) {
        return CKR_FUNCTION_FAILED;
    }
    return cipher_begin(&session->token->ciphers, &operation->context, CIPHER_CBC, false,
                        secret_bytes(&key->local->value->secret), bytes_of(iv, sizeof iv));
}

/* The next call may bring other input, so a plaintext that did not fit does not wait: it is made again. */
static CK_RV decrypt_tight(struct soft_session *session, struct operation *operation,
                           const struct object *key, struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    CK_RV rv = decrypt_aside(operation, in, out, out_size), again;

    if (rv != CKR_BUFFER_TOO_SMALL) {
        return rv;
    }
    again = begin_again(session, operation, key);
    return again == CKR_OK ? rv : again;
}

static CK_RV decrypt_whole(struct soft_session *session, struct operation *operation,
                           const struct object *key, struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    size_t written;
    CK_RV rv;

    if (in.size == 0 || in.size % BLOCK != 0) {
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    }
    if (out == NULL || *out_size < in.size - BLOCK) {
        output_fits(out, out_size, in.size, &rv);
        return rv;
    }
    if (*out_size < in.size) {
        return decrypt_tight(session, operation, key, in, out, out_size);
    }
    rv = run(operation, in, out, &written);
    *out_size = rv == CKR_OK ? written : 0;
    return rv;
}

static CK_RV whole(struct soft_session *session, struct operation *operation, const struct object *key,
                   struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    return operation->encrypt ? encrypt_rest(operation, in, out, out_size)
                              : decrypt_whole(session, operation, key, in, out, out_size);
}

static CK_RV part(struct soft_session *session, struct operation *operation, const struct object *key,
                  struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    (void)session;
    (void)key;
    if (in.size > SIZE_MAX / 2) {
        return CKR_DATA_LEN_RANGE;
    }
    return crypt_block_part(operation, in, part_size(operation, in.size), out, out_size);
}

static CK_RV decrypt_rest(struct operation *operation, CK_BYTE *out, CK_ULONG *out_size)
{
    CK_RV rv;

    if (!operation->done && operation->held != BLOCK) {
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    }
    if (!operation->done && out == NULL) {
        output_fits(out, out_size, BLOCK, &rv);
        return rv;
    }
    return operation->done ? output_deliver(buffer_bytes(&operation->collected), out, out_size)
                           : decrypt_aside(operation, bytes_of(NULL, 0), out, out_size);
}

static CK_RV finish(struct soft_session *session, struct operation *operation, const struct object *key,
                    struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    (void)session;
    (void)key;
    return operation->encrypt ? encrypt_rest(operation, in, out, out_size)
                              : decrypt_rest(operation, out, out_size);
}

const struct crypt_way crypt_cbc = {begin, whole, part, finish};
