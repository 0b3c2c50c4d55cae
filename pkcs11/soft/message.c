/*
 * The message functions of PKCS#11 3.0 for AES-GCM: one Init for many messages, each with an IV and a tag of its
 * own in the parameter.
 */
#include "backends/base/scope.h"
#include "pkcs11/soft/crypt.h"

static void end(struct messaging *messaging)
{
    operation_end(&messaging->operation);
    messaging->open = false;
    messaging->counted = 0;
    messaging->base_size = 0;
}

static bool is_running_locked(const struct soft_session *session, struct messaging *messaging)
{
    if (!crypt_is_running_locked(session, &messaging->operation)) {
        end(messaging);
    }
    return messaging->operation.mechanism != NULL;
}

/* The mechanism's own parameter says nothing: each message brings one. */
static CK_RV init_locked(struct soft_session *session, struct messaging *messaging,
                         const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE handle)
{
    struct object *key SCOPED(object_leave_scoped) = NULL;
    struct key_value *entered SCOPED(value_leave_scoped) = NULL;
    struct operation *operation = &messaging->operation;
    const struct mechanism *row;
    CK_RV rv;

    if (operation->use.cancelled) {
        end(messaging);
    }
    if (is_running_locked(session, messaging)) {
        return CKR_OPERATION_ACTIVE;
    }
    rv = mechanism_find(&session->token->asked, mechanism,
                        operation->encrypt ? CKF_MESSAGE_ENCRYPT : CKF_MESSAGE_DECRYPT, &row);
    if (rv != CKR_OK) {
        return rv;
    }
    key = object_enter(&session->token->store, handle);
    rv = crypt_check_key(session, key, row, operation->encrypt);
    if (rv == CKR_OK) {
        rv = soft_value_enter(session, key, &entered);
    }
    if (rv == CKR_OK) {
        value_use_begin(&operation->use, entered);
        operation->mechanism = row;
        operation->key = handle;
        operation->began = atomic_load(&session->token->logouts);
    }
    return rv;
}

static CK_RV init(struct soft_session *session, struct messaging *messaging, const CK_MECHANISM *mechanism,
                  CK_OBJECT_HANDLE handle)
{
    CK_RV rv;

    soft_session_lock(session);
    rv = init_locked(session, messaging, mechanism, handle);
    soft_session_unlock(session);
    return rv;
}

static CK_RV final(struct soft_session *session, struct messaging *messaging)
{
    CK_RV rv;

    soft_session_lock(session);
    rv = is_running_locked(session, messaging) ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED;
    end(messaging);
    soft_session_unlock(session);
    return rv;
}

/* What a call brings. */
struct call {
    bool begins, brings_data, ends;
    const void *parameter;
    CK_ULONG parameter_size;
    struct bytes aad, in;
    CK_BYTE *out;
    CK_ULONG *out_size;
};

static CK_RV check_call(const struct call *call, bool encrypt, struct gcm_message_params *ret_parameter)
{
    bool bad = (call->aad.data == NULL && call->aad.size != 0) ||
               (call->in.data == NULL && call->in.size != 0) || call->aad.size > SIZE_MAX / 2;

    if (bad || (call->brings_data && call->out_size == NULL)) {
        return CKR_ARGUMENTS_BAD;
    }
    if (call->in.size > SIZE_MAX / 2) {
        return encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
    }
    return parameter_read_gcm_message(call->parameter, call->parameter_size, ret_parameter);
}

/* Nothing to write needs no buffer: then no buffer is no size query. */
static CK_RV run_part(const struct message *message, const struct call *call)
{
    struct buffer aside SCOPED(buffer_free) = BUFFER_INIT(LONGEST_COLLECTED);
    size_t size = message_part_size(message, call->in.size, call->ends);
    struct bytes in = call->in;
    CK_RV rv;

    if ((size != 0 || (in.size != 0 && call->out == NULL)) &&
        !output_fits(call->out, call->out_size, size, &rv)) {
        return rv;
    }
    rv = crypt_set_apart(&message->messaging->operation, &in, call->out, call->out_size, &aside);
    if (rv == CKR_OK && call->begins) {
        rv = message_begin(message, call->aad);
    }
    if (rv == CKR_OK) {
        rv = message_part(message, in, call->ends, call->out);
    }
    *call->out_size = rv == CKR_OK ? size : 0;
    message->messaging->operation.keeps &= rv == CKR_OK;
    message->messaging->open = rv == CKR_OK && !call->ends;
    return rv;
}

/* IV and tag are written to the parameter of the last part: their places must be as large as at the beginning. */
static bool goes_on(const struct messaging *messaging, const struct gcm_message_params *parameter)
{
    return parameter->iv_size == messaging->iv_size &&
           parameter->tag_bits / 8 == messaging->operation.tag_size;
}

static CK_RV run_locked(struct soft_session *session, struct messaging *messaging, const struct call *call)
{
    struct object *key SCOPED(object_leave_scoped) =
        object_enter(&session->token->store, messaging->operation.key);
    struct key_value *entered SCOPED(value_leave_scoped) = NULL;
    struct gcm_message_params parameter;
    const struct message message = {session, messaging, key, &parameter};
    CK_RV rv = check_call(call, messaging->operation.encrypt, &parameter);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = key == NULL ? CKR_KEY_HANDLE_INVALID /* destroyed meanwhile */
                     : soft_value_resume(session, key, &messaging->operation.use, &entered);
    if (rv != CKR_OK) {
        end(messaging);
        return rv;
    }
    if (call->begins == messaging->open) {
        return messaging->open ? CKR_OPERATION_ACTIVE : CKR_OPERATION_NOT_INITIALIZED;
    }
    if (!call->begins && !goes_on(messaging, &parameter)) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    if (call->brings_data) {
        return run_part(&message, call);
    }
    rv = message_begin(&message, call->aad);
    messaging->operation.keeps &= rv == CKR_OK;
    messaging->open = rv == CKR_OK;
    return rv;
}

