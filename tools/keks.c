/* Finding keys that wrap, by name or all of them. */
#include "tools/keks.h"
#include "backends/base/scope.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 64, ID_SIZE = 256 };

struct handles {
    CK_OBJECT_HANDLE *at; /* owned */
    CK_ULONG count;
};

static void handles_done(struct handles *handles)
{
    free(handles->at);
}

static CK_RV take_some(const struct kek_search *in, struct handles *to, CK_ULONG *ret_got)
{
    CK_OBJECT_HANDLE *larger = reallocarray(to->at, to->count + AT_ONCE, sizeof *larger);

    if (larger == NULL) {
        return CKR_HOST_MEMORY;
    }
    to->at = larger;
    return in->p11->C_FindObjects(in->session, to->at + to->count, AT_ONCE, ret_got);
}

/* All of them before anything else is asked: there is one search at a time in a session. */
static CK_RV find(const struct kek_search *in, CK_ATTRIBUTE *template, CK_ULONG attributes,
                  struct handles *to)
{
    CK_RV rv = in->p11->C_FindObjectsInit(in->session, template, attributes);
    CK_ULONG got = 1;

    if (rv != CKR_OK) {
        return rv;
    }
    while (rv == CKR_OK && got != 0) {
        rv = take_some(in, to, &got);
        to->count += rv == CKR_OK ? got : 0;
    }
    in->p11->C_FindObjectsFinal(in->session);
    return rv;
}

static CK_RV find_one(const struct kek_search *in, CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE by,
                      const void *value, size_t size, CK_OBJECT_HANDLE *ret_object)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {by, (void *)(uintptr_t)value, size}};
    struct handles found SCOPED(handles_done) = {.count = 0};
    CK_RV rv = find(in, template, 2, &found);

    if (rv == CKR_OK) {
        *ret_object = found.count == 0 ? 0 : found.at[0];
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

static CK_RV each_of_class(const struct kek_search *in, CK_OBJECT_CLASS class, kek_visitor *visit, void *arg)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_UNWRAP, &yes, sizeof yes}};
    struct handles found SCOPED(handles_done) = {.count = 0};
    CK_RV rv = find(in, template, 2, &found);

    for (CK_ULONG i = 0; rv == CKR_OK && i < found.count; i++) {
        struct kek kek = {.unwraps = found.at[i]};

        rv = describe(in, class, &kek);
        if (rv == CKR_OK) {
            visit(arg, &kek);
        }
    }
    return rv;
}

CK_RV kek_each(const struct kek_search *in, kek_visitor *visit, void *arg)
{
    CK_RV rv = each_of_class(in, CKO_PRIVATE_KEY, visit, arg);

    return rv == CKR_OK ? each_of_class(in, CKO_SECRET_KEY, visit, arg) : rv;
}
