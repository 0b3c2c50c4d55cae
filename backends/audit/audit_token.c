/* A token over an HSM's, which records what keys of the HSM are used for. */
#include "backends/audit/audit_token.h"
#include "backends/audit/audit_session.h"
#include "backends/base/scope.h"

enum { SCRATCH = 1024 };

static CK_RV open_session(struct token *token, CK_FLAGS flags, token_notify *notify, void *notify_arg,
                          struct token_session **ret_session)
{
    CK_RV rv =
        token_above_open_session(token, sizeof(struct audit_session), flags, notify, notify_arg, ret_session);

    if (rv == CKR_OK) {
        audit_session_init((struct audit_session *)*ret_session);
    }
    return rv;
}

static CK_RV close_session(struct token_session *session)
{
    audit_session_done((struct audit_session *)session);
    return token_above_close_session(session);
}

/* --- Keys --- */

static CK_RV wrap_key(struct token_session *session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                      CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG *out_size)
{
    int64_t began = audit_began();
    CK_RV rv = token_above_wrap_key(session, mechanism, wrapping_key, key, out, out_size);
    struct audit_use use = {
        .operation = "wrap", .blob = audit_made(out, out_size, rv), .began = began, .rv = rv};

    if (out == NULL || out_size == NULL || rv == CKR_BUFFER_TOO_SMALL ||
        audit_session_record(session, mechanism, wrapping_key, &use) == CKR_OK) {
        return rv;
    }
    if (rv == CKR_OK) {
        wipe(out, *out_size);
    }
    return CKR_FUNCTION_FAILED;
}

/* What came of it is a key. */
static CK_RV record_key(struct token_session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE with,
                        const struct audit_use *use, CK_OBJECT_HANDLE *ret_key)
{
    if (audit_session_record(session, mechanism, with, use) == CKR_OK) {
        return use->rv;
    }
    if (use->rv == CKR_OK && *ret_key != CK_INVALID_HANDLE) {
        (void)token_above_destroy_object(session, *ret_key);
        *ret_key = CK_INVALID_HANDLE;
    }
    return CKR_FUNCTION_FAILED;
}

static CK_RV unwrap_key(struct token_session *session, CK_MECHANISM *mechanism,
                        CK_OBJECT_HANDLE unwrapping_key, CK_BYTE *blob, CK_ULONG blob_size,
                        CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_key)
{
    int64_t began = audit_began();
    CK_RV rv =
        token_above_unwrap_key(session, mechanism, unwrapping_key, blob, blob_size, template, count, ret_key);
    struct audit_use use = {
        .operation = "unwrap", .blob = bytes_of(blob, blob_size), .began = began, .rv = rv};

    return blob == NULL || ret_key == NULL ? rv
                                           : record_key(session, mechanism, unwrapping_key, &use, ret_key);
}

/* Some mechanisms give their keys elsewhere, and leave `ret_key` as it is (CKM_SSL3_KEY_AND_MAC_DERIVE). */
static CK_RV derive_key(struct token_session *session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key,
                        CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_key)
{
    int64_t began = audit_began();
    CK_OBJECT_HANDLE new_key = CK_INVALID_HANDLE;
    CK_RV rv = token_above_derive_key(session, mechanism, base_key, template, count,
                                      ret_key == NULL ? NULL : &new_key);
    struct audit_use use = {.operation = "derive", .began = began, .rv = rv};

    rv = record_key(session, mechanism, base_key, &use, &new_key);
    if (rv == CKR_OK && new_key != CK_INVALID_HANDLE) {
        *ret_key = new_key;
    }
    return rv;
}

/* --- Beginning --- */