/* A message that fails is over; the next may begin. */
static CK_RV run(struct soft_session *session, struct messaging *messaging, const struct call *call)
{
    CK_RV rv = CKR_OPERATION_NOT_INITIALIZED;

    soft_session_lock(session);
    if (is_running_locked(session, messaging)) {
        rv = run_locked(session, messaging, call);
    }
    soft_session_unlock(session);
    return rv;
}

void soft_messages_cancel_locked(struct soft_session *session, CK_FLAGS operations)
{
    if ((operations & CKF_MESSAGE_ENCRYPT) != 0) {
        end(&session->messages_encrypting);
    }
    if ((operations & CKF_MESSAGE_DECRYPT) != 0) {
        end(&session->messages_decrypting);
    }
}

CK_RV soft_message_encrypt_init(struct token_session *base, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct soft_session *session = soft_session_of(base);

    return init(session, &session->messages_encrypting, mechanism, key);
}

CK_RV soft_message_decrypt_init(struct token_session *base, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct soft_session *session = soft_session_of(base);

    return init(session, &session->messages_decrypting, mechanism, key);
}

CK_RV soft_message_encrypt_final(struct token_session *base)
{
    struct soft_session *session = soft_session_of(base);

    return final(session, &session->messages_encrypting);
}

CK_RV soft_message_decrypt_final(struct token_session *base)
{
    struct soft_session *session = soft_session_of(base);

    return final(session, &session->messages_decrypting);
}

/* The six functions that bring a message differ in what they bring. */
#define WHOLE(parameter, parameter_size, aad, aad_size, in, in_size, out, out_size)                          \
    &(struct call)                                                                                           \
    {                                                                                                        \
        true, true, true, parameter, parameter_size, bytes_of(aad, aad_size), bytes_of(in, in_size), out,    \
            out_size                                                                                         \
    }
#define BEGIN(parameter, parameter_size, aad, aad_size)                                                      \
    &(struct call)                                                                                           \
    {                                                                                                        \
        true, false, false, parameter, parameter_size, bytes_of(aad, aad_size), bytes_of(NULL, 0), NULL,     \
            NULL                                                                                             \
    }
#define NEXT(flags, parameter, parameter_size, in, in_size, out, out_size)                                   \
    &(struct call)                                                                                           \
    {                                                                                                        \
        false, true, ((flags)&CKF_END_OF_MESSAGE) != 0, parameter, parameter_size, bytes_of(NULL, 0),        \
            bytes_of(in, in_size), out, out_size                                                             \
    }

CK_RV soft_encrypt_message(struct token_session *base, void *parameter, CK_ULONG parameter_size, CK_BYTE *aad,
                           CK_ULONG aad_size, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out,
                           CK_ULONG *out_size)
{
    struct soft_session *session = soft_session_of(base);

    return run(session, &session->messages_encrypting,
               WHOLE(parameter, parameter_size, aad, aad_size, data, data_size, out, out_size));
}

CK_RV soft_encrypt_message_begin(struct token_session *base, void *parameter, CK_ULONG parameter_size,
                                 CK_BYTE *aad, CK_ULONG aad_size)
{
    struct soft_session *session = soft_session_of(base);

    return run(session, &session->messages_encrypting, BEGIN(parameter, parameter_size, aad, aad_size));
}

CK_RV soft_encrypt_message_next(struct token_session *base, void *parameter, CK_ULONG parameter_size,
                                CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out, CK_ULONG *out_size,
                                CK_FLAGS flags)
{
    struct soft_session *session = soft_session_of(base);

    return run(session, &session->messages_encrypting,
               NEXT(flags, parameter, parameter_size, part, part_size, out, out_size));
}

CK_RV soft_decrypt_message(struct token_session *base, void *parameter, CK_ULONG parameter_size, CK_BYTE *aad,
                           CK_ULONG aad_size, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out,
                           CK_ULONG *out_size)
{
    struct soft_session *session = soft_session_of(base);

    return run(session, &session->messages_decrypting,
               WHOLE(parameter, parameter_size, aad, aad_size, data, data_size, out, out_size));
}

CK_RV soft_decrypt_message_begin(struct token_session *base, void *parameter, CK_ULONG parameter_size,
                                 CK_BYTE *aad, CK_ULONG aad_size)
{
    struct soft_session *session = soft_session_of(base);

    return run(session, &session->messages_decrypting, BEGIN(parameter, parameter_size, aad, aad_size));
}

CK_RV soft_decrypt_message_next(struct token_session *base, void *parameter, CK_ULONG parameter_size,
                                CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out, CK_ULONG *out_size,
                                CK_FLAGS flags)
{
    struct soft_session *session = soft_session_of(base);

    return run(session, &session->messages_decrypting,
               NEXT(flags, parameter, parameter_size, part, part_size, out, out_size));
}
