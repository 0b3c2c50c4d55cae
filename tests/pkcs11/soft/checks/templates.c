/* Checks 16 to 18 and 35: what a template may say of a key, and what cannot be one. */
#include "tests/pkcs11/soft/checks/checks.h"
#include <stdlib.h>
#include <string.h>

static CK_RV unwrap_text(CK_KEY_TYPE type, CK_ULONG value_len, size_t size, CK_OBJECT_HANDLE *ret_key)
{
    static const char text[64 + 1] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct buffer blob = sealed(RSA_PADDING_OAEP_SHA1, bytes_of(text, size));
    CK_RV rv = unwrap_as(type, value_len, &oaep_sha1, buffer_bytes(&blob), ret_key);

    buffer_free(&blob);
    return rv;
}

static void check_16_a_type_has_its_lengths(void **state)
{
    static const size_t lengths[] = {1, 7, 8, 15, 16, 17, 23, 24, 25, 31, 32, 33, 64};
    CK_OBJECT_HANDLE key;

    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        bool aes = lengths[i] == 16 || lengths[i] == 24 || lengths[i] == 32;

        assert_rv(unwrap_text(CKK_AES, 0, lengths[i], &key), aes ? CKR_OK : CKR_WRAPPED_KEY_INVALID);
    }
}

/* One code, whatever the service would have answered: the template is wrong before the blob is looked at. */
static void check_16_types_that_no_mechanism_uses(void **state)
{
    static const CK_KEY_TYPE types[] = {CKK_DES, CKK_DES2, CKK_DES3, CKK_RC4, CKK_EC, CKK_CDMF, 0x80001234};
    CK_OBJECT_HANDLE key;

    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        CK_RV rv = unwrap_text(types[i], 0, 24, &key);

        assert_either(rv, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT);
    }
    assert_int_equal(fake_count_all(fake), 0);
}

static void check_17_a_length_in_the_template_binds(void **state)
{
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(unwrap_text(CKK_AES, 32, 32, &key), CKR_OK);
    assert_rv(unwrap_text(CKK_AES, 16, 32, &key), CKR_WRAPPED_KEY_INVALID);
    assert_rv(unwrap_text(CKK_AES, 32, 16, &key), CKR_WRAPPED_KEY_INVALID);
    assert_rv(unwrap_text(CKK_GENERIC_SECRET, 31, 32, &key), CKR_WRAPPED_KEY_INVALID);
    assert_rv(unwrap_text(CKK_GENERIC_SECRET, 33, 32, &key), CKR_WRAPPED_KEY_INVALID);
    assert_rv(unwrap_text(CKK_GENERIC_SECRET, 0, 0, &key), CKR_WRAPPED_KEY_INVALID);
}

static CK_RV create_of(CK_KEY_TYPE type, CK_ULONG size)
{
    unsigned char value[64] = {1};
    CK_ATTRIBUTE list[] = {
        ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, type), {CKA_VALUE, value, size}};
    CK_OBJECT_HANDLE key = UNTOUCHED;
    CK_RV rv = CALL(create_object, list, 3, &key);

    assert_int_equal(key == UNTOUCHED, rv != CKR_OK);
    return rv;
}

static CK_RV generate_of(CK_MECHANISM_TYPE mechanism, CK_ULONG size)
{
    CK_MECHANISM generate = {mechanism, NULL, 0};
    CK_ATTRIBUTE list[] = {ATTRIBUTE(CKA_VALUE_LEN, size)};
    CK_OBJECT_HANDLE key = UNTOUCHED;
    CK_RV rv = CALL(generate_key, &generate, list, 1, &key);

    assert_int_equal(key == UNTOUCHED, rv != CKR_OK);
    return rv;
}

static void check_17_there_are_no_aes_keys_of_odd_lengths(void **state)
{
    static const CK_ULONG sizes[] = {0, 7, 15, 17, 33, 64};

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_rv(create_of(CKK_AES, sizes[i]), CKR_ATTRIBUTE_VALUE_INVALID);
        assert_either(generate_of(CKM_AES_KEY_GEN, sizes[i]), CKR_ATTRIBUTE_VALUE_INVALID,
                      CKR_KEY_SIZE_RANGE);
    }
    assert_rv(create_of(CKK_AES, 32), CKR_OK);
    assert_rv(create_of(CKK_GENERIC_SECRET, 0), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_either(generate_of(CKM_GENERIC_SECRET_KEY_GEN, 0), CKR_ATTRIBUTE_VALUE_INVALID,
                  CKR_KEY_SIZE_RANGE);
    assert_either(generate_of(CKM_GENERIC_SECRET_KEY_GEN, 1UL << 40), CKR_ATTRIBUTE_VALUE_INVALID,
                  CKR_KEY_SIZE_RANGE);
    assert_either(generate_of(CKM_GENERIC_SECRET_KEY_GEN, ~0UL), CKR_ATTRIBUTE_VALUE_INVALID,
                  CKR_KEY_SIZE_RANGE);
}