/* clang-format off */
#define BEGIN(verb, kind) \
    static CK_RV verb(struct token_session *session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) \
    { \
        return audit_session_begin(session, kind, mechanism, key, \
                                   token_above_##verb(session, mechanism, key)); \
    }
/* clang-format on */
BEGIN(encrypt_init, RUNNING_ENCRYPT)
BEGIN(decrypt_init, RUNNING_DECRYPT)
BEGIN(sign_init, RUNNING_SIGN)
BEGIN(sign_recover_init, RUNNING_SIGN_RECOVER)
BEGIN(message_encrypt_init, RUNNING_MESSAGE_ENCRYPT)
BEGIN(message_decrypt_init, RUNNING_MESSAGE_DECRYPT)
BEGIN(message_sign_init, RUNNING_MESSAGE_SIGN)

/* clang-format off */
#define END_MESSAGES(verb, kind) \
    static CK_RV verb(struct token_session *session) \
    { \
        audit_session_end(session, kind); \
        return token_above_##verb(session); \
    }
/* clang-format on */
END_MESSAGES(message_encrypt_final, RUNNING_MESSAGE_ENCRYPT)
END_MESSAGES(message_decrypt_final, RUNNING_MESSAGE_DECRYPT)
END_MESSAGES(message_sign_final, RUNNING_MESSAGE_SIGN)

/* --- In one call; a NULL buffer asks for a size, which ends nothing --- */

/* clang-format off */
/* What is recorded of a function: the ciphertext or signature that it makes, or the ciphertext that it opens. */
#define MAKES_BEFORE(data, size) ((void)&copy, bytes_of(NULL, 0)) /* clang sees a scoped variable as unused */
#define MAKES_AFTER audit_made(out, out_size, rv)
#define OPENS_BEFORE(data, size) audit_opened(data, size, out, out_size, &copy)
#define OPENS_AFTER blob

#define WHOLE(verb, kind, how) \
    static CK_RV verb(struct token_session *session, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out, CK_ULONG *out_size) \
    { \
        struct buffer copy SCOPED(buffer_free) = BUFFER_INIT(0); \
        struct bytes blob = how##_BEFORE(data, data_size); \
        int64_t began = audit_began(); \
        CK_RV rv = token_above_##verb(session, data, data_size, out, out_size); \
\
        blob = how##_AFTER; \
        return out == NULL ? rv : audit_session_finish(session, kind, &blob, began, out, out_size, rv); \
    }
#define WHOLE_MESSAGE(verb, kind, how) \
    static CK_RV verb(struct token_session *session, void *parameter, CK_ULONG parameter_size, CK_BYTE *associated, \
                      CK_ULONG associated_size, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out, CK_ULONG *out_size) \
    { \
        struct buffer copy SCOPED(buffer_free) = BUFFER_INIT(0); \
        struct bytes blob = how##_BEFORE(data, data_size); \
        int64_t began = audit_began(); \
        CK_RV rv = token_above_##verb(session, parameter, parameter_size, associated, associated_size, data, \
                                      data_size, out, out_size); \
\
        blob = how##_AFTER; \
        return out == NULL ? rv : audit_session_finish(session, kind, &blob, began, out, out_size, rv); \
    }
/* clang-format on */
WHOLE(encrypt, RUNNING_ENCRYPT, MAKES)
WHOLE(decrypt, RUNNING_DECRYPT, OPENS)
WHOLE(sign, RUNNING_SIGN, MAKES)
WHOLE(sign_recover, RUNNING_SIGN_RECOVER, MAKES)
WHOLE_MESSAGE(encrypt_message, RUNNING_MESSAGE_ENCRYPT, MAKES)
WHOLE_MESSAGE(decrypt_message, RUNNING_MESSAGE_DECRYPT, OPENS)

static CK_RV sign_message(struct token_session *session, void *parameter, CK_ULONG parameter_size,
                          CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out, CK_ULONG *out_size)
{
    int64_t began = audit_began();
    CK_RV rv = token_above_sign_message(session, parameter, parameter_size, data, data_size, out, out_size);
    struct bytes blob = audit_made(out, out_size, rv);

    return out == NULL ? rv
                       : audit_session_finish(session, RUNNING_MESSAGE_SIGN, &blob, began, out, out_size, rv);
}

/* --- In parts --- */

