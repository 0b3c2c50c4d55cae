/* Ways to encrypt and decrypt whose result waits where it did not fit. */
#include "pkcs11/soft/crypt_kept.h"

static CK_RV too_long(const struct operation *operation)
{
    return operation->encrypt ? CKR_DATA_LEN_RANGE : operation->kept->too_long;
}

/* The result of just this input is there already: an earlier call had no room for it. */
static bool is_waiting(const struct operation *operation, struct bytes in)
{
    return operation->done && bytes_equal_secret(in, buffer_bytes(&operation->collected));
}

static CK_RV keep_input(struct operation *operation, struct bytes in)
{
    secret_free(&operation->result);
    operation->done = false;
    if (in.size > operation->kept->longest) {
        return too_long(operation);
    }
    if (in.data == operation->collected.data) {
        return CKR_OK;
    }
    buffer_clear(&operation->collected);
    return buffer_append(&operation->collected, in.data, in.size);
}

CK_RV crypt_kept_whole(struct soft_session *session, struct operation *operation, const struct object *key,
                       struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    bool known;
    size_t room = operation->kept->room(operation, key, in.size, &known);
    CK_RV rv = CKR_OK;

    if (is_waiting(operation, in)) {
        return output_deliver(secret_bytes(&operation->result), out, out_size);
    }
    if ((out == NULL || known) && !output_fits(out, out_size, room, &rv)) {
        return rv;
    }
    rv = keep_input(operation, in);
    if (rv == CKR_OK) {
        rv = operation->kept->make(session, operation, key, in);
    }
    operation->done = rv == CKR_OK;
    return rv == CKR_OK ? output_deliver(secret_bytes(&operation->result), out, out_size) : rv;
}

CK_RV crypt_kept_part(struct soft_session *session, struct operation *operation, const struct object *key,
                      struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    (void)session;
    (void)key;
    *out_size = 0;
    if (out == NULL) {
        return CKR_OK;
    }
    if (in.size > operation->kept->longest - operation->collected.size) {
        return too_long(operation);
    }
    return buffer_append(&operation->collected, in.data, in.size);
}

CK_RV crypt_kept_finish(struct soft_session *session, struct operation *operation, const struct object *key,
                        struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    (void)in;
    return crypt_kept_whole(session, operation, key, buffer_bytes(&operation->collected), out, out_size);
}
