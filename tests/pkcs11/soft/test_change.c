/* C_SetAttributeValue, C_CopyObject and C_GetObjectSize, and templates that are attributes. */
#include "pkcs11/soft/soft.h"
#include "tests/pkcs11/soft/soft_test.h"
#include <pthread.h>
#include <string.h>

static CK_RV set_flag(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, CK_BBOOL to)
{
    CK_ATTRIBUTE attribute = {type, &to, sizeof to};

    return CALL(set_attribute_value, key, &attribute, 1);
}

static CK_RV copy_with(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, CK_BBOOL to, CK_OBJECT_HANDLE *ret_copy)
{
    CK_ATTRIBUTE attribute = {type, &to, sizeof to};

    return CALL(copy_object, key, &attribute, 1, ret_copy);
}

static CK_BBOOL flag_of(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL flag = 7;
    CK_ATTRIBUTE attribute = {type, &flag, sizeof flag};

    assert_rv(CALL(get_attribute_value, key, &attribute, 1), CKR_OK);
    return flag;
}

static CK_OBJECT_HANDLE generated(CK_BBOOL sensitive, CK_BBOOL extractable)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG size = 32;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_VALUE_LEN, size), ATTRIBUTE(CKA_SENSITIVE, sensitive),
                               ATTRIBUTE(CKA_EXTRACTABLE, extractable)};
    CK_OBJECT_HANDLE key = 0;

    assert_rv(CALL(generate_key, &mechanism, template, COUNT(template), &key), CKR_OK);
    return key;
}

static CK_OBJECT_HANDLE made_with(CK_ATTRIBUTE_TYPE type, CK_BBOOL to)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG size = 16;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_VALUE_LEN, size), {type, &to, sizeof to}};
    CK_OBJECT_HANDLE key = 0;

    assert_rv(CALL(generate_key, &mechanism, template, COUNT(template), &key), CKR_OK);
    return key;
}

static void test_texts_and_usages_change(void **state)
{
    CK_OBJECT_HANDLE key = aes_key("0123456789abcdef", 16), found[2];
    CK_ATTRIBUTE template[] = {
        {CKA_LABEL, (char[]){"new"}, 3}, {CKA_ID, (char[]){"id"}, 2}, ATTRIBUTE(CKA_SIGN, yes)};
    unsigned char value[16];

    (void)state;
    assert_rv(CALL(set_attribute_value, key, template, COUNT(template)), CKR_OK);
    assert_int_equal(find(template, COUNT(template), found, 2), 1);
    assert_int_equal(found[0], key);
    template[0].ulValueLen = 0;
    assert_rv(CALL(set_attribute_value, key, template, 1), CKR_OK);
    assert_int_equal(count_of(CKO_SECRET_KEY, "new"), 0);
    assert_int_equal(read_value(key, value, sizeof value), 16);
    assert_memory_equal(value, "0123456789abcdef", 16);
}