/*
 * What was refused must not go on below: it is ended by what 3.0 has for that, or unseen, with a byte of nobody's.
 * No data has come yet.
 */
static CK_RV refuse(struct token_session *session, enum audit_running_kind kind)
{
    static const CK_FLAGS flags[RUNNING_KINDS] = {[RUNNING_ENCRYPT] = CKF_ENCRYPT,
                                                  [RUNNING_DECRYPT] = CKF_DECRYPT,
                                                  [RUNNING_MESSAGE_ENCRYPT] = CKF_MESSAGE_ENCRYPT,
                                                  [RUNNING_MESSAGE_DECRYPT] = CKF_MESSAGE_DECRYPT};
    CK_BYTE scratch[SCRATCH], nobodys = 0;
    CK_ULONG size = sizeof scratch;

    if (token_above_session_cancel(session, flags[kind]) == CKR_OK) {
        return CKR_FUNCTION_FAILED;
    }
    if (kind == RUNNING_ENCRYPT) {
        (void)token_above_encrypt(session, &nobodys, 1, scratch, &size);
    } else if (kind == RUNNING_DECRYPT) {
        (void)token_above_decrypt(session, &nobodys, 1, scratch, &size);
    }
    wipe(scratch, sizeof scratch);
    return CKR_FUNCTION_FAILED;
}

/* clang-format off */
#define PART(verb, kind, how) \
    static CK_RV verb(struct token_session *session, CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out, CK_ULONG *out_size) \
    { \
        struct buffer copy SCOPED(buffer_free) = BUFFER_INIT(0); \
        struct bytes blob = how##_BEFORE(part, part_size); \
\
        if (out != NULL && audit_session_part_begin(session, kind) != CKR_OK) { \
            return refuse(session, kind); \
        } \
        CK_RV rv = token_above_##verb(session, part, part_size, out, out_size); \
\
        blob = how##_AFTER; \
        return out == NULL ? rv : audit_session_part_end(session, kind, blob, rv); \
    }
#define LAST_PART(verb, kind) \
    static CK_RV verb(struct token_session *session, CK_BYTE *out, CK_ULONG *out_size) \
    { \
        CK_RV rv = token_above_##verb(session, out, out_size); \
\
        if (out == NULL) { \
            return rv; \
        } \
        if (rv == CKR_OK && out_size != NULL) { \
            CIPHERTEXT_##kind \
        } \
        return audit_session_finish(session, kind, NULL, audit_began(), out, out_size, rv); \
    }
#define CIPHERTEXT_RUNNING_ENCRYPT (void)audit_session_part_end(session, RUNNING_ENCRYPT, bytes_of(out, *out_size), rv);
#define CIPHERTEXT_RUNNING_DECRYPT
/* clang-format on */
PART(encrypt_update, RUNNING_ENCRYPT, MAKES)
PART(digest_encrypt_update, RUNNING_ENCRYPT, MAKES)
PART(sign_encrypt_update, RUNNING_ENCRYPT, MAKES)
PART(decrypt_update, RUNNING_DECRYPT, OPENS)
PART(decrypt_digest_update, RUNNING_DECRYPT, OPENS)
PART(decrypt_verify_update, RUNNING_DECRYPT, OPENS)
LAST_PART(encrypt_final, RUNNING_ENCRYPT)
LAST_PART(decrypt_final, RUNNING_DECRYPT)

/* The parts of what is signed give nothing away. */
static CK_RV sign_final(struct token_session *session, CK_BYTE *out, CK_ULONG *out_size)
{
    int64_t began = audit_began();
    CK_RV rv = token_above_sign_final(session, out, out_size);
    struct bytes blob = audit_made(out, out_size, rv);

    return out == NULL ? rv : audit_session_finish(session, RUNNING_SIGN, &blob, began, out, out_size, rv);
}

