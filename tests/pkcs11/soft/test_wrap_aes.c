/* AES key wrap with a key that is here: every size, both RFCs, one code for whatever is wrong. */
#include "tests/pkcs11/soft/soft_test.h"
#include "tests/vectors.h"
#include <string.h>

static unsigned char blob[4200], value[4200];
static CK_MECHANISM key_wrap = {CKM_AES_KEY_WRAP, NULL, 0}, key_wrap_pad = {CKM_AES_KEY_WRAP_PAD, NULL, 0},
                    kwp = {CKM_AES_KEY_WRAP_KWP, NULL, 0};
static CK_MECHANISM *const ways[] = {&key_wrap, &key_wrap_pad, &kwp};

static CK_OBJECT_HANDLE any_kek(void)
{
    return aes_key("0123456789abcdef0123456789abcdef", 32);
}

static CK_OBJECT_HANDLE generic_key(CK_ULONG size)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               {CKA_VALUE, value, size},
                               ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    CK_OBJECT_HANDLE key = 0;

    for (CK_ULONG i = 0; i < size; i++) {
        value[i] = (unsigned char)(i * 7 + size);
    }
    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
    return key;
}

static CK_RV open_as(CK_KEY_TYPE *type, CK_OBJECT_HANDLE kek, CK_MECHANISM *mechanism, CK_ULONG size,
                     CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               {CKA_KEY_TYPE, type, sizeof *type},
                               ATTRIBUTE(CKA_SENSITIVE, no),
                               ATTRIBUTE(CKA_EXTRACTABLE, yes)};

    return CALL(unwrap_key, mechanism, kek, blob, size, template, COUNT(template), ret_key);
}

/* RFC 5649, 6. */
static void test_padding_gives_the_vectors_of_rfc_5649(void **state)
{
    static const char *const keys[] = {"c37b7e6492584340bed12207808941155068f738", "466f7250617369"};
    static const char *const blobs[] = {"138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
                                        "afbeb0f07dfbf5419200f2ccb50bb24f"};
    unsigned char kek_room[24], key_room[32], blob_room[32];
    struct bytes kek_value =
        vector_bytes("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", kek_room, sizeof kek_room);
    CK_OBJECT_HANDLE kek = aes_key(kek_value.data, kek_value.size), opened;

    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++) {
        struct bytes key = vector_bytes(keys[i], key_room, sizeof key_room);
        struct bytes wanted = vector_bytes(blobs[i], blob_room, sizeof blob_room);
        CK_ULONG size = sizeof blob;

        memcpy(blob, wanted.data, wanted.size);
        assert_rv(open_as(&generic_type, kek, &kwp, wanted.size, &opened), CKR_OK);
        assert_int_equal(read_value(opened, value, sizeof value), key.size);
        assert_memory_equal(value, key.data, key.size);
        assert_rv(CALL(wrap_key, &key_wrap_pad, kek, opened, blob, &size), CKR_OK);
        assert_int_equal(size, wanted.size);
        assert_memory_equal(blob, wanted.data, size);
    }
}

static void round_trip(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE kek, CK_ULONG length)
{
    CK_OBJECT_HANDLE key = generic_key(length), opened;
    CK_ULONG wanted = 0, size;
    unsigned char back[4200];

    assert_rv(CALL(wrap_key, mechanism, kek, key, NULL, &wanted), CKR_OK);
    assert_int_equal(wanted, (length + 7) / 8 * 8 + 8);
    size = wanted - 1;
    assert_rv(CALL(wrap_key, mechanism, kek, key, blob, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, wanted);
    assert_rv(CALL(wrap_key, mechanism, kek, key, blob, &size), CKR_OK);
    assert_rv(open_as(&generic_type, kek, mechanism, size, &opened), CKR_OK);
    assert_int_equal(read_value(opened, back, sizeof back), length);
    assert_memory_equal(back, value, length);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    assert_rv(CALL(destroy_object, opened), CKR_OK);
}

static void test_keys_of_every_size(void **state)
{
    CK_OBJECT_HANDLE kek = any_kek();

    (void)state;
    for (CK_ULONG length = 1; length < 70; length++) {
        round_trip(&kwp, kek, length);
        round_trip(&key_wrap_pad, kek, length);
        if (length >= 16 && length % 8 == 0) {
            round_trip(&key_wrap, kek, length);
        }
    }
    round_trip(&kwp, kek, 4095);
    round_trip(&key_wrap, kek, 4096);
}

static void test_without_padding_other_sizes_do_not_fit(void **state)
{
    static const CK_ULONG lengths[] = {1, 8, 15, 17, 4095};
    CK_OBJECT_HANDLE kek = any_kek();
    CK_ULONG size = sizeof blob;

    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        assert_rv(CALL(wrap_key, &key_wrap, kek, generic_key(lengths[i]), blob, &size), CKR_KEY_SIZE_RANGE);
    }
}

