/* A key of a token that lies below. */
#include "backends/token_key.h"
#include <p11-kit/uri.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 256 };

/* Answers that speak of single attributes. */
static bool is_answer(CK_RV rv)
{
    return rv == CKR_OK || rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE ||
           rv == CKR_BUFFER_TOO_SMALL;
}

CK_RV token_key_attributes(struct token_session *below, CK_OBJECT_HANDLE key, CK_ATTRIBUTE *list,
                           CK_ULONG count)
{
    CK_RV rv = below->ops->get_attribute_value == NULL
                   ? CKR_FUNCTION_NOT_SUPPORTED
                   : below->ops->get_attribute_value(below, key, list, count);

    return is_answer(rv) ? CKR_OK : rv;
}

/* What does not fit was not told, whatever the token says. */
static void put_attribute(P11KitUri *uri, CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG size, CK_ULONG room)
{
    CK_ATTRIBUTE attribute = {type, value, size};

    if (size != 0 && size <= room) {
        p11_kit_uri_set_attribute(uri, &attribute);
    }
}

static void put_label(P11KitUri *uri, const char *label)
{
    CK_TOKEN_INFO *info = p11_kit_uri_get_token_info(uri);
    size_t size = strlen(label);

    memset(info->label, ' ', sizeof info->label);
    memcpy(info->label, label, size < sizeof info->label ? size : sizeof info->label);
}

static void format(P11KitUri *uri, char ret_text[KEY_TEXT_SIZE])
{
    char *text = NULL;

    if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) == P11_KIT_URI_OK) {
        snprintf(ret_text, KEY_TEXT_SIZE, "%s", text);
        free(text);
    }
}

bool token_key_name(struct token_session *below, const char *label, CK_OBJECT_HANDLE key,
                    char ret_text[KEY_TEXT_SIZE])
{
    P11KitUri *uri = p11_kit_uri_new();
    unsigned char name[LONGEST_NAME], id[LONGEST_NAME];
    CK_BBOOL on_token = CK_TRUE;
    CK_OBJECT_CLASS class = 0;
    CK_ATTRIBUTE told[] = {{CKA_TOKEN, &on_token, sizeof on_token},
                           {CKA_CLASS, &class, sizeof class},
                           {CKA_LABEL, name, sizeof name},
                           {CKA_ID, id, sizeof id}};

    snprintf(ret_text, KEY_TEXT_SIZE, "handle 0x%lx", key);
    if (token_key_attributes(below, key, told, 4) == CKR_OK && uri != NULL) {
        put_label(uri, label);
        put_attribute(uri, CKA_CLASS, &class, told[1].ulValueLen, sizeof class);
        put_attribute(uri, CKA_LABEL, name, told[2].ulValueLen, sizeof name);
        put_attribute(uri, CKA_ID, id, told[3].ulValueLen, sizeof id);
        format(uri, ret_text);
    }
    p11_kit_uri_free(uri);
    return on_token != CK_FALSE;
}
