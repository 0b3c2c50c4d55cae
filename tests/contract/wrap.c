/* C_WrapKey and C_UnwrapKey under the RSA key-encryption key. */
#include "tests/contract/contract.h"
#include <string.h>

static CK_MECHANISM *first_way(void)
{
    return (CK_MECHANISM *)(uintptr_t)&wrappings[0].mechanism;
}

static void wrap(const struct wrapping *way, CK_OBJECT_HANDLE key, unsigned char *ret_blob)
{
    CK_MECHANISM mechanism = way->mechanism;
    CK_ULONG size = MODULUS_SIZE;

    assert_rv(p11->C_WrapKey(session, &mechanism, public_kek(), key, ret_blob, &size), CKR_OK);
    assert_int_equal(size, MODULUS_SIZE);
}

static CK_RV unwrap(const struct wrapping *way, unsigned char *blob, CK_ULONG size, CK_OBJECT_HANDLE *ret_key)
{
    CK_MECHANISM mechanism = way->mechanism;

    return p11->C_UnwrapKey(session, &mechanism, private_kek(), blob, size, data_key_template, TEMPLATE_SIZE,
                            ret_key);
}

static CK_ULONG secret_keys(void)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, class)};
    CK_OBJECT_HANDLE found[64];

    return find(template, 1, found, 64);
}

static void test_aes_keys_come_back_as_they_were(void **state)
{
    const CK_ULONG sizes[] = {16, 24, 32};
    unsigned char blob[MODULUS_SIZE], before[64], after[64];
    CK_OBJECT_HANDLE key;

    (void)state;
    for (CK_ULONG i = 0; i < wrapping_count() * 3; i++) {
        CK_OBJECT_HANDLE original = generate_aes(sizes[i % 3]);

        wrap(&wrappings[i / 3], original, blob);
        assert_rv(unwrap(&wrappings[i / 3], blob, sizeof blob, &key), CKR_OK);
        assert_int_equal(value_of(original, before), sizes[i % 3]);
        assert_int_equal(value_of(key, after), sizes[i % 3]);
        assert_memory_equal(before, after, sizes[i % 3]);
    }
}

/* A key of any length goes, up to what the padding leaves. */
static void test_generic_secrets_of_all_lengths(void **state)
{
    CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
    unsigned char value[MODULUS_SIZE], blob[MODULUS_SIZE], after[MODULUS_SIZE];
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;

    (void)state;
    memset(value, 0xa5, sizeof value);
    for (CK_ULONG i = 0; i < wrapping_count() * 3; i++) {
        const struct wrapping *way = &wrappings[i / 3];
        CK_ULONG size = i % 3 == 0 ? 1 : i % 3 == 1 ? 33 : way->most;
        CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, class),       ATTRIBUTE(CKA_KEY_TYPE, generic),
                                   ATTRIBUTE(CKA_TOKEN, untruth),     ATTRIBUTE(CKA_EXTRACTABLE, truth),
                                   ATTRIBUTE(CKA_SENSITIVE, untruth), {CKA_VALUE, value, size}};
        CK_ATTRIBUTE read = {CKA_VALUE, after, sizeof after};
        CK_MECHANISM mechanism = way->mechanism;
        CK_OBJECT_HANDLE key, again;

        assert_rv(p11->C_CreateObject(session, template, 6, &key), CKR_OK);
        wrap(way, key, blob);
        assert_rv(
            p11->C_UnwrapKey(session, &mechanism, private_kek(), blob, sizeof blob, template, 5, &again),
            CKR_OK);
        assert_rv(p11->C_GetAttributeValue(session, again, &read, 1), CKR_OK);
        assert_int_equal(read.ulValueLen, size);
        assert_memory_equal(after, value, size);
    }
}

static void test_a_key_that_does_not_fit(void **state)
{
    CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    unsigned char value[MODULUS_SIZE] = {1}, blob[MODULUS_SIZE];

    (void)state;
    for (CK_ULONG i = 0; i < wrapping_count(); i++) {
        CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, class),
                                   ATTRIBUTE(CKA_KEY_TYPE, generic),
                                   ATTRIBUTE(CKA_TOKEN, untruth),
                                   ATTRIBUTE(CKA_EXTRACTABLE, truth),
                                   {CKA_VALUE, value, wrappings[i].most + 1}};
        CK_MECHANISM mechanism = wrappings[i].mechanism;
        CK_ULONG size = sizeof blob;
        CK_OBJECT_HANDLE key;

        assert_rv(p11->C_CreateObject(session, template, 5, &key), CKR_OK);
        assert_rv(p11->C_WrapKey(session, &mechanism, public_kek(), key, blob, &size),
                  row->codes.key_too_long);
    }
}

