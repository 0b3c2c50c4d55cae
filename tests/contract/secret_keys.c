/* What can be done with a data key: AES-GCM, AES-CBC-PAD, AES key wrap; reading, destroying, refusing. */
#include "tests/contract/contract.h"
#include <string.h>

static unsigned char iv[16] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
static CK_GCM_PARAMS gcm = {iv, 12, 96, NULL, 0, 128};
static CK_MECHANISM by_gcm = {CKM_AES_GCM, &gcm, sizeof gcm};
static CK_MECHANISM by_cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
static CK_MECHANISM by_key_wrap = {CKM_AES_KEY_WRAP, NULL, 0};

static CK_ULONG encrypt(CK_MECHANISM *how, CK_OBJECT_HANDLE key, const unsigned char *plain, CK_ULONG size,
                        unsigned char *ret_cipher)
{
    CK_ULONG cipher_size = size + 32;

    assert_rv(p11->C_EncryptInit(session, how, key), CKR_OK);
    assert_rv(p11->C_Encrypt(session, (CK_BYTE *)(uintptr_t)plain, size, ret_cipher, &cipher_size), CKR_OK);
    return cipher_size;
}

static CK_RV decrypt(CK_MECHANISM *how, CK_OBJECT_HANDLE key, unsigned char *cipher, CK_ULONG size,
                     unsigned char *ret_plain, CK_ULONG *plain_size)
{
    assert_rv(p11->C_DecryptInit(session, how, key), CKR_OK);
    return p11->C_Decrypt(session, cipher, size, ret_plain, plain_size);
}

static void round_trip(CK_MECHANISM *how, CK_ULONG size)
{
    unsigned char plain[100], cipher[132], again[132];
    CK_ULONG again_size = sizeof again;
    CK_OBJECT_HANDLE key = generate_aes(32);

    memset(plain, 0x42, sizeof plain);
    CK_ULONG cipher_size = encrypt(how, key, plain, size, cipher);
    assert_rv(decrypt(how, key, cipher, cipher_size, again, &again_size), CKR_OK);
    assert_int_equal(again_size, size);
    assert_memory_equal(again, plain, size);
}

static void test_gcm_and_cbc_round_trips(void **state)
{
    (void)state;
    for (CK_ULONG size = 1; size <= 49; size++) {
        round_trip(&by_gcm, size);
        round_trip(&by_cbc, size);
    }
}

/* The GCM specification, test case 15 (AES-256, 96-bit IV, no AAD). */
static void test_gcm_known_answer(void **state)
{
    static const unsigned char key_value[32] = {
        0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08,
        0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08};
    static unsigned char known_iv[12] = {0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce,
                                         0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88};
    static const unsigned char plain[16] = {0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5,
                                            0xa5, 0x59, 0x09, 0xc5, 0xaf, 0xf5, 0x26, 0x9a};
    static const unsigned char expected[16] = {0x52, 0x2d, 0xc1, 0xf0, 0x99, 0x56, 0x7d, 0x07,
                                               0xf4, 0x7f, 0x37, 0xa3, 0x2a, 0x84, 0x42, 0x7d};
    CK_GCM_PARAMS known = {known_iv, sizeof known_iv, 96, NULL, 0, 128};
    CK_MECHANISM how = {CKM_AES_GCM, &known, sizeof known};
    unsigned char cipher[64];

    (void)state;
    assert_int_equal(encrypt(&how, create_aes(key_value, 32), plain, sizeof plain, cipher), 32);
    assert_memory_equal(cipher, expected, sizeof expected);
}

/* RFC 3394, 4.6: 256 bits of key data under a 256-bit KEK. */
static void test_key_wrap_known_answer(void **state)
{
    static const unsigned char expected[40] = {0x28, 0xc9, 0xf4, 0x04, 0xc4, 0xb8, 0x10, 0xf4, 0xcb, 0xcc,
                                               0xb3, 0x5c, 0xfb, 0x87, 0xf8, 0x26, 0x3f, 0x57, 0x86, 0xe2,
                                               0xd8, 0x0e, 0xd3, 0x26, 0xcb, 0xc7, 0xf0, 0xe7, 0x1a, 0x99,
                                               0xf4, 0x3b, 0xfb, 0x98, 0x8b, 0x9b, 0x7a, 0x02, 0xdd, 0x21};
    unsigned char kek[32], data[32], blob[64];
    CK_ULONG size = sizeof blob;

    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        kek[i] = (unsigned char)i;
        data[i] = (unsigned char)(i < 16 ? i * 0x11 : i - 16);
    }
    assert_rv(p11->C_WrapKey(session, &by_key_wrap, create_aes(kek, 32), create_aes(data, 32), blob, &size),
              CKR_OK);
    assert_int_equal(size, sizeof expected);
    assert_memory_equal(blob, expected, sizeof expected);
}