/* Without room for a size it is not the last (3.0, 5.14). */
static CK_RV sign_message_next(struct token_session *session, void *parameter, CK_ULONG parameter_size,
                               CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out, CK_ULONG *out_size)
{
    int64_t began = audit_began();
    CK_RV rv =
        token_above_sign_message_next(session, parameter, parameter_size, part, part_size, out, out_size);
    struct bytes blob = audit_made(out, out_size, rv);

    return out == NULL || out_size == NULL
               ? rv
               : audit_session_finish(session, RUNNING_MESSAGE_SIGN, &blob, began, out, out_size, rv);
}

/* clang-format off */
#define PART_OF_MESSAGE(verb, kind, how) \
    static CK_RV verb(struct token_session *session, void *parameter, CK_ULONG parameter_size, CK_BYTE *part, \
                      CK_ULONG part_size, CK_BYTE *out, CK_ULONG *out_size, CK_FLAGS flags) \
    { \
        struct buffer copy SCOPED(buffer_free) = BUFFER_INIT(0); \
        struct bytes blob = how##_BEFORE(part, part_size); \
\
        if (out != NULL && audit_session_part_begin(session, kind) != CKR_OK) { \
            return refuse(session, kind); \
        } \
        CK_RV rv = token_above_##verb(session, parameter, parameter_size, part, part_size, out, out_size, flags); \
\
        if (out == NULL || rv == CKR_BUFFER_TOO_SMALL) { \
            return rv; \
        } \
        blob = how##_AFTER; \
        rv = audit_session_part_end(session, kind, blob, rv); \
        return rv != CKR_OK || (flags & CKF_END_OF_MESSAGE) == 0 \
                   ? rv \
                   : audit_session_finish(session, kind, NULL, 0, out, out_size, rv); \
    }
/* clang-format on */
PART_OF_MESSAGE(encrypt_message_next, RUNNING_MESSAGE_ENCRYPT, MAKES)
PART_OF_MESSAGE(decrypt_message_next, RUNNING_MESSAGE_DECRYPT, OPENS)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct token_ops audit_ops = {
    TOKEN_ABOVE_ROWS.name = "audit",
    .open_session = open_session,
    .close_session = close_session,
    .wrap_key = wrap_key,
    .unwrap_key = unwrap_key,
    .derive_key = derive_key,
    .set_operation_state = token_above_refuse_state,
    .encrypt_init = encrypt_init,
    .encrypt = encrypt,
    .encrypt_update = encrypt_update,
    .digest_encrypt_update = digest_encrypt_update,
    .sign_encrypt_update = sign_encrypt_update,
    .encrypt_final = encrypt_final,
    .decrypt_init = decrypt_init,
    .decrypt = decrypt,
    .decrypt_update = decrypt_update,
    .decrypt_digest_update = decrypt_digest_update,
    .decrypt_verify_update = decrypt_verify_update,
    .decrypt_final = decrypt_final,
    .sign_init = sign_init,
    .sign = sign,
    .sign_final = sign_final,
    .sign_recover_init = sign_recover_init,
    .sign_recover = sign_recover,
    .message_encrypt_init = message_encrypt_init,
    .encrypt_message = encrypt_message,
    .encrypt_message_next = encrypt_message_next,
    .message_encrypt_final = message_encrypt_final,
    .message_decrypt_init = message_decrypt_init,
    .decrypt_message = decrypt_message,
    .decrypt_message_next = decrypt_message_next,
    .message_decrypt_final = message_decrypt_final,
    .message_sign_init = message_sign_init,
    .sign_message = sign_message,
    .sign_message_next = sign_message_next,
    .message_sign_final = message_sign_final,
};
#pragma GCC diagnostic pop

CK_RV audit_token_above(const struct settings *section, const char *label, struct token **token)
{
    const char *backend = (*token)->ops->name;
    struct audit_token *above;
    CK_RV rv;

    if (!audit_wanted()) {
        return CKR_OK;
    }
    rv = token_above_put(sizeof *above, &audit_ops, token);
    if (rv != CKR_OK) {
        return rv;
    }
    above = (struct audit_token *)*token;
    above->title = settings_title(section);
    above->label = label;
    above->backend = backend;
    return CKR_OK;
}