static void test_nothing_changes_where_one_attribute_may_not(void **state)
{
    CK_OBJECT_HANDLE key = generated(CK_TRUE, CK_FALSE);
    CK_ATTRIBUTE template[] = {{CKA_LABEL, (char[]){"new"}, 3}, ATTRIBUTE(CKA_EXTRACTABLE, yes)};

    (void)state;
    assert_rv(CALL(set_attribute_value, key, template, COUNT(template)), CKR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(count_of(CKO_SECRET_KEY, "new"), 0);
    template[1] = template[0];
    assert_rv(CALL(set_attribute_value, key, template, COUNT(template)), CKR_TEMPLATE_INCONSISTENT);
    template[1].type = CKA_MODULUS;
    assert_rv(CALL(set_attribute_value, key, template, COUNT(template)), CKR_ATTRIBUTE_TYPE_INVALID);
}

/* SECURITY: check 6. */
static void test_a_key_gets_stricter_and_never_laxer(void **state)
{
    CK_OBJECT_HANDLE key = generated(CK_FALSE, CK_TRUE);

    (void)state;
    assert_rv(set_flag(key, CKA_SENSITIVE, CK_TRUE), CKR_OK);
    assert_rv(set_flag(key, CKA_SENSITIVE, CK_FALSE), CKR_ATTRIBUTE_READ_ONLY);
    assert_rv(set_flag(key, CKA_EXTRACTABLE, CK_FALSE), CKR_OK);
    assert_rv(set_flag(key, CKA_EXTRACTABLE, CK_TRUE), CKR_ATTRIBUTE_READ_ONLY);
    assert_rv(set_flag(key, CKA_WRAP_WITH_TRUSTED, CK_TRUE), CKR_OK);
    assert_rv(set_flag(key, CKA_WRAP_WITH_TRUSTED, CK_FALSE), CKR_ATTRIBUTE_READ_ONLY);
    assert_rv(set_flag(key, CKA_SENSITIVE, CK_TRUE), CKR_OK);
}

/* What became sensitive later was not always so. */
static void test_history_is_not_rewritten(void **state)
{
    CK_OBJECT_HANDLE lax = generated(CK_FALSE, CK_TRUE), strict = generated(CK_TRUE, CK_FALSE), copy;

    (void)state;
    assert_rv(set_flag(lax, CKA_SENSITIVE, CK_TRUE), CKR_OK);
    assert_rv(set_flag(lax, CKA_EXTRACTABLE, CK_FALSE), CKR_OK);
    assert_int_equal(flag_of(lax, CKA_ALWAYS_SENSITIVE), CK_FALSE);
    assert_int_equal(flag_of(lax, CKA_NEVER_EXTRACTABLE), CK_FALSE);
    assert_int_equal(flag_of(strict, CKA_ALWAYS_SENSITIVE), CK_TRUE);
    assert_rv(CALL(copy_object, strict, NULL, 0, &copy), CKR_OK);
    assert_int_equal(flag_of(copy, CKA_ALWAYS_SENSITIVE), CK_TRUE);
    assert_int_equal(flag_of(copy, CKA_NEVER_EXTRACTABLE), CK_TRUE);
}

/* SECURITY: check 8. */
static void test_what_is_fixed_stays(void **state)
{
    static const CK_ATTRIBUTE_TYPE fixed[] = {CKA_TRUSTED, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE,
                                              CKA_LOCAL,   CKA_PRIVATE,          CKA_MODIFIABLE,
                                              CKA_TOKEN,   CKA_DESTROYABLE};
    CK_MECHANISM_TYPE mechanism = CKM_AES_GCM;
    CK_ATTRIBUTE others[] = {ATTRIBUTE(CKA_KEY_GEN_MECHANISM, mechanism),
                             ATTRIBUTE(CKA_ALLOWED_MECHANISMS, mechanism),
                             {CKA_VALUE, (char[]){"0123456789abcdef"}, 16},
                             {CKA_UNIQUE_ID, (char[]){"x"}, 1}};
    CK_OBJECT_HANDLE key = generated(CK_FALSE, CK_TRUE);

    (void)state;
    for (size_t i = 0; i < COUNT(fixed); i++) {
        assert_rv(set_flag(key, fixed[i], !flag_of(key, fixed[i])), CKR_ATTRIBUTE_READ_ONLY);
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_rv(CALL(set_attribute_value, key, &others[i], 1), CKR_ATTRIBUTE_READ_ONLY);
    }
}

static void test_a_key_that_is_not_modifiable_stays_as_it_is(void **state)
{
    CK_OBJECT_HANDLE key = made_with(CKA_MODIFIABLE, CK_FALSE);

    (void)state;
    assert_int_equal(flag_of(key, CKA_MODIFIABLE), CK_FALSE);
    assert_int_equal(flag_of(generated(CK_TRUE, CK_FALSE), CKA_MODIFIABLE), CK_TRUE);
    assert_rv(set_flag(key, CKA_ENCRYPT, CK_TRUE), CKR_ACTION_PROHIBITED);
}

static void test_a_copy_is_a_key_of_its_own(void **state)
{
    CK_OBJECT_HANDLE key = aes_key("0123456789abcdef", 16), copy = 0;
    CK_ATTRIBUTE template[] = {{CKA_LABEL, (char[]){"copy"}, 4}, ATTRIBUTE(CKA_TOKEN, no)};
    unsigned char value[16];

    (void)state;
    assert_rv(CALL(copy_object, key, template, COUNT(template), &copy), CKR_OK);
    assert_int_not_equal(copy, key);
    assert_int_equal(the(CKO_SECRET_KEY, "copy"), copy);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    assert_int_equal(read_value(copy, value, sizeof value), 16);
    assert_memory_equal(value, "0123456789abcdef", 16);
}

/* SECURITY: check 9. */
static void test_a_copy_is_never_laxer(void **state)
{
    CK_OBJECT_HANDLE key = generated(CK_TRUE, CK_FALSE), copy = 0;

    (void)state;
    assert_rv(copy_with(key, CKA_EXTRACTABLE, CK_TRUE, &copy), CKR_ATTRIBUTE_READ_ONLY);
    assert_rv(copy_with(key, CKA_SENSITIVE, CK_FALSE, &copy), CKR_ATTRIBUTE_READ_ONLY);
    assert_rv(copy_with(key, CKA_PRIVATE, CK_FALSE, &copy), CKR_ATTRIBUTE_READ_ONLY);
    assert_rv(copy_with(key, CKA_TRUSTED, CK_TRUE, &copy), CKR_ATTRIBUTE_READ_ONLY);
    assert_rv(copy_with(key, CKA_TOKEN, CK_TRUE, &copy), CKR_TOKEN_WRITE_PROTECTED);
    assert_int_equal(copy, 0);
    assert_rv(copy_with(key, CKA_MODIFIABLE, CK_FALSE, &copy), CKR_OK);
    assert_rv(set_flag(copy, CKA_ENCRYPT, CK_TRUE), CKR_ACTION_PROHIBITED);
}

static void test_a_key_that_is_not_copyable_has_no_copy(void **state)
{
    CK_OBJECT_HANDLE key = made_with(CKA_COPYABLE, CK_FALSE), copy = 0;

    (void)state;
    assert_rv(CALL(copy_object, key, NULL, 0, &copy), CKR_ACTION_PROHIBITED);
    assert_rv(set_flag(key, CKA_COPYABLE, CK_TRUE), CKR_ATTRIBUTE_READ_ONLY);
    key = generated(CK_TRUE, CK_FALSE);
    assert_rv(set_flag(key, CKA_COPYABLE, CK_FALSE), CKR_OK);
    assert_rv(CALL(copy_object, key, NULL, 0, &copy), CKR_ACTION_PROHIBITED);
}

static void test_keys_of_the_service_neither_change_nor_copy(void **state)
{
    CK_OBJECT_HANDLE key = the(CKO_PRIVATE_KEY, "kek"), copy = 0;

    (void)state;
    assert_rv(copy_with(key, CKA_TOKEN, CK_FALSE, &copy), CKR_ACTION_PROHIBITED);
    assert_rv(set_flag(key, CKA_SIGN, CK_FALSE), CKR_ACTION_PROHIBITED);
    assert_rv(set_flag(key + 1, CKA_SIGN, CK_FALSE), CKR_OBJECT_HANDLE_INVALID);
    assert_rv(CALL(copy_object, key, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_sizes_are_told(void **state)
{
    CK_OBJECT_HANDLE key = aes_key("0123456789abcdef", 16);
    CK_ULONG size = 0;

    (void)state;
    assert_rv(CALL(get_object_size, key, &size), CKR_OK);
    assert_true(size >= 16 && size < 65536);
    assert_rv(CALL(get_object_size, key, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(get_object_size, key + 1, &size), CKR_OBJECT_HANDLE_INVALID);
}

/* A secret key with one of the two templates, which says EXTRACTABLE and KEY_TYPE. */
static CK_OBJECT_HANDLE with_template(CK_ATTRIBUTE_TYPE type, CK_BBOOL extractable)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG size = 32;
    CK_ATTRIBUTE inner[] = {ATTRIBUTE(CKA_EXTRACTABLE, extractable), ATTRIBUTE(CKA_KEY_TYPE, aes_type)};
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_VALUE_LEN, size),
                               ATTRIBUTE(CKA_WRAP, yes),
                               ATTRIBUTE(CKA_UNWRAP, yes),
                               {type, inner, sizeof inner}};
    CK_OBJECT_HANDLE key = 0;

    assert_rv(CALL(generate_key, &mechanism, template, COUNT(template), &key), CKR_OK);
    return key;
}

static void test_a_template_is_told_by_its_own_rule(void **state)
{
    CK_BBOOL extractable = 7;
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE inner[2] = {{0, NULL, 0}, {0, NULL, 0}};
    CK_ATTRIBUTE template = {CKA_UNWRAP_TEMPLATE, NULL, 0};
    CK_OBJECT_HANDLE key = with_template(CKA_UNWRAP_TEMPLATE, CK_TRUE);

    (void)state;
    assert_rv(CALL(get_attribute_value, key, &template, 1), CKR_OK);
    assert_int_equal(template.ulValueLen, sizeof inner);
    template.pValue = inner;
    assert_rv(CALL(get_attribute_value, key, &template, 1), CKR_OK);
    assert_int_equal(inner[0].type, CKA_EXTRACTABLE);
    assert_int_equal(inner[0].ulValueLen, sizeof extractable);
    assert_int_equal(inner[1].ulValueLen, sizeof type);
    inner[0].pValue = &extractable;
    inner[1].pValue = &type;
    assert_rv(CALL(get_attribute_value, key, &template, 1), CKR_OK);
    assert_int_equal(extractable, CK_TRUE);
    assert_int_equal(type, CKK_AES);
    inner[1].ulValueLen = 1;
    assert_rv(CALL(get_attribute_value, key, &template, 1), CKR_BUFFER_TOO_SMALL);
    template.ulValueLen = sizeof inner - 1;
    assert_rv(CALL(get_attribute_value, key, &template, 1), CKR_BUFFER_TOO_SMALL);
    template.type = CKA_WRAP_TEMPLATE;
    template.ulValueLen = sizeof inner;
    assert_rv(CALL(get_attribute_value, key, &template, 1), CKR_OK);
    assert_int_equal(template.ulValueLen, 0);
}

/* SECURITY: check 35, nested templates. */
static void test_bad_templates_in_a_template_are_refused(void **state)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG size = 32;
    CK_ATTRIBUTE inner[] = {ATTRIBUTE(CKA_EXTRACTABLE, yes), ATTRIBUTE(CKA_EXTRACTABLE, no)};
    CK_ATTRIBUTE nested = {CKA_WRAP_TEMPLATE, inner, sizeof inner};
    CK_ATTRIBUTE huge = {CKA_LABEL, &size, (CK_ULONG)-1}, null = {CKA_LABEL, NULL, 4};
    CK_ATTRIBUTE bad[] = {{CKA_WRAP_TEMPLATE, inner, sizeof inner},
                          {CKA_WRAP_TEMPLATE, inner, sizeof inner[0] - 1},
                          {CKA_WRAP_TEMPLATE, &nested, sizeof nested},
                          {CKA_WRAP_TEMPLATE, &huge, sizeof huge},
                          {CKA_WRAP_TEMPLATE, &null, sizeof null}};
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_VALUE_LEN, size), bad[i]};

        assert_rv(CALL(generate_key, &mechanism, template, COUNT(template), &key),
                  CKR_ATTRIBUTE_VALUE_INVALID);
    }
}