static void test_bad_blobs_have_one_code(void **state)
{
    static const CK_ULONG sizes[] = {0, 1, 8, 15, 23, 39, 41};
    CK_OBJECT_HANDLE kek = any_kek(), other = aes_key("another key of 2", 16), key = generic_key(32), opened;
    CK_ULONG size;

    (void)state;
    for (size_t way = 0; way < COUNT(ways); way++) {
        size = sizeof blob;
        assert_rv(CALL(wrap_key, ways[way], kek, key, blob, &size), CKR_OK);
        for (CK_ULONG at = 0; at < size; at += 5) {
            blob[at] ^= 0x10;
            assert_rv(open_as(&generic_type, kek, ways[way], size, &opened), CKR_WRAPPED_KEY_INVALID);
            blob[at] ^= 0x10;
        }
        for (size_t i = 0; i < COUNT(sizes); i++) {
            assert_rv(open_as(&generic_type, kek, ways[way], sizes[i], &opened), CKR_WRAPPED_KEY_INVALID);
        }
        assert_rv(open_as(&generic_type, kek, ways[way], 1 << 20, &opened), CKR_WRAPPED_KEY_INVALID);
        assert_rv(open_as(&generic_type, other, ways[way], size, &opened), CKR_WRAPPED_KEY_INVALID);
        assert_rv(open_as(&generic_type, kek, ways[way], size, &opened), CKR_OK);
    }
}

static void test_one_rfc_does_not_open_the_others_blobs(void **state)
{
    CK_OBJECT_HANDLE kek = any_kek(), key = generic_key(32), opened;
    CK_ULONG size = sizeof blob;

    (void)state;
    assert_rv(CALL(wrap_key, &kwp, kek, key, blob, &size), CKR_OK);
    assert_rv(open_as(&generic_type, kek, &key_wrap, size, &opened), CKR_WRAPPED_KEY_INVALID);
    assert_rv(open_as(&generic_type, kek, &key_wrap_pad, size, &opened), CKR_OK);
    assert_rv(CALL(wrap_key, &key_wrap, kek, key, blob, &size), CKR_OK);
    assert_rv(open_as(&generic_type, kek, &kwp, size, &opened), CKR_WRAPPED_KEY_INVALID);
}

static void test_check_17_an_aes_key_of_another_size_is_a_bad_blob(void **state)
{
    static const CK_ULONG lengths[] = {7, 15, 17, 33};
    CK_OBJECT_HANDLE kek = any_kek(), opened;
    CK_ULONG size;

    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        size = sizeof blob;
        assert_rv(CALL(wrap_key, &kwp, kek, generic_key(lengths[i]), blob, &size), CKR_OK);
        assert_rv(open_as(&aes_type, kek, &kwp, size, &opened), CKR_WRAPPED_KEY_INVALID);
        assert_rv(open_as(&generic_type, kek, &kwp, size, &opened), CKR_OK);
    }
}

static void test_an_iv_of_four_bytes(void **state)
{
    unsigned char iv[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    CK_MECHANISM with_iv = {CKM_AES_KEY_WRAP_KWP, iv, 4}, long_iv = {CKM_AES_KEY_WRAP_KWP, iv, 8},
                 no_iv = {CKM_AES_KEY_WRAP_PAD, NULL, 4};
    CK_OBJECT_HANDLE kek = any_kek(), key = generic_key(20), opened;
    CK_ULONG size = sizeof blob;

    (void)state;
    assert_rv(CALL(wrap_key, &with_iv, kek, key, blob, &size), CKR_OK);
    assert_rv(open_as(&generic_type, kek, &with_iv, size, &opened), CKR_OK);
    assert_rv(open_as(&generic_type, kek, &kwp, size, &opened), CKR_WRAPPED_KEY_INVALID);
    assert_rv(CALL(wrap_key, &long_iv, kek, key, blob, &size), CKR_MECHANISM_PARAM_INVALID);
    assert_rv(CALL(wrap_key, &no_iv, kek, key, blob, &size), CKR_MECHANISM_PARAM_INVALID);
}

/* A key with these attributes more, which may wrap and unwrap. */
static CK_OBJECT_HANDLE kek_with(CK_ATTRIBUTE_TYPE type, CK_ATTRIBUTE *list, CK_ULONG list_size)
{
    CK_ATTRIBUTE template[] = {
        ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type), {CKA_VALUE, value, 16},
        ATTRIBUTE(CKA_WRAP, yes),           ATTRIBUTE(CKA_UNWRAP, yes),        {type, list, list_size}};
    CK_OBJECT_HANDLE key = 0;

    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
    return key;
}

