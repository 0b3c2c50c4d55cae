/* Checks 25, 26 and 28: one answer to everything that AES does not open, and to halves of hybrid blobs. */
#include "tests/pkcs11/soft/checks/padding.h"
#include <string.h>

static unsigned char out[600];

static struct buffer malformed(unsigned class)
{
    unsigned char block[BLOCK];

    oaep_block(class, block);
    return sealed_raw(block);
}

/* Every value that the last byte of a CBC plaintext can have: 16 of 256 pad the block well. */
static void check_25_every_bad_end_of_cbc_has_one_answer(void **state)
{
    unsigned char iv[16] = {0}, blob[32];
    CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
    CK_OBJECT_HANDLE key = aes_key(DATA_KEY, 32);
    CK_ULONG size = sizeof blob, bad = 0, good = 0;

    (void)state;
    assert_rv(CALL(encrypt_init, &cbc, key), CKR_OK);
    assert_rv(CALL(encrypt, (CK_BYTE *)iv, 16, blob, &size), CKR_OK);
    assert_int_equal(size, 32);
    for (unsigned last = 0; last < 256; last++) {
        blob[15] ^= (unsigned char)last;
        size = sizeof out;
        CK_RV rv = decrypt_with(key, &cbc, bytes_of(blob, 32), out, &size);

        blob[15] ^= (unsigned char)last;
        assert_either(rv, CKR_OK, CKR_ENCRYPTED_DATA_INVALID);
        good += rv == CKR_OK;
        bad += rv != CKR_OK;
    }
    assert_true(good >= 1 && good <= 2); /* 16 times 0x10, and perhaps 0x01 */
    assert_int_equal(good + bad, 256);
}

/* A full last block of padding only: whichever of its bytes is wrong, nothing is written. */
static void check_25_nothing_of_a_bad_one_is_released(void **state)
{
    unsigned char iv[16] = {0}, blob[32];
    CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
    CK_OBJECT_HANDLE key = aes_key(DATA_KEY, 32);
    CK_ULONG size = sizeof blob;

    (void)state;
    assert_rv(CALL(encrypt_init, &cbc, key), CKR_OK);
    assert_rv(CALL(encrypt, (CK_BYTE *)iv, 16, blob, &size), CKR_OK);
    for (size_t at = 0; at < 15; at++) {
        blob[at] ^= 0x80;
        size = sizeof out;
        assert_rv(decrypt_with(key, &cbc, bytes_of(blob, 32), out, &size), CKR_ENCRYPTED_DATA_INVALID);
        blob[at] ^= 0x80;
    }
}

static void check_25_every_changed_key_wrap_has_one_answer(void **state)
{
    CK_MECHANISM key_wrap = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_OBJECT_HANDLE kek = aes_key(DATA_KEY, 32), made = UNTOUCHED;
    unsigned char blob[64];
    CK_ULONG size = sizeof blob;

    (void)state;
    assert_rv(CALL(wrap_key, &key_wrap, kek, kek, blob, &size), CKR_OK);
    assert_int_equal(size, 40);
    for (size_t at = 0; at < size; at++) {
        blob[at] ^= 0x10;
        assert_rv(unwrap_under(kek, &key_wrap, blob, size, &made), CKR_WRAPPED_KEY_INVALID);
        blob[at] ^= 0x10;
    }
    for (CK_ULONG length = 0; length < size; length++) {
        assert_rv(unwrap_under(kek, &key_wrap, blob, length, &made), CKR_WRAPPED_KEY_INVALID);
    }
    assert_int_equal(made, UNTOUCHED);
    assert_rv(unwrap_under(kek, &key_wrap, blob, size, &made), CKR_OK);
}

static CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static struct rsa_aes_key_wrap_params hybrid_parameters = {256, &sha1};
static CK_MECHANISM hybrid = {CKM_RSA_AES_KEY_WRAP, &hybrid_parameters, sizeof hybrid_parameters};

/* A blob of both halves with DATA_KEY in it. */
static CK_ULONG hybrid_blob(unsigned char blob[600])
{
    CK_ULONG size = 600;

    assert_rv(CALL(wrap_key, &hybrid, the(CKO_PUBLIC_KEY, "kek"), aes_key(DATA_KEY, 32), blob, &size),
              CKR_OK);
    assert_int_equal(size, BLOCK + 40);
    return size;
}

