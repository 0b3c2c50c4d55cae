/* `policy = strict`: SECURITY checks 1, 2, 3, 7, 9, 13, 14, 15 and 22; each has its twin that is compatible. */
#include "tests/pkcs11/soft/soft_test.h"
#include <string.h>

static const char strict[] = "    policy = strict", compatible[] = "";

static CK_RV generate(CK_ATTRIBUTE_TYPE first, CK_ATTRIBUTE_TYPE second, CK_OBJECT_HANDLE *ret_key)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG size = 32;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_VALUE_LEN, size), ATTRIBUTE(CKA_EXTRACTABLE, yes),
                               ATTRIBUTE(first, yes), ATTRIBUTE(second, yes)};

    return CALL(generate_key, &mechanism, template, first == second ? 3 : 4, ret_key);
}

static CK_RV allow(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE use)
{
    CK_ATTRIBUTE template = ATTRIBUTE(use, yes);

    return CALL(set_attribute_value, key, &template, 1);
}

static CK_RV copy_allowing(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE use)
{
    CK_ATTRIBUTE template = ATTRIBUTE(use, yes);
    CK_OBJECT_HANDLE copy = 0;

    return CALL(copy_object, key, &template, 1, &copy);
}

static CK_RV unwrap_as(const char *value, CK_ATTRIBUTE_TYPE use, CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, yes),
                               ATTRIBUTE(use, yes)};
    struct buffer blob = BUFFER_INIT(512);
    CK_RV rv;

    fake_encrypt(fake, "kek", RSA_PADDING_OAEP_SHA256, bytes_of(value, 16), &blob);
    rv = CALL(unwrap_key, &oaep_sha256, the(CKO_PRIVATE_KEY, "kek"), blob.data, blob.size, template,
              COUNT(template), ret_key);
    buffer_free(&blob);
    return rv;
}

static CK_BBOOL flag_of(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL flag = 7;
    CK_ATTRIBUTE attribute = {type, &flag, sizeof flag};

    assert_rv(CALL(get_attribute_value, key, &attribute, 1), CKR_OK);
    return flag;
}

static void test_checks_1_and_2_conflicting_usages_are_refused(void **state)
{
    static const CK_ATTRIBUTE_TYPE pairs[][2] = {
        {CKA_WRAP, CKA_DECRYPT}, {CKA_UNWRAP, CKA_ENCRYPT}, {CKA_SIGN, CKA_DECRYPT}};
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    soft_open(strict);
    for (size_t i = 0; i < COUNT(pairs); i++) {
        assert_rv(generate(pairs[i][0], pairs[i][1], &key), CKR_TEMPLATE_INCONSISTENT);
        assert_rv(generate(pairs[i][0], pairs[i][0], &key), CKR_OK);
    }
    assert_rv(generate(CKA_ENCRYPT, CKA_DECRYPT, &key), CKR_OK);
    assert_rv(generate(CKA_WRAP, CKA_UNWRAP, &key), CKR_OK);
}

static void test_compatible_tokens_allow_them(void **state)
{
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    soft_open(compatible);
    assert_rv(generate(CKA_WRAP, CKA_DECRYPT, &key), CKR_OK);
    assert_rv(allow(key, CKA_SIGN), CKR_OK);
    assert_rv(copy_allowing(key, CKA_ENCRYPT), CKR_OK);
}

static void test_check_3_a_key_of_the_service_that_wraps_does_not_decrypt(void **state)
{
    CK_OBJECT_HANDLE kek;

    (void)state;
    fake_add(fake, "data", 2048);
    fake_version(fake, "data")->uses_known = true;
    fake_version(fake, "data")->uses = KEY_USE_ENCRYPT | KEY_USE_DECRYPT;
    soft_open(strict);
    kek = the(CKO_PRIVATE_KEY, "kek");
    assert_int_equal(flag_of(kek, CKA_DECRYPT), CK_FALSE);
    assert_int_equal(flag_of(kek, CKA_UNWRAP), CK_TRUE);
    assert_rv(CALL(decrypt_init, &oaep_sha256, kek), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(decrypt_init, &oaep_sha256, the(CKO_PRIVATE_KEY, "data")), CKR_OK);
    assert_int_equal(flag_of(the(CKO_PRIVATE_KEY, "data"), CKA_DECRYPT), CK_TRUE);
    assert_int_equal(fake_count(fake, FAKE_DECRYPT), 0);
}

static void test_its_twin_decrypts(void **state)
{
    (void)state;
    soft_open(compatible);
    assert_rv(CALL(decrypt_init, &oaep_sha256, the(CKO_PRIVATE_KEY, "kek")), CKR_OK);
}

