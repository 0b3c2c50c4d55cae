/* Secret keys: made by C_CreateObject and C_GenerateKey, their attributes, their life, random numbers. */
#include "tests/pkcs11/soft/soft_test.h"
#include <string.h>

static CK_MECHANISM aes_gen = {CKM_AES_KEY_GEN, NULL, 0}, generic_gen = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
static unsigned char value[64] = "0123456789abcdef0123456789abcdef";

static CK_BBOOL flag_of(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL flag = 7;
    CK_ATTRIBUTE attribute = {type, &flag, 1};

    assert_rv(CALL(get_attribute_value, key, &attribute, 1), CKR_OK);
    return flag;
}

static void test_what_is_not_named_is_false_and_sensitive(void **state)
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP,  CKA_UNWRAP, CKA_SIGN,
                                             CKA_VERIFY,  CKA_DERIVE,  CKA_TOKEN, CKA_TRUSTED};
    CK_ATTRIBUTE template[] = {
        ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type), {CKA_VALUE, value, 16}};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(CALL(create_object, template, 3, &key), CKR_OK);
    for (size_t i = 0; i < COUNT(uses); i++) {
        assert_false(flag_of(key, uses[i]));
    }
    assert_true(flag_of(key, CKA_SENSITIVE));
    assert_false(flag_of(key, CKA_EXTRACTABLE));
    assert_true(flag_of(key, CKA_PRIVATE));
    assert_false(flag_of(key, CKA_LOCAL));
    assert_false(flag_of(key, CKA_ALWAYS_SENSITIVE));
    assert_false(flag_of(key, CKA_NEVER_EXTRACTABLE));
}

static void test_a_value_is_read_only_where_both_allow_it(void **state)
{
    CK_BBOOL sensitive, extractable;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               {CKA_VALUE, value, 16},
                               ATTRIBUTE(CKA_SENSITIVE, sensitive),
                               ATTRIBUTE(CKA_EXTRACTABLE, extractable)};
    unsigned char out[16];
    CK_ATTRIBUTE read = {CKA_VALUE, out, sizeof out};
    CK_OBJECT_HANDLE key;

    (void)state;
    for (int i = 0; i < 4; i++) {
        sensitive = (i & 1) != 0;
        extractable = (i & 2) != 0;
        read.ulValueLen = sizeof out;
        assert_rv(CALL(create_object, template, 5, &key), CKR_OK);
        assert_rv(CALL(get_attribute_value, key, &read, 1), i == 2 ? CKR_OK : CKR_ATTRIBUTE_SENSITIVE);
        assert_true(i == 2 || read.ulValueLen == CK_UNAVAILABLE_INFORMATION);
    }
}

static void test_wrong_values_make_no_key(void **state)
{
    static const struct {
        CK_KEY_TYPE type;
        CK_ULONG size;
        CK_RV rv;
    } rows[] = {
        {CKK_AES, 0, CKR_ATTRIBUTE_VALUE_INVALID},
        {CKK_AES, 7, CKR_ATTRIBUTE_VALUE_INVALID},
        {CKK_AES, 33, CKR_ATTRIBUTE_VALUE_INVALID},
        {CKK_AES, 24, CKR_OK},
        {CKK_GENERIC_SECRET, 0, CKR_ATTRIBUTE_VALUE_INVALID},
        {CKK_GENERIC_SECRET, 48, CKR_OK},
        {CKK_DES3, 24, CKR_ATTRIBUTE_VALUE_INVALID},
    };
    CK_KEY_TYPE type;
    CK_ATTRIBUTE template[] = {
        ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, type), {CKA_VALUE, value, 0}};
    CK_OBJECT_HANDLE key;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        type = rows[i].type;
        template[2].ulValueLen = rows[i].size;
        assert_rv(CALL(create_object, template, 3, &key), rows[i].rv);
    }
    assert_rv(CALL(create_object, template, 2, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    type = CKK_AES;
    assert_rv(CALL(create_object, template, 2, &key), CKR_TEMPLATE_INCOMPLETE);
    assert_rv(CALL(create_object, template, 3, NULL), CKR_ARGUMENTS_BAD);
}

static void test_a_generated_key_is_the_tokens_own(void **state)
{
    CK_ULONG size = 32;
    CK_MECHANISM_TYPE made_by;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_VALUE_LEN, size), ATTRIBUTE(CKA_ENCRYPT, yes)};
    CK_ATTRIBUTE read = ATTRIBUTE(CKA_KEY_GEN_MECHANISM, made_by);
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(CALL(generate_key, &aes_gen, template, 2, &key), CKR_OK);
    assert_true(flag_of(key, CKA_LOCAL));
    assert_true(flag_of(key, CKA_ALWAYS_SENSITIVE));
    assert_true(flag_of(key, CKA_NEVER_EXTRACTABLE));
    assert_true(flag_of(key, CKA_ENCRYPT));
    assert_rv(CALL(get_attribute_value, key, &read, 1), CKR_OK);
    assert_int_equal(made_by, CKM_AES_KEY_GEN);
}

