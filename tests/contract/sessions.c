/* The module's life, slots, tokens, mechanisms, sessions, login. */
#include "tests/contract/contract.h"
#include <string.h>

static void test_initialize_twice_is_refused(void **state)
{
    (void)state;
    assert_rv(p11->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
}

static void test_finalize_with_an_argument_is_refused(void **state)
{
    (void)state;
    assert_rv(p11->C_Finalize(&slot), CKR_ARGUMENTS_BAD);
}

static void test_nothing_works_after_finalize_until_initialize(void **state)
{
    CK_ULONG count = 0;
    CK_INFO info;
    CK_SESSION_HANDLE one;

    (void)state;
    assert_rv(p11->C_Finalize(NULL), CKR_OK);
    assert_rv(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_rv(p11->C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_rv(p11->C_GetSlotList(CK_TRUE, NULL, &count), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_rv(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &one), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_rv(p11->C_CloseSession(1), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_rv(p11->C_FindObjectsInit(1, NULL, 0), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_rv(p11->C_Initialize(NULL), CKR_OK);
    assert_rv(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &one), CKR_OK);
    assert_rv(p11->C_CloseSession(one), CKR_OK);
}

static void test_finalize_ends_sessions(void **state)
{
    CK_SESSION_HANDLE before;
    CK_SESSION_INFO info;

    (void)state;
    assert_rv(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &before), CKR_OK);
    assert_rv(p11->C_Finalize(NULL), CKR_OK);
    assert_rv(p11->C_Initialize(NULL), CKR_OK);
    assert_rv(p11->C_GetSessionInfo(before, &info), CKR_SESSION_HANDLE_INVALID);
}

static void test_info_is_of_2_40(void **state)
{
    CK_INFO info;

    (void)state;
    assert_rv(p11->C_GetInfo(&info), CKR_OK);
    assert_int_equal(info.cryptokiVersion.major, 2);
    assert_int_equal(info.cryptokiVersion.minor, 40);
    assert_rv(p11->C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
}

static void test_slot_list_by_size_query(void **state)
{
    CK_ULONG count = 0, again;
    CK_SLOT_ID slots[16];

    (void)state;
    assert_rv(p11->C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
    assert_in_range(count, 1, 16);
    again = count;
    assert_rv(p11->C_GetSlotList(CK_FALSE, slots, &again), CKR_OK);
    assert_int_equal(again, count);
    assert_rv(p11->C_GetSlotList(CK_FALSE, NULL, NULL), CKR_ARGUMENTS_BAD);
}

static void test_slot_list_into_too_little(void **state)
{
    CK_ULONG count = 0;
    CK_SLOT_ID one;

    (void)state;
    assert_rv(p11->C_GetSlotList(CK_TRUE, &one, &count), CKR_BUFFER_TOO_SMALL);
    assert_in_range(count, 1, 16);
}

static void test_slot_info_shows_a_token(void **state)
{
    CK_SLOT_INFO info;

    (void)state;
    assert_rv(p11->C_GetSlotInfo(slot, &info), CKR_OK);
    assert_true((info.flags & CKF_TOKEN_PRESENT) != 0);
    assert_rv(p11->C_GetSlotInfo(slot, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_GetSlotInfo(4711, &info), CKR_SLOT_ID_INVALID);
}

static void test_token_info_asks_for_no_login(void **state)
{
    CK_TOKEN_INFO info;

    (void)state;
    assert_rv(p11->C_GetTokenInfo(slot, &info), CKR_OK);
    assert_true((info.flags & CKF_TOKEN_INITIALIZED) != 0);
    assert_false((info.flags & CKF_LOGIN_REQUIRED) != 0);
    assert_false((info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0);
    assert_rv(p11->C_GetTokenInfo(slot, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_GetTokenInfo(4711, &info), CKR_SLOT_ID_INVALID);
}

static void test_each_listed_mechanism_has_its_info(void **state)
{
    CK_MECHANISM_TYPE types[512];
    CK_ULONG count = 0;
    CK_MECHANISM_INFO info;

    (void)state;
    assert_rv(p11->C_GetMechanismList(slot, NULL, &count), CKR_OK);
    assert_in_range(count, 1, 512);
    assert_rv(p11->C_GetMechanismList(slot, types, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        assert_rv(p11->C_GetMechanismInfo(slot, types[i], &info), CKR_OK);
    }
    assert_rv(p11->C_GetMechanismInfo(slot, CKM_RSA_PKCS_OAEP, &info), CKR_OK);
    assert_true((info.flags & (CKF_WRAP | CKF_UNWRAP)) == (CKF_WRAP | CKF_UNWRAP));
    assert_rv(p11->C_GetMechanismInfo(slot, CKM_AES_GCM, &info), CKR_OK);
    assert_true((info.flags & (CKF_ENCRYPT | CKF_DECRYPT)) == (CKF_ENCRYPT | CKF_DECRYPT));
}

static void test_mechanism_list_into_too_little(void **state)
{
    CK_MECHANISM_TYPE one;
    CK_ULONG count = 1;

    (void)state;
    assert_rv(p11->C_GetMechanismList(slot, &one, &count), CKR_BUFFER_TOO_SMALL);
    assert_rv(p11->C_GetMechanismList(slot, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_GetMechanismList(4711, NULL, &count), CKR_SLOT_ID_INVALID);
}

static void test_mechanism_that_is_none(void **state)
{
    CK_MECHANISM_INFO info;

    (void)state;
    assert_rv(p11->C_GetMechanismInfo(slot, CKM_VENDOR_DEFINED | 0x4711, &info), CKR_MECHANISM_INVALID);
    assert_rv(p11->C_GetMechanismInfo(slot, CKM_RSA_PKCS_OAEP, NULL), CKR_ARGUMENTS_BAD);
}

static void test_session_opens_read_only_and_read_write(void **state)
{
    CK_SESSION_HANDLE reader, writer;
    CK_SESSION_INFO info;

    (void)state;
    assert_rv(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &reader), CKR_OK);
    assert_rv(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &writer), CKR_OK);
    assert_rv(p11->C_GetSessionInfo(reader, &info), CKR_OK);
    assert_int_equal(info.slotID, slot);
    assert_int_equal(info.flags, CKF_SERIAL_SESSION);
    assert_rv(p11->C_GetSessionInfo(writer, &info), CKR_OK);
    assert_int_equal(info.flags, CKF_SERIAL_SESSION | CKF_RW_SESSION);
    assert_rv(p11->C_GetSessionInfo(writer, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_CloseSession(reader), CKR_OK);
    assert_rv(p11->C_CloseSession(writer), CKR_OK);
}

static void test_session_must_be_serial(void **state)
{
    CK_SESSION_HANDLE one;

    (void)state;
    assert_rv(p11->C_OpenSession(slot, CKF_RW_SESSION, NULL, NULL, &one), CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    assert_rv(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_OpenSession(4711, CKF_SERIAL_SESSION, NULL, NULL, &one), CKR_SLOT_ID_INVALID);
}

static void test_closed_session_is_unknown(void **state)
{
    CK_SESSION_HANDLE one;
    CK_SESSION_INFO info;

    (void)state;
    assert_rv(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &one), CKR_OK);
    assert_rv(p11->C_CloseSession(one), CKR_OK);
    assert_rv(p11->C_CloseSession(one), CKR_SESSION_HANDLE_INVALID);
    assert_rv(p11->C_GetSessionInfo(one, &info), CKR_SESSION_HANDLE_INVALID);
    assert_rv(p11->C_FindObjectsInit(one, NULL, 0), CKR_SESSION_HANDLE_INVALID);
}

static void test_close_all_closes_all(void **state)
{
    CK_SESSION_HANDLE sessions[8];
    CK_SESSION_INFO info;

    (void)state;
    for (int i = 0; i < 8; i++) {
        assert_rv(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &sessions[i]), CKR_OK);
    }
    assert_rv(p11->C_CloseAllSessions(slot), CKR_OK);
    for (int i = 0; i < 8; i++) {
        assert_rv(p11->C_GetSessionInfo(sessions[i], &info), CKR_SESSION_HANDLE_INVALID);
    }
    assert_rv(p11->C_CloseAllSessions(4711), CKR_SLOT_ID_INVALID);
}

/* Clients that call C_Login without being asked to take 0x100 for fatal. */
static void test_first_login_is_welcome(void **state)
{
    CK_UTF8CHAR pin[] = "any";

    (void)state;
    if (!row->login_once) {
        print_message("# SKIP this token's PIN is the HSM's\n");
        skip();
    }
    assert_rv(p11->C_Login(session, CKU_USER, pin, 3), CKR_OK);
    assert_rv(p11->C_Login(session, CKU_USER, pin, 3), CKR_USER_ALREADY_LOGGED_IN);
    private_kek();
    assert_rv(p11->C_Logout(session), CKR_OK);
    private_kek();
    assert_rv(p11->C_Logout(session), CKR_USER_NOT_LOGGED_IN);
}

static void test_random_differs(void **state)
{
    unsigned char a[32] = {0}, b[32] = {0};

    (void)state;
    assert_rv(p11->C_GenerateRandom(session, a, sizeof a), CKR_OK);
    assert_rv(p11->C_GenerateRandom(session, b, sizeof b), CKR_OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_rv(p11->C_GenerateRandom(session, NULL, 8), CKR_ARGUMENTS_BAD);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_initialize_twice_is_refused),
    cmocka_unit_test(test_finalize_with_an_argument_is_refused),
    cmocka_unit_test(test_nothing_works_after_finalize_until_initialize),
    cmocka_unit_test(test_finalize_ends_sessions),
    cmocka_unit_test(test_info_is_of_2_40),
    cmocka_unit_test(test_slot_list_by_size_query),
    cmocka_unit_test(test_slot_list_into_too_little),
    cmocka_unit_test(test_slot_info_shows_a_token),
    cmocka_unit_test(test_token_info_asks_for_no_login),
    cmocka_unit_test(test_each_listed_mechanism_has_its_info),
    cmocka_unit_test(test_mechanism_list_into_too_little),
    cmocka_unit_test(test_mechanism_that_is_none),
    cmocka_unit_test(test_session_opens_read_only_and_read_write),
    cmocka_unit_test(test_session_must_be_serial),
    cmocka_unit_test(test_closed_session_is_unknown),
    cmocka_unit_test(test_close_all_closes_all),
    with_session(test_first_login_is_welcome),
    with_session(test_random_differs),
};

const struct room session_room = ROOM(tests);
