/* C_WrapKey and C_UnwrapKey: which mechanism, which keys, and what they must be. */
#include "pkcs11/soft/wrap.h"
#include "backends/base/scope.h"

static const struct wrap_way *const ways[] = {
    [FAMILY_RSA] = &wrap_rsa,
    [FAMILY_RSA_AES] = &wrap_rsa_aes,
    [FAMILY_KEY_WRAP] = &wrap_aes,
    [FAMILY_KEY_WRAP_PAD] = &wrap_aes,
};

/* What a wrapping or unwrapping key must be, and which codes say that it is not. */
struct role {
    CK_OBJECT_CLASS rsa_class;
    unsigned flag; /* enum local_flag */
    enum rsa_task task;
    enum aes_verb verb;
    CK_RV bad_handle, bad_type;
};

static const struct role wrapping = {CKO_PUBLIC_KEY,
                                     LOCAL_WRAP,
                                     RSA_WRAP,
                                     AES_WRAP,
                                     CKR_WRAPPING_KEY_HANDLE_INVALID,
                                     CKR_WRAPPING_KEY_TYPE_INCONSISTENT};
static const struct role unwrapping = {CKO_PRIVATE_KEY,
                                       LOCAL_UNWRAP,
                                       RSA_UNWRAP,
                                       AES_UNWRAP,
                                       CKR_UNWRAPPING_KEY_HANDLE_INVALID,
                                       CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT};

