/* How many requests a call makes: none where a client only looks around, one for each use of the key. */
#include "tests/failures/failures.h"

static void test_looking_around_asks_nothing(void **state)
{
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_MECHANISM_TYPE types[64];
    CK_SESSION_HANDLE session;
    CK_UTF8CHAR pin[] = "1234";

    (void)state;
    start_well(hsm_section(NULL, NULL), vault_section(NULL, NULL));
    assert_rv(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    assert_rv(p11->C_GetSlotInfo(VAULT, &slot), CKR_OK);
    assert_rv(p11->C_GetTokenInfo(VAULT, &token), CKR_OK);
    count = 64;
    assert_rv(p11->C_GetMechanismList(VAULT, types, &count), CKR_OK);
    assert_rv(open_session(VAULT, &session), CKR_OK);
    assert_rv(p11->C_Login(session, CKU_USER, pin, 4), CKR_OK);
    assert_int_equal(counted("total"), 0);
    assert_int_equal(counted("vault"), 0); /* nor a connection */
}

static void test_the_first_unwrap_makes_two_requests_and_the_next_one(void **state)
{
    CK_BYTE blob[BLOB_MOST];
    CK_ULONG size = blob_of_vault(blob);

    (void)state;
    start_well(NULL, vault_section(NULL, NULL));
    assert_rv(open_in(0, blob, size), CKR_OK);
    assert_int_equal(counted("total"), 2);
    assert_int_equal(counted("token"), 1);
    assert_int_equal(counted("unwrapkey"), 1);
    assert_rv(open_in(0, blob, size), CKR_OK);
    assert_int_equal(counted("total"), 3);
    assert_int_equal(counted("vault"), 1); /* over the same connection */
}

static void test_a_size_query_asks_nothing(void **state)
{
    CK_BYTE blob[BLOB_MOST];
    CK_ULONG size = blob_of_vault(blob), out_size = 0;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_MECHANISM pkcs1 = {CKM_RSA_PKCS, NULL, 0};
    CK_ULONG count = 0;

    (void)state;
    start_well(NULL, vault_section(NULL, NULL));
    assert_rv(open_session(0, &session), CKR_OK);
    assert_rv(p11->C_FindObjectsInit(session, template, 2), CKR_OK);
    assert_rv(p11->C_FindObjects(session, &key, 1, &count), CKR_OK);
    assert_rv(p11->C_FindObjectsFinal(session), CKR_OK);
    assert_int_equal(count, 1);
    assert_rv(p11->C_DecryptInit(session, &pkcs1, key), CKR_OK);
    assert_rv(p11->C_Decrypt(session, blob, size, NULL, &out_size), CKR_OK);
    assert_in_range(out_size, 1, BLOB_MOST);
    assert_int_equal(counted("total"), 0);
}

static const struct CMUnitTest tests[] = {
    with_module(test_looking_around_asks_nothing),
    with_module(test_the_first_unwrap_makes_two_requests_and_the_next_one),
    with_module(test_a_size_query_asks_nothing),
};

const struct room request_room = ROOM(tests);