static struct object *entered(CK_OBJECT_HANDLE handle)
{
    return object_enter(&((struct soft_token *)token)->store, handle);
}

static void test_a_wrap_template_chooses_what_is_wrapped(void **state)
{
    struct object *kek = entered(with_template(CKA_WRAP_TEMPLATE, CK_TRUE));
    struct object *fits = entered(generated(CK_TRUE, CK_TRUE)), *not = entered(generated(CK_TRUE, CK_FALSE));

    (void)state;
    assert_true(local_key_may_wrap(kek->local, fits->local));
    assert_false(local_key_may_wrap(kek->local, not ->local));
    assert_true(local_key_may_wrap(fits->local, not ->local));
    object_leave(kek);
    object_leave(fits);
    object_leave(not );
}

static void test_an_unwrap_template_adds_and_contradicts(void **state)
{
    struct object *kek = entered(with_template(CKA_UNWRAP_TEMPLATE, CK_FALSE));
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_EXTRACTABLE, no)}, *merged;
    CK_ULONG count = 0;

    (void)state;
    assert_rv(local_key_unwrap_template(kek->local, template, COUNT(template), &merged, &count), CKR_OK);
    assert_int_equal(count, 3);
    assert_int_equal(merged[2].type, CKA_KEY_TYPE);
    free(merged);
    template[1].pValue = &yes;
    assert_rv(local_key_unwrap_template(kek->local, template, COUNT(template), &merged, &count),
              CKR_TEMPLATE_INCONSISTENT);
    object_leave(kek);
}

