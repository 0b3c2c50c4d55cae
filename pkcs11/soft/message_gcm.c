/* Messages under AES-GCM: by a key that is here, or at the service by one of its own. */
#include "backends/base/scope.h"
#include "pkcs11/soft/crypt.h"
#include <string.h>

/* Parts are kept back until the tag has been verified, or until the service is asked. */
static bool keeps_back(const struct message *message)
{
    return !message->messaging->operation.encrypt || message->key->local == NULL;
}

/* The service has its own way to choose an IV of 12 bytes, and gives tags of 16. */
static bool service_takes(const struct message *message)
{
    const struct gcm_message_params *parameter = message->parameter;
    bool generates = parameter->generator == CKG_GENERATE || parameter->generator == CKG_GENERATE_RANDOM;

    if (parameter->iv_size != GCM_IV || parameter->tag_bits != AES_TAG_SIZE * 8) {
        return false;
    }
    return !message->messaging->operation.encrypt || (generates && parameter->iv_fixed_bits == 0);
}

static CK_RV begin_there(const struct message *message, struct bytes aad)
{
    struct operation *operation = &message->messaging->operation;

    if (!service_takes(message)) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    operation->iv_size = operation->encrypt ? 0 : GCM_IV;
    memcpy(operation->iv, message->parameter->iv, operation->iv_size);
    buffer_clear(&operation->aad);
    return buffer_append(&operation->aad, aad.data, aad.size);
}

/* A context that once had an IV of another length would read that many bytes of the next. */
static CK_RV begin_context(const struct message *message, struct bytes iv)
{
    struct operation *operation = &message->messaging->operation;

    if (operation->keeps && iv.size == GCM_IV) {
        return cipher_next(operation->context, iv);
    }
    if (operation->context != NULL) {
        EVP_CIPHER_CTX_reset(operation->context);
    }
    return crypt_begin_cipher(message->session, operation, message->key, CIPHER_GCM, iv);
}

static CK_RV begin_here(const struct message *message, struct bytes aad)
{
    struct bytes iv = bytes_of(message->parameter->iv, message->parameter->iv_size);
    size_t written;
    CK_RV rv = begin_context(message, iv);

    return rv == CKR_OK ? cipher_update(message->messaging->operation.context, aad, NULL, &written) : rv;
}

CK_RV message_begin(const struct message *message, struct bytes aad)
{
    struct operation *operation = &message->messaging->operation;
    CK_RV rv = CKR_OK;

    buffer_clear(&operation->collected);
    operation->tag_size = message->parameter->tag_bits / 8;
    message->messaging->iv_size = message->parameter->iv_size;
    if (message->key->local == NULL) {
        return begin_there(message, aad);
    }
    if (operation->encrypt) {
        rv = message_iv(message->messaging, message->parameter);
    }
    return rv == CKR_OK ? begin_here(message, aad) : rv;
}

size_t message_part_size(const struct message *message, size_t size, bool last)
{
    if (!keeps_back(message)) {
        return size;
    }
    return last ? message->messaging->operation.collected.size + size : 0;
}

static CK_RV ask(const struct message *message, struct bytes in, unsigned char *out)
{
    struct operation *operation = &message->messaging->operation;
    struct secret value SCOPED(secret_free) = SECRET_INIT;
    struct service_answer answer = {VERDICT_NONE};
    struct aes_extra extra = {0};
    struct aes_task task = {.verb = operation->encrypt ? AES_ENCRYPT : AES_DECRYPT,
                            .data = in,
                            .iv = bytes_of(operation->iv, operation->iv_size),
                            .aad = buffer_bytes(&operation->aad)};
    CK_RV rv;

    if (!operation->encrypt) {
        task.tag = bytes_of(message->parameter->tag, operation->tag_size);
    }
    rv = soft_aes_ask(message->session, message->key, operation->mechanism, task, &value, &extra, &answer);
    if (rv == CKR_ENCRYPTED_DATA_INVALID) {
        return CKR_AEAD_DECRYPT_FAILED;
    }
    if (rv != CKR_OK || value.size != in.size) {
        return rv != CKR_OK ? rv : CKR_DEVICE_ERROR;
    }
    if (value.size != 0) {
        memcpy(out, value.data, value.size);
    }
    if (operation->encrypt) {
        memcpy(message->parameter->iv, extra.iv, GCM_IV);
        memcpy(message->parameter->tag, extra.tag, AES_TAG_SIZE);
    }
    return CKR_OK;
}

static CK_RV finish(const struct message *message, struct bytes in, unsigned char *out)
{
    struct operation *operation = &message->messaging->operation;
    CK_RV rv;

    if (message->key->local == NULL) {
        return ask(message, in, out);
    }
    rv = crypt_gcm_open(operation, in, message->parameter->tag, out);
    return rv == CKR_ENCRYPTED_DATA_INVALID ? CKR_AEAD_DECRYPT_FAILED : rv;
}

/* What comes whole is not copied. */
static CK_RV keep_part(const struct message *message, struct bytes in, bool last, unsigned char *out)
{
    struct operation *operation = &message->messaging->operation;
    size_t longest = message->key->local == NULL ? LONGEST_ASKED : LONGEST_COLLECTED;
    CK_RV rv;

    if (in.size > longest - operation->collected.size) {
        return operation->encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
    }
    if (last && operation->collected.size == 0) {
        return finish(message, in, out);
    }
    rv = buffer_append(&operation->collected, in.data, in.size);
    return rv == CKR_OK && last ? finish(message, buffer_bytes(&operation->collected), out) : rv;
}

CK_RV message_part(const struct message *message, struct bytes in, bool last, unsigned char *out)
{
    struct operation *operation = &message->messaging->operation;
    size_t written;
    CK_RV rv;

    if (keeps_back(message)) {
        return keep_part(message, in, last, out);
    }
    rv = cipher_update(operation->context, in, out, &written);
    return rv == CKR_OK && last ? crypt_gcm_put_tag(operation, message->parameter->tag) : rv;
}
