/* C_Encrypt and C_Decrypt in one part or many: which operation, which key, when it ends. */
#include "pkcs11/soft/crypt.h"
#include "backends/base/scope.h"

static const struct crypt_way *const ways[] = {
    [FAMILY_RSA] = &crypt_rsa,   [FAMILY_GCM] = &crypt_gcm,   [FAMILY_ECB] = &crypt_block,
    [FAMILY_CBC] = &crypt_block, [FAMILY_CTR] = &crypt_block, [FAMILY_CBC_PAD] = &crypt_cbc,
};

/* A symmetric key of the service stays there, whatever the mode. */
static const struct crypt_way *way_of(const struct mechanism *mechanism, const struct object *key)
{
    return key->local == NULL && key->class == CKO_SECRET_KEY ? &crypt_service : ways[mechanism->family];
}

static CK_RV check_local(const struct local_key *key, const struct mechanism *mechanism, bool encrypt)
{
    if (key->type != mechanism->key_type) {
        return CKR_KEY_TYPE_INCONSISTENT;
    }
    if (!local_key_has(key, encrypt ? LOCAL_ENCRYPT : LOCAL_DECRYPT)) {
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    return local_key_allows(key, mechanism->type) ? CKR_OK : CKR_MECHANISM_INVALID;
}

CK_RV crypt_check_key(const struct soft_session *session, const struct object *object,
                      const struct mechanism *mechanism, bool encrypt)
{
    bool is_rsa = mechanism->key_type == CKK_RSA;
    CK_RV rv;

    if (object == NULL || (object->key == NULL && object->local == NULL)) {
        return CKR_KEY_HANDLE_INVALID;
    }
    if (is_rsa == (object->class == CKO_SECRET_KEY)) {
        return CKR_KEY_TYPE_INCONSISTENT;
    }
    if (is_rsa && object->class != (encrypt ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY)) {
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    if (object->local == NULL && !is_rsa) {
        return soft_aes_permits(session, object, mechanism, encrypt ? AES_ENCRYPT : AES_DECRYPT);
    }
    rv = object->local == NULL ? CKR_OK : check_local(object->local, mechanism, encrypt);
    return rv == CKR_OK && is_rsa ? soft_rsa_permits(session, object, encrypt ? RSA_ENCRYPT : RSA_DECRYPT)
                                  : rv;
}

bool crypt_is_running_locked(const struct soft_session *session, struct operation *operation)
{
    if (operation->mechanism != NULL && operation->began != atomic_load(&session->token->logouts)) {
        operation_end(operation);
    }
    return operation->mechanism != NULL;
}

CK_RV crypt_begin_cipher(struct soft_session *session, struct operation *operation, const struct object *key,
                         enum cipher_mode mode, struct bytes iv)
{
    struct cipher_set *ciphers = &session->token->ciphers;
    struct key_value *value = key->local->value;
    struct bytes secret = secret_bytes(&value->secret);
    const EVP_CIPHER *cipher = cipher_get(ciphers, mode, secret.size);
    EVP_CIPHER_CTX *spare = NULL;

    operation->keeps = cipher != NULL && cipher_keeps(cipher, iv);
    if (operation->keeps) {
        spare = cipher_spare_take(&value->spares, cipher, operation->encrypt);
    }
    if (spare == NULL) {
        return cipher_begin(ciphers, &operation->context, mode, operation->encrypt, secret, iv);
    }
    EVP_CIPHER_CTX_free(operation->context);
    operation->context = spare;
    return cipher_next(spare, iv);
}

void crypt_set_padding(struct operation *operation, bool padding)
{
    bool pads = EVP_CIPHER_CTX_test_flags(operation->context, EVP_CIPH_NO_PADDING) == 0;

    if (pads != padding) {
        EVP_CIPHER_CTX_set_padding(operation->context, padding);
    }
}

static CK_RV init_locked(struct soft_session *session, struct operation *operation,
                         const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE handle)
{
    struct object *key SCOPED(object_leave_scoped) = NULL;
    struct key_value *entered SCOPED(value_leave_scoped) = NULL;
    struct mechanism_parameter parameter;
    const struct mechanism *row;
    CK_RV rv;

    if (operation->use.cancelled) {
        operation_end(operation);
    }
    if (crypt_is_running_locked(session, operation)) {
        return CKR_OPERATION_ACTIVE;
    }
    rv = mechanism_read(&session->token->asked, mechanism, operation->encrypt ? CKF_ENCRYPT : CKF_DECRYPT,
                        &row, &parameter);
    if (rv != CKR_OK) {
        return rv;
    }
    key = object_enter(&session->token->store, handle);
    operation->mechanism = row;
    rv = crypt_check_key(session, key, row, operation->encrypt);
    if (rv == CKR_OK) {
        rv = soft_value_enter(session, key, &entered);
    }
    if (rv == CKR_OK) {
        value_use_begin(&operation->use, entered);
        rv = way_of(row, key)->begin(session, operation, key, &parameter);
    }
    if (rv != CKR_OK) {
        operation_end(operation);
        return rv;
    }
    operation->key = handle;
    operation->began = atomic_load(&session->token->logouts);
    return CKR_OK;
}

/* PKCS#11 3.0, 5.8.1: without a mechanism, what is running is cancelled; there must be something. */
static CK_RV init(struct soft_session *session, struct operation *operation, const CK_MECHANISM *mechanism,
                  CK_OBJECT_HANDLE handle)
{
    CK_RV rv = CKR_OK;

    soft_session_lock(session);
    if (mechanism != NULL) {
        rv = init_locked(session, operation, mechanism, handle);
    } else if (crypt_is_running_locked(session, operation)) {
        operation_end(operation);
    } else {
        rv = CKR_ARGUMENTS_BAD;
    }
    soft_session_unlock(session);
    return rv;
}

enum stage { WHOLE, PART, FINISH };

/* PKCS#11 2.40, 5.2: a size query and a short buffer leave the operation as it is, all else ends it. */
static bool goes_on(enum stage stage, CK_RV rv, const CK_BYTE *out)
{
    return rv == CKR_BUFFER_TOO_SMALL || (rv == CKR_OK && (stage == PART || out == NULL));
}

static bool collides(const struct operation *operation, struct bytes in, const CK_BYTE *out, CK_ULONG room)
{
    uintptr_t from = (uintptr_t)in.data, to = (uintptr_t)out;
    bool apart = to - from >= in.size && from - to >= room;

    return in.size != 0 && !apart && (from != to || operation->held != 0);
}

static CK_RV too_long(const struct operation *operation)
{
    return operation->encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
}

CK_RV crypt_set_apart(const struct operation *operation, struct bytes *in, const CK_BYTE *out,
                      const CK_ULONG *out_size, struct buffer *aside)
{
    CK_RV rv;

    if (out == NULL || !collides(operation, *in, out, *out_size)) {
        return CKR_OK;
    }
    rv = buffer_append(aside, in->data, in->size);
    if (rv == CKR_OK) {
        *in = buffer_bytes(aside);
    }
    return rv == CKR_DATA_LEN_RANGE ? too_long(operation) : rv;
}

static CK_RV take_step(struct soft_session *session, struct operation *operation, const struct object *key,
                       enum stage stage, struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    const struct crypt_way *way = way_of(operation->mechanism, key);

    switch (stage) {
    case WHOLE:
        return way->whole(session, operation, key, in, out, out_size);
    case PART:
        return way->part(session, operation, key, in, out, out_size);
    case FINISH:
        break;
    }
    return way->finish(session, operation, key, in, out, out_size);
}

/* The context of what has ended well waits with its key; of what failed none does. */
static CK_RV run_locked(struct soft_session *session, struct operation *operation, enum stage stage,
                        struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    struct buffer aside SCOPED(buffer_free) = BUFFER_INIT(LONGEST_COLLECTED);
    struct object *key SCOPED(object_leave_scoped) = object_enter(&session->token->store, operation->key);
    struct key_value *entered SCOPED(value_leave_scoped) = NULL;
    CK_RV rv;

    if (key == NULL) {
        return CKR_KEY_HANDLE_INVALID; /* destroyed meanwhile */
    }
    rv = soft_value_resume(session, key, &operation->use, &entered);
    if (rv != CKR_OK) {
        return rv;
    }
    if (out_size == NULL || (in.data == NULL && in.size != 0)) {
        return CKR_ARGUMENTS_BAD;
    }
    if (in.size > SIZE_MAX / 2) {
        return too_long(operation);
    }
    rv = crypt_set_apart(operation, &in, out, out_size, &aside);
    if (rv != CKR_OK) {
        return rv;
    }
    rv = take_step(session, operation, key, stage, in, out, out_size);
    if (operation->keeps && rv == CKR_OK && !goes_on(stage, rv, out)) {
        cipher_spare_give(&key->local->value->spares, take(operation->context));
    }
    return rv;
}

/* After a part only parts or the end may follow; after a result that did not fit only a larger buffer. */
static bool in_order(const struct operation *operation, enum stage stage)
{
    return !(stage == WHOLE && operation->parted) && !(stage == PART && operation->done);
}

static CK_RV run(struct soft_session *session, struct operation *operation, enum stage stage, struct bytes in,
                 CK_BYTE *out, CK_ULONG *out_size)
{
    CK_RV rv = CKR_OPERATION_NOT_INITIALIZED;

    soft_session_lock(session);
    if (crypt_is_running_locked(session, operation) && in_order(operation, stage)) {
        rv = run_locked(session, operation, stage, in, out, out_size);
        operation->parted |= stage == PART && rv == CKR_OK && out != NULL;
        if (!goes_on(stage, rv, out)) {
            operation_end(operation);
        }
    }
    soft_session_unlock(session);
    return rv;
}

CK_RV soft_encrypt_init(struct token_session *base, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct soft_session *session = soft_session_of(base);

    return init(session, &session->encrypting, mechanism, key);
}

CK_RV soft_encrypt(struct token_session *base, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out,
                   CK_ULONG *out_size)
{
    struct soft_session *session = soft_session_of(base);

    return run(session, &session->encrypting, WHOLE, bytes_of(data, data_size), out, out_size);
}

CK_RV soft_encrypt_update(struct token_session *base, CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out,
                          CK_ULONG *out_size)
{
    struct soft_session *session = soft_session_of(base);

    return run(session, &session->encrypting, PART, bytes_of(part, part_size), out, out_size);
}

CK_RV soft_encrypt_final(struct token_session *base, CK_BYTE *out, CK_ULONG *out_size)
{
    struct soft_session *session = soft_session_of(base);

    return run(session, &session->encrypting, FINISH, bytes_of(NULL, 0), out, out_size);
}

CK_RV soft_decrypt_init(struct token_session *base, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct soft_session *session = soft_session_of(base);

    return init(session, &session->decrypting, mechanism, key);
}

CK_RV soft_decrypt(struct token_session *base, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out,
                   CK_ULONG *out_size)
{
    struct soft_session *session = soft_session_of(base);

    return run(session, &session->decrypting, WHOLE, bytes_of(data, data_size), out, out_size);
}

CK_RV soft_decrypt_update(struct token_session *base, CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out,
                          CK_ULONG *out_size)
{
    struct soft_session *session = soft_session_of(base);

    return run(session, &session->decrypting, PART, bytes_of(part, part_size), out, out_size);
}

CK_RV soft_decrypt_final(struct token_session *base, CK_BYTE *out, CK_ULONG *out_size)
{
    struct soft_session *session = soft_session_of(base);

    return run(session, &session->decrypting, FINISH, bytes_of(NULL, 0), out, out_size);
}