static void check_18_only_what_is_made_here_is_local(void **state)
{
    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        CK_OBJECT_HANDLE key = key_with(origin, NULL, 0);
        bool made_here = origin == GENERATED;

        assert_int_equal(flag_of(key, CKA_LOCAL), made_here);
        assert_int_equal(flag_of(key, CKA_ALWAYS_SENSITIVE), made_here);
        assert_int_equal(flag_of(key, CKA_NEVER_EXTRACTABLE), made_here);
        assert_int_equal(number_of(key, CKA_KEY_GEN_MECHANISM),
                         made_here ? CKM_AES_KEY_GEN : CK_UNAVAILABLE_INFORMATION);
    }
}

static void check_18_nor_does_a_template_make_it_so(void **state)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE};
    CK_OBJECT_HANDLE key;

    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        for (size_t i = 0; i < COUNT(types); i++) {
            const CK_ATTRIBUTE more[] = {ATTRIBUTE(types[i], yes)};

            assert_rv(make_key(origin, more, 1, &key), CKR_ATTRIBUTE_READ_ONLY);
        }
    }
}

/* A generated key that was ever readable is not always sensitive. */
static void check_18_a_generated_key_that_is_open(void **state)
{
    const CK_ATTRIBUTE more[] = {ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    CK_OBJECT_HANDLE key = key_with(GENERATED, more, 2);

    (void)state;
    assert_true(flag_of(key, CKA_LOCAL));
    assert_false(flag_of(key, CKA_ALWAYS_SENSITIVE));
    assert_false(flag_of(key, CKA_NEVER_EXTRACTABLE));
}

/* Each row is added to a good template; the code is the same whichever function is asked. */
static void check_35_attributes_that_lie(void **state)
{
    CK_ULONG number = 1;
    unsigned char two = 2;
    const struct {
        CK_ATTRIBUTE attribute;
        CK_RV rv;
    } rows[] = {
        {{CKA_LABEL, NULL, 1}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_LABEL, &number, ~0UL}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_LABEL, &number, 1UL << 63}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_LABEL, &number, 1UL << 32}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_ENCRYPT, &number, 4}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_ENCRYPT, &number, 0}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_ENCRYPT, NULL, 0}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_ENCRYPT, NULL, 1}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_ENCRYPT, &two, 1}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_ALLOWED_MECHANISMS, &number, 7}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_START_DATE, &number, 7}, CKR_ATTRIBUTE_VALUE_INVALID},
        {ATTRIBUTE(CKA_CLASS, number), CKR_TEMPLATE_INCONSISTENT}, /* a second one, for two origins */
        {ATTRIBUTE(0x80004711, number), CKR_ATTRIBUTE_TYPE_INVALID},
        {ATTRIBUTE(CKA_MODULUS, number), CKR_ATTRIBUTE_TYPE_INVALID},
    };
    CK_OBJECT_HANDLE key = UNTOUCHED;

    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        for (size_t i = 0; i < COUNT(rows); i++) {
            assert_rv(make_key(origin, &rows[i].attribute, 1, &key), rows[i].rv);
        }
    }
    assert_int_equal(key, UNTOUCHED);
}

static void check_35_the_same_attribute_twice(void **state)
{
    const CK_ATTRIBUTE alike[] = {ATTRIBUTE(CKA_DECRYPT, yes), ATTRIBUTE(CKA_DECRYPT, yes)};
    const CK_ATTRIBUTE differing[] = {ATTRIBUTE(CKA_SENSITIVE, yes), ATTRIBUTE(CKA_LABEL, yes),
                                      ATTRIBUTE(CKA_SENSITIVE, no)};
    CK_OBJECT_HANDLE key = UNTOUCHED;

    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        assert_rv(make_key(origin, alike, 2, &key), CKR_TEMPLATE_INCONSISTENT);
        assert_rv(make_key(origin, differing, 3, &key), CKR_TEMPLATE_INCONSISTENT);
    }
}