static void test_key_wrap_round_trip(void **state)
{
    unsigned char blob[64], before[64], after[64];
    CK_ULONG size = 0;
    CK_OBJECT_HANDLE kek = generate_aes(32), key = generate_aes(16), again;

    (void)state;
    assert_rv(p11->C_WrapKey(session, &by_key_wrap, kek, key, NULL, &size), CKR_OK);
    assert_int_equal(size, 24);
    size = 23;
    assert_rv(p11->C_WrapKey(session, &by_key_wrap, kek, key, blob, &size), CKR_BUFFER_TOO_SMALL);
    assert_rv(p11->C_WrapKey(session, &by_key_wrap, kek, key, blob, &size), CKR_OK);
    assert_rv(
        p11->C_UnwrapKey(session, &by_key_wrap, kek, blob, size, data_key_template, TEMPLATE_SIZE, &again),
        CKR_OK);
    assert_int_equal(value_of(key, before), 16);
    assert_int_equal(value_of(again, after), 16);
    assert_memory_equal(before, after, 16);
    blob[3] ^= 1;
    assert_rv(
        p11->C_UnwrapKey(session, &by_key_wrap, kek, blob, size, data_key_template, TEMPLATE_SIZE, &again),
        row->codes.bad_wrapped);
}

static void test_gcm_in_parts_is_the_same(void **state)
{
    unsigned char plain[40], once[64], parts[64];
    CK_OBJECT_HANDLE key = generate_aes(32);
    CK_ULONG done = 0, size;

    (void)state;
    memset(plain, 7, sizeof plain);
    CK_ULONG once_size = encrypt(&by_gcm, key, plain, sizeof plain, once);
    assert_rv(p11->C_EncryptInit(session, &by_gcm, key), CKR_OK);
    for (CK_ULONG at = 0; at < sizeof plain; at += 8) {
        size = sizeof parts - done;
        assert_rv(p11->C_EncryptUpdate(session, plain + at, 8, parts + done, &size), CKR_OK);
        done += size;
    }
    size = sizeof parts - done;
    assert_rv(p11->C_EncryptFinal(session, parts + done, &size), CKR_OK);
    assert_int_equal(done + size, once_size);
    assert_memory_equal(parts, once, once_size);
}

static void test_changed_ciphertext_does_not_open(void **state)
{
    unsigned char plain[40] = {0}, cipher[72], again[72];
    CK_OBJECT_HANDLE key = generate_aes(32);
    CK_ULONG again_size = sizeof again;

    (void)state;
    CK_ULONG size = encrypt(&by_gcm, key, plain, sizeof plain, cipher);
    cipher[5] ^= 1;
    assert_rv(decrypt(&by_gcm, key, cipher, size, again, &again_size), row->codes.bad_tag);
    size = encrypt(&by_cbc, key, plain, 16, cipher);
    cipher[15] ^= 1; /* the last byte of the padding after the next block */
    again_size = sizeof again;
    assert_rv(decrypt(&by_cbc, key, cipher, size, again, &again_size), row->codes.bad_padding);
}

