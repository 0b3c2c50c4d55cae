/*
 * C_Sign and C_Verify in one part or many: which operation, which key, what is signed, when it ends. Signing
 * by RSA or ECDSA is a matter of the kind of key; hashing is done here for all.
 */
#include "backends/base/scope.h"
#include "pkcs11/soft/signing.h"
#include "pkcs11/soft/soft.h"
#include <string.h>

static const struct sign_way *way_of(const struct object *key)
{
    if (key->class == CKO_SECRET_KEY) {
        return &sign_hmac;
    }
    return key->local != NULL ? &sign_local : &sign_service;
}

static CK_RV check_key(const struct soft_session *session, const struct object *key,
                       const struct mechanism *mechanism, bool verify)
{
    if (key == NULL || (key->key == NULL && key->local == NULL)) {
        return CKR_KEY_HANDLE_INVALID; /* nothing, or no key */
    }
    if ((key->class == CKO_SECRET_KEY) != (mechanism->family == FAMILY_HMAC)) {
        return CKR_KEY_TYPE_INCONSISTENT;
    }
    return way_of(key)->permits(session, key, mechanism, verify);
}

static bool is_running_locked(const struct soft_session *session, struct signing *signing)
{
    if (signing->mechanism != NULL && signing->began != atomic_load(&session->token->logouts)) {
        signing_end(signing);
    }
    return signing->mechanism != NULL;
}

