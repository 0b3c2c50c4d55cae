/* How many requests a call makes: none where a client only looks around, one for each use of the key. */
#include "tests/failures/failures.h"
#include <pthread.h>

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

static CK_OBJECT_HANDLE the_kek(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_OBJECT_HANDLE key;
    CK_ULONG count = 0;

    assert_rv(p11->C_FindObjectsInit(session, template, 2), CKR_OK);
    assert_rv(p11->C_FindObjects(session, &key, 1, &count), CKR_OK);
    assert_rv(p11->C_FindObjectsFinal(session), CKR_OK);
    assert_int_equal(count, 1);
    return key;
}

static CK_OBJECT_HANDLE data_key(CK_SESSION_HANDLE session)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ULONG size = 32;
    CK_ATTRIBUTE template[] = {{CKA_VALUE_LEN, &size, sizeof size}, {CKA_EXTRACTABLE, &yes, sizeof yes}};
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_OBJECT_HANDLE key;

    assert_rv(p11->C_GenerateKey(session, &generate, template, 2, &key), CKR_OK);
    return key;
}

static void assert_sizes_ask_nothing(void)
{
    CK_BYTE text[BLOB_MOST] = {0};
    CK_ULONG wrapped = 0, encrypted = 0, decrypted = 0;
    CK_MECHANISM pkcs1 = {CKM_RSA_PKCS, NULL, 0};
    CK_SESSION_HANDLE session;

    assert_rv(open_session(0, &session), CKR_OK);
    CK_OBJECT_HANDLE public = the_kek(session, CKO_PUBLIC_KEY), private = the_kek(session, CKO_PRIVATE_KEY);

    assert_rv(p11->C_WrapKey(session, &pkcs1, public, data_key(session), NULL, &wrapped), CKR_OK);
    assert_rv(p11->C_EncryptInit(session, &pkcs1, public), CKR_OK);
    assert_rv(p11->C_Encrypt(session, text, 16, NULL, &encrypted), CKR_OK);
    assert_rv(p11->C_DecryptInit(session, &pkcs1, private), CKR_OK);
    assert_rv(p11->C_Decrypt(session, text, 256, NULL, &decrypted), CKR_OK);
    assert_in_range(wrapped, 256, BLOB_MOST);
    assert_in_range(encrypted, 256, BLOB_MOST);
    assert_in_range(decrypted, 1, BLOB_MOST);
    assert_int_equal(counted("total"), 0);
}

static void test_a_size_query_asks_nothing(void **state)
{
    (void)state;
    start_well(NULL, vault_section(NULL, NULL));
    assert_sizes_ask_nothing();
}

static void test_nor_where_the_service_wraps(void **state)
{
    (void)state;
    start_well(NULL, vault_section("identity =", "wrap = service\n    identity ="));
    assert_sizes_ask_nothing();
}

enum { OPENERS = 4, SLOW = 600 };

struct opener {
    pthread_t thread;
    CK_BYTE *blob;
    CK_ULONG size;
    CK_RV rv;
};

static void *open_one(void *arg)
{
    struct opener *opener = arg;

    opener->rv = open_in(0, opener->blob, opener->size);
    return NULL;
}

static void test_sessions_do_not_wait_for_each_others_requests(void **state)
{
    struct opener openers[OPENERS];
    CK_BYTE blob[BLOB_MOST];
    CK_ULONG size = blob_of_vault(blob);
    long begun;

    (void)state;
    start_well(NULL, vault_section(NULL, NULL));
    assert_rv(open_in(0, blob, size), CKR_OK);
    control("PUT", "/faults", "[{\"delay_ms\":600,\"match\":{\"op\":\"unwrapkey\"}}]");
    begun = elapsed();
    for (int i = 0; i < OPENERS; i++) {
        openers[i] = (struct opener){.blob = blob, .size = size};
        assert_int_equal(pthread_create(&openers[i].thread, NULL, open_one, &openers[i]), 0);
    }
    for (int i = 0; i < OPENERS; i++) {
        pthread_join(openers[i].thread, NULL);
        assert_rv(openers[i].rv, CKR_OK);
    }
    assert_in_range(elapsed() - begun, SLOW, (OPENERS - 1) * SLOW);
}

static const struct CMUnitTest tests[] = {
    with_module(test_looking_around_asks_nothing),
    with_module(test_the_first_unwrap_makes_two_requests_and_the_next_one),
    with_module(test_a_size_query_asks_nothing),
    with_module(test_nor_where_the_service_wraps),
    with_module(test_sessions_do_not_wait_for_each_others_requests),
};

const struct room request_room = ROOM(tests);
