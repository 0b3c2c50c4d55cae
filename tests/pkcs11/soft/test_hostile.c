/* The soft token against callers and services that do what nobody should, or what seldom happens. */
#include "tests/pkcs11/soft/soft_test.h"
#include <stdio.h>
#include <string.h>

static unsigned char iv[16], text[512], out[512];
static CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, 16};

static CK_OBJECT_HANDLE key32(void)
{
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (unsigned char)(i * 7);
    }
    return aes_key("0123456789abcdef0123456789abcdef", 32);
}

static CK_ULONG seal(CK_OBJECT_HANDLE key, CK_ULONG length)
{
    CK_ULONG size = sizeof out;

    assert_rv(CALL(encrypt_init, &cbc, key), CKR_OK);
    assert_rv(CALL(encrypt, text, length, out, &size), CKR_OK);
    return size;
}

/* PKCS#11 2.40, 5.8.3 and 5.9.3: input and output may be in the same place. */
static void test_parts_of_cbc_are_replaced_in_place(void **state)
{
    CK_OBJECT_HANDLE key = key32();
    unsigned char place[64], sealed[512];
    CK_ULONG whole = seal(key, 100), at = 0, size;

    (void)state;
    assert_rv(CALL(encrypt_init, &cbc, key), CKR_OK);
    for (CK_ULONG from = 0; from < 100; from += 20) {
        memcpy(place, text + from, 20);
        size = sizeof place;
        assert_rv(CALL(encrypt_update, place, 20, place, &size), CKR_OK);
        memcpy(sealed + at, place, size);
        at += size;
    }
    size = sizeof sealed - at;
    assert_rv(CALL(encrypt_final, sealed + at, &size), CKR_OK);
    assert_int_equal(at + size, whole);
    assert_memory_equal(sealed, out, whole);
}

static void test_parts_of_cbc_are_opened_in_place(void **state)
{
    CK_OBJECT_HANDLE key = key32();
    unsigned char place[64], opened[512];
    CK_ULONG whole = seal(key, 100), at = 0, size;

    (void)state;
    assert_rv(CALL(decrypt_init, &cbc, key), CKR_OK);
    for (CK_ULONG from = 0; from < whole; from += 28) {
        memcpy(place, out + from, 28);
        size = sizeof place;
        assert_rv(CALL(decrypt_update, place, 28, place, &size), CKR_OK);
        memcpy(opened + at, place, size);
        at += size;
    }
    size = sizeof opened - at;
    assert_rv(CALL(decrypt_final, opened + at, &size), CKR_OK);
    assert_int_equal(at + size, 100);
    assert_memory_equal(opened, text, 100);
}

static void test_nothing_follows_a_final_that_did_not_fit(void **state)
{
    CK_OBJECT_HANDLE key = key32();
    CK_ULONG whole = seal(key, 20), size = sizeof text;

    (void)state;
    assert_rv(CALL(decrypt_init, &cbc, key), CKR_OK);
    assert_rv(CALL(decrypt_update, out, whole, text, &size), CKR_OK);
    size = 1;
    assert_rv(CALL(decrypt_final, text, &size), CKR_BUFFER_TOO_SMALL);
    size = sizeof text;
    assert_rv(CALL(decrypt_update, out, 16, text, &size), CKR_OPERATION_NOT_INITIALIZED);
}

static void test_no_part_follows_an_rsa_result_that_did_not_fit(void **state)
{
    struct buffer blob = BUFFER_INIT(512);
    CK_ULONG size = sizeof text;

    (void)state;
    fake_encrypt(fake, "kek", RSA_PADDING_OAEP_SHA1, bytes_of("0123456789abcdef", 16), &blob);
    assert_rv(CALL(decrypt_init, &oaep_sha1, the(CKO_PRIVATE_KEY, "kek")), CKR_OK);
    assert_rv(CALL(decrypt_update, blob.data, blob.size, text, &size), CKR_OK);
    size = 1;
    assert_rv(CALL(decrypt_final, text, &size), CKR_BUFFER_TOO_SMALL);
    size = sizeof text;
    assert_rv(CALL(decrypt_update, blob.data, 1, text, &size), CKR_OPERATION_NOT_INITIALIZED);
    buffer_free(&blob);
}