/* One code and one request, whichever half is bad. */
static void assert_bad_hybrid(struct bytes blob, CK_KEY_TYPE type, CK_ULONG value_len)
{
    unsigned before = fake_count(fake, FAKE_UNWRAP);
    CK_OBJECT_HANDLE key = UNTOUCHED;

    assert_rv(unwrap_as(type, value_len, &hybrid, blob, &key), CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(key, UNTOUCHED);
    assert_int_equal(fake_count(fake, FAKE_UNWRAP), before + 1);
}

static void check_26_neither_half_of_a_hybrid_blob_is_told_apart(void **state)
{
    static const size_t places[] = {0, 1, 100, BLOCK - 1, BLOCK, BLOCK + 7, BLOCK + 8, BLOCK + 39};
    unsigned char blob[600];
    CK_ULONG size = hybrid_blob(blob);
    CK_OBJECT_HANDLE key;

    (void)state;
    for (size_t i = 0; i < COUNT(places); i++) {
        blob[places[i]] ^= 1;
        assert_bad_hybrid(bytes_of(blob, size), CKK_AES, 0);
        blob[places[i]] ^= 1;
    }
    assert_rv(unwrap_as(CKK_AES, 0, &hybrid, bytes_of(blob, size), &key), CKR_OK);
}

/* A first half that opens: to a key of another size, to one that opens nothing, by bad padding alone. */
static void check_26_a_first_half_of_ones_own(void **state)
{
    unsigned char blob[600];
    CK_ULONG size = hybrid_blob(blob);

    (void)state;
    for (unsigned i = 0; i < OAEP_CLASSES + 3; i++) {
        struct buffer first =
            i < OAEP_CLASSES ? malformed(i)
                             : sealed(RSA_PADDING_OAEP_SHA1, bytes_of(DATA_KEY, (i - OAEP_CLASSES) * 16));

        memcpy(blob, first.data, BLOCK);
        assert_bad_hybrid(bytes_of(blob, size), CKK_AES, 0);
        buffer_free(&first);
    }
}

/* Both halves open, to no such key. */
static void check_26_a_hybrid_blob_of_another_key(void **state)
{
    unsigned char blob[600];
    CK_ULONG size = hybrid_blob(blob);
    CK_OBJECT_HANDLE key = UNTOUCHED;

    (void)state;
    assert_bad_hybrid(bytes_of(blob, size), CKK_GENERIC_SECRET, 31);
    assert_rv(unwrap_as(CKK_AES, 16, &hybrid, bytes_of(blob, size), &key), CKR_WRAPPED_KEY_INVALID);
    for (size_t length = 0; length < size; length += 8) {
        assert_rv(unwrap_as(CKK_AES, 0, &hybrid, bytes_of(blob, length), &key), CKR_WRAPPED_KEY_INVALID);
    }
    assert_int_equal(key, UNTOUCHED);
}

static void check_28_a_wrapping_key_enciphers_nothing(void **state)
{
    unsigned char iv[16] = {0};
    CK_MECHANISM mechanisms[] = {{CKM_AES_ECB, NULL, 0}, {CKM_AES_CBC, iv, 16}, {CKM_AES_CBC_PAD, iv, 16}};
    const CK_OBJECT_HANDLE keys[] = {key_that_may(CKA_WRAP), key_that_may(CKA_UNWRAP)};

    (void)state;
    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        CK_RV rv = lists(mechanisms[i].mechanism, CKF_ENCRYPT) ? CKR_KEY_FUNCTION_NOT_PERMITTED
                                                               : CKR_MECHANISM_INVALID;
        for (size_t k = 0; k < COUNT(keys); k++) {
            assert_rv(CALL(encrypt_init, &mechanisms[i], keys[k]), rv);
            assert_rv(CALL(decrypt_init, &mechanisms[i], keys[k]), rv);
        }
    }
}

static const struct CMUnitTest tests[] = {
    with_token(check_25_every_bad_end_of_cbc_has_one_answer),
    with_token(check_25_nothing_of_a_bad_one_is_released),
    with_token(check_25_every_changed_key_wrap_has_one_answer),
    with_token(check_26_neither_half_of_a_hybrid_blob_is_told_apart),
    with_token(check_26_a_first_half_of_ones_own),
    with_token(check_26_a_hybrid_blob_of_another_key),
    with_token(check_28_a_wrapping_key_enciphers_nothing),
};

const struct room aes_oracle_room = ROOM(tests);
