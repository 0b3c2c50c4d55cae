/* C_Encrypt and C_Decrypt with an RSA key. */
#include "pkcs11/soft/crypt_kept.h"

static struct rsa_use use_of(struct soft_session *session, const struct operation *operation,
                             const struct object *key, enum rsa_task task)
{
    return (struct rsa_use){session,   key, task, operation->mechanism->type, operation->padding,
                            {NULL, 0}, NULL};
}

static CK_RV seal(struct soft_session *session, struct operation *operation, const struct object *key,
                  struct bytes plain)
{
    struct buffer blob = BUFFER_INIT(LONGEST_BLOB);
    struct rsa_use use = use_of(session, operation, key, RSA_ENCRYPT);
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = soft_rsa_check_plain(key, operation->padding, plain.size, RSA_ENCRYPT);

    if (rv == CKR_OK) {
        rv = soft_rsa_seal(&use, plain, &blob, &answer);
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
    struct rsa_use use = use_of(session, operation, key, RSA_DECRYPT);
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = soft_rsa_check_blob(key, blob.size, RSA_DECRYPT);

    return rv == CKR_OK ? soft_rsa_open(&use, blob, &operation->result, &answer) : rv;
}

static CK_RV make(struct soft_session *session, struct operation *operation, const struct object *key,
                  struct bytes in)
{
    return operation->encrypt ? seal(session, operation, key, in) : open_blob(session, operation, key, in);
}

/* What a ciphertext opens to is shorter by what only opening it tells. */
static size_t room(const struct operation *operation, const struct object *key, size_t size, bool *ret_known)
{
    bool known;
    size_t blob_size = soft_rsa_blob_room(key, &known);

    (void)size;
    *ret_known = known && operation->encrypt;
    return blob_size;
}

static const struct kept_way kept = {LONGEST_BLOB, CKR_ENCRYPTED_DATA_INVALID, room, make};

static CK_RV begin(struct soft_session *session, struct operation *operation, const struct object *key,
                   const struct mechanism_parameter *parameter)
{
    (void)session;
    (void)key;
    operation->kept = &kept;
    operation->padding = parameter->padding;
    return CKR_OK;
}

const struct crypt_way crypt_rsa = {begin, crypt_kept_whole, crypt_kept_part, crypt_kept_finish};