/* Exactly as long as it says, at an odd address: a sanitizer sees every byte too many. */
static void check_35_unaligned_values(void **state)
{
    unsigned char *memory = malloc(1 + sizeof(CK_ULONG) + sizeof(CK_ATTRIBUTE));
    CK_ULONG size = 32;
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE list[] = {{CKA_VALUE_LEN, memory + 1, sizeof size}};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_non_null(memory);
    memcpy(memory + 1, &size, sizeof size);
    assert_rv(CALL(generate_key, &generate, list, 1, &key), CKR_OK);
    memset(memory, 0, 1 + sizeof size);
    assert_rv(CALL(get_attribute_value, key, list, 1), CKR_OK);
    assert_memory_equal(memory + 1, &size, sizeof size);
    free(memory);
}

/* Output and input in one place, where the cipher would have to make a copy first. */
static void check_35_data_of_an_impossible_length(void **state)
{
    static const CK_ULONG lengths[] = {~0UL, ~0UL - 15, 1UL << 63};
    unsigned char iv[16] = {0}, place[64];
    CK_GCM_PARAMS parameters = {iv, 12, 96, NULL, 0, 128};
    CK_MECHANISM mechanisms[] = {{CKM_AES_GCM, &parameters, sizeof parameters}, {CKM_AES_CBC_PAD, iv, 16}};
    CK_OBJECT_HANDLE key = aes_key(DATA_KEY, 32);
    CK_ULONG size;

    (void)state;
    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        for (size_t k = 0; k < COUNT(lengths); k++) {
            size = 16;
            assert_rv(CALL(encrypt_init, &mechanisms[i], key), CKR_OK);
            assert_rv(CALL(encrypt, place, lengths[k], place + 8, &size), CKR_DATA_LEN_RANGE);
            assert_rv(CALL(decrypt_init, &mechanisms[i], key), CKR_OK);
            assert_rv(CALL(decrypt_update, place, lengths[k], place + 8, &size),
                      CKR_ENCRYPTED_DATA_LEN_RANGE);
        }
    }
}

/* An attribute may hold attributes; their own pointers and lengths are no better than others. */
static void check_35_nested_templates(void **state)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE};
    CK_ATTRIBUTE inner[] = {{CKA_LABEL, NULL, 8}}, deep[] = {{CKA_UNWRAP_TEMPLATE, NULL, 0}};
    CK_ATTRIBUTE twice[] = {ATTRIBUTE(CKA_DECRYPT, yes), ATTRIBUTE(CKA_DECRYPT, no)};
    CK_ATTRIBUTE huge[] = {{CKA_LABEL, inner, ~0UL}};
    CK_OBJECT_HANDLE key = UNTOUCHED;

    (void)state;
    deep[0].pValue = deep;
    deep[0].ulValueLen = sizeof deep;
    for (size_t i = 0; i < COUNT(types); i++) {
        const CK_ATTRIBUTE bad[] = {{types[i], inner, sizeof inner},     {types[i], huge, sizeof huge},
                                    {types[i], inner, sizeof inner - 1}, {types[i], deep, sizeof deep},
                                    {types[i], twice, sizeof twice},     {types[i], NULL, sizeof inner}};

        for (size_t k = 0; k < COUNT(bad); k++) {
            for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
                assert_int_not_equal(make_key(origin, &bad[k], 1, &key), CKR_OK);
            }
        }
    }
    assert_int_equal(key, UNTOUCHED);
}

static const struct CMUnitTest tests[] = {
    with_token(check_16_a_type_has_its_lengths),
    with_token(check_16_types_that_no_mechanism_uses),
    with_token(check_17_a_length_in_the_template_binds),
    with_token(check_17_there_are_no_aes_keys_of_odd_lengths),
    with_token(check_18_only_what_is_made_here_is_local),
    with_token(check_18_nor_does_a_template_make_it_so),
    with_token(check_18_a_generated_key_that_is_open),
    with_token(check_35_attributes_that_lie),
    with_token(check_35_the_same_attribute_twice),
    with_token(check_35_unaligned_values),
    with_token(check_35_data_of_an_impossible_length),
    with_token(check_35_nested_templates),
};

const struct room template_room = ROOM(tests);