static void test_two_wraps_of_one_key_differ(void **state)
{
    unsigned char one[MODULUS_SIZE], other[MODULUS_SIZE];
    CK_OBJECT_HANDLE key = generate_aes(32);

    (void)state;
    for (CK_ULONG i = 0; i < wrapping_count(); i++) {
        wrap(&wrappings[i], key, one);
        wrap(&wrappings[i], key, other);
        assert_memory_not_equal(one, other, sizeof one);
    }
}

static void test_wrap_size_query(void **state)
{
    CK_ULONG size = ~0UL;

    (void)state;
    assert_rv(p11->C_WrapKey(session, first_way(), public_kek(), generate_aes(32), NULL, &size), CKR_OK);
    assert_in_range(size, MODULUS_SIZE, 512); /* 512: the bound where the modulus is not known yet */
    assert_rv(p11->C_WrapKey(session, first_way(), public_kek(), generate_aes(32), NULL, NULL),
              CKR_ARGUMENTS_BAD);
}

static void test_wrap_into_too_little(void **state)
{
    unsigned char blob[MODULUS_SIZE];
    CK_ULONG size = MODULUS_SIZE - 1;
    CK_OBJECT_HANDLE key = generate_aes(32);

    (void)state;
    assert_rv(p11->C_WrapKey(session, first_way(), public_kek(), key, blob, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, MODULUS_SIZE);
    assert_rv(p11->C_WrapKey(session, first_way(), public_kek(), key, blob, &size), CKR_OK);
}

/* One code for every cause: nobody learns from it what the padding looked like. */
static void test_bad_blobs_have_one_code(void **state)
{
    unsigned char blob[MODULUS_SIZE], other[MODULUS_SIZE];
    CK_OBJECT_HANDLE none = 4711;

    (void)state;
    wrap(&wrappings[0], generate_aes(32), blob);
    blob[100] ^= 1;
    assert_rv(unwrap(&wrappings[0], blob, sizeof blob, &none), row->codes.bad_blob);
    memset(blob, 0, sizeof blob);
    assert_rv(unwrap(&wrappings[0], blob, sizeof blob, &none), row->codes.bad_blob);
    blob[MODULUS_SIZE - 1] = 1;
    assert_rv(unwrap(&wrappings[0], blob, sizeof blob, &none), row->codes.bad_blob);
    memset(blob, 0xff, sizeof blob);
    assert_rv(unwrap(&wrappings[0], blob, sizeof blob, &none), row->codes.bad_blob);
    wrap(&wrappings[1], generate_aes(32), other);
    assert_rv(unwrap(&wrappings[0], other, sizeof other, &none), row->codes.bad_blob);
}

static void test_blobs_of_another_length(void **state)
{
    unsigned char blob[MODULUS_SIZE + 1] = {0};
    CK_OBJECT_HANDLE none;

    (void)state;
    wrap(&wrappings[0], generate_aes(32), blob);
    assert_rv(unwrap(&wrappings[0], blob, MODULUS_SIZE - 1, &none), row->codes.bad_blob_length);
    assert_rv(unwrap(&wrappings[0], blob, MODULUS_SIZE + 1, &none), row->codes.bad_blob_length);
    assert_int_not_equal(unwrap(&wrappings[0], blob, 0, &none), CKR_OK);
}

static void test_a_failed_unwrap_leaves_nothing(void **state)
{
    unsigned char blob[MODULUS_SIZE] = {0};
    CK_ULONG before = secret_keys();
    CK_OBJECT_HANDLE none;

    (void)state;
    assert_int_not_equal(unwrap(&wrappings[0], blob, sizeof blob, &none), CKR_OK);
    assert_int_equal(secret_keys(), before);
}

static void test_unextractable_keys_are_not_wrapped(void **state)
{
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG key_size = 32, size = MODULUS_SIZE;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_TOKEN, untruth), ATTRIBUTE(CKA_VALUE_LEN, key_size),
                               ATTRIBUTE(CKA_EXTRACTABLE, untruth)};
    unsigned char blob[MODULUS_SIZE];
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(p11->C_GenerateKey(session, &generate, template, 3, &key), CKR_OK);
    assert_rv(p11->C_WrapKey(session, first_way(), public_kek(), key, blob, &size), CKR_KEY_UNEXTRACTABLE);
    assert_rv(p11->C_WrapKey(session, first_way(), public_kek(), private_kek(), blob, &size),
              CKR_KEY_UNEXTRACTABLE);
}

