/*
 * The symmetric keys of a Managed HSM and its random bytes, through the built module; run under tests/with-tokens
 * and tests/with-mhsm.
 */
#include "backends/token_functions.h"
#include "pkcs11/function_list.h"
#include "tests/suite.h"
#include <stdbool.h>

enum { ROOM = 256 };

static CK_FUNCTION_LIST *p11;
static CK_FUNCTION_LIST_3_0 *p11_3;
static CK_SLOT_ID slot;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE kek;
static CK_BBOOL truth = CK_TRUE, untruth = CK_FALSE;
static CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES;
static unsigned char text[64] = "what is to be kept, and is four blocks long, with a zero at its", out[ROOM],
                     back[ROOM], iv[16] = {1, 2, 3};

#define ATTRIBUTE(type, variable)                                                                            \
    {                                                                                                        \
        (type), &(variable), sizeof(variable)                                                                \
    }

static bool find_slot(void)
{
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;
    CK_TOKEN_INFO info;

    if (p11->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK) {
        return false;
    }
    for (CK_ULONG i = 0; i < count; i++) {
        if (p11->C_GetTokenInfo(slots[i], &info) == CKR_OK && memcmp(info.label, "mhsm ", 5) == 0) {
            slot = slots[i];
            return true;
        }
    }
    return false;
}

static int in(void **state)
{
    char label[] = "octets";
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret), {CKA_LABEL, label, 6}};
    CK_OBJECT_HANDLE found[2];
    CK_ULONG count = 0;

    (void)state;
    if (p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK ||
        p11->C_FindObjectsInit(session, template, 2) != CKR_OK ||
        p11->C_FindObjects(session, found, 2, &count) != CKR_OK || count != 1) {
        return -1;
    }
    kek = found[0];
    return p11->C_FindObjectsFinal(session) == CKR_OK ? 0 : -1;
}

static int out_of(void **state)
{
    (void)state;
    return p11->C_CloseSession(session) == CKR_OK ? 0 : -1;
}

static void test_the_key_is_a_secret_key_that_stays(void **state)
{
    CK_BBOOL token = 2, extractable = 2, sensitive = 2;
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE asked[] = {ATTRIBUTE(CKA_TOKEN, token), ATTRIBUTE(CKA_EXTRACTABLE, extractable),
                            ATTRIBUTE(CKA_SENSITIVE, sensitive), ATTRIBUTE(CKA_KEY_TYPE, type)};
    CK_ATTRIBUTE value = {CKA_VALUE, back, ROOM};

    (void)state;
    assert_int_equal(p11->C_GetAttributeValue(session, kek, asked, 4), CKR_OK);
    assert_int_equal(token, CK_TRUE);
    assert_int_equal(extractable, CK_FALSE);
    assert_int_equal(sensitive, CK_TRUE);
    assert_int_equal(type, CKK_AES);
    assert_int_equal(p11->C_GetAttributeValue(session, kek, &value, 1), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(value.ulValueLen, CK_UNAVAILABLE_INFORMATION);
}

static CK_OBJECT_HANDLE data_key(void)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret),
                               ATTRIBUTE(CKA_KEY_TYPE, aes),
                               {CKA_VALUE, text, 32},
                               ATTRIBUTE(CKA_EXTRACTABLE, truth)};
    CK_OBJECT_HANDLE key = 0;

    assert_int_equal(p11->C_CreateObject(session, template, 4, &key), CKR_OK);
    return key;
}

static void assert_wraps(CK_MECHANISM_TYPE type)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret), ATTRIBUTE(CKA_KEY_TYPE, aes),
                               ATTRIBUTE(CKA_EXTRACTABLE, truth), ATTRIBUTE(CKA_SENSITIVE, untruth)};
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_ATTRIBUTE value = {CKA_VALUE, back, ROOM};
    CK_OBJECT_HANDLE key;
    CK_ULONG size = ROOM;

    assert_int_equal(p11->C_WrapKey(session, &mechanism, kek, data_key(), out, &size), CKR_OK);
    assert_int_equal(size, 40);
    assert_int_equal(p11->C_UnwrapKey(session, &mechanism, kek, out, size, template, 4, &key), CKR_OK);
    assert_int_equal(p11->C_GetAttributeValue(session, key, &value, 1), CKR_OK);
    assert_int_equal(value.ulValueLen, 32);
    assert_memory_equal(back, text, 32);
    out[3] ^= 1;
    assert_int_equal(p11->C_UnwrapKey(session, &mechanism, kek, out, size, template, 4, &key),
                     CKR_WRAPPED_KEY_INVALID);
}

static void test_it_wraps_and_unwraps(void **state)
{
    (void)state;
    assert_wraps(CKM_AES_KEY_WRAP);
    assert_wraps(CKM_AES_KEY_WRAP_KWP);
}

