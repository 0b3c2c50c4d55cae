/*
 * RSA by a key of the service, the public half here or there, the private half always there; or by a key that lives
 * here, and then all of it. What both ways have in common: what the key may, and sizes.
 */
#include "backends/base/scope.h"
#include "pkcs11/soft/key_attribute.h"
#include "pkcs11/soft/key_policy.h"
#include "pkcs11/soft/rsa_words.h"

enum { SMALLEST_BITS = 2048, LARGEST_BITS = 4096, FORBIDDEN = 403 };

const struct rsa_words rsa_words[] = {
    [RSA_WRAP] = {"wrap", KEY_USE_WRAP, CKR_WRAPPING_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE,
                  CKR_WRAPPED_KEY_INVALID, CKR_WRAPPING_KEY_SIZE_RANGE, CKR_WRAPPING_KEY_HANDLE_INVALID},
    [RSA_UNWRAP] = {"unwrap", KEY_USE_UNWRAP, CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE,
                    CKR_WRAPPED_KEY_INVALID, CKR_UNWRAPPING_KEY_SIZE_RANGE,
                    CKR_UNWRAPPING_KEY_HANDLE_INVALID},
    [RSA_ENCRYPT] = {"encrypt", KEY_USE_ENCRYPT, CKR_KEY_TYPE_INCONSISTENT, CKR_DATA_LEN_RANGE,
                     CKR_ENCRYPTED_DATA_INVALID, CKR_KEY_SIZE_RANGE, CKR_KEY_HANDLE_INVALID},
    [RSA_DECRYPT] = {"decrypt", KEY_USE_DECRYPT, CKR_KEY_TYPE_INCONSISTENT, CKR_DATA_LEN_RANGE,
                     CKR_ENCRYPTED_DATA_INVALID, CKR_KEY_SIZE_RANGE, CKR_KEY_HANDLE_INVALID},
};

/* Old knowledge forbids nothing: the owner may have changed the key, which the service knows. */
static CK_RV service_permits(const struct soft_session *session, struct service_key *key, enum rsa_task task)
{
    struct key_access *access = &session->token->catalogue.access;
    struct public_part *part SCOPED(public_part_free_scoped) =
        service_key_judged(key, access, rsa_words[task].use, soft_deadline(session->token));
    enum key_type type = service_key_type(key);

    if (type != KEY_TYPE_UNKNOWN && type != KEY_TYPE_RSA) {
        return rsa_words[task].other_type;
    }
    return key_permits(access, part, rsa_words[task].use) ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

/* Whoever uses one checks what it may be used for, as of every key that lives here. */
static CK_RV local_permits(const struct soft_session *session, const struct local_key *key,
                           enum rsa_task task)
{
    unsigned bits = rsa_public_bits(key->value->numbers.rsa);

    if (bits < SMALLEST_BITS || bits > LARGEST_BITS) {
        return rsa_words[task].bad_size;
    }
    return key_policy_check_local(&session->token->catalogue.access, buffer_bytes(&key->label), bits);
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

    return size > rsa_longest_plaintext((unsigned)room * 8, padding) ? rsa_words[task].too_long : CKR_OK;
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

    return fits ? CKR_OK : rsa_words[task].bad_blob;
}

CK_RV soft_judge_dates(const struct soft_session *session, struct service_key *key, CK_RV rv,
                       const struct service_answer *answer)
{
    if (answer->status == FORBIDDEN && service_key_outside_dates(key, &session->token->catalogue.access)) {
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    return rv;
}

CK_RV rsa_record(const struct rsa_use *use, struct bytes blob, const struct service_answer *answer,
                 int64_t began, CK_RV rv)
{
    return soft_audit_use(use->session->token, use->key->key,
                          (struct audit_use){.operation = rsa_words[use->task].operation,
                                             .mechanism = use->mechanism,
                                             .blob = blob,
                                             .rest = use->rest,
                                             .answer = answer,
                                             .began = began,
                                             .rv = rv});
}