static CK_RV init_locked(struct soft_session *session, struct signing *signing, const CK_MECHANISM *mechanism,
                         CK_OBJECT_HANDLE handle)
{
    struct object *key SCOPED(object_leave_scoped) = NULL;
    struct key_value *entered SCOPED(value_leave_scoped) = NULL;
    struct mechanism_parameter parameter;
    const struct mechanism *row;
    CK_RV rv;

    if (signing->use.cancelled) {
        signing_end(signing);
    }
    if (is_running_locked(session, signing)) {
        return CKR_OPERATION_ACTIVE;
    }
    rv = mechanism_read(&session->token->asked, mechanism, signing->verify ? CKF_VERIFY : CKF_SIGN, &row,
                        &parameter);
    if (rv != CKR_OK) {
        return rv;
    }
    key = object_enter(&session->token->store, handle);
    rv = soft_value_enter(session, key, &entered);
    if (rv == CKR_OK) {
        rv = check_key(session, key, row, signing->verify);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    value_use_begin(&signing->use, entered);
    signing->mechanism = row;
    signing->key = handle;
    signing->how.scheme = row->how.scheme;
    signing->how.hash = parameter.hash;
    signing->mac_size = parameter.mac_size;
    signing->began = atomic_load(&session->token->logouts);
    return CKR_OK;
}

/* PKCS#11 3.0, 5.13.1: without a mechanism, what is running is cancelled; there must be something. */
static CK_RV init(struct soft_session *session, struct signing *signing, const CK_MECHANISM *mechanism,
                  CK_OBJECT_HANDLE handle)
{
    CK_RV rv = CKR_OK;

    soft_session_lock(session);
    if (mechanism != NULL) {
        rv = init_locked(session, signing, mechanism, handle);
    } else if (is_running_locked(session, signing)) {
        signing_end(signing);
    } else {
        rv = CKR_ARGUMENTS_BAD;
    }
    soft_session_unlock(session);
    return rv;
}

/* What a call of the application brings; nothing for C_SignFinal and C_VerifyFinal. */
struct call {
    bool final;
    struct bytes in;
    CK_BYTE *out;
    CK_ULONG *out_size;
    struct bytes signature; /* to verify */
};

static CK_RV input_of(struct soft_session *session, struct signing *signing, const struct object *key,
                      const struct call *call, unsigned char digest[LONGEST_HASH], struct bytes *ret_input)
{
    return call->final ? signing_parts(&session->token->hmacs, signing, key, ret_input)
                       : signing_whole(&session->token->hmacs, signing, key, call->in, digest, ret_input);
}

static CK_RV sign_locked(struct soft_session *session, struct signing *signing, const struct object *key,
                         const struct call *call)
{
    unsigned char digest[LONGEST_HASH];
    struct bytes input, signature;
    bool known;
    size_t size = way_of(key)->size(signing, key, &known);
    CK_RV rv = CKR_OK;

    if (call->out_size == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    if ((known || call->out == NULL) && !output_fits(call->out, call->out_size, size, &rv)) {
        return rv;
    }
    rv = input_of(session, signing, key, call, digest, &input);
    if (rv == CKR_OK) {
        rv = way_of(key)->make(session, signing, key, input, &signature);
    }
    if (rv == CKR_OK && output_fits(call->out, call->out_size, signature.size, &rv)) {
        memcpy(call->out, signature.data, signature.size);
        *call->out_size = signature.size;
    }
    wipe(digest, sizeof digest); /* an HMAC of which less may have been asked for */
    return rv;
}

static CK_RV verify_locked(struct soft_session *session, struct signing *signing, const struct object *key,
                           const struct call *call)
{
    unsigned char digest[LONGEST_HASH];
    struct bytes input;
    bool known;
    size_t size = way_of(key)->size(signing, key, &known);
    CK_RV rv;

    if (call->signature.data == NULL && call->signature.size != 0) {
        return CKR_ARGUMENTS_BAD;
    }
    if (known ? call->signature.size != size : call->signature.size > size) {
        return CKR_SIGNATURE_LEN_RANGE;
    }
    rv = input_of(session, signing, key, call, digest, &input);
    if (rv == CKR_OK) {
        rv = way_of(key)->check(session, signing, key, input, call->signature);
    }
    wipe(digest, sizeof digest); /* a good HMAC that the caller need not know */
    return rv;
}

static CK_RV run_locked(struct soft_session *session, struct signing *signing, const struct call *call)
{
    struct object *key SCOPED(object_leave_scoped) = object_enter(&session->token->store, signing->key);
    struct key_value *entered SCOPED(value_leave_scoped) = NULL;
    CK_RV rv = key == NULL ? CKR_KEY_HANDLE_INVALID /* destroyed meanwhile */
                           : soft_value_resume(session, key, &signing->use, &entered);

    if (rv != CKR_OK) {
        return rv;
    }
    if (call->in.data == NULL && call->in.size != 0) {
        return CKR_ARGUMENTS_BAD;
    }
    if (call->in.size > SIZE_MAX / 2) {
        return CKR_DATA_LEN_RANGE;
    }
    return signing->verify ? verify_locked(session, signing, key, call)
                           : sign_locked(session, signing, key, call);
}

/* PKCS#11 2.40, 5.2: a size query and a short buffer leave the operation as it is, all else ends it. */
static bool goes_on(const struct signing *signing, const struct call *call, CK_RV rv)
{
    return !signing->verify && (rv == CKR_BUFFER_TOO_SMALL || (rv == CKR_OK && call->out == NULL));
}

/* After a part only parts or the end may follow; after a result that did not fit only the same call again. */
static bool in_order(const struct signing *signing, const struct call *call)
{
    return call->final ? !signing->done || signing->whole : !signing->parted && !signing->whole;
}

static CK_RV run(struct soft_session *session, struct signing *signing, const struct call *call)
{
    CK_RV rv = CKR_OPERATION_NOT_INITIALIZED;

    soft_session_lock(session);
    if (is_running_locked(session, signing) && in_order(signing, call)) {
        rv = run_locked(session, signing, call);
        if (!goes_on(signing, call, rv)) {
            signing_end(signing);
        }
    }
    soft_session_unlock(session);
    return rv;
}

static CK_RV update_locked(struct soft_session *session, struct signing *signing, struct bytes in)
{
    struct object *key SCOPED(object_leave_scoped) = object_enter(&session->token->store, signing->key);
    struct key_value *entered SCOPED(value_leave_scoped) = NULL;
    CK_RV rv =
        key == NULL ? CKR_KEY_HANDLE_INVALID : soft_value_resume(session, key, &signing->use, &entered);

    if (rv != CKR_OK) {
        return rv;
    }
    if (in.data == NULL && in.size != 0) {
        return CKR_ARGUMENTS_BAD;
    }
    if (in.size > SIZE_MAX / 2) {
        return CKR_DATA_LEN_RANGE;
    }
    if (!signing->parted) {
        rv = signing_begin(&session->token->hmacs, signing, key);
    }
    signing->parted = true;
    return rv == CKR_OK ? signing_add(signing, in) : rv;
}

/* After a result that did not fit only a larger buffer may follow. */
static CK_RV update(struct soft_session *session, struct signing *signing, struct bytes in)
{
    CK_RV rv = CKR_OPERATION_NOT_INITIALIZED;

    soft_session_lock(session);
    if (is_running_locked(session, signing) && !signing->whole && !signing->done) {
        rv = update_locked(session, signing, in);
        if (rv != CKR_OK) {
            signing_end(signing);
        }
    }
    soft_session_unlock(session);
    return rv;
}

CK_RV soft_sign_init(struct token_session *base, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct soft_session *session = soft_session_of(base);

    return init(session, &session->signing, mechanism, key);
}

CK_RV soft_sign(struct token_session *base, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out,
                CK_ULONG *out_size)
{
    struct soft_session *session = soft_session_of(base);
    const struct call call = {.in = bytes_of(data, data_size), .out = out, .out_size = out_size};

    return run(session, &session->signing, &call);
}

CK_RV soft_sign_update(struct token_session *base, CK_BYTE *part, CK_ULONG part_size)
{
    struct soft_session *session = soft_session_of(base);

    return update(session, &session->signing, bytes_of(part, part_size));
}

CK_RV soft_sign_final(struct token_session *base, CK_BYTE *out, CK_ULONG *out_size)
{
    struct soft_session *session = soft_session_of(base);
    const struct call call = {.final = true, .out = out, .out_size = out_size};

    return run(session, &session->signing, &call);
}

CK_RV soft_verify_init(struct token_session *base, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct soft_session *session = soft_session_of(base);

    return init(session, &session->verifying, mechanism, key);
}

CK_RV soft_verify(struct token_session *base, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature,
                  CK_ULONG signature_size)
{
    struct soft_session *session = soft_session_of(base);
    const struct call call = {.in = bytes_of(data, data_size),
                              .signature = bytes_of(signature, signature_size)};

    return run(session, &session->verifying, &call);
}

CK_RV soft_verify_update(struct token_session *base, CK_BYTE *part, CK_ULONG part_size)
{
    struct soft_session *session = soft_session_of(base);

    return update(session, &session->verifying, bytes_of(part, part_size));
}

CK_RV soft_verify_final(struct token_session *base, CK_BYTE *signature, CK_ULONG signature_size)
{
    struct soft_session *session = soft_session_of(base);
    const struct call call = {.final = true, .signature = bytes_of(signature, signature_size)};

    return run(session, &session->verifying, &call);
}