static void test_generated_keys_differ(void **state)
{
    CK_ULONG size = 16;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_VALUE_LEN, size), ATTRIBUTE(CKA_SENSITIVE, no),
                               ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    CK_OBJECT_HANDLE key[2];
    unsigned char read[2][16];

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_rv(CALL(generate_key, &generic_gen, template, 3, &key[i]), CKR_OK);
        assert_int_equal(read_value(key[i], read[i], 16), 16);
    }
    assert_memory_not_equal(read[0], read[1], 16);
    assert_false(flag_of(key[0], CKA_ALWAYS_SENSITIVE));
    assert_false(flag_of(key[0], CKA_NEVER_EXTRACTABLE));
}

static void test_wrong_templates_generate_no_key(void **state)
{
    CK_ULONG size = 17, zero = 0, huge = 5000;
    CK_ATTRIBUTE wrong[] = {ATTRIBUTE(CKA_VALUE_LEN, size)};
    CK_ATTRIBUTE none[] = {ATTRIBUTE(CKA_VALUE_LEN, zero)};
    CK_ATTRIBUTE large[] = {ATTRIBUTE(CKA_VALUE_LEN, huge)};
    CK_ATTRIBUTE other[] = {ATTRIBUTE(CKA_VALUE_LEN, size), ATTRIBUTE(CKA_KEY_TYPE, generic_type)};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(CALL(generate_key, &aes_gen, wrong, 1, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_rv(CALL(generate_key, &generic_gen, none, 1, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_rv(CALL(generate_key, &generic_gen, large, 1, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_rv(CALL(generate_key, &aes_gen, other, 2, &key), CKR_TEMPLATE_INCONSISTENT);
    assert_rv(CALL(generate_key, &aes_gen, NULL, 0, &key), CKR_TEMPLATE_INCOMPLETE);
    assert_rv(CALL(generate_key, &aes_gen, wrong, 1, NULL), CKR_ARGUMENTS_BAD);
}

static void test_a_destroyed_key_is_unknown(void **state)
{
    CK_OBJECT_HANDLE key = aes_key(value, 16);
    CK_ULONG size;

    (void)state;
    assert_rv(CALL(get_object_size, key, &size), CKR_OK);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    assert_rv(CALL(destroy_object, key), CKR_OBJECT_HANDLE_INVALID);
    assert_rv(CALL(get_object_size, key, &size), CKR_OBJECT_HANDLE_INVALID);
    assert_true(aes_key(value, 16) != key);
}

static void test_keys_of_the_service_stay(void **state)
{
    CK_ATTRIBUTE label = {CKA_LABEL, value, 3};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(CALL(destroy_object, the(CKO_PRIVATE_KEY, "kek")), CKR_ACTION_PROHIBITED);
    assert_rv(CALL(set_attribute_value, the(CKO_PRIVATE_KEY, "kek"), &label, 1), CKR_ACTION_PROHIBITED);
    assert_rv(CALL(copy_object, the(CKO_PRIVATE_KEY, "kek"), NULL, 0, &key), CKR_ACTION_PROHIBITED);
    the(CKO_PRIVATE_KEY, "kek");
}

static void test_a_key_may_be_kept_from_destruction(void **state)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               {CKA_VALUE, value, 16},
                               ATTRIBUTE(CKA_DESTROYABLE, no)};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(CALL(create_object, template, 4, &key), CKR_OK);
    assert_rv(CALL(destroy_object, key), CKR_ACTION_PROHIBITED);
}

static void test_keys_are_found_by_all_sessions_and_end_with_theirs(void **state)
{
    struct token_session *first = session, *second;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type)};
    CK_OBJECT_HANDLE found[4];

    (void)state;
    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &second), CKR_OK);
    session = second;
    aes_key(value, 16);
    aes_key(value, 32);
    session = first;
    aes_key(value, 24);
    assert_int_equal(find(template, 2, found, 4), 3);
    assert_rv(token->ops->close_session(second), CKR_OK);
    assert_int_equal(find(template, 2, found, 4), 1);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_a_sensitive_value_matches_no_find(void **state)
{
    CK_ATTRIBUTE made[] = {
        ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type), {CKA_VALUE, value, 16}};
    CK_OBJECT_HANDLE key, found;

    (void)state;
    assert_rv(CALL(create_object, made, 3, &key), CKR_OK);
    assert_int_equal(find(made, 2, &found, 1), 1);
    assert_int_equal(find(made, 3, &found, 1), 0);
}

