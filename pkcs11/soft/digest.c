/* C_Digest in one part or many, by libcrypto. */
#include "backends/base/scope.h"
#include "pkcs11/soft/signing.h"
#include "pkcs11/soft/soft.h"
#include <string.h>

static void wipe_digesting(struct digesting *digesting)
{
    if (digesting->parted) {
        EVP_MD_CTX_reset(digesting->context);
    }
    for (size_t i = 0; i < MOST_DIGESTED; i++) {
        value_use_end(&digesting->uses[i]);
    }
}

void digesting_cancel(struct digesting *digesting)
{
    for (size_t i = 0; i < MOST_DIGESTED; i++) {
        if (value_use_is_over(&digesting->uses[i])) {
            wipe_digesting(digesting);
            digesting->cancelled = true;
        }
    }
}

void digesting_end(struct digesting *digesting)
{
    wipe_digesting(digesting);
    digesting->cancelled = false;
    digesting->mechanism = NULL;
    digesting->parted = false;
    digesting->keyed = false;
}

void digesting_done(struct digesting *digesting)
{
    digesting_end(digesting);
    EVP_MD_CTX_free(digesting->context);
    digesting->context = NULL;
}

bool digesting_runs(struct soft_session *session)
{
    struct digesting *digesting = &session->digesting;

    if (digesting->mechanism != NULL && digesting->began != atomic_load(&session->token->logouts)) {
        digesting_end(digesting);
    }
    return digesting->mechanism != NULL;
}

/* A key whose value is part of it has been closed: so it ends. */
static bool is_cancelled_locked(struct digesting *digesting)
{
    digesting_cancel(digesting);
    if (!digesting->cancelled) {
        return false;
    }
    digesting_end(digesting);
    return true;
}

static CK_RV init_locked(struct soft_session *session, const CK_MECHANISM *mechanism)
{
    struct digesting *digesting = &session->digesting;
    struct mechanism_parameter parameter;
    const struct mechanism *row;
    CK_RV rv;

    if (digesting_runs(session) && !is_cancelled_locked(digesting)) {
        if (mechanism != NULL) {
            return CKR_OPERATION_ACTIVE;
        }
        digesting_end(digesting); /* PKCS#11 3.0, 5.12.1: cancelled */
        return CKR_OK;
    }
    rv = mechanism_read(&session->token->asked, mechanism, CKF_DIGEST, &row, &parameter);
    if (rv == CKR_OK) {
        rv = hash_begin(&digesting->context, row->how.hash);
    }
    if (rv == CKR_OK) {
        digesting->mechanism = row;
        digesting->began = atomic_load(&session->token->logouts);
    }
    return rv;
}

CK_RV soft_digest_init(struct token_session *base, CK_MECHANISM *mechanism)
{
    struct soft_session *session = soft_session_of(base);
    CK_RV rv;

    soft_session_lock(session);
    rv = init_locked(session, mechanism);
    soft_session_unlock(session);
    return rv;
}

static bool is_bad(struct bytes in)
{
    return (in.data == NULL && in.size != 0) || in.size > SIZE_MAX / 2;
}

static CK_RV add_locked(struct digesting *digesting, struct bytes in)
{
    if (is_bad(in)) {
        return CKR_ARGUMENTS_BAD;
    }
    digesting->parted = true;
    return hash_add(digesting->context, in);
}

/* The digest of all so far and of `in`, or its size. */
static CK_RV end_locked(struct digesting *digesting, struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    unsigned char digest[LONGEST_HASH];
    size_t size = hash_size(digesting->mechanism->how.hash);
    CK_RV rv;

    if (out_size == NULL || is_bad(in)) {
        return CKR_ARGUMENTS_BAD;
    }
    if (!output_fits(out, out_size, size, &rv)) {
        return rv;
    }
    rv = hash_add(digesting->context, in);
    if (rv == CKR_OK) {
        rv = hash_end(digesting->context, digest);
    }
    if (rv == CKR_OK) {
        memcpy(out, digest, size);
        *out_size = size;
    }
    return rv;
}

