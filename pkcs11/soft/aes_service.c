/* What a symmetric key of the service does: whether it may, and asking for it. */
#include "backends/base/scope.h"
#include "pkcs11/soft/key_attribute.h"
#include "pkcs11/soft/key_policy.h"
#include "pkcs11/soft/soft.h"
#include "pkcs11/soft/version.h"

static const struct family {
    bool known;
    enum aes_algorithm algorithm;
} families[] = {
    [FAMILY_KEY_WRAP] = {true, AES_KW}, [FAMILY_KEY_WRAP_PAD] = {true, AES_KWP},
    [FAMILY_CBC] = {true, AES_CBC},     [FAMILY_CBC_PAD] = {true, AES_CBC_PAD},
    [FAMILY_GCM] = {true, AES_GCM},
};

static const struct verb {
    const char *operation;
    enum key_use use;
    CK_RV other_type;
    CK_RV gone;
    CK_RV bad_blob; /* CKR_OK: it makes one */
} verbs[] = {
    [AES_WRAP] = {"wrap", KEY_USE_WRAP, CKR_WRAPPING_KEY_TYPE_INCONSISTENT, CKR_WRAPPING_KEY_HANDLE_INVALID,
                  CKR_OK},
    [AES_UNWRAP] = {"unwrap", KEY_USE_UNWRAP, CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
                    CKR_UNWRAPPING_KEY_HANDLE_INVALID, CKR_WRAPPED_KEY_INVALID},
    [AES_ENCRYPT] = {"encrypt", KEY_USE_ENCRYPT, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_HANDLE_INVALID, CKR_OK},
    [AES_DECRYPT] = {"decrypt", KEY_USE_DECRYPT, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_HANDLE_INVALID,
                     CKR_ENCRYPTED_DATA_INVALID},
};

static bool is_known(const struct key_service *service, const struct mechanism *mechanism)
{
    size_t family = mechanism->family;

    return family < sizeof families / sizeof families[0] && families[family].known &&
           (service->aes_algorithms & 1U << families[family].algorithm) != 0;
}

