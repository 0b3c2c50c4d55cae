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

static CK_RV give(CK_ATTRIBUTE *attribute, const void *value, CK_ULONG size)
{
    CK_ULONG room = attribute->ulValueLen;

    attribute->ulValueLen = size <= room ? size : CK_UNAVAILABLE_INFORMATION;
    if (size > room) {
        return CKR_BUFFER_TOO_SMALL;
    }
    memcpy(attribute->pValue, value, size);
    return CKR_OK;
}

/* With a leading zero, as some write it. */
static CK_RV give_modulus(const struct fake_hsm *fake, CK_ATTRIBUTE *attribute)
{
    unsigned char modulus[4096] = {0};
    unsigned size = (fake->key.bits + 7) / 8;

    memset(modulus + 1, 0xff, size);
    modulus[1] = (unsigned char)(0xff >> (size * 8 - fake->key.bits));
    return give(attribute, modulus, size + 1);
}

static CK_RV give_one(const struct fake_hsm *fake, CK_ATTRIBUTE *attribute)
{
    CK_BBOOL on_token = fake->key.on_token ? CK_TRUE : CK_FALSE;
    CK_ULONG bits = fake->key.bits;

    if (attribute->type == CKA_KEY_TYPE) {
        return give(attribute, &fake->key.type, sizeof fake->key.type);
    }
    if (attribute->type == CKA_TOKEN) {
        return give(attribute, &on_token, sizeof on_token);
    }
    if (attribute->type == CKA_LABEL) {
        return give(attribute, "big\nkey", 7);
    }
    if (attribute->type == CKA_ID) {
        return give(attribute, "\x01\xab", 2);
    }
    if (attribute->type == CKA_MODULUS && !fake->key.hides_modulus) {
        return give_modulus(fake, attribute);
    }
    if (attribute->type == CKA_MODULUS_BITS && !fake->key.hides_bits) {
        return give(attribute, &bits, sizeof bits);
    }
    attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    return CKR_ATTRIBUTE_TYPE_INVALID;
}

static CK_RV describe_all(const struct fake_hsm *fake, CK_ATTRIBUTE *list, CK_ULONG count)
{
    CK_RV rv = fake->key.is_gone ? CKR_OBJECT_HANDLE_INVALID : CKR_OK;

    for (CK_ULONG i = 0; i < count && !fake->key.is_gone; i++) {
        CK_RV one = give_one(fake, &list[i]);

        rv = one == CKR_OK ? rv : one;
    }
    return rv;
}

bool fake_keys_call(struct fake_hsm *fake, const struct fake_call *call, CK_RV *ret_rv)
{
    const CK_ULONG *word = call->word;

    if (fake->key.bits != 0 && strcmp(call->name, "C_GetAttributeValue") == 0) {
        *ret_rv = describe_all(fake, pointer(word[1]), word[2]);
        return true;
    }
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
    } else if (strcmp(call->name, "C_DeriveKey") == 0) {
        *ret_rv = make_key(fake, word[4]);
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
