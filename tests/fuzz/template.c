/*
 * A template for a key, made of the input: type, length and value of each attribute. A value that claims more
 * than is there is told as it is claimed, with NULL for a pointer.
 */
#include "pkcs11/soft/local_key.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The types that there are, and whatever two bytes say. */
static CK_ATTRIBUTE_TYPE type_of(uint8_t high, uint8_t low)
{
    return (CK_ATTRIBUTE_TYPE)high << 8 | low;
}

static CK_ULONG read_list(const uint8_t *data, size_t size, CK_ATTRIBUTE list[MOST])
{
    CK_ULONG count = 0;

    while (size >= 3 && count < MOST) {
        CK_ULONG length = data[2];

        list[count] = (CK_ATTRIBUTE){type_of(data[0], data[1]), (void *)(uintptr_t)(data + 3), length};
        if (length > size - 3) {
            list[count].pValue = NULL;
            length = size - 3;
        }
        data += 3 + length;
        size -= 3 + length;
        count++;
    }
    return count;
}

static void read_back(const struct local_key *key, const CK_ATTRIBUTE *list, CK_ULONG count)
{
    unsigned char room[512];

    for (CK_ULONG i = 0; i < count; i++) {
        CK_ATTRIBUTE to = {list[i].type, room, sizeof room};
        CK_RV rv = local_key_copy_out(key, &to);

        if (rv != CKR_OK && to.ulValueLen != CK_UNAVAILABLE_INFORMATION) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum local_source sources[] = {LOCAL_CREATED, LOCAL_MADE_HERE, LOCAL_UNWRAPPED};
    CK_ATTRIBUTE list[MOST];
    CK_ULONG count = read_list(data, size, list);

    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        struct local_key *key = NULL;
        CK_KEY_TYPE type = sources[i] == LOCAL_MADE_HERE ? CKK_AES : CK_UNAVAILABLE_INFORMATION;

        if (local_key_new(sources[i], type, list, count, &key) == CKR_OK) {
            read_back(key, list, count);
            local_key_free(key);
        } else if (key != NULL) {
            abort();
        }
    }
    return 0;
}
