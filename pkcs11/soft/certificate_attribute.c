/* What a certificate answers. */
#include "pkcs11/soft/certificate_attribute.h"
#include <stddef.h>
#include <stdio.h>

enum source { IS_NUMBER, IS_TRUE, IS_FALSE, IS_EMPTY, IS_TEXT, IS_UNIQUE_ID, IS_CONTENT };

/* An attribute without a row is CKR_ATTRIBUTE_TYPE_INVALID. */
static const struct row {
    CK_ATTRIBUTE_TYPE type;
    enum source source;
    CK_ULONG number; /* IS_CONTENT: where in struct certificate */
} table[] = {
    {CKA_CLASS, IS_NUMBER, CKO_CERTIFICATE},
    {CKA_CERTIFICATE_TYPE, IS_NUMBER, CKC_X_509},
    {CKA_CERTIFICATE_CATEGORY, IS_NUMBER, 0 /* unspecified */},
    {CKA_TOKEN, IS_TRUE},
    {CKA_PRIVATE, IS_FALSE},
    {CKA_LABEL, IS_TEXT},
    {CKA_ID, IS_TEXT},
    {CKA_UNIQUE_ID, IS_UNIQUE_ID},
    {CKA_SUBJECT, IS_CONTENT, offsetof(struct certificate, subject)},
    {CKA_ISSUER, IS_CONTENT, offsetof(struct certificate, issuer)},
    {CKA_SERIAL_NUMBER, IS_CONTENT, offsetof(struct certificate, serial)},
    {CKA_VALUE, IS_CONTENT, offsetof(struct certificate, der)},
    {CKA_PUBLIC_KEY_INFO, IS_CONTENT, offsetof(struct certificate, info)},
    {CKA_TRUSTED, IS_FALSE},
    {CKA_MODIFIABLE, IS_FALSE},
    {CKA_COPYABLE, IS_FALSE},
    {CKA_DESTROYABLE, IS_FALSE},
    {CKA_START_DATE, IS_EMPTY},
    {CKA_END_DATE, IS_EMPTY},
    {CKA_URL, IS_EMPTY},
};

static const struct row *row_of(CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].type == type) {
            return &table[i];
        }
    }
    return NULL;
}

void certificate_view_init(struct certificate_view *view, struct certificates *certificates,
                           struct held_certificate *held, const struct certificate *content)
{
    const struct key_service *service = certificates->catalogue->access.service;

    view->text = certificates_text(certificates, held);
    view->content = content;
    snprintf(view->unique_id, sizeof view->unique_id, "%s:%s/%s;certificate", service->ops->name,
             service->serial, held->name);
}

static struct attribute_value content_of(const struct certificate *content, size_t offset)
{
    if (content == NULL) {
        return (struct attribute_value){.form = ATTRIBUTE_ABSENT};
    }
    return attribute_bytes(
        buffer_bytes((const struct buffer *)(const void *)((const char *)content + offset)));
}

struct attribute_value certificate_attribute(const struct certificate_view *view, CK_ATTRIBUTE_TYPE type)
{
    const struct row *row = row_of(type);

    if (row == NULL) {
        return (struct attribute_value){.form = ATTRIBUTE_ABSENT};
    }
    switch (row->source) {
    case IS_NUMBER:
        return attribute_number(row->number);
    case IS_TRUE:
        return attribute_flag(true);
    case IS_FALSE:
        return attribute_flag(false);
    case IS_EMPTY:
        return attribute_bytes(bytes_of(NULL, 0));
    case IS_TEXT:
        return attribute_bytes(view->text);
    case IS_UNIQUE_ID:
        return attribute_bytes(bytes_of_text(view->unique_id));
    case IS_CONTENT:
        break;
    }
    return content_of(view->content, row->number);
}

bool certificate_attribute_is_content(CK_ATTRIBUTE_TYPE type)
{
    const struct row *row = row_of(type);

    return row != NULL && row->source == IS_CONTENT;
}

bool certificate_attribute_could_match(const CK_ATTRIBUTE *wanted)
{
    const struct row *row = row_of(wanted->type);
    struct certificate_view view = {.content = NULL};
    struct attribute_value value;

    if (row == NULL) {
        return false;
    }
    if (row->source == IS_TEXT || row->source == IS_UNIQUE_ID || row->source == IS_CONTENT) {
        return true;
    }
    value = certificate_attribute(&view, wanted->type);
    return attribute_matches(wanted, &value);
}