static CK_MECHANISM key_wrap = {CKM_AES_KEY_WRAP, NULL, 0};

static void test_what_a_wrap_template_leaves_out_is_not_wrapped(void **state)
{
    CK_OBJECT_HANDLE kek = with_template(CKA_WRAP_TEMPLATE, CK_TRUE);
    CK_BBOOL extractable = CK_TRUE;
    CK_ULONG length = 32, size;
    CK_MECHANISM generic_gen = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_VALUE_LEN, length), ATTRIBUTE(CKA_EXTRACTABLE, extractable)};
    CK_OBJECT_HANDLE generic = 0;
    unsigned char blob[64];

    (void)state;
    assert_rv(CALL(generate_key, &generic_gen, template, COUNT(template), &generic), CKR_OK);
    size = sizeof blob;
    assert_rv(CALL(wrap_key, &key_wrap, kek, generic, blob, &size), CKR_KEY_HANDLE_INVALID);
    assert_rv(CALL(wrap_key, &key_wrap, kek, generated(CK_TRUE, CK_TRUE), blob, &size), CKR_OK);
}

static void test_an_unwrap_template_is_part_of_every_new_key(void **state)
{
    CK_OBJECT_HANDLE kek = with_template(CKA_UNWRAP_TEMPLATE, CK_FALSE), key = 0;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_SENSITIVE, no),
                               ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    unsigned char blob[64];
    CK_ULONG size = sizeof blob;

    (void)state;
    assert_rv(CALL(wrap_key, &key_wrap, kek, generated(CK_TRUE, CK_TRUE), blob, &size), CKR_OK);
    assert_rv(CALL(unwrap_key, &key_wrap, kek, blob, size, template, 3, &key), CKR_TEMPLATE_INCONSISTENT);
    assert_rv(CALL(unwrap_key, &key_wrap, kek, blob, size, template, 2, &key), CKR_OK);
    assert_int_equal(flag_of(key, CKA_EXTRACTABLE), CK_FALSE);
}