static CK_RV check_local_kek(const struct local_key *kek, const struct mechanism *mechanism,
                             const struct role *role)
{
    if (kek->type != mechanism->key_type) {
        return role->bad_type;
    }
    if (!local_key_has(kek, role->flag)) {
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    return local_key_allows(kek, mechanism->type) ? CKR_OK : CKR_MECHANISM_INVALID;
}

static CK_RV check_kek(const struct soft_session *session, const struct object *kek,
                       const struct mechanism *mechanism, const struct role *role)
{
    bool is_rsa = mechanism->key_type == CKK_RSA;
    CK_RV rv;

    if (kek == NULL || (kek->key == NULL && kek->local == NULL)) {
        return role->bad_handle;
    }
    if (kek->class != (is_rsa ? role->rsa_class : CKO_SECRET_KEY)) {
        return role->bad_type;
    }
    if (kek->local == NULL && !is_rsa) {
        return soft_aes_permits(session, kek, mechanism, role->verb);
    }
    rv = kek->local == NULL ? CKR_OK : check_local_kek(kek->local, mechanism, role);
    return rv == CKR_OK && is_rsa ? soft_rsa_permits(session, kek, role->task) : rv;
}

/* A private key is wrapped as PrivateKeyInfo, which RSA alone is not meant for (PKCS#11 2.40, 5.13). */
static bool takes_private_keys(const struct mechanism *mechanism)
{
    return mechanism->family != FAMILY_RSA;
}

static CK_RV check_target(const struct object *target, const struct mechanism *mechanism)
{
    if (target == NULL || (target->key == NULL && target->local == NULL)) {
        return CKR_KEY_HANDLE_INVALID;
    }
    if (target->class == CKO_PUBLIC_KEY) {
        return CKR_KEY_NOT_WRAPPABLE;
    }
    if (target->local == NULL || !local_key_has(target->local, LOCAL_EXTRACTABLE)) {
        return CKR_KEY_UNEXTRACTABLE;
    }
    if (target->class == CKO_PRIVATE_KEY && !takes_private_keys(mechanism)) {
        return CKR_KEY_NOT_WRAPPABLE;
    }
    /* No key of this token is trusted. */
    return local_key_has(target->local, LOCAL_WRAP_WITH_TRUSTED) ? CKR_KEY_NOT_WRAPPABLE : CKR_OK;
}

CK_RV soft_wrap_key(struct token_session *base, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                    CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG *out_size)
{
    struct soft_session *session = soft_session_of(base);
    struct object *kek SCOPED(object_leave_scoped) = NULL;
    struct object *target SCOPED(object_leave_scoped) = NULL;
    struct mechanism_parameter parameter;
    const struct mechanism *row;
    CK_RV rv;

    if (out_size == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    rv = mechanism_read(mechanism, CKF_WRAP, &row, &parameter);
    if (rv != CKR_OK) {
        return rv;
    }
    kek = object_enter(&session->token->store, wrapping_key);
    rv = check_kek(session, kek, row, &wrapping);
    if (rv != CKR_OK) {
        return rv;
    }
    target = object_enter(&session->token->store, key);
    rv = check_target(target, row);
    if (rv == CKR_OK && kek->local != NULL && !local_key_may_wrap(kek->local, target->local)) {
        rv = CKR_KEY_HANDLE_INVALID; /* 2.40, 5.13: not what CKA_WRAP_TEMPLATE says */
    }
    if (rv != CKR_OK) {
        return rv;
    }
    return ways[row->family]->wrap(&(struct wrap_call){session, kek, row, &parameter},
                                   secret_bytes(&target->local->value->secret), out, out_size);
}

/* A value that makes no such key is one more bad blob: a code of its own would tell that the rest was right. */
static CK_RV unwrap(const struct wrap_call *call, struct bytes blob, struct local_key *ret_key)
{
    CK_RV rv = ways[call->mechanism->family]->unwrap(call, blob, ret_key);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = local_key_complete(ret_key);
    if (rv != CKR_OK && call->mechanism->family == FAMILY_RSA) {
        soft_rsa_bad_blob(call->session->token, call->kek, call->parameter->padding);
    }
    return rv;
}

/* The new key as the template, the unwrapping key's own template and the policy want it. */
static CK_RV read_template(struct soft_session *session, const struct object *kek, const CK_ATTRIBUTE *list,
                           CK_ULONG count, struct local_key **ret_key)
{
    CK_ATTRIBUTE *merged SCOPED(scope_free) = NULL;
    CK_RV rv = CKR_OK;

    if (kek->local != NULL) {
        rv = local_key_unwrap_template(kek->local, list, count, &merged, &count);
        list = merged;
    }
    if (rv == CKR_OK) {
        rv = local_key_new(LOCAL_UNWRAPPED, CK_UNAVAILABLE_INFORMATION, list, count, ret_key);
    }
    return rv == CKR_OK ? policy_check(&session->token->policy, *ret_key) : rv;
}

/* A padding that a wrong key satisfies now and then opens no keys under a strict policy. */
static CK_RV check_padding(const struct soft_session *session, const struct mechanism *mechanism)
{
    return session->token->policy.strict && mechanism->type == CKM_RSA_PKCS ? CKR_MECHANISM_INVALID : CKR_OK;
}

CK_RV soft_unwrap_key(struct token_session *base, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key,
                      CK_BYTE *blob, CK_ULONG blob_size, CK_ATTRIBUTE *template, CK_ULONG count,
                      CK_OBJECT_HANDLE *ret_key)
{
    struct soft_session *session = soft_session_of(base);
    struct object *kek SCOPED(object_leave_scoped) = NULL;
    struct local_key *key SCOPED(local_key_free_scoped) = NULL;
    struct mechanism_parameter parameter;
    const struct mechanism *row;
    CK_RV rv;

    if (blob == NULL || ret_key == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    rv = mechanism_read(mechanism, CKF_UNWRAP, &row, &parameter);
    if (rv == CKR_OK) {
        rv = check_padding(session, row);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    kek = object_enter(&session->token->store, unwrapping_key);
    rv = check_kek(session, kek, row, &unwrapping);
    if (rv == CKR_OK) {
        rv = read_template(session, kek, template, count, &key);
    }
    if (rv == CKR_OK && key->class == CKO_PRIVATE_KEY && !takes_private_keys(row)) {
        rv = CKR_TEMPLATE_INCONSISTENT;
    }
    if (rv == CKR_OK) {
        rv = unwrap(&(struct wrap_call){session, kek, row, &parameter}, bytes_of(blob, blob_size), key);
    }
    return rv == CKR_OK
               ? object_store_add_local(&session->token->store, &session->objects, take(key), ret_key)
               : rv;
}