static CK_RV finish(struct soft_session *session, bool whole, struct bytes in, CK_BYTE *out,
                    CK_ULONG *out_size)
{
    struct digesting *digesting = &session->digesting;
    CK_RV rv = CKR_OPERATION_NOT_INITIALIZED;

    soft_session_lock(session);
    if (digesting_runs(session) && is_cancelled_locked(digesting)) {
        rv = CKR_FUNCTION_CANCELED;
    } else if (digesting_runs(session) && !(whole && digesting->parted)) {
        rv = end_locked(digesting, in, out, out_size);
        if (rv != CKR_BUFFER_TOO_SMALL && (rv != CKR_OK || out != NULL)) {
            digesting_end(digesting);
        }
    }
    soft_session_unlock(session);
    return rv;
}

CK_RV soft_digest(struct token_session *base, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out,
                  CK_ULONG *out_size)
{
    return finish(soft_session_of(base), true, bytes_of(data, data_size), out, out_size);
}

CK_RV soft_digest_final(struct token_session *base, CK_BYTE *out, CK_ULONG *out_size)
{
    return finish(soft_session_of(base), false, bytes_of(NULL, 0), out, out_size);
}

CK_RV soft_digest_update(struct token_session *base, CK_BYTE *part, CK_ULONG part_size)
{
    struct soft_session *session = soft_session_of(base);
    CK_RV rv = CKR_OPERATION_NOT_INITIALIZED;

    soft_session_lock(session);
    if (digesting_runs(session) && is_cancelled_locked(&session->digesting)) {
        rv = CKR_FUNCTION_CANCELED;
    } else if (digesting_runs(session)) {
        rv = add_locked(&session->digesting, bytes_of(part, part_size));
        if (rv != CKR_OK) {
            digesting_end(&session->digesting);
        }
    }
    soft_session_unlock(session);
    return rv;
}

/* A digest of a value that may not be seen would let one guess a short value. */
static bool may_be_seen(const struct object *key)
{
    return key->class == CKO_SECRET_KEY && key->local != NULL && (key->local->flags & LOCAL_SENSITIVE) == 0 &&
           (key->local->flags & LOCAL_EXTRACTABLE) != 0;
}

/* False: there are too many that may be closed. */
static bool note_use(struct digesting *digesting, struct key_value *entered)
{
    for (size_t i = 0; entered != NULL && i < MOST_DIGESTED; i++) {
        if (digesting->uses[i].value == NULL || digesting->uses[i].value == entered) {
            value_use_end(&digesting->uses[i]);
            value_use_begin(&digesting->uses[i], entered);
            return true;
        }
    }
    return entered == NULL;
}

static CK_RV add_key_locked(struct soft_session *session, CK_OBJECT_HANDLE handle)
{
    struct object *key SCOPED(object_leave_scoped) = object_enter(&session->token->store, handle);

    struct key_value *entered SCOPED(value_leave_scoped) = NULL;
    CK_RV rv;

    if (key == NULL || (key->key == NULL && key->local == NULL)) {
        return CKR_KEY_HANDLE_INVALID;
    }
    rv = may_be_seen(key) ? soft_value_enter(session, key, &entered) : CKR_KEY_INDIGESTIBLE;
    if (rv == CKR_OK && !note_use(&session->digesting, entered)) {
        rv = CKR_KEY_INDIGESTIBLE;
    }
    if (rv == CKR_OK) {
        session->digesting.keyed = true;
        rv = add_locked(&session->digesting, secret_bytes(&key->local->value->secret));
    }
    return rv;
}

/* That a key is not for this does not end the operation: PKCS#11 2.40, 5.10.4, says so of parts alone. */
CK_RV soft_digest_key(struct token_session *base, CK_OBJECT_HANDLE key)
{
    struct soft_session *session = soft_session_of(base);
    CK_RV rv = CKR_OPERATION_NOT_INITIALIZED;

    soft_session_lock(session);
    if (digesting_runs(session) && is_cancelled_locked(&session->digesting)) {
        rv = CKR_FUNCTION_CANCELED;
    } else if (digesting_runs(session)) {
        rv = add_key_locked(session, key);
    }
    soft_session_unlock(session);
    return rv;
}
