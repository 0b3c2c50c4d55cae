/* Keys of the fake module: it counts them, and gives blobs of plausible sizes. */
#include "tests/backends/hsm/fake_hsm.h"
#include <string.h>

enum { FIRST_KEY = 7000, OAEP_SIZE = 256, RFC5649_SIZE = 40 };

static void *pointer(CK_ULONG word)
{
    return (void *)(uintptr_t)word;
}

static CK_RV make_key(struct fake_hsm *fake, CK_ULONG where)
{
    fake->keys++;
    *(CK_OBJECT_HANDLE *)pointer(where) = FIRST_KEY + fake->keys_ever++;
    return CKR_OK;
}

static CK_RV wrap(struct fake_hsm *fake, const CK_MECHANISM *mechanism, CK_BYTE *out, CK_ULONG *size)
{
    CK_ULONG need = mechanism->mechanism == CKM_RSA_PKCS_OAEP ? OAEP_SIZE : RFC5649_SIZE;
    CK_ULONG room = *size;

    fake->used = mechanism->mechanism;
    *size = need;
    if (out == NULL) {
        return CKR_OK;
    }
    if (room < need) {
        return CKR_BUFFER_TOO_SMALL;
    }
    memset(out, (int)need, need);
    return CKR_OK;
}

static CK_RV describe(CK_ATTRIBUTE *template)
{
    if (template->type == CKA_MODULUS) {
        template->ulValueLen = OAEP_SIZE;
        return CKR_OK;
    }
    template->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    return CKR_ATTRIBUTE_TYPE_INVALID;
}

bool fake_keys_call(struct fake_hsm *fake, const struct fake_call *call, CK_RV *ret_rv)
{
    const CK_ULONG *word = call->word;

    if (!fake->has_keys) {
        return false;
    }
    if (fake->fails != NULL && strcmp(call->name, fake->fails) == 0 && fake->fails_after-- == 0) {
        *ret_rv = fake->fails_with;
    } else if (strcmp(call->name, "C_GenerateKey") == 0) {
        *ret_rv = make_key(fake, word[3]);
    } else if (strcmp(call->name, "C_UnwrapKey") == 0) {
        fake->used = ((CK_MECHANISM *)pointer(word[0]))->mechanism;
        *ret_rv = make_key(fake, word[6]);
    } else if (strcmp(call->name, "C_DestroyObject") == 0) {
        fake->keys--;
        *ret_rv = CKR_OK;
    } else if (strcmp(call->name, "C_WrapKey") == 0) {
        *ret_rv = wrap(fake, pointer(word[0]), pointer(word[3]), pointer(word[4]));
    } else if (strcmp(call->name, "C_GetAttributeValue") == 0) {
        *ret_rv = describe(pointer(word[1]));
    } else {
        return false;
    }
    return true;
}
