/* C_WrapKey and C_Encrypt with an RSA key: here, or at the service. */
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/key_policy.h"
#include "pkcs11/soft/rsa_words.h"
#include <string.h>

static CK_RV seal_here(const struct rsa_public *key, enum rsa_task task, enum rsa_padding padding,
                       struct bytes plain, struct buffer *ret_blob)
{
    if (plain.size > rsa_longest_plaintext(rsa_public_bits(key), padding)) {
        return rsa_words[task].too_long;
    }
    buffer_clear(ret_blob);
    return rsa_encrypt(key, padding, plain, ret_blob);
}

static CK_RV seal_there(const struct rsa_use *use, struct bytes plain, struct deadline deadline,
                        struct buffer *ret_blob, struct service_answer *ret_answer)
{
    struct service_key *key = use->key->key;
    struct key_access *access = &use->session->token->catalogue.access;
    const struct key_service_ops *ops = access->service->ops;
    CK_RV rv;

    rv = (use->task == RSA_WRAP ? ops->wrap : ops->encrypt)(access->service, &key->ref, use->padding, plain,
                                                            deadline, ret_blob, ret_answer);
    service_key_learn(key, access, ret_answer, rv == CKR_OK ? ret_blob->size : 0);
    if (rv == CKR_OK && use->task == RSA_WRAP) {
        service_key_wrapped(key, ret_answer);
    }
    if (rv != CKR_OK) {
        rv = soft_judge_dates(use->session, key, rv, ret_answer);
    }
    soft_session_note(use->session, rv, ret_answer);
    return rv;
}

static CK_RV seal_with_part(const struct rsa_use *use, const struct public_part *part, struct bytes plain,
                            struct buffer *ret_blob, struct service_answer *ret_answer)
{
    *ret_answer = (struct service_answer){VERDICT_NONE};
    memcpy(ret_answer->version, part->info.version, sizeof ret_answer->version);
    return seal_here(part->info.rsa, use->task, use->padding, plain, ret_blob);
}

/* Whether a key as the owner wants it made the blob; another version may have come into use meanwhile. */
static CK_RV check_sealed(const struct rsa_use *use, struct bytes blob, struct deadline deadline,
                          struct service_answer *ret_answer)
{
    struct key_access *access = &use->session->token->catalogue.access;
    CK_RV rv = key_policy_check_size(use->key->key, access, blob.size);

    return rv == CKR_OK
               ? key_policy_check(use->key->key, access, rsa_words[use->task].use, deadline, ret_answer)
               : rv;
}

static CK_RV seal_anywhere(const struct rsa_use *use, struct bytes plain, struct deadline deadline,
                           struct buffer *ret_blob, struct service_answer *ret_answer)
{
    struct public_part *part SCOPED(public_part_free_scoped) = NULL;
    struct key_access *access = &use->session->token->catalogue.access;
    CK_RV rv = (use->task == RSA_WRAP ? service_key_wrap_here : service_key_encrypt_here)(
        use->key->key, access, deadline, &part, ret_answer);

    soft_session_note(use->session, rv, ret_answer);
    if (rv != CKR_OK) {
        return rv;
    }
    rv = soft_rsa_permits(use->session, use->key, use->task); /* more may be known by now */
    if (rv != CKR_OK) {
        return rv;
    }
    return part != NULL ? seal_with_part(use, part, plain, ret_blob, ret_answer)
                        : seal_there(use, plain, deadline, ret_blob, ret_answer);
}

static CK_RV service_seal(const struct rsa_use *use, struct bytes plain, struct buffer *ret_blob,
                          struct service_answer *ret_answer)
{
    struct key_access *access = &use->session->token->catalogue.access;
    struct deadline deadline = soft_deadline(use->session->token);
    CK_RV rv = key_policy_check(use->key->key, access, rsa_words[use->task].use, deadline, ret_answer);

    if (rv == CKR_OK) {
        rv = seal_anywhere(use, plain, deadline, ret_blob, ret_answer);
    } else {
        soft_session_note(use->session, rv, ret_answer);
    }
    if (rv == CKR_OK) {
        rv = check_sealed(use, buffer_bytes(ret_blob), deadline, ret_answer);
    }
    return rv == CKR_KEY_HANDLE_INVALID ? rsa_words[use->task].gone : rv;
}

/* A key that the application brought: wrapping under it gives the value to whoever has the other half. */
static void log_local_wrap(const struct soft_session *session)
{
    log_info(session->token->label, "a key is wrapped under a public key that an application created");
}

static CK_RV local_seal(const struct rsa_use *use, struct bytes plain, struct buffer *ret_blob)
{
    if (use->task == RSA_WRAP) {
        log_local_wrap(use->session);
    }
    return seal_here(use->key->local->value->numbers.rsa, use->task, use->padding, plain, ret_blob);
}

CK_RV soft_rsa_seal(const struct rsa_use *use, struct bytes plain, struct buffer *ret_blob,
                    struct service_answer *ret_answer)
{
    int64_t began = audit_began();
    CK_RV rv;

    if (use->key->local != NULL) {
        return local_seal(use, plain, ret_blob);
    }
    rv = service_seal(use, plain, ret_blob, ret_answer);
    rv = rsa_record(use, rv == CKR_OK ? buffer_bytes(ret_blob) : bytes_of(NULL, 0), ret_answer, began, rv);
    if (rv != CKR_OK) {
        buffer_clear(ret_blob);
    }
    return rv;
}