static void test_wrap_with_wrong_handles(void **state)
{
    unsigned char blob[MODULUS_SIZE];
    CK_ULONG size = sizeof blob;
    CK_OBJECT_HANDLE key = generate_aes(32), none;

    (void)state;
    assert_rv(p11->C_WrapKey(session, first_way(), ~0UL, key, blob, &size), CKR_WRAPPING_KEY_HANDLE_INVALID);
    assert_rv(p11->C_WrapKey(session, first_way(), public_kek(), ~0UL, blob, &size), CKR_KEY_HANDLE_INVALID);
    assert_rv(p11->C_WrapKey(session, first_way(), private_kek(), key, blob, &size),
              row->codes.not_a_wrapping_key);
    assert_rv(p11->C_UnwrapKey(session, first_way(), ~0UL, blob, sizeof blob, data_key_template,
                               TEMPLATE_SIZE, &none),
              CKR_UNWRAPPING_KEY_HANDLE_INVALID);
}

static void test_wrap_with_null(void **state)
{
    unsigned char blob[MODULUS_SIZE];
    CK_ULONG size = sizeof blob;
    CK_OBJECT_HANDLE key = generate_aes(32), none;

    (void)state;
    assert_rv(p11->C_WrapKey(session, NULL, public_kek(), key, blob, &size), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_WrapKey(session, first_way(), public_kek(), key, blob, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(
        p11->C_UnwrapKey(session, NULL, private_kek(), blob, size, data_key_template, TEMPLATE_SIZE, &none),
        CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_UnwrapKey(session, first_way(), private_kek(), NULL, size, data_key_template,
                               TEMPLATE_SIZE, &none),
              CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_UnwrapKey(session, first_way(), private_kek(), blob, size, NULL, TEMPLATE_SIZE, &none),
              CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_UnwrapKey(session, first_way(), private_kek(), blob, size, data_key_template,
                               TEMPLATE_SIZE, NULL),
              CKR_ARGUMENTS_BAD);
}

static void test_wrap_under_what_is_no_mechanism(void **state)
{
    CK_RSA_PKCS_OAEP_PARAMS mixed = {CKM_SHA256, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM unheard_of = {CKM_VENDOR_DEFINED | 0x4711, NULL, 0};
    CK_MECHANISM wrong = {CKM_RSA_PKCS_OAEP, &mixed, sizeof mixed};
    unsigned char blob[MODULUS_SIZE];
    CK_ULONG size = sizeof blob;
    CK_OBJECT_HANDLE key = generate_aes(32);

    (void)state;
    assert_rv(p11->C_WrapKey(session, &unheard_of, public_kek(), key, blob, &size), CKR_MECHANISM_INVALID);
    assert_rv(p11->C_WrapKey(session, &wrong, public_kek(), key, blob, &size), row->codes.wrong_parameters);
}

static void test_unwrap_without_a_key_type(void **state)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, class), ATTRIBUTE(CKA_TOKEN, untruth)};
    unsigned char blob[MODULUS_SIZE];
    CK_OBJECT_HANDLE none;

    (void)state;
    wrap(&wrappings[0], generate_aes(32), blob);
    assert_rv(p11->C_UnwrapKey(session, first_way(), private_kek(), blob, sizeof blob, template, 2, &none),
              row->codes.missing_key_type);
}

/* SECURITY: what came from outside was never always sensitive, and is not the token's own. */
static void test_an_unwrapped_key_is_not_local(void **state)
{
    unsigned char blob[MODULUS_SIZE];
    CK_BBOOL local = CK_TRUE, always = CK_TRUE, never = CK_TRUE;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_LOCAL, local), ATTRIBUTE(CKA_ALWAYS_SENSITIVE, always),
                               ATTRIBUTE(CKA_NEVER_EXTRACTABLE, never)};
    CK_OBJECT_HANDLE key;

    (void)state;
    wrap(&wrappings[0], generate_aes(32), blob);
    assert_rv(unwrap(&wrappings[0], blob, sizeof blob, &key), CKR_OK);
    assert_rv(p11->C_GetAttributeValue(session, key, template, 3), CKR_OK);
    assert_int_equal(local, CK_FALSE);
    assert_int_equal(always, CK_FALSE);
    assert_int_equal(never, CK_FALSE);
}

