/* RSA by a key of the service: the public half here or there, the private half always there. */
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/key_attribute.h"
#include "pkcs11/soft/soft.h"

enum { LARGEST_BITS = 4096, FORBIDDEN = 403 };

static const struct task {
    enum key_use use;
    CK_RV other_type; /* the key is not RSA */
    CK_RV too_long;   /* the plaintext, for this key */
    CK_RV bad_blob;
} tasks[] = {
    [RSA_WRAP] = {KEY_USE_WRAP, CKR_WRAPPING_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE,
                  CKR_WRAPPED_KEY_INVALID},
    [RSA_UNWRAP] = {KEY_USE_UNWRAP, CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE,
                    CKR_WRAPPED_KEY_INVALID},
    [RSA_ENCRYPT] = {KEY_USE_ENCRYPT, CKR_KEY_TYPE_INCONSISTENT, CKR_DATA_LEN_RANGE,
                     CKR_ENCRYPTED_DATA_INVALID},
    [RSA_DECRYPT] = {KEY_USE_DECRYPT, CKR_KEY_TYPE_INCONSISTENT, CKR_DATA_LEN_RANGE,
                     CKR_ENCRYPTED_DATA_INVALID},
};

/* Old knowledge forbids nothing: the owner may have changed the key, which the service knows. */
CK_RV soft_rsa_permits(const struct soft_session *session, struct service_key *key, enum rsa_task task)
{
    const struct key_access *access = &session->token->catalogue.access;
    struct public_part *part SCOPED(public_part_free_scoped) = service_key_current(key, access);
    enum key_type type = service_key_type(key);

    if (type != KEY_TYPE_UNKNOWN && type != KEY_TYPE_RSA) {
        return tasks[task].other_type;
    }
    return key_allows(part, tasks[task].use) ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

size_t soft_rsa_blob_room(struct service_key *key, bool *ret_known)
{
    size_t size = service_key_blob_size(key);

    *ret_known = size != 0;
    return size != 0 ? size : LARGEST_BITS / 8;
}

CK_RV soft_rsa_check_plain(struct service_key *key, enum rsa_padding padding, size_t size, enum rsa_task task)
{
    bool known;
    size_t blob_size = soft_rsa_blob_room(key, &known);

    return size > rsa_longest_plaintext((unsigned)blob_size * 8, padding) ? tasks[task].too_long : CKR_OK;
}

/* Other versions of a key, the next one too, may be of another size. */
CK_RV soft_rsa_check_blob(struct service_key *key, size_t size, enum rsa_task task)
{
    size_t known = key->ref.version == NULL ? 0 : service_key_blob_size(key);
    bool fits = known != 0 ? size == known : size == 2048 / 8 || size == 3072 / 8 || size == 4096 / 8;

    return fits ? CKR_OK : tasks[task].bad_blob;
}

static CK_RV seal_here(const struct public_part *part, enum rsa_task task, enum rsa_padding padding,
                       struct bytes plain, struct buffer *ret_blob)
{
    if (plain.size > rsa_longest_plaintext(rsa_public_bits(part->info.rsa), padding)) {
        return tasks[task].too_long;
    }
    buffer_clear(ret_blob);
    return rsa_encrypt(part->info.rsa, padding, plain, ret_blob);
}

CK_RV soft_judge_dates(const struct soft_session *session, struct service_key *key, CK_RV rv,
                       const struct service_answer *answer)
{
    if (answer->status == FORBIDDEN && service_key_outside_dates(key, &session->token->catalogue.access)) {
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    return rv;
}

static CK_RV seal_there(struct soft_session *session, struct service_key *key, enum rsa_task task,
                        enum rsa_padding padding, struct bytes plain, struct deadline deadline,
                        struct buffer *ret_blob)
{
    struct key_access *access = &session->token->catalogue.access;
    const struct key_service_ops *ops = access->service->ops;
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv;

    rv = (task == RSA_WRAP ? ops->wrap : ops->encrypt)(access->service, &key->ref, padding, plain, deadline,
                                                       ret_blob, &answer);
    service_key_learn(key, access, &answer, rv == CKR_OK ? ret_blob->size : 0);
    if (rv == CKR_OK && task == RSA_WRAP) {
        service_key_wrapped(key, &answer);
    }
    if (rv != CKR_OK) {
        rv = soft_judge_dates(session, key, rv, &answer);
    }
    soft_session_note(session, rv, &answer);
    return rv;
}

CK_RV soft_rsa_seal(struct soft_session *session, struct service_key *key, enum rsa_task task,
                    enum rsa_padding padding, struct bytes plain, struct buffer *ret_blob)
{
    struct public_part *part SCOPED(public_part_free_scoped) = NULL;
    struct key_access *access = &session->token->catalogue.access;
    struct deadline deadline = soft_deadline(session->token);
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv;

    rv = (task == RSA_WRAP ? service_key_wrap_here : service_key_encrypt_here)(key, access, deadline, &part,
                                                                               &answer);
    soft_session_note(session, rv, &answer);
    if (rv != CKR_OK) {
        return rv == CKR_KEY_HANDLE_INVALID && task == RSA_WRAP ? CKR_WRAPPING_KEY_HANDLE_INVALID : rv;
    }
    rv = soft_rsa_permits(session, key, task); /* more may be known by now */
    if (rv != CKR_OK) {
        return rv;
    }
    return part != NULL ? seal_here(part, task, padding, plain, ret_blob)
                        : seal_there(session, key, task, padding, plain, deadline, ret_blob);
}

/* Others may fail meanwhile, so what is left to wait is asked for again. */
static CK_RV wait_turn(const struct soft_session *session, struct service_key *key, enum rsa_padding padding,
                       struct deadline deadline)
{
    int64_t wait;

    while (padding == RSA_PADDING_PKCS1 && (wait = service_key_failure_wait(key)) != 0) {
        if (!deadline_sleep(deadline, wait)) {
            log_warning(
                session->token->label,
                "key %s: too many bad ciphertexts under CKM_RSA_PKCS; they are limited to %d a second, "
                "and the timeout of this call does not permit to wait %lld ms",
                key->text, MOST_FAILURES, (long long)wait);
            return CKR_DEVICE_ERROR;
        }
    }
    return CKR_OK;
}

void soft_rsa_bad_blob(struct service_key *key, enum rsa_padding padding)
{
    if (padding == RSA_PADDING_PKCS1) {
        service_key_failed(key);
    }
}

CK_RV soft_rsa_open(struct soft_session *session, struct service_key *key, enum rsa_task task,
                    enum rsa_padding padding, struct bytes blob, struct secret *ret_plain,
                    struct service_answer *ret_answer)
{
    struct key_access *access = &session->token->catalogue.access;
    const struct key_service_ops *ops = access->service->ops;
    struct deadline deadline = soft_deadline(session->token);
    CK_RV rv = wait_turn(session, key, padding, deadline);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = (task == RSA_UNWRAP ? ops->unwrap : ops->decrypt)(access->service, &key->ref, padding, blob,
                                                           deadline, ret_plain, ret_answer);
    service_key_learn(key, access, ret_answer, rv == CKR_OK ? blob.size : 0);
    if (ret_answer->verdict == VERDICT_BAD_BLOB) {
        soft_rsa_bad_blob(key, padding);
    }
    soft_session_note(session, rv, ret_answer);
    return rv;
}
