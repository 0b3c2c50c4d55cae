/* Known answers for what the soft token computes with a secret key: AES key wrap (RFC 3394, RFC 5649). */
#include "tests/pkcs11/soft/soft_test.h"
#include "tests/vectors.h"
#include <string.h>

enum { LONGEST = 512 };

static CK_MECHANISM key_wrap;

static CK_RV unwrap(CK_OBJECT_HANDLE kek, struct bytes blob, CK_OBJECT_HANDLE *ret_key)
{
    unsigned char room[LONGEST];
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, yes)};

    memcpy(room, blob.data, blob.size);
    return CALL(unwrap_key, &key_wrap, kek, room, blob.size, template, COUNT(template), ret_key);
}

/* What opens is the message, and wraps to the same ciphertext again. */
static void check_valid(CK_OBJECT_HANDLE kek, struct bytes message, struct bytes ciphertext)
{
    unsigned char value[LONGEST], again[LONGEST];
    CK_ULONG size = sizeof again;
    CK_OBJECT_HANDLE key;

    assert_rv(unwrap(kek, ciphertext, &key), CKR_OK);
    assert_int_equal(read_value(key, value, sizeof value), message.size);
    assert_memory_equal(value, message.data, message.size);
    assert_rv(CALL(wrap_key, &key_wrap, kek, key, again, &size), CKR_OK);
    assert_int_equal(size, ciphertext.size);
    assert_memory_equal(again, ciphertext.data, size);
    assert_rv(CALL(destroy_object, key), CKR_OK);
}

/* "acceptable" is a key of 8 bytes, which RFC 3394 does not know; we refuse it as the invalid ones. */
static bool check_vector(const cJSON *vector)
{
    unsigned char kek_room[32], message_room[LONGEST], blob_room[LONGEST];
    struct bytes kek_value = vector_bytes(vector_text(vector, "key"), kek_room, sizeof kek_room);
    struct bytes message = vector_bytes(vector_text(vector, "msg"), message_room, sizeof message_room);
    struct bytes blob = vector_bytes(vector_text(vector, "ct"), blob_room, sizeof blob_room);
    CK_OBJECT_HANDLE kek = aes_key(kek_value.data, kek_value.size), key;
    bool valid = strcmp(vector_text(vector, "result"), "valid") == 0;

    if (valid) {
        check_valid(kek, message, blob);
    } else {
        assert_rv(unwrap(kek, blob, &key), CKR_WRAPPED_KEY_INVALID);
    }
    assert_rv(CALL(destroy_object, kek), CKR_OK);
    return valid;
}

static void check_file(CK_MECHANISM_TYPE type, const char *name, unsigned least_valid, unsigned least_invalid)
{
    cJSON *json = vectors_read(name);
    const cJSON *group, *vector;
    unsigned valid = 0, invalid = 0;

    key_wrap.mechanism = type;
    cJSON_ArrayForEach(group, cJSON_GetObjectItem(json, "testGroups"))
    {
        cJSON_ArrayForEach(vector, cJSON_GetObjectItem(group, "tests"))
        {
            check_vector(vector) ? valid++ : invalid++;
        }
    }
    cJSON_Delete(json);
    assert_true(valid >= least_valid);
    assert_true(invalid >= least_invalid);
}

static void test_aes_key_wrap(void **state)
{
    (void)state;
    check_file(CKM_AES_KEY_WRAP, "aes_wrap_test.json", 36, 100);
}

static void test_aes_key_wrap_with_padding(void **state)
{
    (void)state;
    check_file(CKM_AES_KEY_WRAP_KWP, "aes_kwp_test.json", 70, 170);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_aes_key_wrap),
        with_token(test_aes_key_wrap_with_padding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