static void test_allowed_mechanisms_are_kept_to(void **state)
{
    CK_MECHANISM_TYPE gcm = CKM_AES_GCM;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               {CKA_VALUE, value, 16},
                               ATTRIBUTE(CKA_ENCRYPT, yes),
                               ATTRIBUTE(CKA_ALLOWED_MECHANISMS, gcm)};
    CK_GCM_PARAMS parameter = {value, 12, 96, NULL, 0, 128};
    CK_MECHANISM by_cbc = {CKM_AES_CBC_PAD, value, 16}, by_gcm = {CKM_AES_GCM, &parameter, sizeof parameter};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(CALL(create_object, template, 5, &key), CKR_OK);
    assert_rv(CALL(encrypt_init, &by_cbc, key), CKR_MECHANISM_INVALID);
    assert_rv(CALL(encrypt_init, &by_gcm, key), CKR_OK);
}

static void test_unaligned_templates_are_read(void **state)
{
    unsigned char bytes[2 * sizeof(CK_ULONG) + 2];
    CK_ATTRIBUTE template[] = {{CKA_CLASS, bytes + 1, sizeof(CK_ULONG)},
                               {CKA_KEY_TYPE, bytes + 1 + sizeof(CK_ULONG), sizeof(CK_ULONG)},
                               {CKA_VALUE, value, 16}};
    CK_OBJECT_HANDLE key;

    (void)state;
    memcpy(bytes + 1, &secret_class, sizeof secret_class);
    memcpy(bytes + 1 + sizeof(CK_ULONG), &aes_type, sizeof aes_type);
    assert_rv(CALL(create_object, template, 3, &key), CKR_OK);
}

static void test_random_numbers(void **state)
{
    unsigned char random[2][32] = {{0}};

    (void)state;
    assert_rv(CALL(generate_random, random[0], 32), CKR_OK);
    assert_rv(CALL(generate_random, random[1], 32), CKR_OK);
    assert_memory_not_equal(random[0], random[1], 32);
    assert_rv(CALL(generate_random, NULL, 0), CKR_OK);
    assert_rv(CALL(generate_random, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(seed_random, random[0], 32), CKR_RANDOM_SEED_NOT_SUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_what_is_not_named_is_false_and_sensitive),
        with_token(test_a_value_is_read_only_where_both_allow_it),
        with_token(test_wrong_values_make_no_key),
        with_token(test_a_generated_key_is_the_tokens_own),
        with_token(test_generated_keys_differ),
        with_token(test_wrong_templates_generate_no_key),
        with_token(test_a_destroyed_key_is_unknown),
        with_token(test_keys_of_the_service_stay),
        with_token(test_a_key_may_be_kept_from_destruction),
        with_token(test_keys_are_found_by_all_sessions_and_end_with_theirs),
        with_token(test_a_sensitive_value_matches_no_find),
        with_token(test_allowed_mechanisms_are_kept_to),
        with_token(test_unaligned_templates_are_read),
        with_token(test_random_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
