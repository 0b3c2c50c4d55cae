/* The words of the service. */
#include "tests/standin/words.h"
#include "tests/standin/text.h"
#include <strings.h>

static const char *const words[OPERATIONS] = {
    [OPERATION_ENCRYPT] = "encrypt", [OPERATION_DECRYPT] = "decrypt",   [OPERATION_SIGN] = "sign",
    [OPERATION_VERIFY] = "verify",   [OPERATION_WRAP] = "wrapKey",      [OPERATION_UNWRAP] = "unwrapKey",
    [OPERATION_GET] = "get",         [OPERATION_LIST] = "list",         [OPERATION_CREATE] = "create",
    [OPERATION_UPDATE] = "update",   [OPERATION_VERSIONS] = "versions", [OPERATION_TOKEN] = "token",
    [OPERATION_OTHER] = "other",
};

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

bool words_to_bits(const cJSON *array, unsigned count, unsigned *ret_bits)
{
    const cJSON *item;
    unsigned bits = 0;

    if (!cJSON_IsArray(array)) {
        return false;
    }
    cJSON_ArrayForEach(item, array)
    {
        enum operation operation = cJSON_IsString(item) ? operation_of(item->valuestring) : OPERATIONS;

        if ((unsigned)operation >= count) {
            return false;
        }
        bits |= 1U << operation;
    }
    *ret_bits = bits;
    return true;
}

cJSON *bits_to_words(unsigned bits)
{
    cJSON *array = need(cJSON_CreateArray());

    for (unsigned i = 0; i < PERMISSIONS; i++) {
        if ((bits & 1U << i) != 0) {
            cJSON_AddItemToArray(array, cJSON_CreateString(words[i]));
        }
    }
    return array;
}
