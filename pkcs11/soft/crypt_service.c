/*
 * C_Encrypt and C_Decrypt with a symmetric key of the service. Under AES-GCM the service chooses the IV, which
 * C_Encrypt could not tell: so only the message functions encrypt with it.
 */
#include "pkcs11/soft/crypt_kept.h"
#include <string.h>

enum { BLOCK = 16 };

static bool takes_parameter(const struct operation *operation, const struct mechanism_parameter *parameter)
{
    if (operation->mechanism->family != FAMILY_GCM) {
        return true;
    }
    return !operation->encrypt && parameter->iv.size == GCM_IV && parameter->tag_size == AES_TAG_SIZE;
}

static size_t room(const struct operation *operation, const struct object *key, size_t size, bool *ret_known)
{
    enum mechanism_family family = operation->mechanism->family;

    (void)key;
    *ret_known = family != FAMILY_CBC_PAD || operation->encrypt;
    if (family == FAMILY_GCM) {
        return size < AES_TAG_SIZE ? 0 : size - AES_TAG_SIZE;
    }
    return family == FAMILY_CBC_PAD && operation->encrypt ? size / BLOCK * BLOCK + BLOCK : size;
}

static bool length_fits(const struct operation *operation, size_t size)
{
    switch (operation->mechanism->family) {
    case FAMILY_GCM:
        return size >= AES_TAG_SIZE;
    case FAMILY_CBC_PAD:
        return operation->encrypt || (size != 0 && size % BLOCK == 0);
    default:
        return size % BLOCK == 0;
    }
}

static struct aes_task task_of(const struct operation *operation, struct bytes in)
{
    struct aes_task task = {.verb = operation->encrypt ? AES_ENCRYPT : AES_DECRYPT,
                            .data = in,
                            .iv = bytes_of(operation->iv, operation->iv_size)};

    if (operation->mechanism->family == FAMILY_GCM) {
        task.data.size -= AES_TAG_SIZE;
        task.tag = bytes_of(in.data + task.data.size, AES_TAG_SIZE);
        task.aad = buffer_bytes(&operation->aad);
    }
    return task;
}

static CK_RV make(struct soft_session *session, struct operation *operation, const struct object *key,
                  struct bytes in)
{
    struct service_answer answer = {VERDICT_NONE};
    struct aes_extra extra = {0};

    if (!length_fits(operation, in.size)) {
        return operation->encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
    }
    if (in.size == 0 && operation->mechanism->family == FAMILY_CBC) {
        return CKR_OK;
    }
    return soft_aes_ask(session, key, operation->mechanism, task_of(operation, in), &operation->result,
                        &extra, &answer);
}

static const struct kept_way kept = {LONGEST_ASKED, CKR_ENCRYPTED_DATA_LEN_RANGE, room, make};

static CK_RV begin(struct soft_session *session, struct operation *operation, const struct object *key,
                   const struct mechanism_parameter *parameter)
{
    (void)session;
    (void)key;
    if (!takes_parameter(operation, parameter)) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    operation->kept = &kept;
    operation->iv_size = parameter->iv.size;
    memcpy(operation->iv, parameter->iv.data, parameter->iv.size);
    return buffer_append(&operation->aad, parameter->aad.data, parameter->aad.size);
}

const struct crypt_way crypt_service = {begin, crypt_kept_whole, crypt_kept_part, crypt_kept_finish};
