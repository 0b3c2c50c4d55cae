/* C_WrapKey and C_UnwrapKey: under a key of the service (RSA), or under a secret key (AES key wrap, RFC
 * 3394). */
#include "backends/base/libcrypto_errors.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/soft.h"
#include <string.h>

enum { KEY_WRAP_BLOCK = 8 };

/* What a wrapping or unwrapping key must be, and which codes say that it is not. */
struct role {
    CK_OBJECT_CLASS rsa_class;
    unsigned secret_flag;
    enum rsa_task task;
    CK_RV bad_handle, bad_type;
};

static const struct role wrapping = {CKO_PUBLIC_KEY, LOCAL_WRAP, RSA_WRAP, CKR_WRAPPING_KEY_HANDLE_INVALID,
                                     CKR_WRAPPING_KEY_TYPE_INCONSISTENT};
static const struct role unwrapping = {CKO_PRIVATE_KEY, LOCAL_UNWRAP, RSA_UNWRAP,
                                       CKR_UNWRAPPING_KEY_HANDLE_INVALID,
                                       CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT};

static CK_RV check_secret_kek(const struct local_key *kek, const struct mechanism *mechanism,
                              const struct role *role)
{
    if (mechanism->family != FAMILY_KEY_WRAP || kek->type != mechanism->key_type) {
        return role->bad_type;
    }
    if ((kek->flags & role->secret_flag) == 0) {
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    return local_key_allows(kek, mechanism->type) ? CKR_OK : CKR_MECHANISM_INVALID;
}

static CK_RV check_kek(const struct soft_session *session, const struct object *kek,
                       const struct mechanism *mechanism, const struct role *role)
{
    if (kek == NULL) {
        return role->bad_handle;
    }
    if (kek->class == CKO_SECRET_KEY) {
        return check_secret_kek(kek->local, mechanism, role);
    }
    if (mechanism->family != FAMILY_RSA || kek->class != role->rsa_class || kek->key == NULL) {
        return role->bad_type;
    }
    return soft_rsa_permits(session, kek->key, role->task);
}

static CK_RV check_target(const struct object *target)
{
    if (target == NULL) {
        return CKR_KEY_HANDLE_INVALID;
    }
    if (target->class == CKO_PUBLIC_KEY) {
        return CKR_KEY_NOT_WRAPPABLE;
    }
    if (target->local == NULL || (target->local->flags & LOCAL_EXTRACTABLE) == 0) {
        return CKR_KEY_UNEXTRACTABLE;
    }
    /* No key of this token is trusted. */
    return (target->local->flags & LOCAL_WRAP_WITH_TRUSTED) != 0 ? CKR_KEY_NOT_WRAPPABLE : CKR_OK;
}

static CK_RV deliver(struct bytes blob, CK_BYTE *out, CK_ULONG *out_size)
{
    CK_RV rv;

    if (output_fits(out, out_size, blob.size, &rv)) {
        memcpy(out, blob.data, blob.size);
        *out_size = blob.size;
        rv = CKR_OK;
    }
    return rv;
}

/* While the key's size is not known a short buffer is judged after the request; then it is. */
static CK_RV wrap_rsa(struct soft_session *session, struct service_key *kek, enum rsa_padding padding,
                      const struct local_key *target, CK_BYTE *out, CK_ULONG *out_size)
{
    struct buffer blob SCOPED(buffer_free) = BUFFER_INIT(LONGEST_BLOB);
    bool known;
    size_t room = soft_rsa_blob_room(kek, &known);
    CK_RV rv = soft_rsa_check_plain(kek, padding, target->value.size, RSA_WRAP);

    if (rv != CKR_OK || ((known || out == NULL) && !output_fits(out, out_size, room, &rv))) {
        return rv;
    }
    rv = soft_rsa_seal(session, kek, RSA_WRAP, padding, secret_bytes(&target->value), &blob);
    return rv == CKR_OK ? deliver(buffer_bytes(&blob), out, out_size) : rv;
}

static void context_free(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context);
}

/* Both ways; `out` has room for the whole answer. False where libcrypto refuses the data. */
static CK_RV aes_key_wrap(struct soft_token *token, bool wrap, struct bytes kek, struct bytes iv,
                          struct bytes in, unsigned char *out, CK_RV refused)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("wrapping with AES");
    EVP_CIPHER_CTX *context SCOPED(context_free) = NULL;
    size_t written;
    CK_RV rv = cipher_begin(&token->ciphers, &context, CIPHER_KEY_WRAP, wrap, kek, iv);

    if (rv == CKR_OK && cipher_update(context, in, out, &written) != CKR_OK) {
        rv = refused;
    }
    return rv;
}