CK_RV soft_aes_permits(const struct soft_session *session, const struct object *key,
                       const struct mechanism *mechanism, enum aes_verb verb)
{
    struct key_access *access = &session->token->catalogue.access;
    struct public_part *part SCOPED(public_part_free_scoped) =
        service_key_judged(key->key, access, verbs[verb].use, soft_deadline(session->token));
    enum key_type type = service_key_type(key->key);

    if (type != KEY_TYPE_UNKNOWN && type != KEY_TYPE_OCT) {
        return verbs[verb].other_type;
    }
    if (!is_known(access->service, mechanism)) {
        return CKR_MECHANISM_INVALID;
    }
    return key_permits(access, part, verbs[verb].use) ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

static bool seals(enum aes_verb verb)
{
    return verbs[verb].bad_blob == CKR_OK;
}

/* The newest version may be of another size than the one that told it; no blob can be what is bad here. */
static bool may_have_another_size(const struct service_key *key, const struct aes_task *task,
                                  const struct service_answer *answer)
{
    return task->key_bits != 0 && key->ref.version == NULL && answer->verdict == VERDICT_BAD_REQUEST;
}

static CK_RV seal(struct soft_session *session, struct service_key *key, struct aes_task *task,
                  struct secret *ret_value, struct aes_extra *ret_extra, struct service_answer *ret_answer)
{
    struct key_access *access = &session->token->catalogue.access;
    struct deadline deadline = soft_deadline(session->token);
    const struct key_service_ops *ops = access->service->ops;
    CK_RV rv;

    task->key_bits = atomic_load(&key->aes_bits);
    rv = ops->aes(access->service, &key->ref, task, deadline, ret_value, ret_extra, ret_answer);
    if (rv != CKR_OK && may_have_another_size(key, task, ret_answer)) {
        task->key_bits = 0;
        *ret_answer = (struct service_answer){VERDICT_NONE};
        rv = ops->aes(access->service, &key->ref, task, deadline, ret_value, ret_extra, ret_answer);
    }
    service_key_learn(key, access, ret_answer, 0);
    if (rv == CKR_OK && ret_extra->key_bits != 0) {
        atomic_store(&key->aes_bits, ret_extra->key_bits);
    }
    return rv != CKR_OK ? soft_judge_dates(session, key, rv, ret_answer) : rv;
}

static CK_RV check_policy(struct service_key *key, struct key_access *access, enum aes_verb verb,
                          struct service_answer *ret_answer)
{
    CK_RV rv =
        key_policy_check(key, access, verbs[verb].use, deadline_in(access->service->timeout), ret_answer);

    return rv == CKR_KEY_HANDLE_INVALID ? verbs[verb].gone : rv;
}

/* Another version may come into use meanwhile. Of what is opened each version is judged (version.h). */
static CK_RV seal_judged(struct soft_session *session, struct service_key *key, struct aes_task *task,
                         struct secret *ret_value, struct aes_extra *ret_extra,
                         struct service_answer *ret_answer)
{
    struct key_access *access = &session->token->catalogue.access;
    CK_RV rv = check_policy(key, access, task->verb, ret_answer);

    if (rv == CKR_OK) {
        rv = seal(session, key, task, ret_value, ret_extra, ret_answer);
    }
    return rv == CKR_OK ? check_policy(key, access, task->verb, ret_answer) : rv;
}

/* Of all versions one request each. */
struct opening {
    struct soft_token *token;
    struct service_key *key;
    struct key_access *access;
    struct aes_task *task;
    struct deadline deadline;
    struct secret *value;
    struct aes_extra *extra;
};

/* Each version has a size of its own; that of the current one is known while that is the current one. */
static unsigned bits_of(const struct opening *opening, const struct key_ref *ref)
{
    if (ref->version != opening->key->ref.version) {
        return service_key_aes_bits(opening->key, ref->version);
    }
    return service_key_version_is_young(opening->key, opening->access) ? atomic_load(&opening->key->aes_bits)
                                                                       : 0;
}

static CK_RV ask_version(void *arg, const struct key_ref *ref, struct service_answer *ret_answer)
{
    const struct opening *opening = arg;
    struct key_service *service = opening->access->service;
    int64_t began = clock_now();
    CK_RV rv;

    opening->task->key_bits = bits_of(opening, ref);
    rv = service->ops->aes(service, ref, opening->task, opening->deadline, opening->value, opening->extra,
                           ret_answer);
    if (opening->task->verb == AES_UNWRAP) {
        soft_lease_answered(opening->token, opening->key, version_asked(ref, ret_answer), ret_answer, began);
    }
    if (rv == CKR_OK && opening->extra->key_bits != 0 && ref->version == opening->key->ref.version) {
        atomic_store(&opening->key->aes_bits, opening->extra->key_bits);
    }
    if (rv == CKR_OK) {
        service_key_note_aes_bits(opening->key, version_asked(ref, ret_answer), opening->extra->key_bits);
    }
    return rv;
}

/* CBC opens to something under any key; a padding that fits comes of one in 256. */
static enum version_proof proof_of(enum aes_algorithm algorithm)
{
    return algorithm == AES_CBC || algorithm == AES_CBC_PAD ? PROOF_NONE : PROOF_FULL;
}

static CK_RV open_any(struct soft_session *session, struct service_key *key, struct aes_task *task,
                      struct secret *ret_value, struct aes_extra *ret_extra,
                      struct service_answer *ret_answer)
{
    struct key_access *access = &session->token->catalogue.access;
    struct deadline deadline = soft_deadline(session->token);
    struct opening opening = {session->token, key, access, task, deadline, ret_value, ret_extra};
    const struct bytes parts[] = {task->data, task->iv, task->aad, task->tag};
    const struct version_use use = {.key = key,
                                    .access = access,
                                    .deadline = deadline,
                                    .request = ask_version,
                                    .arg = &opening,
                                    .proof = proof_of(task->algorithm),
                                    .how = (unsigned)task->algorithm << 1 | (task->verb == AES_UNWRAP),
                                    .parts = parts,
                                    .part_count = sizeof parts / sizeof parts[0],
                                    .key_use = verbs[task->verb].use,
                                    .bad_blob = verbs[task->verb].bad_blob,
                                    .gone = verbs[task->verb].gone};

    return version_open(&use, ret_answer);
}

static CK_RV ask(struct soft_session *session, const struct object *key, const struct mechanism *mechanism,
                 struct aes_task task, struct secret *ret_value, struct aes_extra *ret_extra,
                 struct service_answer *ret_answer)
{
    CK_RV rv;

    task.algorithm = families[mechanism->family].algorithm;
    rv = (seals(task.verb) ? seal_judged : open_any)(session, key->key, &task, ret_value, ret_extra,
                                                     ret_answer);
    soft_session_note(session, rv, ret_answer);
    return rv;
}

CK_RV soft_aes_ask(struct soft_session *session, const struct object *key, const struct mechanism *mechanism,
                   struct aes_task task, struct secret *ret_value, struct aes_extra *ret_extra,
                   struct service_answer *ret_answer)
{
    int64_t began = audit_began();
    CK_RV rv = ask(session, key, mechanism, task, ret_value, ret_extra, ret_answer);

    rv = soft_audit_use(session->token, key->key,
                        (struct audit_use){.operation = verbs[task.verb].operation,
                                           .mechanism = mechanism->type,
                                           .blob = seals(task.verb) ? secret_bytes(ret_value) : task.data,
                                           .answer = ret_answer,
                                           .began = began,
                                           .rv = rv});
    if (rv != CKR_OK) {
        secret_free(ret_value);
        wipe(ret_extra, sizeof *ret_extra);
    }
    return rv;
}
