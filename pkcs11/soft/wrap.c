/* C_WrapKey and C_UnwrapKey: which mechanism, which keys, and what they must be. */
#include "pkcs11/soft/wrap.h"
#include "backends/base/scope.h"
#include <string.h>

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

/* What a lease has to know of a blob. */
static struct unwrapped how_of(const struct wrap_call *call, struct bytes blob, int64_t began)
{
    size_t first = call->trace->first == 0 ? blob.size : call->trace->first;

    return (struct unwrapped){call->mechanism, call->parameter, blob, first, call->trace->version, began};
}

/* Both keys may have been closed: the value to be wrapped, and the one that wraps. */
static CK_RV enter_both(const struct wrap_call *call, const struct object *target,
                        struct key_value **ret_kek_value, struct key_value **ret_value)
{
    CK_RV rv = call->kek->local == NULL ? soft_kek_open(call->session, call->kek->key)
                                        : soft_value_enter(call->session, call->kek, ret_kek_value);

    return rv == CKR_OK ? soft_value_enter(call->session, target, ret_value) : rv;
}

static CK_RV wrap_target(const struct wrap_call *call, const struct object *target, CK_BYTE *out,
                         CK_ULONG *out_size)
{
    struct key_value *kek_value SCOPED(value_leave_scoped) = NULL;
    struct key_value *value SCOPED(value_leave_scoped) = NULL;
    CK_RV rv = enter_both(call, target, &kek_value, &value);
    struct unwrapped how;

    if (rv != CKR_OK) {
        return rv;
    }
    if (call->kek->local != NULL && !local_key_may_wrap(call->kek->local, target->local)) {
        return CKR_KEY_HANDLE_INVALID; /* 2.40, 5.13: not what CKA_WRAP_TEMPLATE says */
    }
    rv =
        ways[call->mechanism->family]->wrap(call, secret_bytes(&target->local->value->secret), out, out_size);
    if (rv == CKR_OK && out != NULL && value != NULL) {
        how = how_of(call, bytes_of(out, *out_size), 0);
        soft_lease_rewrapped(call->session, call->kek, &how, value);
    }
    return rv;
}

CK_RV soft_wrap_key(struct token_session *base, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                    CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG *out_size)
{
    struct soft_session *session = soft_session_of(base);
    struct object *kek SCOPED(object_leave_scoped) = NULL;
    struct object *target SCOPED(object_leave_scoped) = NULL;
    struct wrap_trace trace = {0, ""};
    struct mechanism_parameter parameter;
    const struct mechanism *row;
    CK_RV rv;

    if (out_size == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    rv = mechanism_read(&session->token->asked, mechanism, CKF_WRAP, &row, &parameter);
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
    return rv == CKR_OK ? wrap_target(&(struct wrap_call){session, kek, row, &parameter, &trace}, target, out,
                                      out_size)
                        : rv;
}

/* A value that makes no such key is one more bad blob: a code of its own would tell that the rest was right. */
static CK_RV unwrap(const struct wrap_call *call, struct bytes blob, struct local_key *ret_key)
{
    struct key_value *kek_value SCOPED(value_leave_scoped) = NULL;
    int64_t began = clock_now();
    struct unwrapped how;
    CK_RV rv = soft_value_enter(call->session, call->kek, &kek_value);

    if (rv == CKR_OK) {
        rv = ways[call->mechanism->family]->unwrap(call, blob, ret_key);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    memcpy(ret_key->opened_by, call->trace->version, sizeof ret_key->opened_by);
    rv = local_key_complete(ret_key);
    if (rv != CKR_OK && call->mechanism->family == FAMILY_RSA) {
        soft_rsa_bad_blob(call->session->token, call->kek, call->parameter->padding);
    }
    if (rv == CKR_OK) {
        how = how_of(call, blob, began);
        rv = soft_lease_begin(call->session, call->kek, &how, ret_key->value);
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

/* Its value may be closed as soon as it holds a lease, but for who is inside. */
static CK_RV publish(struct soft_session *session, struct local_key *key, CK_OBJECT_HANDLE *ret_key)
{
    struct key_value *value = key_value_hold(key->value);
    CK_RV rv = object_store_add_local(&session->token->store, &session->objects, key, ret_key);

    if (value->leasehold != NULL) {
        value_leave(value);
    }
    key_value_unhold(value);
    return rv;
}

CK_RV soft_unwrap_key(struct token_session *base, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key,
                      CK_BYTE *blob, CK_ULONG blob_size, CK_ATTRIBUTE *template, CK_ULONG count,
                      CK_OBJECT_HANDLE *ret_key)
{
    struct soft_session *session = soft_session_of(base);
    struct object *kek SCOPED(object_leave_scoped) = NULL;
    struct local_key *key SCOPED(local_key_free_scoped) = NULL;
    struct wrap_trace trace = {0, ""};
    struct mechanism_parameter parameter;
    const struct mechanism *row;
    CK_RV rv;

    if (blob == NULL || ret_key == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    rv = mechanism_read(&session->token->asked, mechanism, CKF_UNWRAP, &row, &parameter);
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
        rv = unwrap(&(struct wrap_call){session, kek, row, &parameter, &trace}, bytes_of(blob, blob_size),
                    key);
    }
    return rv == CKR_OK ? publish(session, take(key), ret_key) : rv;
}
