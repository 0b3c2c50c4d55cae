/* What the configuration may say of mechanisms and sizes of keys, whatever the kind of token. */
#include "tests/pkcs11/house.h"
#include <string.h>

static int stop(void **state)
{
    (void)state;
    C_Finalize(NULL);
    return 0;
}

static CK_RV start_hsm(const char *option)
{
    C_Finalize(NULL);
    house_configure("token \"one\" {\n backend = hsm\n uri = \"%s\"\n %s\n}\n", house_fake_uri(0), option);
    house_log();
    return C_Initialize(NULL);
}

static CK_RV start_vault(const char *option)
{
    C_Finalize(NULL);
    house_configure("token \"one\" {\n backend = keyvault\n vault = \"https://contoso.vault.azure.net\"\n"
                    " identity = managed-identity\n %s\n}\n",
                    option);
    house_log();
    return C_Initialize(NULL);
}

static void assert_refused(const char *hsm_says, const char *vault_says, const char *option)
{
    assert_int_equal(start_hsm(option), CKR_GENERAL_ERROR);
    assert_non_null(strstr(house_log(), hsm_says));
    assert_int_equal(start_vault(option), CKR_GENERAL_ERROR);
    assert_non_null(strstr(house_log(), vault_says));
}

static CK_ULONG count_mechanisms(void)
{
    CK_ULONG count = 999;

    assert_int_equal(C_GetMechanismList(0, NULL, &count), CKR_OK);
    return count;
}

static void test_mechanisms_by_name_and_number(void **state)
{
    CK_MECHANISM_TYPE list[4] = {0};
    CK_ULONG count = 4;

    (void)state;
    assert_int_equal(
        start_vault("mechanisms = {\"CKM_RSA_PKCS_OAEP\", \"AES_GCM\", \"0x250\", \"CKM_AES_GCM\"}"), CKR_OK);
    assert_int_equal(C_GetMechanismList(0, list, &count), CKR_OK);
    assert_int_equal(count, 3);
    assert_int_equal(list[0], CKM_RSA_PKCS_OAEP);
    assert_int_equal(list[1], CKM_AES_GCM);
    assert_int_equal(list[2], CKM_SHA256);
}

static void test_without_the_option_there_are_all(void **state)
{
    (void)state;
    assert_int_equal(start_vault(""), CKR_OK);
    assert_true(count_mechanisms() > 30);
}

static void test_unknown_mechanisms(void **state)
{
    (void)state;
    assert_refused(":4: \"mechanisms\" has the unknown mechanism \"CKM_RSA_PKCS_OEAP\"; did you mean "
                   "\"CKM_RSA_PKCS_OAEP\"?",
                   ":5: \"mechanisms\" has the unknown mechanism \"CKM_RSA_PKCS_OEAP\"; did you mean "
                   "\"CKM_RSA_PKCS_OAEP\"?",
                   "mechanisms = {\"CKM_AES_GCM\", \"CKM_RSA_PKCS_OEAP\"}");
    assert_refused(":4: \"mechanisms\" has the unknown mechanism \"AES-GCM\"; did you mean \"AES_GCM\"?",
                   ":5: ", "mechanisms = {\"AES-GCM\"}");
    assert_refused(":4: \"mechanisms\" has the unknown mechanism \"whatever is good\"; a vendor's own is "
                   "written as a number, 0x...",
                   ":5: ", "mechanisms = {\"whatever is good\"}");
    assert_refused("\"mechanisms\" is an empty list", "\"mechanisms\" is an empty list", "mechanisms = {}");
}

static void test_sizes(void **state)
{
    (void)state;
    assert_int_equal(start_hsm("min-rsa-bits = 3072"), CKR_OK);
    assert_int_equal(start_hsm("min-rsa-bits = off"), CKR_OK);
    assert_int_equal(start_vault("min-rsa-bits = 3072"), CKR_OK);
    assert_int_equal(start_vault("min-rsa-bits = off"), CKR_OK);
    assert_refused(":4: \"min-rsa-bits\" cannot be 512; it is from 1024 to 16384",
                   ":5: \"min-rsa-bits\" cannot be 512; it is from 1024 to 16384", "min-rsa-bits = 512");
    assert_refused(":4: \"min-rsa-bits\" is a whole number, or off, not \"many\"",
                   ":5: \"min-rsa-bits\" is a whole number, or off, not \"many\"", "min-rsa-bits = many");
}

static void test_a_vault_has_no_larger_keys(void **state)
{
    (void)state;
    assert_int_equal(start_hsm("min-rsa-bits = 8192"), CKR_OK);
    assert_int_equal(start_vault("min-rsa-bits = 4096"), CKR_OK);
    assert_int_equal(start_vault("min-rsa-bits = 4097"), CKR_GENERAL_ERROR);
    assert_non_null(strstr(house_log(), ":5: a key service has no RSA keys above 4096 bits"));
}

static void test_the_policy_stands_above_an_hsm(void **state)
{
    CK_MECHANISM none = {CKM_SHA256, NULL, 0};
    CK_SESSION_HANDLE session;

    (void)state;
    assert_int_equal(start_hsm("mechanisms = {\"CKM_SHA512\"}"), CKR_OK);
    session = house_session(0);
    assert_int_equal(C_DigestInit(session, &none), CKR_MECHANISM_INVALID);
    assert_int_equal(start_hsm(""), CKR_OK);
    session = house_session(0);
    assert_int_not_equal(C_DigestInit(session, &none), CKR_MECHANISM_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_mechanisms_by_name_and_number, stop),
        cmocka_unit_test_teardown(test_without_the_option_there_are_all, stop),
        cmocka_unit_test_teardown(test_unknown_mechanisms, stop),
        cmocka_unit_test_teardown(test_sizes, stop),
        cmocka_unit_test_teardown(test_a_vault_has_no_larger_keys, stop),
        cmocka_unit_test_teardown(test_the_policy_stands_above_an_hsm, stop),
    };

    return cmocka_run_group_tests(tests, house_build, house_tear_down);
}
