/*
 * RSA by a key of the service: the public half here or there, the private half always there. Or by a key that
 * lives here, and then all of it.
 */
#include "backends/base/log.h"
#include "backends/base/rsa_decrypt.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/key_attribute.h"
#include "pkcs11/soft/key_policy.h"
#include "pkcs11/soft/soft.h"
#include "pkcs11/soft/version.h"
#include <string.h>

enum { SMALLEST_BITS = 2048, LARGEST_BITS = 4096, FORBIDDEN = 403 };

static const struct task {
    const char *operation;
    enum key_use use;
    CK_RV other_type; /* the key is not RSA */
    CK_RV too_long;   /* the plaintext, for this key */
    CK_RV bad_blob;
    CK_RV bad_size; /* of the key itself */
} tasks[] = {
    [RSA_WRAP] = {"wrap", KEY_USE_WRAP, CKR_WRAPPING_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE,
                  CKR_WRAPPED_KEY_INVALID, CKR_WRAPPING_KEY_SIZE_RANGE},
    [RSA_UNWRAP] = {"unwrap", KEY_USE_UNWRAP, CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE,
                    CKR_WRAPPED_KEY_INVALID, CKR_UNWRAPPING_KEY_SIZE_RANGE},
    [RSA_ENCRYPT] = {"encrypt", KEY_USE_ENCRYPT, CKR_KEY_TYPE_INCONSISTENT, CKR_DATA_LEN_RANGE,
                     CKR_ENCRYPTED_DATA_INVALID, CKR_KEY_SIZE_RANGE},
    [RSA_DECRYPT] = {"decrypt", KEY_USE_DECRYPT, CKR_KEY_TYPE_INCONSISTENT, CKR_DATA_LEN_RANGE,
                     CKR_ENCRYPTED_DATA_INVALID, CKR_KEY_SIZE_RANGE},
};

