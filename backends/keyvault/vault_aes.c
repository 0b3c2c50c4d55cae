/* What a symmetric key of the service does. */
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/vault_algorithm.h"
#include "backends/keyvault/vault_client.h"
#include "backends/keyvault/vault_request.h"

enum {
    BLOCK = 16,
    HALF_BLOCK = 8,
    GCM_IV = 12,
    LONGEST_DATA = 32 * 1024,
    LONGEST_VALUE = LONGEST_DATA + BLOCK
};

static enum vault_verb verb_of(enum aes_verb verb)
{
    static const enum vault_verb verbs[] = {[AES_WRAP] = VAULT_WRAP,
                                            [AES_UNWRAP] = VAULT_UNWRAP,
                                            [AES_ENCRYPT] = VAULT_ENCRYPT,
                                            [AES_DECRYPT] = VAULT_DECRYPT};

    return verbs[verb];
}

static size_t sealed_size(enum aes_algorithm algorithm, size_t size)
{
    switch (algorithm) {
    case AES_KW:
        return size + HALF_BLOCK;
    case AES_KWP:
        return (size + HALF_BLOCK - 1) / HALF_BLOCK * HALF_BLOCK + HALF_BLOCK;
    case AES_CBC_PAD:
        return (size / BLOCK + 1) * BLOCK;
    default:
        return size;
    }
}

/* What comes back is as long as the algorithm makes it. */
static bool length_fits(const struct aes_task *task, size_t size)
{
    bool seals = task->verb == AES_WRAP || task->verb == AES_ENCRYPT;

    return seals ? size == sealed_size(task->algorithm, task->data.size)
                 : size <= LONGEST_DATA && sealed_size(task->algorithm, size) == task->data.size;
}

/* GCM's IV is the service's when it encrypts, and nobody could decrypt without it and the tag. */
static bool extra_fits(const struct aes_task *task, const struct aes_extra *extra)
{
    return task->algorithm != AES_GCM || task->verb != AES_ENCRYPT ||
           (extra->iv_size == GCM_IV && extra->tag_size == AES_TAG_SIZE);
}

static CK_RV ask(struct vault_call *call, const struct aes_task *task, unsigned bits, struct buffer *value,
                 struct aes_extra *extra)
{
    const struct vault_parameters parameters = {.algorithm = vault_algorithm_of_aes(task->algorithm, bits),
                                                .value = task->data,
                                                .iv = task->iv,
                                                .aad = task->aad,
                                                .tag = task->tag};

    return vault_request_operate(call, &parameters, value, extra);
}

static bool is_called_bad(enum service_verdict verdict)
{
    return verdict == VERDICT_BAD_BLOB || verdict == VERDICT_BAD_REQUEST;
}

/*
 * The service does not tell a key's size: where nobody knows it, and the algorithm's name has it in it, each
 * size is tried until one is not called bad. 256 comes first, as it is what most keys have.
 */
static CK_RV try_sizes(struct vault_call *call, const struct aes_task *task, struct buffer *value,
                       struct aes_extra *extra, unsigned *ret_bits)
{
    unsigned bits = 256;
    CK_RV rv;

    call->trial = true;
    rv = ask(call, task, bits, value, extra);
    while (rv != CKR_OK && call->trial && is_called_bad(call->answer->verdict)) {
        bits -= 64;
        call->trial = bits > 128;
        rv = ask(call, task, bits, value, extra);
    }
    *ret_bits = bits;
    return rv;
}

static CK_RV ask_with_size(struct vault_call *call, const struct aes_task *task, struct buffer *value,
                           struct aes_extra *extra)
{
    unsigned bits = task->key_bits;
    CK_RV rv = bits == 0 && vault_algorithm_tells_bits(task->algorithm)
                   ? try_sizes(call, task, value, extra, &bits)
                   : ask(call, task, bits, value, extra);

    if (rv != CKR_OK) {
        return rv;
    }
    if (!length_fits(task, value->size) || !extra_fits(task, extra)) {
        return vault_call_fault(call, "the answer has a length that the algorithm does not give", "");
    }
    extra->key_bits = bits;
    return CKR_OK;
}

/* Before anybody is asked. */
static CK_RV check_task(const struct vault_client *client, const struct aes_task *task)
{
    if (!vault_algorithm_known(task->algorithm, client->api_version)) {
        log_error(client->about, "%s is not known at api-version %s",
                  vault_algorithm_of_aes(task->algorithm, 256), client->api_version);
        return CKR_MECHANISM_INVALID;
    }
    return task->data.size > LONGEST_DATA ? CKR_DATA_LEN_RANGE : CKR_OK;
}

CK_RV vault_client_aes(const struct vault_client *client, const struct key_ref *key,
                       const struct aes_task *task, struct deadline deadline, struct secret *ret_value,
                       struct aes_extra *ret_extra, struct service_answer *ret_answer)
{
    struct buffer value SCOPED(buffer_free) = BUFFER_INIT(LONGEST_VALUE);
    struct vault_call call SCOPED(vault_call_done);
    struct aes_extra extra;
    CK_RV rv;

    vault_call_init(&call, client, verb_of(task->verb), key, deadline, ret_answer);
    rv = check_task(client, task);
    if (rv == CKR_OK) {
        rv = ask_with_size(&call, task, &value, &extra);
    }
    if (rv == CKR_OK) {
        rv = secret_copy(buffer_bytes(&value), ret_value);
    }
    if (rv == CKR_OK) {
        *ret_extra = extra;
    }
    return rv;
}
