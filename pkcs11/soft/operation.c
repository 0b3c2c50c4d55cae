/* What a session is in the middle of. */
#include "pkcs11/soft/operation.h"
#include "pkcs11/soft/lease_use.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 16 };

void found_end(struct found *found)
{
    free(found->handles);
    memset(found, 0, sizeof *found);
}

CK_RV found_add(struct found *found, CK_OBJECT_HANDLE handle)
{
    size_t room = found->room == 0 ? FIRST_ROOM : found->room * 2;
    CK_OBJECT_HANDLE *handles;

    if (found->count == found->room) {
        handles = realloc(found->handles, room * sizeof *handles);
        if (handles == NULL) {
            return CKR_HOST_MEMORY;
        }
        found->handles = handles;
        found->room = room;
    }
    found->handles[found->count++] = handle;
    return CKR_OK;
}

void operation_init(struct operation *operation, bool encrypt)
{
    memset(operation, 0, sizeof *operation);
    operation->encrypt = encrypt;
    operation->collected.limit = LONGEST_COLLECTED;
    operation->aad.limit = LONGEST_ASKED;
}

static void wipe_operation(struct operation *operation)
{
    if (operation->context != NULL) {
        EVP_CIPHER_CTX_reset(operation->context);
    }
    operation->keeps = false;
    buffer_free(&operation->collected);
    buffer_free(&operation->aad);
    secret_free(&operation->result);
    value_use_end(&operation->use);
}

void operation_cancel(struct operation *operation)
{
    if (value_use_is_over(&operation->use)) {
        wipe_operation(operation);
        operation->use.cancelled = true;
    }
}

void operation_end(struct operation *operation)
{
    wipe_operation(operation);
    operation->mechanism = NULL;
    operation->parted = false;
    operation->done = false;
    operation->held = 0;
}

void operation_done(struct operation *operation)
{
    operation_end(operation);
    EVP_CIPHER_CTX_free(operation->context);
    operation->context = NULL;
}

bool output_fits(const CK_BYTE *out, CK_ULONG *out_size, size_t size, CK_RV *ret_rv)
{
    bool small = out != NULL && *out_size < size;

    if (out != NULL && !small) {
        return true;
    }
    *out_size = size;
    *ret_rv = small ? CKR_BUFFER_TOO_SMALL : CKR_OK;
    return false;
}

CK_RV output_deliver(struct bytes from, CK_BYTE *out, CK_ULONG *out_size)
{
    CK_RV rv;

    if (output_fits(out, out_size, from.size, &rv)) {
        if (from.size != 0) {
            memcpy(out, from.data, from.size);
        }
        *out_size = from.size;
        rv = CKR_OK;
    }
    return rv;
}
