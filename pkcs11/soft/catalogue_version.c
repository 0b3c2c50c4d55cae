/* A version of a key that is found by name/version, and is not known yet. */
#include "pkcs11/soft/catalogue.h"
#include <ctype.h>
#include <string.h>

static bool copy_word(struct bytes from, char *to, size_t room)
{
    if (from.size == 0 || from.size >= room) {
        return false;
    }
    for (size_t i = 0; i < from.size; i++) {
        if (!isalnum(from.data[i]) && from.data[i] != '-' && from.data[i] != '_') {
            return false;
        }
    }
    memcpy(to, from.data, from.size);
    to[from.size] = 0;
    return true;
}

static bool split(struct bytes text, char ret_name[KEY_NAME_SIZE], char ret_version[KEY_VERSION_SIZE])
{
    const unsigned char *slash = text.size == 0 ? NULL : memchr(text.data, '/', text.size);
    size_t size = slash == NULL ? 0 : (size_t)(slash - text.data);

    return slash != NULL && copy_word(bytes_of(text.data, size), ret_name, KEY_NAME_SIZE) &&
           copy_word(bytes_of(slash + 1, text.size - size - 1), ret_version, KEY_VERSION_SIZE);
}

static CK_RV ask_for_version(struct catalogue *catalogue, const struct key_ref *ref, struct deadline deadline,
                             bool *ret_exists, struct service_answer *ret_answer)
{
    struct key_service *service = catalogue->access.service;
    struct key_info info = {.rsa = NULL};
    CK_RV rv = service->ops->public_part(service, ref, deadline, &info, ret_answer);

    *ret_exists = rv == CKR_OK;
    key_info_done(&info);
    return ret_answer->verdict == VERDICT_REFUSED || ret_answer->verdict == VERDICT_GONE ||
                   ret_answer->verdict == VERDICT_BAD_REQUEST
               ? CKR_OK
               : rv;
}

CK_RV catalogue_find_version(struct catalogue *catalogue, struct bytes text, struct deadline deadline,
                             struct service_key **ret_key, struct service_answer *ret_answer)
{
    char name[KEY_NAME_SIZE], version[KEY_VERSION_SIZE];
    struct key_ref ref = {name, version};
    bool exists;
    CK_RV rv;

    *ret_key = catalogue_find(catalogue, text);
    if (*ret_key != NULL || !split(text, name, version)) {
        return CKR_OK;
    }
    rv = ask_for_version(catalogue, &ref, deadline, &exists, ret_answer);
    if (rv != CKR_OK || !exists) {
        return rv;
    }
    return catalogue_version(catalogue, &ref, ret_key);
}