static void test_a_wrap_template_says_what_may_be_wrapped(void **state)
{
    CK_ATTRIBUTE only_generic[] = {ATTRIBUTE(CKA_KEY_TYPE, generic_type)};
    CK_OBJECT_HANDLE kek = kek_with(CKA_WRAP_TEMPLATE, only_generic, sizeof only_generic);
    CK_ULONG size = sizeof blob;

    (void)state;
    assert_rv(CALL(wrap_key, &kwp, kek, any_kek(), blob, &size), CKR_KEY_HANDLE_INVALID);
    assert_rv(CALL(wrap_key, &kwp, kek, generic_key(32), blob, &size), CKR_OK);
}

static void test_an_unwrap_template_says_what_comes_out(void **state)
{
    CK_ATTRIBUTE sensitive[] = {ATTRIBUTE(CKA_SENSITIVE, yes), ATTRIBUTE(CKA_EXTRACTABLE, no)};
    CK_OBJECT_HANDLE kek = kek_with(CKA_UNWRAP_TEMPLATE, sensitive, sizeof sensitive), opened;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, generic_type)};
    CK_ATTRIBUTE read = {CKA_VALUE, value, sizeof value};
    CK_ULONG size = sizeof blob;

    (void)state;
    assert_rv(CALL(wrap_key, &kwp, kek, generic_key(32), blob, &size), CKR_OK);
    assert_rv(open_as(&generic_type, kek, &kwp, size, &opened), CKR_TEMPLATE_INCONSISTENT);
    assert_rv(CALL(unwrap_key, &kwp, kek, blob, size, template, 2, &opened), CKR_OK);
    assert_rv(CALL(get_attribute_value, opened, &read, 1), CKR_ATTRIBUTE_SENSITIVE);
    size = sizeof blob;
    assert_rv(CALL(wrap_key, &kwp, any_kek(), opened, blob, &size), CKR_KEY_UNEXTRACTABLE);
}

static void test_aes_key_wrap_gives_the_vector_of_rfc_3394(void **state)
{
    static const unsigned char kek_value[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const unsigned char key_value[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                              0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    static const unsigned char wrapped[] = {0x1f, 0xa6, 0x8b, 0x0a, 0x81, 0x12, 0xb4, 0x47,
                                            0xae, 0xf3, 0x4b, 0xd8, 0xfb, 0x5a, 0x7b, 0x82,
                                            0x9d, 0x3e, 0x86, 0x23, 0x71, 0xd2, 0xcf, 0xe5};
    CK_OBJECT_HANDLE kek = aes_key(kek_value, 16), key = aes_key(key_value, 16), opened;
    CK_ULONG size = 0;
    unsigned char back[16];

    (void)state;
    assert_rv(CALL(wrap_key, &key_wrap, kek, key, NULL, &size), CKR_OK);
    assert_int_equal(size, 24);
    assert_rv(CALL(wrap_key, &key_wrap, kek, key, blob, &size), CKR_OK);
    assert_memory_equal(blob, wrapped, 24);
    assert_rv(unwrap_under(kek, &key_wrap, blob, 24, &opened), CKR_OK);
    assert_int_equal(read_value(opened, back, 16), 16);
    assert_memory_equal(back, key_value, 16);
    blob[3] ^= 1;
    assert_rv(unwrap_under(kek, &key_wrap, blob, 24, &opened), CKR_WRAPPED_KEY_INVALID);
    assert_rv(unwrap_under(kek, &key_wrap, blob, 23, &opened), CKR_WRAPPED_KEY_INVALID);
    assert_rv(unwrap_under(kek, &key_wrap, blob, 16, &opened), CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_an_iv_for_aes_key_wrap(void **state)
{
    unsigned char iv[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    CK_MECHANISM with_iv = {CKM_AES_KEY_WRAP, iv, 8};
    CK_MECHANISM short_iv = {CKM_AES_KEY_WRAP, iv, 7};
    CK_OBJECT_HANDLE kek = aes_key("0123456789abcdef", 16), opened;
    CK_ULONG size;

    (void)state;
    assert_rv(wrap_under(kek, &with_iv, blob, &size), CKR_OK);
    assert_int_equal(size, 40);
    assert_rv(unwrap_under(kek, &with_iv, blob, size, &opened), CKR_OK);
    assert_rv(unwrap_under(kek, &key_wrap, blob, size, &opened), CKR_WRAPPED_KEY_INVALID);
    assert_rv(unwrap_under(kek, &short_iv, blob, size, &opened), CKR_MECHANISM_PARAM_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_padding_gives_the_vectors_of_rfc_5649),
        with_token(test_keys_of_every_size),
        with_token(test_without_padding_other_sizes_do_not_fit),
        with_token(test_bad_blobs_have_one_code),
        with_token(test_one_rfc_does_not_open_the_others_blobs),
        with_token(test_check_17_an_aes_key_of_another_size_is_a_bad_blob),
        with_token(test_an_iv_of_four_bytes),
        with_token(test_a_wrap_template_says_what_may_be_wrapped),
        with_token(test_an_unwrap_template_says_what_comes_out),
        with_token(test_aes_key_wrap_gives_the_vector_of_rfc_3394),
        with_token(test_an_iv_for_aes_key_wrap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