static void assert_encrypts(CK_MECHANISM_TYPE type, CK_ULONG length)
{
    CK_MECHANISM mechanism = {type, iv, 16};
    CK_ULONG size = ROOM, opened = ROOM;

    assert_int_equal(p11->C_EncryptInit(session, &mechanism, kek), CKR_OK);
    assert_int_equal(p11->C_Encrypt(session, text, length, out, &size), CKR_OK);
    assert_memory_not_equal(out, text, 16);
    assert_int_equal(p11->C_DecryptInit(session, &mechanism, kek), CKR_OK);
    assert_int_equal(p11->C_Decrypt(session, out, size, back, &opened), CKR_OK);
    assert_int_equal(opened, length);
    assert_memory_equal(back, text, length);
}

static void test_it_encrypts_both_ways_under_cbc(void **state)
{
    (void)state;
    assert_encrypts(CKM_AES_CBC, 48);
    assert_encrypts(CKM_AES_CBC_PAD, 41);
}

/* The service chooses the IV, so C_Encrypt cannot, and a message can. */
static void test_gcm_encrypts_a_message_and_decrypts(void **state)
{
    unsigned char nonce[12] = {0}, tag[16] = {0};
    struct gcm_message_params message = {
        .iv = nonce, .iv_size = 12, .generator = CKG_GENERATE, .tag = tag, .tag_bits = 128};
    CK_GCM_PARAMS parameter = {nonce, 12, 96, text, 5, 128};
    CK_MECHANISM bare = {CKM_AES_GCM, NULL, 0}, gcm = {CKM_AES_GCM, &parameter, sizeof parameter};
    CK_ULONG size = ROOM, opened = ROOM;

    (void)state;
    assert_int_equal(p11_3->C_MessageEncryptInit(session, &bare, kek), CKR_OK);
    assert_int_equal(
        p11_3->C_EncryptMessage(session, &message, sizeof message, text, 5, text, 50, out, &size), CKR_OK);
    assert_int_equal(p11_3->C_MessageEncryptFinal(session), CKR_OK);
    assert_int_equal(size, 50);
    memcpy(out + size, tag, 16);
    assert_int_equal(p11->C_DecryptInit(session, &gcm, kek), CKR_OK);
    assert_int_equal(p11->C_Decrypt(session, out, size + 16, back, &opened), CKR_OK);
    assert_int_equal(opened, 50);
    assert_memory_equal(back, text, 50);
    out[0] ^= 1;
    opened = ROOM;
    assert_int_equal(p11->C_DecryptInit(session, &gcm, kek), CKR_OK);
    assert_int_equal(p11->C_Decrypt(session, out, size + 16, back, &opened), CKR_ENCRYPTED_DATA_INVALID);
}

static void test_random_bytes_come_from_the_service(void **state)
{
    unsigned char other[200] = {0};

    (void)state;
    memset(back, 0, sizeof back);
    assert_int_equal(p11->C_GenerateRandom(session, back, 200), CKR_OK);
    assert_int_equal(p11->C_GenerateRandom(session, other, 200), CKR_OK);
    assert_memory_not_equal(back, other, 200);
    assert_memory_not_equal(back + 184, other, 16); /* the last, of a second request, too */
}

static bool begin(void)
{
    CK_INTERFACE *interface;
    CK_RV (*get)(CK_UTF8CHAR *, CK_VERSION *, CK_INTERFACE **, CK_FLAGS) = NULL;
    void *library = dlopen(getenv("MODULE"), RTLD_NOW | RTLD_LOCAL);
    CK_VERSION three = {3, 0};

    if (p11 == NULL || library == NULL) {
        return false;
    }
    *(void **)&get = dlsym(library, "C_GetInterface");
    if (get == NULL || get(NULL, &three, &interface, 0) != CKR_OK || p11->C_Initialize(NULL) != CKR_OK) {
        return false;
    }
    p11_3 = interface->pFunctionList;
    return find_slot();
}

int main(void)
{
#define with_key(test) cmocka_unit_test_setup_teardown(test, in, out_of)
    static const struct CMUnitTest tests[] = {
        with_key(test_the_key_is_a_secret_key_that_stays), with_key(test_it_wraps_and_unwraps),
        with_key(test_it_encrypts_both_ways_under_cbc),    with_key(test_gcm_encrypts_a_message_and_decrypts),
        with_key(test_random_bytes_come_from_the_service),
    };
    int failed;

    p11 = module_functions();
    if (!begin()) {
        fprintf(stderr, "usage: tests/with-tokens tests/with-mhsm mhsm_keys\n");
        return 99;
    }
    failed = cmocka_run_group_tests_name("mhsm_keys", tests, NULL, NULL);
    p11->C_Finalize(NULL);
    let_threads_end();
    return failed;
}
