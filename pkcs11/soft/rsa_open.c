/* C_UnwrapKey and C_Decrypt with an RSA key: by any version of a key of the service, or by one that lives here. */
#include "backends/base/log.h"
#include "backends/base/rsa_decrypt.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/key_policy.h"
#include "pkcs11/soft/rsa_words.h"
#include "pkcs11/soft/version.h"

/* Milliseconds until the next try. */
static int64_t failure_wait(struct soft_token *token, const struct object *key)
{
    int64_t wait;

    if (key->local == NULL) {
        return service_key_failure_wait(key->key);
    }
    pthread_mutex_lock(&token->lock);
    wait = failure_limit_wait(&token->local_failures, clock_now());
    pthread_mutex_unlock(&token->lock);
    return wait;
}

/* Others may fail meanwhile, so what is left to wait is asked for again. */
static CK_RV wait_turn(const struct soft_session *session, const struct object *key, enum rsa_padding padding,
                       struct deadline deadline)
{
    int64_t wait;

    while (padding == RSA_PADDING_PKCS1 && (wait = failure_wait(session->token, key)) != 0) {
        if (!deadline_sleep(deadline, wait)) {
            log_warning(
                session->token->label,
                "key %s: too many bad ciphertexts under CKM_RSA_PKCS; they are limited to %d a second, "
                "and the timeout of this call does not permit to wait %lld ms",
                key->local == NULL ? key->key->text : "of a session", MOST_FAILURES, (long long)wait);
            return CKR_DEVICE_ERROR;
        }
    }
    return CKR_OK;
}

void soft_rsa_bad_blob(struct soft_token *token, const struct object *key, enum rsa_padding padding)
{
    if (padding != RSA_PADDING_PKCS1) {
        return;
    }
    if (key->local == NULL) {
        service_key_failed(key->key);
        return;
    }
    pthread_mutex_lock(&token->lock);
    failure_limit_note(&token->local_failures, clock_now());
    pthread_mutex_unlock(&token->lock);
}

/* A version opens a blob where it opens all of it (why: wrap_rsa_aes.c). */
static CK_RV open_rest(const struct rsa_use *use, CK_RV rv, struct secret *plain,
                       struct service_answer *answer)
{
    CK_RV rest;

    if (use->opening == NULL || (rv != CKR_OK && answer->verdict != VERDICT_BAD_BLOB)) {
        return rv;
    }
    rest = use->opening->open(use->opening, plain);
    if (rv != CKR_OK || rest == CKR_OK) {
        return rv;
    }
    secret_free(plain);
    if (rest == CKR_WRAPPED_KEY_INVALID) {
        answer->verdict = VERDICT_BAD_BLOB;
    }
    return rest;
}

/* Of all versions one request each. */
struct opening {
    const struct rsa_use *use;
    struct bytes parts[2]; /* what is RSA's, and the rest */
    struct deadline deadline;
    struct secret *plain;
};

static CK_RV ask_version(void *arg, const struct key_ref *ref, struct service_answer *ret_answer)
{
    const struct opening *opening = arg;
    const struct rsa_use *use = opening->use;
    struct key_service *service = use->session->token->service;
    int64_t began = clock_now();
    CK_RV rv;

    rv = (use->task == RSA_UNWRAP ? service->ops->unwrap : service->ops->decrypt)(
        service, ref, use->padding, opening->parts[0], opening->deadline, opening->plain, ret_answer);
    if (use->task == RSA_UNWRAP) {
        soft_lease_answered(use->session->token, use->key->key, version_asked(ref, ret_answer), ret_answer,
                            began);
    }
    return open_rest(use, rv, opening->plain, ret_answer);
}

/* Under RSAES-PKCS1-v1_5 a wrong key yields a valid padding now and then, and so a silently wrong plaintext. */
static struct version_use version_use_of(struct opening *opening)
{
    const struct rsa_use *use = opening->use;

    return (struct version_use){.key = use->key->key,
                                .access = &use->session->token->catalogue.access,
                                .deadline = opening->deadline,
                                .request = ask_version,
                                .arg = opening,
                                .proof = use->padding == RSA_PADDING_PKCS1 ? PROOF_SOME : PROOF_FULL,
                                .how = (unsigned)use->padding << 1 | (use->task == RSA_UNWRAP) |
                                       (use->opening == NULL ? 0 : use->opening->how) << 16,
                                .parts = opening->parts,
                                .part_count = use->opening == NULL ? 1 : 2,
                                .blob_size = opening->parts[0].size,
                                .key_use = rsa_words[use->task].use,
                                .bad_blob = rsa_words[use->task].bad_blob,
                                .gone = rsa_words[use->task].gone};
}

/* Only a version whose modulus is as long as the blob can open it. */
static CK_RV open_any(const struct rsa_use *use, struct bytes blob, struct deadline deadline,
                      struct secret *ret_plain, struct service_answer *ret_answer)
{
    struct opening opening = {use, {blob, use->rest}, deadline, ret_plain};
    struct version_use version = version_use_of(&opening);
    CK_RV rv = key_policy_check_size(version.key, version.access, blob.size);

    if (rv == CKR_OK) {
        rv = version_open(&version, ret_answer);
    }
    soft_session_note(use->session, rv, ret_answer);
    return rv;
}

/* One record, however many requests it took. */
static CK_RV service_open(const struct rsa_use *use, struct bytes blob, struct deadline deadline,
                          struct secret *ret_plain, struct service_answer *ret_answer)
{
    int64_t began = audit_began();
    CK_RV rv = open_any(use, blob, deadline, ret_plain, ret_answer);

    rv = rsa_record(use, blob, ret_answer, began, rv);
    if (rv != CKR_OK) {
        secret_free(ret_plain);
    }
    return rv;
}

bool soft_rsa_remembers(const struct rsa_use *use, struct bytes blob)
{
    struct opening opening = {use, {blob, use->rest}, {0}, NULL};
    struct version_use version = version_use_of(&opening);

    return use->key->local == NULL && version_is_remembered(&version);
}

static CK_RV local_open(const struct rsa_use *use, struct bytes blob, struct secret *ret_plain,
                        struct service_answer *ret_answer)
{
    CK_RV rv = rsa_decrypt(local_key_pkey(use->key->local), use->padding, blob, ret_plain);

    if (rv != CKR_ENCRYPTED_DATA_INVALID) {
        return rv;
    }
    ret_answer->verdict = VERDICT_BAD_BLOB;
    return rsa_words[use->task].bad_blob;
}

CK_RV soft_rsa_open(const struct rsa_use *use, struct bytes blob, struct secret *ret_plain,
                    struct service_answer *ret_answer)
{
    struct deadline deadline = soft_deadline(use->session->token);
    CK_RV rv = wait_turn(use->session, use->key, use->padding, deadline);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = use->key->local != NULL
             ? open_rest(use, local_open(use, blob, ret_plain, ret_answer), ret_plain, ret_answer)
             : service_open(use, blob, deadline, ret_plain, ret_answer);
    if (ret_answer->verdict == VERDICT_BAD_BLOB) {
        soft_rsa_bad_blob(use->session->token, use->key, use->padding);
    }
    return rv;
}