static void test_without_get_nothing_decrypts(void **state)
{
    (void)state;
    fake_rule(fake, FAKE_GET, fake_refused);
    soft_open(strict);
    assert_rv(CALL(decrypt_init, &oaep_sha256, the(CKO_PRIVATE_KEY, "kek")), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_check_7_usages_do_not_come_in_two_steps(void **state)
{
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    soft_open(strict);
    assert_rv(generate(CKA_DECRYPT, CKA_DECRYPT, &key), CKR_OK);
    assert_rv(allow(key, CKA_WRAP), CKR_TEMPLATE_INCONSISTENT);
    assert_int_equal(flag_of(key, CKA_WRAP), CK_FALSE);
    assert_rv(allow(key, CKA_ENCRYPT), CKR_OK);
    assert_rv(allow(key, CKA_UNWRAP), CKR_TEMPLATE_INCONSISTENT);
}

static void test_check_9_nor_by_a_copy(void **state)
{
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    soft_open(strict);
    assert_rv(generate(CKA_DECRYPT, CKA_DECRYPT, &key), CKR_OK);
    assert_rv(copy_allowing(key, CKA_WRAP), CKR_TEMPLATE_INCONSISTENT);
    assert_rv(copy_allowing(key, CKA_ENCRYPT), CKR_OK);
}

static void test_check_13_unwrapped_keys_are_sensitive(void **state)
{
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    soft_open(strict);
    assert_rv(unwrap_as("0123456789abcdef", CKA_ENCRYPT, &key), CKR_OK);
    assert_int_equal(flag_of(key, CKA_SENSITIVE), CK_TRUE);
}

static void test_its_twin_is_as_the_template_says(void **state)
{
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    soft_open(compatible);
    assert_rv(unwrap_as("0123456789abcdef", CKA_ENCRYPT, &key), CKR_OK);
    assert_int_equal(flag_of(key, CKA_SENSITIVE), CK_FALSE);
}

static void test_check_14_conflicts_cost_no_request(void **state)
{
    unsigned char blob[256] = {1};
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               ATTRIBUTE(CKA_WRAP, yes), ATTRIBUTE(CKA_DECRYPT, yes)};
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    soft_open(strict);
    assert_rv(CALL(unwrap_key, &oaep_sha256, the(CKO_PRIVATE_KEY, "kek"), blob, sizeof blob, template,
                   COUNT(template), &key),
              CKR_TEMPLATE_INCONSISTENT);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_check_15_one_value_has_one_role(void **state)
{
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    soft_open(strict);
    assert_rv(unwrap_as("0123456789abcdef", CKA_WRAP, &key), CKR_OK);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    assert_rv(unwrap_as("0123456789abcdef", CKA_DECRYPT, &key), CKR_TEMPLATE_INCONSISTENT);
    assert_rv(unwrap_as("0123456789abcdef", CKA_WRAP, &key), CKR_OK);
    assert_rv(unwrap_as("another value ..", CKA_DECRYPT, &key), CKR_OK);
}

static void test_check_22_pkcs1_opens_no_keys(void **state)
{
    CK_MECHANISM_INFO info;
    unsigned char blob[256] = {1};
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    soft_open(strict);
    assert_rv(unwrap_under(the(CKO_PRIVATE_KEY, "kek"), &pkcs1, blob, sizeof blob, &key),
              CKR_MECHANISM_INVALID);
    assert_rv(token->ops->get_mechanism_info(token, CKM_RSA_PKCS, &info), CKR_OK);
    assert_int_equal(info.flags & CKF_UNWRAP, 0);
    assert_rv(token->ops->get_mechanism_info(token, CKM_RSA_PKCS_OAEP, &info), CKR_OK);
    assert_int_not_equal(info.flags & CKF_UNWRAP, 0);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_no_policy_makes_a_key_trusted(void **state)
{
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    soft_open(compatible);
    assert_rv(generate(CKA_TRUSTED, CKA_WRAP, &key), CKR_ATTRIBUTE_READ_ONLY);
}

/* However many other values came and went meanwhile. */
static void test_check_15_holds_beside_thousands_of_others(void **state)
{
    unsigned char value[16] = {0};
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               {CKA_VALUE, value, sizeof value},
                               ATTRIBUTE(CKA_WRAP, yes)};
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    soft_open(strict);
    for (unsigned i = 0; i < 3000; i++) {
        memcpy(value, &i, sizeof i);
        assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
        assert_rv(CALL(destroy_object, key), CKR_OK);
    }
    template[3].type = CKA_DECRYPT;
    for (unsigned i = 0; i < 3000; i += 7) {
        memcpy(value, &i, sizeof i);
        assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_TEMPLATE_INCONSISTENT);
    }
    memset(value, 0xff, sizeof value);
    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        with_service(test_checks_1_and_2_conflicting_usages_are_refused),
        with_service(test_compatible_tokens_allow_them),
        with_service(test_check_3_a_key_of_the_service_that_wraps_does_not_decrypt),
        with_service(test_its_twin_decrypts),
        with_service(test_without_get_nothing_decrypts),
        with_service(test_check_7_usages_do_not_come_in_two_steps),
        with_service(test_check_9_nor_by_a_copy),
        with_service(test_check_13_unwrapped_keys_are_sensitive),
        with_service(test_its_twin_is_as_the_template_says),
        with_service(test_check_14_conflicts_cost_no_request),
        with_service(test_check_15_holds_beside_thousands_of_others),
        with_service(test_check_15_one_value_has_one_role),
        with_service(test_check_22_pkcs1_opens_no_keys),
        with_service(test_no_policy_makes_a_key_trusted),
    };

    return cmocka_run_group_tests_name("soft/policy", tests, NULL, NULL);
}
