/* Every function of a session, called with a session that is none; every entry of the table is there. */
#include "backends/token_functions.h"
#include "tests/contract/contract.h"
#include <string.h>

enum { NO_SESSION = 0x4711 };

static void test_no_entry_is_null(void **state)
{
    void *const *entries = (void *const *)(const void *)&p11->C_Initialize;
    const char *end = (const char *)(p11 + 1);

    (void)state;
    for (; (const char *)entries < end; entries++) {
        assert_non_null(*entries);
    }
}

/* One of each, so that no other argument is at fault. */
static unsigned char bytes[MODULUS_SIZE];
static CK_ULONG number = sizeof bytes;
static CK_OBJECT_HANDLE handle = 1, other_handle;
static CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, NULL, 0};
static CK_ATTRIBUTE label = {CKA_LABEL, bytes, 1};

#define assert_no_session(call) assert_rv(call, CKR_SESSION_HANDLE_INVALID)

static void test_object_functions_without_a_session(void **state)
{
    CK_SESSION_INFO info;

    (void)state;
    assert_no_session(p11->C_CloseSession(NO_SESSION));
    assert_no_session(p11->C_GetSessionInfo(NO_SESSION, &info));
    assert_no_session(p11->C_Login(NO_SESSION, CKU_USER, bytes, 4));
    assert_no_session(p11->C_Logout(NO_SESSION));
    assert_no_session(p11->C_InitPIN(NO_SESSION, bytes, 4));
    assert_no_session(p11->C_SetPIN(NO_SESSION, bytes, 4, bytes, 4));
    assert_no_session(p11->C_GetOperationState(NO_SESSION, bytes, &number));
    assert_no_session(p11->C_SetOperationState(NO_SESSION, bytes, 4, 0, 0));
    assert_no_session(p11->C_CreateObject(NO_SESSION, &label, 1, &other_handle));
    assert_no_session(p11->C_CopyObject(NO_SESSION, handle, &label, 1, &other_handle));
    assert_no_session(p11->C_DestroyObject(NO_SESSION, handle));
    assert_no_session(p11->C_GetObjectSize(NO_SESSION, handle, &number));
    assert_no_session(p11->C_GetAttributeValue(NO_SESSION, handle, &label, 1));
    assert_no_session(p11->C_SetAttributeValue(NO_SESSION, handle, &label, 1));
    assert_no_session(p11->C_FindObjectsInit(NO_SESSION, &label, 1));
    assert_no_session(p11->C_FindObjects(NO_SESSION, &other_handle, 1, &number));
    assert_no_session(p11->C_FindObjectsFinal(NO_SESSION));
}

static void test_cipher_functions_without_a_session(void **state)
{
    (void)state;
    assert_no_session(p11->C_EncryptInit(NO_SESSION, &oaep, handle));
    assert_no_session(p11->C_Encrypt(NO_SESSION, bytes, 4, bytes, &number));
    assert_no_session(p11->C_EncryptUpdate(NO_SESSION, bytes, 4, bytes, &number));
    assert_no_session(p11->C_EncryptFinal(NO_SESSION, bytes, &number));
    assert_no_session(p11->C_DecryptInit(NO_SESSION, &oaep, handle));
    assert_no_session(p11->C_Decrypt(NO_SESSION, bytes, 4, bytes, &number));
    assert_no_session(p11->C_DecryptUpdate(NO_SESSION, bytes, 4, bytes, &number));
    assert_no_session(p11->C_DecryptFinal(NO_SESSION, bytes, &number));
    assert_no_session(p11->C_DigestInit(NO_SESSION, &oaep));
    assert_no_session(p11->C_Digest(NO_SESSION, bytes, 4, bytes, &number));
    assert_no_session(p11->C_DigestUpdate(NO_SESSION, bytes, 4));
    assert_no_session(p11->C_DigestKey(NO_SESSION, handle));
    assert_no_session(p11->C_DigestFinal(NO_SESSION, bytes, &number));
}

