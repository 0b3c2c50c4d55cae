/* The words of the service. */
#include "tests/standin/words.h"
#include "tests/standin/text.h"
#include <string.h>
#include <strings.h>

static const char *const words[OPERATIONS] = {
    [OPERATION_ENCRYPT] = "encrypt",
    [OPERATION_DECRYPT] = "decrypt",
    [OPERATION_SIGN] = "sign",
    [OPERATION_VERIFY] = "verify",
    [OPERATION_WRAP] = "wrapKey",
    [OPERATION_UNWRAP] = "unwrapKey",
    [OPERATION_GET] = "get",
    [OPERATION_LIST] = "list",
    [OPERATION_CREATE] = "create",
    [OPERATION_UPDATE] = "update",
    [OPERATION_IMPORT] = "import",
    [OPERATION_DELETE] = "delete",
    [OPERATION_RECOVER] = "recover",
    [OPERATION_PURGE] = "purge",
    [OPERATION_BACKUP] = "backup",
    [OPERATION_RESTORE] = "restore",
    [OPERATION_ROTATE] = "rotate",
    [OPERATION_GET_POLICY] = "getrotationpolicy",
    [OPERATION_SET_POLICY] = "setrotationpolicy",
    [OPERATION_RELEASE] = "release",
    [OPERATION_RANDOM] = "rng",
    [OPERATION_GET_CERTIFICATE] = "getcertificate",
    [OPERATION_LIST_CERTIFICATES] = "listcertificates",
    [OPERATION_GET_SECRET] = "getsecret",
    [OPERATION_VERSIONS] = "versions",
    [OPERATION_GET_DELETED] = "getdeleted",
    [OPERATION_LIST_DELETED] = "listdeleted",
    [OPERATION_ATTESTATION] = "attestation",
    [OPERATION_SECURE_WRAP] = "securewrapkey",
    [OPERATION_SECURE_UNWRAP] = "secureunwrapkey",
    [OPERATION_CERTIFICATE_VERSIONS] = "certificateversions",
    [OPERATION_TOKEN] = "token",
    [OPERATION_OTHER] = "other",
};

static const char *const uses[KEY_USES] = {"encrypt", "decrypt",   "sign",   "verify",
                                           "wrapKey", "unwrapKey", "import", "export"};

bool api_of(const char *version, enum api *ret_api, bool *ret_preview)
{
    static const char *const names[APIS] = {"2015-06-01", "2016-10-01", "7.0",       "7.1",
                                            "7.2",        "7.3",        "7.4",       "7.5",
                                            "7.6",        "2025-07-01", "2026-04-01"};

    for (unsigned i = 0; i < APIS; i++) {
        size_t size = strlen(names[i]);

        if (strncmp(version, names[i], size) == 0 &&
            (version[size] == '\0' || strcmp(version + size, "-preview") == 0)) {
            *ret_api = (enum api)i;
            *ret_preview = version[size] != '\0';
            return true;
        }
    }
    return false;
}

const char *permission_word(enum operation operation)
{
    return words[operation];
}

const char *operation_word(enum operation operation)
{
    return operation == OPERATION_WRAP     ? "wrapkey"
           : operation == OPERATION_UNWRAP ? "unwrapkey"
                                           : words[operation];
}

enum operation operation_of(const char *word)
{
    unsigned i = 0;

    while (i < OPERATIONS && strcasecmp(words[i], word) != 0) {
        i++;
    }
    return (enum operation)i;
}

enum operation permission_for(enum operation operation)
{
    switch (operation) {
    case OPERATION_VERSIONS:
    case OPERATION_LIST_DELETED:
        return OPERATION_LIST;
    case OPERATION_GET_DELETED:
    case OPERATION_ATTESTATION:
        return OPERATION_GET;
    case OPERATION_SECURE_WRAP:
        return OPERATION_WRAP;
    case OPERATION_SECURE_UNWRAP:
        return OPERATION_UNWRAP;
    case OPERATION_CERTIFICATE_VERSIONS:
        return OPERATION_LIST_CERTIFICATES;
    default:
        return operation;
    }
}

static unsigned index_of(const cJSON *item, const char *const *list, unsigned count)
{
    unsigned i = 0;

    while (i < count && !(cJSON_IsString(item) && strcasecmp(list[i], item->valuestring) == 0)) {
        i++;
    }
    return i;
}

static bool to_bits(const cJSON *array, const char *const *list, unsigned count, unsigned *ret_bits)
{
    const cJSON *item;
    unsigned bits = 0;

    if (!cJSON_IsArray(array)) {
        return false;
    }
    cJSON_ArrayForEach(item, array)
    {
        unsigned index = index_of(item, list, count);

        if (index == count) {
            return false;
        }
        bits |= 1U << index;
    }
    *ret_bits = bits;
    return true;
}

bool permissions_to_bits(const cJSON *array, unsigned *ret_bits)
{
    return to_bits(array, words, PERMISSIONS, ret_bits);
}

bool uses_to_bits(const cJSON *array, unsigned *ret_bits)
{
    return to_bits(array, uses, KEY_USES, ret_bits);
}

cJSON *bits_to_uses(unsigned bits)
{
    cJSON *array = need(cJSON_CreateArray());

    for (unsigned i = 0; i < KEY_USES; i++) {
        if ((bits & 1U << i) != 0) {
            cJSON_AddItemToArray(array, cJSON_CreateString(uses[i]));
        }
    }
    return array;
}
