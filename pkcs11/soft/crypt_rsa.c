/*
 * C_Encrypt and C_Decrypt under a key of the service. A result that did not fit waits in the session, so that
 * a second call costs no second request; a size query never costs one.
 */
#include "pkcs11/soft/crypt.h"
#include <string.h>

static CK_RV begin(struct soft_session *session, struct operation *operation, const struct object *key,
                   const struct mechanism_parameter *parameter)
{
    (void)session;
    (void)key;
    operation->padding = parameter->padding;
    return CKR_OK;
}

static CK_RV seal(struct soft_session *session, struct operation *operation, const struct object *key,
                  struct bytes plain)
{
    struct buffer blob = BUFFER_INIT(LONGEST_BLOB);
    CK_RV rv = soft_rsa_check_plain(key, operation->padding, plain.size, RSA_ENCRYPT);

    if (rv == CKR_OK) {
        rv = soft_rsa_seal(session, key, RSA_ENCRYPT, operation->padding, plain, &blob);
    }
    if (rv == CKR_OK) {
        rv = secret_copy(buffer_bytes(&blob), &operation->result);
    }
    buffer_free(&blob);
    return rv;
}

static CK_RV open_blob(struct soft_session *session, struct operation *operation, const struct object *key,
                       struct bytes blob)
{
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = soft_rsa_check_blob(key, blob.size, RSA_DECRYPT);

    return rv == CKR_OK ? soft_rsa_open(session, key, RSA_DECRYPT, operation->padding, blob,
                                        &operation->result, &answer)
                        : rv;
}

/* The result of just this input is there already: an earlier call had no room for it. */
static bool is_waiting(const struct operation *operation, struct bytes in)
{
    return operation->done && bytes_equal_secret(in, buffer_bytes(&operation->collected));
}

static CK_RV keep_input(struct operation *operation, struct bytes in)
{
    secret_free(&operation->result);
    operation->done = false;
    if (in.data == operation->collected.data) {
        return CKR_OK;
    }
    buffer_clear(&operation->collected);
    return buffer_append(&operation->collected, in.data, in.size);
}

static CK_RV make(struct soft_session *session, struct operation *operation, const struct object *key,
                  struct bytes in)
{
    CK_RV rv = in.size > LONGEST_BLOB ? CKR_OK : keep_input(operation, in);

    if (rv == CKR_OK) {
        rv = operation->encrypt ? seal(session, operation, key, in) : open_blob(session, operation, key, in);
    }
    operation->done = rv == CKR_OK;
    return rv;
}

static CK_RV whole(struct soft_session *session, struct operation *operation, const struct object *key,
                   struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    bool known;
    size_t room = soft_rsa_blob_room(key, &known);
    CK_RV rv = CKR_OK;

    if (is_waiting(operation, in)) {
        return output_deliver(secret_bytes(&operation->result), out, out_size);
    }
    if ((out == NULL || (known && operation->encrypt)) && !output_fits(out, out_size, room, &rv)) {
        return rv;
    }
    rv = make(session, operation, key, in);
    return rv == CKR_OK ? output_deliver(secret_bytes(&operation->result), out, out_size) : rv;
}

/* RSA has one block; parts are collected for C_EncryptFinal and C_DecryptFinal. */
static CK_RV part(struct soft_session *session, struct operation *operation, const struct object *key,
                  struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    (void)session;
    (void)key;
    *out_size = 0;
    if (out == NULL) {
        return CKR_OK;
    }
    if (in.size > LONGEST_BLOB - operation->collected.size) {
        return operation->encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_INVALID;
    }
    return buffer_append(&operation->collected, in.data, in.size);
}

static CK_RV finish(struct soft_session *session, struct operation *operation, const struct object *key,
                    struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    (void)in;
    return whole(session, operation, key, buffer_bytes(&operation->collected), out, out_size);
}

const struct crypt_way crypt_rsa = {begin, whole, part, finish};
