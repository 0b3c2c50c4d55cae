/* Names of mechanisms, both ways. */
#include "backends/base/mechanism_name.h"
#include "tests/backends/base/base_test.h"
#include <string.h>

static void assert_reads(const char *text, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM_TYPE read = 0xbad;

    assert_true(mechanism_of_name(text, &read));
    assert_int_equal(read, type);
}

static void assert_unknown(const char *text)
{
    CK_MECHANISM_TYPE read = 0xbad;

    assert_false(mechanism_of_name(text, &read));
    assert_int_equal(read, 0xbad);
}

static void test_names_are_those_of_the_standard(void **state)
{
    (void)state;
    assert_string_equal(mechanism_name(CKM_RSA_PKCS_KEY_PAIR_GEN), "CKM_RSA_PKCS_KEY_PAIR_GEN");
    assert_string_equal(mechanism_name(CKM_RSA_PKCS_OAEP), "CKM_RSA_PKCS_OAEP");
    assert_string_equal(mechanism_name(CKM_RSA_AES_KEY_WRAP), "CKM_RSA_AES_KEY_WRAP");
    assert_string_equal(mechanism_name(CKM_AES_KEY_WRAP_KWP), "CKM_AES_KEY_WRAP_KWP");
    assert_string_equal(mechanism_name(CKM_AES_GCM), "CKM_AES_GCM");
    assert_string_equal(mechanism_name(CKM_SHA512_HMAC), "CKM_SHA512_HMAC");
    assert_string_equal(mechanism_name(CKM_EDDSA), "CKM_EDDSA");
    assert_null(mechanism_name(CKM_VENDOR_DEFINED | 1));
    assert_null(mechanism_name(0xf));
}

static void test_of_two_names_the_first_is_said(void **state)
{
    (void)state;
    assert_string_equal(mechanism_name(CKM_EC_KEY_PAIR_GEN), "CKM_EC_KEY_PAIR_GEN");
    assert_reads("CKM_ECDSA_KEY_PAIR_GEN", CKM_EC_KEY_PAIR_GEN);
    assert_reads("CKM_CAST5_CBC", CKM_CAST128_CBC);
    assert_string_equal(mechanism_name(CKM_CAST5_CBC), "CKM_CAST128_CBC");
}

static void test_read_with_and_without_prefix(void **state)
{
    (void)state;
    assert_reads("CKM_RSA_PKCS", CKM_RSA_PKCS);
    assert_reads("RSA_PKCS", CKM_RSA_PKCS);
    assert_reads("CKM_RSA_PKCS_KEY_PAIR_GEN", 0);
    assert_unknown("RSA_PKCS ");
    assert_unknown("CKM_");
    assert_unknown("");
    assert_unknown("CKM_CKM_RSA_PKCS");
}

static void test_read_as_a_number(void **state)
{
    (void)state;
    assert_reads("0x1087", CKM_AES_GCM);
    assert_reads("0X80000001", 0x80000001UL);
    assert_reads("0xfFfFfFfFfFfFfFfF", ~0UL);
    assert_unknown("0x");
    assert_unknown("0x1g");
    assert_unknown("0x-1");
    assert_unknown("0x10000000000000000");
    assert_unknown("4231");
}

static void test_what_was_meant(void **state)
{
    (void)state;
    assert_string_equal(mechanism_nearest_name("CKM_RSA_PKCS_OEAP"), "CKM_RSA_PKCS_OAEP");
    assert_string_equal(mechanism_nearest_name("RSA_PKCS_OEAP"), "RSA_PKCS_OAEP");
    assert_string_equal(mechanism_nearest_name("RSA-PKCS-OAEP"), "RSA_PKCS_OAEP");
    assert_null(mechanism_nearest_name("everything that is good"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_those_of_the_standard),
        cmocka_unit_test(test_of_two_names_the_first_is_said),
        cmocka_unit_test(test_read_with_and_without_prefix),
        cmocka_unit_test(test_read_as_a_number),
        cmocka_unit_test(test_what_was_meant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
