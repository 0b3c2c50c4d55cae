/* Finding keys that wrap, by name or all of them. */
#include "tools/keks.h"
#include <stdint.h>
#include <string.h>

enum { AT_ONCE = 16, ID_SIZE = 256 };

/* Up to `room` objects. */
static CK_RV find(const struct kek_search *in, CK_ATTRIBUTE *template, CK_ULONG attributes,
                  CK_OBJECT_HANDLE *ret_found, CK_ULONG room, CK_ULONG *ret_count)
{
    CK_RV rv = in->p11->C_FindObjectsInit(in->session, template, attributes);
    CK_ULONG got = 1;

    *ret_count = 0;
    if (rv != CKR_OK) {
        return rv;
    }
    while (rv == CKR_OK && got != 0 && *ret_count < room) {
        rv = in->p11->C_FindObjects(in->session, ret_found + *ret_count, room - *ret_count, &got);
        *ret_count += rv == CKR_OK ? got : 0;
    }
    in->p11->C_FindObjectsFinal(in->session);
    return rv;
}

static CK_RV find_one(const struct kek_search *in, CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE by,
                      const void *value, size_t size, CK_OBJECT_HANDLE *ret_object)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {by, (void *)(uintptr_t)value, size}};
    CK_OBJECT_HANDLE found[AT_ONCE];
    CK_ULONG count;
    CK_RV rv = find(in, template, 2, found, AT_ONCE, &count);

    if (rv == CKR_OK) {
        *ret_object = count == 0 ? 0 : found[0];
    }
    return rv;
}

static void read_type(const struct kek_search *in, struct kek *kek)
{
    CK_KEY_TYPE type;
    CK_ATTRIBUTE attribute = {CKA_KEY_TYPE, &type, sizeof type};
    CK_OBJECT_HANDLE object = kek->unwraps != 0 ? kek->unwraps : kek->wraps;

    kek->type = in->p11->C_GetAttributeValue(in->session, object, &attribute, 1) == CKR_OK
                    ? type
                    : CK_UNAVAILABLE_INFORMATION;
}

static void read_label(const struct kek_search *in, struct kek *kek)
{
    CK_ATTRIBUTE attribute = {CKA_LABEL, kek->label, sizeof kek->label - 1};

    if (in->p11->C_GetAttributeValue(in->session, kek->unwraps, &attribute, 1) != CKR_OK) {
        attribute.ulValueLen = 0;
    }
    kek->label[attribute.ulValueLen] = '\0';
}

CK_RV kek_named(const struct kek_search *in, const char *label, struct kek *ret_kek)
{
    struct kek kek = {.type = 0};
    size_t size = strlen(label);
    CK_RV rv = find_one(in, CKO_SECRET_KEY, CKA_LABEL, label, size, &kek.unwraps);

    kek.wraps = kek.unwraps;
    if (rv == CKR_OK && kek.unwraps == 0) {
        rv = find_one(in, CKO_PRIVATE_KEY, CKA_LABEL, label, size, &kek.unwraps);
    }
    if (rv == CKR_OK && kek.wraps == 0) {
        rv = find_one(in, CKO_PUBLIC_KEY, CKA_LABEL, label, size, &kek.wraps);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    if (kek.wraps == 0 && kek.unwraps == 0) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    strncpy(kek.label, label, sizeof kek.label - 1);
    read_type(in, &kek);
    *ret_kek = kek;
    return CKR_OK;
}

/* The public half of a pair has the same CKA_ID. */
static CK_RV find_public_half(const struct kek_search *in, struct kek *kek)
{
    unsigned char id[ID_SIZE];
    CK_ATTRIBUTE attribute = {CKA_ID, id, sizeof id};

    if (in->p11->C_GetAttributeValue(in->session, kek->unwraps, &attribute, 1) != CKR_OK ||
        attribute.ulValueLen == 0) {
        return CKR_OK;
    }
    return find_one(in, CKO_PUBLIC_KEY, CKA_ID, id, attribute.ulValueLen, &kek->wraps);
}

static CK_RV describe(const struct kek_search *in, CK_OBJECT_CLASS class, struct kek *kek)
{
    kek->wraps = class == CKO_SECRET_KEY ? kek->unwraps : 0;
    read_label(in, kek);
    read_type(in, kek);
    return class == CKO_PRIVATE_KEY ? find_public_half(in, kek) : CKR_OK;
}

static CK_RV add_class(const struct kek_search *in, CK_OBJECT_CLASS class, struct kek *keks, unsigned *count)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_UNWRAP, &yes, sizeof yes}};
    CK_OBJECT_HANDLE found[KEKS_MOST];
    CK_ULONG got;
    CK_RV rv = find(in, template, 2, found, KEKS_MOST - *count, &got);

    for (CK_ULONG i = 0; rv == CKR_OK && i < got; i++) {
        keks[*count].unwraps = found[i];
        rv = describe(in, class, &keks[(*count)++]);
    }
    return rv;
}

CK_RV kek_all(const struct kek_search *in, struct kek ret_keks[KEKS_MOST], unsigned *ret_count)
{
    CK_RV rv;

    *ret_count = 0;
    rv = add_class(in, CKO_PRIVATE_KEY, ret_keks, ret_count);
    return rv == CKR_OK ? add_class(in, CKO_SECRET_KEY, ret_keks, ret_count) : rv;
}