static void test_encrypt_size_query_and_too_little(void **state)
{
    unsigned char plain[20] = {0}, cipher[64];
    CK_ULONG size = ~0UL;

    (void)state;
    assert_rv(p11->C_EncryptInit(session, &by_gcm, generate_aes(32)), CKR_OK);
    assert_rv(p11->C_Encrypt(session, plain, sizeof plain, NULL, &size), CKR_OK);
    assert_int_equal(size, 36);
    size = 35;
    assert_rv(p11->C_Encrypt(session, plain, sizeof plain, cipher, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, 36);
    assert_rv(p11->C_Encrypt(session, plain, sizeof plain, cipher, &size), CKR_OK);
    assert_rv(p11->C_Encrypt(session, plain, sizeof plain, cipher, &size), CKR_OPERATION_NOT_INITIALIZED);
}

static void test_operations_out_of_order(void **state)
{
    unsigned char data[32] = {0};
    CK_ULONG size = sizeof data;
    CK_OBJECT_HANDLE key = generate_aes(32);

    (void)state;
    assert_rv(p11->C_Encrypt(session, data, 16, data, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_EncryptUpdate(session, data, 16, data, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_EncryptFinal(session, data, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_Decrypt(session, data, 16, data, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_EncryptInit(session, &by_gcm, key), CKR_OK);
    assert_rv(p11->C_EncryptInit(session, &by_gcm, key), CKR_OPERATION_ACTIVE);
}

static void test_encrypt_with_wrong_keys(void **state)
{
    CK_MECHANISM unheard_of = {CKM_VENDOR_DEFINED | 0x4711, NULL, 0};

    (void)state;
    assert_rv(p11->C_EncryptInit(session, &by_gcm, ~0UL), row->codes.unknown_key);
    /* 2.40 calls it a bad argument; to 3.0 it ends an operation, and there is none. */
    assert_int_not_equal(p11->C_EncryptInit(session, NULL, generate_aes(32)), CKR_OK);
    assert_rv(p11->C_EncryptInit(session, &unheard_of, generate_aes(32)), CKR_MECHANISM_INVALID);
}

static void test_usages_that_were_not_asked_for(void **state)
{
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG key_size = 32;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_TOKEN, untruth), ATTRIBUTE(CKA_VALUE_LEN, key_size),
                               ATTRIBUTE(CKA_ENCRYPT, truth), ATTRIBUTE(CKA_DECRYPT, untruth)};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(p11->C_GenerateKey(session, &generate, template, 4, &key), CKR_OK);
    assert_rv(p11->C_DecryptInit(session, &by_gcm, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(p11->C_EncryptInit(session, &by_gcm, key), CKR_OK);
}

static void test_a_generated_key_is_the_tokens_own(void **state)
{
    CK_BBOOL local = CK_FALSE;
    CK_ULONG size = 0;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_LOCAL, local), ATTRIBUTE(CKA_VALUE_LEN, size)};

    (void)state;
    assert_rv(p11->C_GetAttributeValue(session, generate_aes(24), template, 2), CKR_OK);
    assert_int_equal(local, CK_TRUE);
    assert_int_equal(size, 24);
}

static void test_aes_keys_of_no_length(void **state)
{
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG key_size = 17;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_TOKEN, untruth), ATTRIBUTE(CKA_VALUE_LEN, key_size)};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_int_not_equal(p11->C_GenerateKey(session, &generate, template, 2, &key), CKR_OK);
    assert_rv(p11->C_GenerateKey(session, &generate, template, 1, &key), CKR_TEMPLATE_INCOMPLETE);
}

static void test_sensitivity_is_not_taken_back(void **state)
{
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG key_size = 32;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_TOKEN, untruth), ATTRIBUTE(CKA_VALUE_LEN, key_size),
                               ATTRIBUTE(CKA_SENSITIVE, truth), ATTRIBUTE(CKA_EXTRACTABLE, untruth)};
    CK_ATTRIBUTE weaker = ATTRIBUTE(CKA_SENSITIVE, untruth), wider = ATTRIBUTE(CKA_EXTRACTABLE, truth);
    unsigned char value[64];
    CK_ATTRIBUTE read = {CKA_VALUE, value, sizeof value};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(p11->C_GenerateKey(session, &generate, template, 4, &key), CKR_OK);
    assert_int_not_equal(p11->C_SetAttributeValue(session, key, &weaker, 1), CKR_OK);
    assert_int_not_equal(p11->C_SetAttributeValue(session, key, &wider, 1), CKR_OK);
    assert_rv(p11->C_GetAttributeValue(session, key, &read, 1), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(read.ulValueLen, CK_UNAVAILABLE_INFORMATION);
}

static void test_a_destroyed_key_is_unknown(void **state)
{
    CK_OBJECT_HANDLE key = generate_aes(32);

    (void)state;
    assert_rv(p11->C_DestroyObject(session, key), CKR_OK);
    assert_rv(p11->C_DestroyObject(session, key), CKR_OBJECT_HANDLE_INVALID);
    assert_rv(p11->C_EncryptInit(session, &by_gcm, key), row->codes.unknown_key);
}

static void test_session_keys_end_with_their_session(void **state)
{
    CK_SESSION_HANDLE kept = session, other;
    CK_OBJECT_HANDLE key;
    CK_ULONG size = 0;
    CK_ATTRIBUTE read = ATTRIBUTE(CKA_VALUE_LEN, size);

    (void)state;
    assert_rv(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &other), CKR_OK);
    session = other;
    key = generate_aes(32);
    session = kept;
    assert_rv(p11->C_GetAttributeValue(session, key, &read, 1),
              CKR_OK); /* seen by all sessions while it lasts */
    assert_rv(p11->C_CloseSession(other), CKR_OK);
    assert_rv(p11->C_GetAttributeValue(session, key, &read, 1), CKR_OBJECT_HANDLE_INVALID);
}

static const struct CMUnitTest tests[] = {
    with_session(test_gcm_and_cbc_round_trips),
    with_session(test_gcm_known_answer),
    with_session(test_key_wrap_known_answer),
    with_session(test_key_wrap_round_trip),
    with_session(test_gcm_in_parts_is_the_same),
    with_session(test_changed_ciphertext_does_not_open),
    with_session(test_encrypt_size_query_and_too_little),
    with_session(test_operations_out_of_order),
    with_session(test_encrypt_with_wrong_keys),
    with_session(test_usages_that_were_not_asked_for),
    with_session(test_a_generated_key_is_the_tokens_own),
    with_session(test_aes_keys_of_no_length),
    with_session(test_sensitivity_is_not_taken_back),
    with_session(test_a_destroyed_key_is_unknown),
    with_session(test_session_keys_end_with_their_session),
};

const struct room secret_key_room = ROOM(tests);