static void test_a_sensitive_unwrapped_key_is_not_readable(void **state)
{
    unsigned char blob[MODULUS_SIZE], value[64];
    CK_ATTRIBUTE template[TEMPLATE_SIZE], read = {CKA_VALUE, value, sizeof value};
    CK_OBJECT_HANDLE key;

    (void)state;
    wrap(&wrappings[0], generate_aes(32), blob);
    memcpy(template, data_key_template, sizeof template);
    template[7] = (CK_ATTRIBUTE)ATTRIBUTE(CKA_SENSITIVE, truth);
    assert_rv(p11->C_UnwrapKey(session, first_way(), private_kek(), blob, sizeof blob, template,
                               TEMPLATE_SIZE, &key),
              CKR_OK);
    assert_rv(p11->C_GetAttributeValue(session, key, &read, 1), CKR_ATTRIBUTE_SENSITIVE);
    wrap(&wrappings[0], key, blob); /* extractable: only under a key */
}

/* What C_Encrypt makes under the same padding is the same blob: either opens the other's. */
static void test_a_wrapped_key_is_decrypted_too(void **state)
{
    unsigned char blob[MODULUS_SIZE], value[64], plain[MODULUS_SIZE];
    CK_OBJECT_HANDLE key = generate_aes(32);

    (void)state;
    value_of(key, value);
    for (CK_ULONG i = 0; i < wrapping_count(); i++) {
        CK_MECHANISM mechanism = wrappings[i].mechanism;
        CK_ULONG size = sizeof plain;

        wrap(&wrappings[i], key, blob);
        assert_rv(p11->C_DecryptInit(session, &mechanism, private_kek()), CKR_OK);
        assert_rv(p11->C_Decrypt(session, blob, sizeof blob, plain, &size), CKR_OK);
        assert_int_equal(size, 32);
        assert_memory_equal(plain, value, 32);
    }
}

static void test_an_encrypted_value_is_unwrapped_too(void **state)
{
    unsigned char blob[MODULUS_SIZE], value[64], plain[32];
    CK_OBJECT_HANDLE key;

    (void)state;
    memset(plain, 0x5a, sizeof plain);
    for (CK_ULONG i = 0; i < wrapping_count(); i++) {
        CK_MECHANISM mechanism = wrappings[i].mechanism;
        CK_ULONG size = sizeof blob;

        assert_rv(p11->C_EncryptInit(session, &mechanism, public_kek()), CKR_OK);
        assert_rv(p11->C_Encrypt(session, plain, sizeof plain, blob, &size), CKR_OK);
        assert_rv(unwrap(&wrappings[i], blob, size, &key), CKR_OK);
        assert_int_equal(value_of(key, value), sizeof plain);
        assert_memory_equal(value, plain, sizeof plain);
    }
}

static const struct CMUnitTest tests[] = {
    with_session(test_aes_keys_come_back_as_they_were),
    with_session(test_generic_secrets_of_all_lengths),
    with_session(test_a_key_that_does_not_fit),
    with_session(test_two_wraps_of_one_key_differ),
    with_session(test_wrap_size_query),
    with_session(test_wrap_into_too_little),
    with_session(test_bad_blobs_have_one_code),
    with_session(test_blobs_of_another_length),
    with_session(test_a_failed_unwrap_leaves_nothing),
    with_session(test_unextractable_keys_are_not_wrapped),
    with_session(test_wrap_with_wrong_handles),
    with_session(test_wrap_with_null),
    with_session(test_wrap_under_what_is_no_mechanism),
    with_session(test_unwrap_without_a_key_type),
    with_session(test_an_unwrapped_key_is_not_local),
    with_session(test_a_sensitive_unwrapped_key_is_not_readable),
    with_session(test_a_wrapped_key_is_decrypted_too),
    with_session(test_an_encrypted_value_is_unwrapped_too),
};

const struct room wrap_room = ROOM(tests);
