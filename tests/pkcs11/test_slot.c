/* Slots out of sections: order, labels, flags, and what a slot's questions answer. */
#include "tests/pkcs11/house.h"
#include <stdio.h>
#include <string.h>

static int start(void **state)
{
    (void)state;
    house_configure_fakes();
    return C_Initialize(NULL) == CKR_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    atomic_store(&house_fake()->absent, false);
    C_Finalize(NULL);
    return 0;
}

/* Two tokens with these lines in their sections; the result of C_Initialize. */
static CK_RV start_with(const char *first, const char *second)
{
    C_Finalize(NULL);
    house_configure("token \"first\" {\n backend = hsm\n uri = \"%s\"\n %s\n}\n"
                    "token \"second\" {\n backend = hsm\n uri = \"%s\"\n %s\n}\n",
                    house_fake_uri(0), first, house_fake_uri(1), second);
    house_log();
    return C_Initialize(NULL);
}

static void assert_label(CK_SLOT_ID slot, const char *label)
{
    CK_TOKEN_INFO info;
    char padded[33];

    snprintf(padded, sizeof padded, "%-32s", label);
    assert_int_equal(C_GetTokenInfo(slot, &info), CKR_OK);
    assert_memory_equal(info.label, padded, 32);
}

static void test_slots_are_in_the_files_order(void **state)
{
    CK_SLOT_ID list[4] = {9, 9, 9, 9};
    CK_ULONG count = 4;

    (void)state;
    assert_int_equal(C_GetSlotList(CK_FALSE, list, &count), CKR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(list[0], 0);
    assert_int_equal(list[1], 1);
    assert_int_equal(list[2], 9);
    assert_label(0, "first");
    assert_label(1, "second");
}

static void test_slot_list_sizes(void **state)
{
    CK_SLOT_ID list[2] = {9, 9};
    CK_ULONG count = 77;

    (void)state;
    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(count, 2);
    count = 1;
    assert_int_equal(C_GetSlotList(CK_TRUE, list, &count), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(count, 2);
    assert_int_equal(list[1], 9);
    assert_int_equal(C_GetSlotList(CK_TRUE, list, NULL), CKR_ARGUMENTS_BAD);
}

static void test_absent_token_is_left_out_once_noticed(void **state)
{
    CK_SESSION_HANDLE session;
    CK_SLOT_INFO info;
    CK_TOKEN_INFO token;
    CK_ULONG count = 0;

    (void)state;
    atomic_store(&house_fake()->absent, true);
    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(C_GetSlotInfo(1, &info), CKR_OK);
    assert_false(info.flags & CKF_TOKEN_PRESENT);
    assert_int_equal(C_GetTokenInfo(1, &token), CKR_OK);
    assert_label(0, "first");
}

static void test_unknown_slot(void **state)
{
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_MECHANISM_INFO mechanism;
    CK_SESSION_HANDLE session;
    CK_ULONG count;

    (void)state;
    for (CK_SLOT_ID id = 2; id != 0; id = id == 2 ? ~0UL : 0) {
        assert_int_equal(C_GetSlotInfo(id, &slot), CKR_SLOT_ID_INVALID);
        assert_int_equal(C_GetTokenInfo(id, &token), CKR_SLOT_ID_INVALID);
        assert_int_equal(C_GetMechanismList(id, NULL, &count), CKR_SLOT_ID_INVALID);
        assert_int_equal(C_GetMechanismInfo(id, CKM_RSA_PKCS, &mechanism), CKR_SLOT_ID_INVALID);
        assert_int_equal(C_InitToken(id, NULL, 0, NULL), CKR_SLOT_ID_INVALID);
        assert_int_equal(C_OpenSession(id, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_SLOT_ID_INVALID);
        assert_int_equal(C_CloseAllSessions(id), CKR_SLOT_ID_INVALID);
    }
}

static void test_null_pointers(void **state)
{
    (void)state;
    assert_int_equal(C_GetSlotInfo(0, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetTokenInfo(0, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetMechanismList(0, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetMechanismInfo(0, CKM_RSA_PKCS, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, NULL), CKR_ARGUMENTS_BAD);
}

static void test_mechanisms_are_the_tokens(void **state)
{
    CK_MECHANISM_TYPE type = 0;
    CK_MECHANISM_INFO info;
    CK_ULONG count = 1;

    (void)state;
    assert_int_equal(C_GetMechanismList(0, &type, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(type, CKM_RSA_PKCS);
    assert_int_equal(C_GetMechanismInfo(0, type, &info), CKR_OK);
    assert_int_equal(info.ulMaxKeySize, 4096);
}

static void test_label_option(void **state)
{
    (void)state;
    assert_int_equal(start_with("label = \"other\"", ""), CKR_OK);
    assert_label(0, "other");
    assert_label(1, "second");
}

static void test_label_of_32_bytes(void **state)
{
    (void)state;
    assert_int_equal(start_with("", "label = \"abcdefghijklmnopqrstuvwxyz012345\""), CKR_OK);
    assert_label(1, "abcdefghijklmnopqrstuvwxyz012345");
    assert_int_equal(start_with("", "label = \"abcdefghijklmnopqrstuvwxyz0123456\""), CKR_GENERAL_ERROR);
    assert_non_null(strstr(house_log(), "byok-pkcs11.conf:9:"));
}

/* 17 characters, 34 bytes: PKCS#11 counts bytes. */
static void test_label_is_measured_in_bytes(void **state)
{
    (void)state;
    assert_int_equal(start_with("", "label = \"äöüäöüäöüäöüäöüäö\""), CKR_GENERAL_ERROR);
    assert_int_equal(start_with("", "label = \"äöüäöüäöüäöüäöüä\""), CKR_OK);
}

static void test_two_tokens_with_one_label(void **state)
{
    (void)state;
    assert_int_equal(start_with("", "label = \"first\""), CKR_GENERAL_ERROR);
    assert_non_null(strstr(house_log(), "byok-pkcs11.conf:9:"));
    assert_int_equal(start_with("label = \"x\"", "label = \"first\""), CKR_OK);
}

/* After blank padding it would be the other's. */
static void test_label_does_not_end_in_a_blank(void **state)
{
    (void)state;
    assert_int_equal(start_with("", "label = \"first \""), CKR_GENERAL_ERROR);
}

static void test_removable(void **state)
{
    CK_SLOT_INFO info;

    (void)state;
    assert_int_equal(start_with("removable = yes", ""), CKR_OK);
    assert_int_equal(C_GetSlotInfo(0, &info), CKR_OK);
    assert_true(info.flags & CKF_REMOVABLE_DEVICE);
    assert_int_equal(C_GetSlotInfo(1, &info), CKR_OK);
    assert_false(info.flags & CKF_REMOVABLE_DEVICE);
}

static void test_token_without_backend(void **state)
{
    (void)state;
    C_Finalize(NULL);
    house_configure("token \"first\" {\n}\n");
    house_log();
    assert_int_equal(C_Initialize(NULL), CKR_GENERAL_ERROR);
    assert_non_null(strstr(house_log(), "byok-pkcs11.conf:1:"));
}

static void test_module_that_does_not_load_is_its_own_tokens_trouble(void **state)
{
    CK_SESSION_HANDLE session;
    CK_TOKEN_INFO token;
    CK_ULONG count;

    (void)state;
    C_Finalize(NULL);
    house_configure(
        "token \"broken\" {\n backend = hsm\n uri = \"pkcs11:token=x?module-path=/nowhere.so\"\n}\n"
        "token \"second\" {\n backend = hsm\n uri = \"%s\"\n}\n",
        house_fake_uri(1));
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(C_GetTokenInfo(0, &token), CKR_OK);
    assert_label(0, "broken");
    assert_label(1, "second");
    assert_int_equal(C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
}

/* Nobody listens at port 1; nobody is asked either. */
static void test_vault_that_is_down_has_a_slot_like_any_other(void **state)
{
    CK_SESSION_HANDLE session;
    CK_SLOT_INFO slot;
    CK_ULONG count;

    (void)state;
    C_Finalize(NULL);
    house_configure(
        "token \"vault\" {\n backend = keyvault\n vault = \"https://localhost:1\"\n keys = {\"kek\"}\n"
        " identity = client-secret\n tenant = \"t\"\n client-id = \"c\"\n client-secret-file = \"%s\"\n"
        " authority = \"https://localhost:1\"\n}\n"
        "token \"second\" {\n backend = hsm\n uri = \"%s\"\n}\n",
        house_write("secret", "x"), house_fake_uri(1));
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(C_GetSlotInfo(0, &slot), CKR_OK);
    assert_true(slot.flags & CKF_TOKEN_PRESENT);
    assert_label(0, "vault");
    assert_label(1, "second");
    assert_int_equal(C_GetMechanismList(0, NULL, &count), CKR_OK);
    assert_int_equal(C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session), CKR_OK);
    assert_int_equal(C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
}

static void test_wait_for_slot_event(void **state)
{
    CK_SLOT_ID slot = 9;

    (void)state;
    house_session(0);
    house_session(1);
    assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
    assert_int_equal(slot, 9);
    assert_int_equal(C_WaitForSlotEvent(0, &slot, NULL), CKR_FUNCTION_NOT_SUPPORTED);
    assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, &slot), CKR_ARGUMENTS_BAD);
    atomic_store(&house_fake()->event, 1);
    assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_OK);
    assert_int_equal(slot, 1);
    assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
}

#define test_started(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_started(test_slots_are_in_the_files_order),
        test_started(test_slot_list_sizes),
        test_started(test_absent_token_is_left_out_once_noticed),
        test_started(test_unknown_slot),
        test_started(test_null_pointers),
        test_started(test_mechanisms_are_the_tokens),
        test_started(test_label_option),
        test_started(test_label_of_32_bytes),
        test_started(test_label_is_measured_in_bytes),
        test_started(test_two_tokens_with_one_label),
        test_started(test_label_does_not_end_in_a_blank),
        test_started(test_removable),
        test_started(test_token_without_backend),
        test_started(test_module_that_does_not_load_is_its_own_tokens_trouble),
        test_started(test_vault_that_is_down_has_a_slot_like_any_other),
        test_started(test_wait_for_slot_event),
    };

    return cmocka_run_group_tests_name("pkcs11/slot", tests, house_build, house_tear_down);
}