static void test_a_count_that_overflows_is_no_list(void **state)
{
    static const CK_ULONG counts[] = {513, 1UL << 32, 1UL << 60, ~0UL / sizeof(CK_ATTRIBUTE) + 2, ~0UL};
    CK_OBJECT_HANDLE keys[] = {key32(), the(CKO_PUBLIC_KEY, "kek")}, made;
    CK_ATTRIBUTE list[] = {ATTRIBUTE(CKA_CLASS, secret_class)};
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};

    (void)state;
    for (size_t i = 0; i < COUNT(counts); i++) {
        for (size_t k = 0; k < COUNT(keys); k++) {
            assert_rv(CALL(get_attribute_value, keys[k], list, counts[i]), CKR_ARGUMENTS_BAD);
            assert_rv(CALL(set_attribute_value, keys[k], list, counts[i]), CKR_ARGUMENTS_BAD);
            assert_rv(CALL(copy_object, keys[k], list, counts[i], &made), CKR_ARGUMENTS_BAD);
        }
        assert_rv(CALL(create_object, list, counts[i], &made), CKR_ARGUMENTS_BAD);
        assert_rv(CALL(generate_key, &generate, list, counts[i], &made), CKR_ARGUMENTS_BAD);
        assert_rv(CALL(find_objects_init, list, counts[i]), CKR_ARGUMENTS_BAD);
    }
}

/* The owner may add an operation to the key's list; nobody restarts for that. */
static void test_usages_are_learned_again(void **state)
{
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};
    unsigned char blob[512];
    CK_OBJECT_HANDLE key;
    CK_ULONG size;

    (void)state;
    soft_open("    refresh = 1s");
    fake_version(fake, "kek")->uses_known = true;
    fake_version(fake, "kek")->uses = 0;
    assert_rv(CALL(get_attribute_value, the(CKO_PUBLIC_KEY, "kek"), &modulus, 1), CKR_OK);
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha1, blob, &size),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(unwrap_under(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha1, text, 256, &key),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake_version(fake, "kek")->uses = KEY_USE_WRAP | KEY_USE_UNWRAP;
    deadline_sleep(deadline_in(5000), 1100);
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha1, blob, &size), CKR_OK);
    assert_rv(unwrap_under(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha1, blob, size, &key), CKR_OK);
}

static void test_a_new_version_may_be_larger(void **state)
{
    struct buffer blob = BUFFER_INIT(512);
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(CALL(get_attribute_value, the(CKO_PUBLIC_KEY, "kek"), &modulus, 1), CKR_OK);
    fake_add(fake, "kek", 3072);
    fake_encrypt(fake, "kek", RSA_PADDING_OAEP_SHA1, bytes_of("0123456789abcdef", 16), &blob);
    assert_int_equal(blob.size, 384);
    assert_rv(unwrap_under(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha1, blob.data, blob.size, &key), CKR_OK);
    buffer_free(&blob);
}

static void test_a_pinned_version_has_one_size(void **state)
{
    char pinned[256];
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};
    CK_OBJECT_HANDLE key;
    unsigned before;

    (void)state;
    snprintf(pinned, sizeof pinned, "kek/%s", fake_version(fake, "kek")->version);
    soft_open("");
    assert_rv(CALL(get_attribute_value, the(CKO_PUBLIC_KEY, pinned), &modulus, 1), CKR_OK);
    before = fake_count_all(fake);
    assert_rv(unwrap_under(the(CKO_PRIVATE_KEY, pinned), &oaep_sha1, text, 384, &key),
              CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(fake_count_all(fake), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_parts_of_cbc_are_replaced_in_place),
        with_token(test_parts_of_cbc_are_opened_in_place),
        with_token(test_nothing_follows_a_final_that_did_not_fit),
        with_token(test_no_part_follows_an_rsa_result_that_did_not_fit),
        with_token(test_a_count_that_overflows_is_no_list),
        with_service(test_usages_are_learned_again),
        with_token(test_a_new_version_may_be_larger),
        with_service(test_a_pinned_version_has_one_size),
    };

    return cmocka_run_group_tests_name("soft: hostile callers", tests, NULL, NULL);
}