static CK_RV wrap_aes(struct soft_session *session, const struct local_key *kek, struct bytes iv,
                      const struct local_key *target, CK_BYTE *out, CK_ULONG *out_size)
{
    size_t size = target->value.size;
    CK_RV rv;

    if (size % KEY_WRAP_BLOCK != 0 || size < 2 * KEY_WRAP_BLOCK) { /* RFC 3394, 2 */
        return CKR_KEY_SIZE_RANGE;
    }
    if (!output_fits(out, out_size, size + KEY_WRAP_BLOCK, &rv)) {
        return rv;
    }
    *out_size = size + KEY_WRAP_BLOCK;
    return aes_key_wrap(session->token, true, secret_bytes(&kek->value), iv, secret_bytes(&target->value),
                        out, CKR_FUNCTION_FAILED);
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
    rv = check_target(target);
    if (rv != CKR_OK) {
        return rv;
    }
    return kek->class == CKO_SECRET_KEY
               ? wrap_aes(session, kek->local, parameter.iv, target->local, out, out_size)
               : wrap_rsa(session, kek->key, parameter.padding, target->local, out, out_size);
}

static CK_RV unwrap_rsa(struct soft_session *session, struct service_key *kek, enum rsa_padding padding,
                        struct bytes blob, struct local_key *ret_key)
{
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = soft_rsa_check_blob(kek, blob.size, RSA_UNWRAP);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = soft_rsa_open(session, kek, RSA_UNWRAP, padding, blob, &ret_key->value, &answer);
    if (rv != CKR_OK) {
        return rv;
    }
    /* A wrong size is one more bad blob: a code of its own would tell that the padding was right. */
    rv = local_key_complete(ret_key);
    if (rv != CKR_OK) {
        soft_rsa_bad_blob(kek, padding);
        return rv;
    }
    memcpy(ret_key->opened_by, answer.version, sizeof ret_key->opened_by);
    return CKR_OK;
}

static CK_RV unwrap_aes(struct soft_session *session, const struct local_key *kek, struct bytes iv,
                        struct bytes blob, struct local_key *ret_key)
{
    CK_RV rv;

    if (blob.size % KEY_WRAP_BLOCK != 0 || blob.size < 3 * KEY_WRAP_BLOCK || blob.size > LONGEST_COLLECTED) {
        return CKR_WRAPPED_KEY_INVALID;
    }
    if (!local_key_takes(ret_key, blob.size - KEY_WRAP_BLOCK)) {
        return CKR_WRAPPED_KEY_INVALID;
    }
    rv = secret_new(blob.size, &ret_key->value); /* libcrypto writes no more than it is given */
    if (rv == CKR_OK) {
        rv = aes_key_wrap(session->token, false, secret_bytes(&kek->value), iv, blob, ret_key->value.data,
                          CKR_WRAPPED_KEY_INVALID);
    }
    if (rv == CKR_OK) {
        secret_shorten(&ret_key->value, blob.size - KEY_WRAP_BLOCK);
        rv = local_key_complete(ret_key);
    }
    return rv;
}

static CK_RV unwrap(struct soft_session *session, const struct object *kek,
                    const struct mechanism_parameter *parameter, struct bytes blob, struct local_key *ret_key)
{
    return kek->class == CKO_SECRET_KEY ? unwrap_aes(session, kek->local, parameter->iv, blob, ret_key)
                                        : unwrap_rsa(session, kek->key, parameter->padding, blob, ret_key);
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
    if (rv != CKR_OK) {
        return rv;
    }
    kek = object_enter(&session->token->store, unwrapping_key);
    rv = check_kek(session, kek, row, &unwrapping);
    if (rv == CKR_OK) {
        rv = local_key_new(LOCAL_UNWRAPPED, CK_UNAVAILABLE_INFORMATION, template, count, &key);
    }
    if (rv == CKR_OK) {
        rv = unwrap(session, kek, &parameter, bytes_of(blob, blob_size), key);
    }
    return rv == CKR_OK
               ? object_store_add_local(&session->token->store, &session->objects, take(key), ret_key)
               : rv;
}