/* Old knowledge forbids nothing: the owner may have changed the key, which the service knows. */
static CK_RV service_permits(const struct soft_session *session, struct service_key *key, enum rsa_task task)
{
    struct key_access *access = &session->token->catalogue.access;
    struct public_part *part SCOPED(public_part_free_scoped) =
        service_key_judged(key, access, tasks[task].use, soft_deadline(session->token));
    enum key_type type = service_key_type(key);

    if (type != KEY_TYPE_UNKNOWN && type != KEY_TYPE_RSA) {
        return tasks[task].other_type;
    }
    return key_permits(access, part, tasks[task].use) ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

/* Whoever uses one checks what it may be used for, as of every key that lives here. */
static CK_RV local_permits(const struct soft_session *session, const struct local_key *key,
                           enum rsa_task task)
{
    unsigned bits = rsa_public_bits(key->value->numbers.rsa);

    if (bits < SMALLEST_BITS || bits > LARGEST_BITS) {
        return tasks[task].bad_size;
    }
    return key_policy_fits(&session->token->catalogue.access, bits) ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

CK_RV soft_rsa_permits(const struct soft_session *session, const struct object *key, enum rsa_task task)
{
    return key->local != NULL ? local_permits(session, key->local, task)
                              : service_permits(session, key->key, task);
}

static size_t blob_size(const struct object *key)
{
    return key->local != NULL ? rsa_public_modulus(key->local->value->numbers.rsa).size
                              : service_key_blob_size(key->key);
}

size_t soft_rsa_blob_room(const struct object *key, bool *ret_known)
{
    size_t size = blob_size(key);

    *ret_known = size != 0;
    return size != 0 ? size : LARGEST_BITS / 8;
}

CK_RV soft_rsa_check_plain(const struct object *key, enum rsa_padding padding, size_t size,
                           enum rsa_task task)
{
    bool known;
    size_t room = soft_rsa_blob_room(key, &known);

    return size > rsa_longest_plaintext((unsigned)room * 8, padding) ? tasks[task].too_long : CKR_OK;
}

/* Other versions of a key, the next one too, may be of another size. */
static bool has_one_size(const struct object *key)
{
    return key->local != NULL || (key->key->ref.version != NULL && key->key->older_configured == 0);
}

CK_RV soft_rsa_check_blob(const struct object *key, size_t size, enum rsa_task task)
{
    size_t known = has_one_size(key) ? blob_size(key) : 0;
    bool fits = known != 0 ? size == known : size == 2048 / 8 || size == 3072 / 8 || size == 4096 / 8;

    return fits ? CKR_OK : tasks[task].bad_blob;
}

static CK_RV seal_here(const struct rsa_public *key, enum rsa_task task, enum rsa_padding padding,
                       struct bytes plain, struct buffer *ret_blob)
{
    if (plain.size > rsa_longest_plaintext(rsa_public_bits(key), padding)) {
        return tasks[task].too_long;
    }
    buffer_clear(ret_blob);
    return rsa_encrypt(key, padding, plain, ret_blob);
}

CK_RV soft_judge_dates(const struct soft_session *session, struct service_key *key, CK_RV rv,
                       const struct service_answer *answer)
{
    if (answer->status == FORBIDDEN && service_key_outside_dates(key, &session->token->catalogue.access)) {
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    return rv;
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

/* A key that is gone, as the function calls it. */
static CK_RV of_task(CK_RV rv, enum rsa_task task)
{
    if (rv != CKR_KEY_HANDLE_INVALID) {
        return rv;
    }
    return task == RSA_WRAP     ? CKR_WRAPPING_KEY_HANDLE_INVALID
           : task == RSA_UNWRAP ? CKR_UNWRAPPING_KEY_HANDLE_INVALID
                                : rv;
}

/* Whether a key as the owner wants it made the blob; another version may have come into use meanwhile. */
static CK_RV check_sealed(const struct rsa_use *use, struct bytes blob, struct deadline deadline,
                          struct service_answer *ret_answer)
{
    struct key_access *access = &use->session->token->catalogue.access;
    CK_RV rv = key_policy_check_size(use->key->key, access, blob.size);

    return rv == CKR_OK ? key_policy_check(use->key->key, access, tasks[use->task].use, deadline, ret_answer)
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
    rv = service_permits(use->session, use->key->key, use->task); /* more may be known by now */
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
    CK_RV rv = key_policy_check(use->key->key, access, tasks[use->task].use, deadline, ret_answer);

    if (rv == CKR_OK) {
        rv = seal_anywhere(use, plain, deadline, ret_blob, ret_answer);
    } else {
        soft_session_note(use->session, rv, ret_answer);
    }
    if (rv == CKR_OK) {
        rv = check_sealed(use, buffer_bytes(ret_blob), deadline, ret_answer);
    }
    return of_task(rv, use->task);
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

static CK_RV record(const struct rsa_use *use, struct bytes blob, const struct service_answer *answer,
                    int64_t began, CK_RV rv)
{
    return soft_audit_use(use->session->token, use->key->key,
                          (struct audit_use){.operation = tasks[use->task].operation,
                                             .mechanism = use->mechanism,
                                             .blob = blob,
                                             .rest = use->rest,
                                             .answer = answer,
                                             .began = began,
                                             .rv = rv});
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
    rv = record(use, rv == CKR_OK ? buffer_bytes(ret_blob) : bytes_of(NULL, 0), ret_answer, began, rv);
    if (rv != CKR_OK) {
        buffer_clear(ret_blob);
    }
    return rv;
}

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

/* Only a version whose modulus is as long as the blob can open it. */
static CK_RV check_opening(const struct rsa_use *use, struct bytes blob, struct deadline deadline,
                           struct service_answer *ret_answer)
{
    struct key_access *access = &use->session->token->catalogue.access;
    CK_RV rv = key_policy_check_size(use->key->key, access, blob.size);

    if (rv == CKR_OK) {
        rv = key_policy_check(use->key->key, access, tasks[use->task].use, deadline, ret_answer);
    }
    if (rv != CKR_OK) {
        soft_session_note(use->session, rv, ret_answer);
    }
    return of_task(rv, use->task);
}

/* Of all versions one request each. */
struct opening {
    const struct rsa_use *use;
    struct bytes blob;
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
        service, ref, use->padding, opening->blob, opening->deadline, opening->plain, ret_answer);
    if (use->task == RSA_UNWRAP) {
        soft_lease_answered(use->session->token, use->key->key, version_asked(ref, ret_answer), ret_answer,
                            began);
    }
    return rv;
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
                                .how = (unsigned)use->padding << 1 | (use->task == RSA_UNWRAP),
                                .parts = &opening->blob,
                                .part_count = 1,
                                .blob_size = opening->blob.size,
                                .bad_blob = tasks[use->task].bad_blob};
}

static CK_RV open_any(const struct rsa_use *use, struct bytes blob, struct deadline deadline,
                      struct secret *ret_plain, struct service_answer *ret_answer)
{
    struct opening opening = {use, blob, deadline, ret_plain};
    struct version_use version = version_use_of(&opening);
    CK_RV rv = version_open(&version, ret_answer);

    soft_session_note(use->session, rv, ret_answer);
    return rv;
}

/* One record, however many requests it took. */
static CK_RV service_open(const struct rsa_use *use, struct bytes blob, struct deadline deadline,
                          struct secret *ret_plain, struct service_answer *ret_answer)
{
    int64_t began = audit_began();
    CK_RV rv = check_opening(use, blob, deadline, ret_answer);

    if (rv == CKR_OK) {
        rv = open_any(use, blob, deadline, ret_plain, ret_answer);
    }
    rv = record(use, blob, ret_answer, began, rv);
    if (rv != CKR_OK) {
        secret_free(ret_plain);
    }
    return rv;
}

bool soft_rsa_remembers(const struct rsa_use *use, struct bytes blob)
{
    struct opening opening = {use, blob, {0}, NULL};
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
    return tasks[use->task].bad_blob;
}

CK_RV soft_rsa_open(const struct rsa_use *use, struct bytes blob, struct secret *ret_plain,
                    struct service_answer *ret_answer)
{
    struct deadline deadline = soft_deadline(use->session->token);
    CK_RV rv = wait_turn(use->session, use->key, use->padding, deadline);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = use->key->local != NULL ? local_open(use, blob, ret_plain, ret_answer)
                                 : service_open(use, blob, deadline, ret_plain, ret_answer);
    if (ret_answer->verdict == VERDICT_BAD_BLOB) {
        soft_rsa_bad_blob(use->session->token, use->key, use->padding);
    }
    return rv;
}