static void *change_often(void *arg)
{
    CK_OBJECT_HANDLE key = *(CK_OBJECT_HANDLE *)arg;
    char text[] = "0";
    CK_ATTRIBUTE label = {CKA_LABEL, text, 1};

    for (int i = 0; i < 200; i++) {
        text[0] = (char)('0' + i % 10);
        (void)CALL(set_attribute_value, key, &label, 1);
    }
    return NULL;
}

static void *read_often(void *arg)
{
    CK_OBJECT_HANDLE key = *(CK_OBJECT_HANDLE *)arg;
    unsigned char text[8], value[16];
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_LABEL, text), ATTRIBUTE(CKA_VALUE, value)};
    size_t wrong = 0;

    for (int i = 0; i < 1000; i++) {
        template[0].ulValueLen = sizeof text;
        template[1].ulValueLen = sizeof value;
        wrong += CALL(get_attribute_value, key, template, COUNT(template)) != CKR_OK;
        wrong += memcmp(value, "0123456789abcdef", 16) != 0;
    }
    return (void *)wrong;
}

static void test_readers_see_one_state_or_the_next(void **state)
{
    CK_OBJECT_HANDLE key = aes_key("0123456789abcdef", 16);
    pthread_t threads[4];
    void *wrong;

    (void)state;
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, i < 2 ? change_often : read_often, &key), 0);
    }
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        with_token(test_texts_and_usages_change),
        with_token(test_nothing_changes_where_one_attribute_may_not),
        with_token(test_a_key_gets_stricter_and_never_laxer),
        with_token(test_history_is_not_rewritten),
        with_token(test_what_is_fixed_stays),
        with_token(test_a_key_that_is_not_modifiable_stays_as_it_is),
        with_token(test_a_copy_is_a_key_of_its_own),
        with_token(test_a_copy_is_never_laxer),
        with_token(test_a_key_that_is_not_copyable_has_no_copy),
        with_token(test_keys_of_the_service_neither_change_nor_copy),
        with_token(test_sizes_are_told),
        with_token(test_a_template_is_told_by_its_own_rule),
        with_token(test_bad_templates_in_a_template_are_refused),
        with_token(test_a_wrap_template_chooses_what_is_wrapped),
        with_token(test_an_unwrap_template_adds_and_contradicts),
        with_token(test_what_a_wrap_template_leaves_out_is_not_wrapped),
        with_token(test_an_unwrap_template_is_part_of_every_new_key),
        with_token(test_readers_see_one_state_or_the_next),
    };

    return cmocka_run_group_tests_name("soft/change", tests, NULL, NULL);
}