static void test_signature_functions_without_a_session(void **state)
{
    (void)state;
    assert_no_session(p11->C_SignInit(NO_SESSION, &oaep, handle));
    assert_no_session(p11->C_Sign(NO_SESSION, bytes, 4, bytes, &number));
    assert_no_session(p11->C_SignUpdate(NO_SESSION, bytes, 4));
    assert_no_session(p11->C_SignFinal(NO_SESSION, bytes, &number));
    assert_no_session(p11->C_SignRecoverInit(NO_SESSION, &oaep, handle));
    assert_no_session(p11->C_SignRecover(NO_SESSION, bytes, 4, bytes, &number));
    assert_no_session(p11->C_VerifyInit(NO_SESSION, &oaep, handle));
    assert_no_session(p11->C_Verify(NO_SESSION, bytes, 4, bytes, 4));
    assert_no_session(p11->C_VerifyUpdate(NO_SESSION, bytes, 4));
    assert_no_session(p11->C_VerifyFinal(NO_SESSION, bytes, 4));
    assert_no_session(p11->C_VerifyRecoverInit(NO_SESSION, &oaep, handle));
    assert_no_session(p11->C_VerifyRecover(NO_SESSION, bytes, 4, bytes, &number));
}

static void test_key_functions_without_a_session(void **state)
{
    (void)state;
    assert_no_session(p11->C_DigestEncryptUpdate(NO_SESSION, bytes, 4, bytes, &number));
    assert_no_session(p11->C_DecryptDigestUpdate(NO_SESSION, bytes, 4, bytes, &number));
    assert_no_session(p11->C_SignEncryptUpdate(NO_SESSION, bytes, 4, bytes, &number));
    assert_no_session(p11->C_DecryptVerifyUpdate(NO_SESSION, bytes, 4, bytes, &number));
    assert_no_session(p11->C_GenerateKey(NO_SESSION, &oaep, &label, 1, &other_handle));
    assert_no_session(
        p11->C_GenerateKeyPair(NO_SESSION, &oaep, &label, 1, &label, 1, &other_handle, &handle));
    assert_no_session(p11->C_WrapKey(NO_SESSION, &oaep, handle, handle, bytes, &number));
    assert_no_session(p11->C_UnwrapKey(NO_SESSION, &oaep, handle, bytes, 4, &label, 1, &other_handle));
    assert_no_session(p11->C_DeriveKey(NO_SESSION, &oaep, handle, &label, 1, &other_handle));
    assert_no_session(p11->C_SeedRandom(NO_SESSION, bytes, 4));
    assert_no_session(p11->C_GenerateRandom(NO_SESSION, bytes, 4));
}

/* 2.40, 5.16: legacy. */
static void test_legacy_functions_are_not_parallel(void **state)
{
    (void)state;
    assert_rv(p11->C_GetFunctionStatus(session), CKR_FUNCTION_NOT_PARALLEL);
    assert_rv(p11->C_CancelFunction(session), CKR_FUNCTION_NOT_PARALLEL);
}

static void test_templates_that_lie(void **state)
{
    CK_ATTRIBUTE no_value = {CKA_LABEL, NULL, 8};
    CK_ATTRIBUTE huge = {CKA_LABEL, bytes, ~0UL};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_int_not_equal(p11->C_CreateObject(session, &no_value, 1, &key), CKR_OK);
    assert_int_not_equal(p11->C_CreateObject(session, NULL, 1, &key), CKR_OK);
    assert_int_not_equal(p11->C_CreateObject(session, &label, 1, NULL), CKR_OK);
    if (row->login_once) { /* SoftHSM 2.6 reads as far as it is told */
        assert_int_not_equal(p11->C_CreateObject(session, &huge, 1, &key), CKR_OK);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_no_entry_is_null),
    cmocka_unit_test(test_object_functions_without_a_session),
    cmocka_unit_test(test_cipher_functions_without_a_session),
    cmocka_unit_test(test_signature_functions_without_a_session),
    cmocka_unit_test(test_key_functions_without_a_session),
    with_session(test_legacy_functions_are_not_parallel),
    with_session(test_templates_that_lie),
};

const struct room bad_call_room = ROOM(tests);
