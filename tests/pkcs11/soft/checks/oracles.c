/* Checks 21 to 24: one answer to every bad RSA ciphertext, whatever is wrong with it. */
#include "tests/pkcs11/soft/checks/padding.h"
#include <string.h>

static unsigned char out[600];

static struct buffer malformed(CK_MECHANISM *mechanism, unsigned class)
{
    unsigned char block[BLOCK];

    (mechanism == &pkcs1 ? pkcs1_block : oaep_block)(class, block);
    return sealed_raw(block);
}

static struct buffer well_formed(CK_MECHANISM *mechanism, struct bytes message)
{
    unsigned char block[BLOCK];

    (mechanism == &pkcs1 ? pkcs1_good : oaep_good)(message, block);
    return sealed_raw(block);
}

/* C_Decrypt into `room` bytes: the code, the length and the bytes are the same whatever is wrong. */
static void assert_bad_decrypt(CK_MECHANISM *mechanism, struct bytes blob, CK_ULONG room)
{
    CK_ULONG size = room;

    memset(out, UNTOUCHED, sizeof out);
    assert_rv(decrypt_with(the(CKO_PRIVATE_KEY, "kek"), mechanism, blob, out, &size),
              CKR_ENCRYPTED_DATA_INVALID);
    assert_int_equal(size, room);
    for (size_t i = 0; i < sizeof out; i++) {
        assert_int_equal(out[i], UNTOUCHED);
    }
    assert_rv(CALL(decrypt, out, 256, out, &size), CKR_OPERATION_NOT_INITIALIZED); /* it has ended */
}

static void assert_all_bad(CK_MECHANISM *mechanism, unsigned classes, CK_ULONG room)
{
    for (unsigned i = 0; i < classes; i++) {
        struct buffer blob = malformed(mechanism, i);

        assert_bad_decrypt(mechanism, buffer_bytes(&blob), room);
        buffer_free(&blob);
    }
}

static void check_21_bad_pkcs1_padding_has_one_answer(void **state)
{
    (void)state;
    assert_all_bad(&pkcs1, PKCS1_CLASSES, sizeof out);
}

static void check_21_into_too_little_room_too(void **state)
{
    (void)state;
    assert_all_bad(&pkcs1, PKCS1_CLASSES, 1);
}

/* The size query answers the same length for good and bad ones, and asks nobody. */
static void assert_size_query_tells_nothing(CK_MECHANISM *mechanism, struct bytes blob)
{
    unsigned before = fake_count_all(fake);
    CK_ULONG size = 0;

    assert_rv(decrypt_with(the(CKO_PRIVATE_KEY, "kek"), mechanism, blob, NULL, &size), CKR_OK);
    assert_int_equal(size, BLOCK);
    assert_int_equal(fake_count_all(fake), before);
    assert_rv(CALL(decrypt_init, NULL, 0), CKR_OK);
}

static void check_21_a_size_query_is_no_oracle(void **state)
{
    CK_MECHANISM *mechanisms[] = {&pkcs1, &oaep_sha1};

    (void)state;
    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        struct buffer good = well_formed(mechanisms[i], bytes_of("short", 5));

        assert_size_query_tells_nothing(mechanisms[i], buffer_bytes(&good));
        buffer_free(&good);
        for (unsigned k = 0; k < OAEP_CLASSES; k++) {
            struct buffer bad = malformed(mechanisms[i], k);

            assert_size_query_tells_nothing(mechanisms[i], buffer_bytes(&bad));
            buffer_free(&bad);
        }
    }
}

static void check_21_what_does_not_fit_waits_for_a_second_call(void **state)
{
    struct buffer good;
    CK_ULONG size = 1;
    unsigned before;

    (void)state;
    good = well_formed(&pkcs1, bytes_of("short", 5));
    before = fake_count_all(fake);
    assert_rv(decrypt_with(the(CKO_PRIVATE_KEY, "kek"), &pkcs1, buffer_bytes(&good), out, &size),
              CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, 5);
    assert_rv(CALL(decrypt, good.data, good.size, out, &size), CKR_OK);
    assert_memory_equal(out, "short", 5);
    assert_int_equal(fake_count_all(fake), before + 1);
    buffer_free(&good);
}

static void assert_unwrap(CK_MECHANISM *mechanism, struct buffer blob, CK_KEY_TYPE type, CK_ULONG value_len,
                          CK_RV expected)
{
    CK_OBJECT_HANDLE made = UNTOUCHED;

    assert_rv(unwrap_as(type, value_len, mechanism, buffer_bytes(&blob), &made), expected);
    assert_int_equal(made == UNTOUCHED, expected != CKR_OK);
    buffer_free(&blob);
}

/* The worst form tells bad padding from a bad length of the key. */
static void assert_unwrap_is_no_oracle(CK_MECHANISM *mechanism, unsigned classes)
{
    const CK_RV bad = CKR_WRAPPED_KEY_INVALID;

    for (unsigned i = 0; i < classes; i++) {
        assert_unwrap(mechanism, malformed(mechanism, i), CKK_AES, 0, bad);
    }
    assert_unwrap(mechanism, well_formed(mechanism, bytes_of("short", 5)), CKK_AES, 0, bad);
    assert_unwrap(mechanism, well_formed(mechanism, bytes_of("", 0)), CKK_GENERIC_SECRET, 0, bad);
    assert_unwrap(mechanism, well_formed(mechanism, bytes_of_text(DATA_KEY)), CKK_AES, 16, bad);
    assert_unwrap(mechanism, well_formed(mechanism, bytes_of_text(DATA_KEY)), CKK_AES, 0, CKR_OK);
}

static void check_22_bad_padding_and_a_bad_key_have_one_answer(void **state)
{
    (void)state;
    assert_unwrap_is_no_oracle(&pkcs1, PKCS1_CLASSES);
}

static void check_23_mangers_question_is_not_answered(void **state)
{
    (void)state;
    assert_all_bad(&oaep_sha1, OAEP_CLASSES, sizeof out);
    assert_all_bad(&oaep_sha1, OAEP_CLASSES, 1);
    assert_all_bad(&oaep_sha256, OAEP_CLASSES, sizeof out); /* the other hash */
}

static void check_23_nor_when_a_key_is_unwrapped(void **state)
{
    (void)state;
    assert_unwrap_is_no_oracle(&oaep_sha1, OAEP_CLASSES);
}

static void put_last(unsigned char block[BLOCK], const struct buffer *modulus, int distance)
{
    memcpy(block, modulus->data, BLOCK);
    block[BLOCK - 1] = (unsigned char)(block[BLOCK - 1] + distance); /* it is odd: no carry */
}

/* As numbers: 0, 1, n - 1, n, n + 1, and all bits. */
static void check_24_numbers_at_the_edge(void **state)
{
    CK_MECHANISM *mechanisms[] = {&pkcs1, &oaep_sha1, &oaep_sha256};
    struct buffer modulus = modulus_of_kek();
    unsigned char blocks[6][BLOCK] = {{0}};
    CK_OBJECT_HANDLE made;

    (void)state;
    blocks[1][BLOCK - 1] = 1;
    put_last(blocks[2], &modulus, -1);
    put_last(blocks[3], &modulus, 0);
    memcpy(blocks[4], modulus.data, BLOCK);
    blocks[4][BLOCK - 2]++;
    memset(blocks[5], 0xff, BLOCK);
    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        for (size_t k = 0; k < COUNT(blocks); k++) {
            assert_rv(unwrap_as(CKK_AES, 0, mechanisms[i], bytes_of(blocks[k], BLOCK), &made),
                      CKR_WRAPPED_KEY_INVALID);
        }
        assert_bad_decrypt(mechanisms[i], bytes_of(blocks[3], BLOCK), sizeof out);
    }
    buffer_free(&modulus);
}

static void check_24_nothing_of_a_wrong_length_is_sent(void **state)
{
    static const size_t lengths[] = {0, 1, 255, 257, 511, 513, 600};
    CK_MECHANISM *mechanisms[] = {&pkcs1, &oaep_sha1, &oaep_sha256};
    unsigned char bytes[600] = {0};
    CK_OBJECT_HANDLE made;

    (void)state;
    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        for (size_t k = 0; k < COUNT(lengths); k++) {
            assert_bad_decrypt(mechanisms[i], bytes_of(bytes, lengths[k]), sizeof out);
            assert_rv(unwrap_as(CKK_AES, 0, mechanisms[i], bytes_of(bytes, lengths[k]), &made),
                      CKR_WRAPPED_KEY_INVALID);
        }
    }
    assert_int_equal(fake_count_all(fake), 0);
}

static const struct CMUnitTest tests[] = {
    with_token(check_21_bad_pkcs1_padding_has_one_answer),
    with_token(check_21_into_too_little_room_too),
    with_token(check_21_a_size_query_is_no_oracle),
    with_token(check_21_what_does_not_fit_waits_for_a_second_call),
    with_token(check_22_bad_padding_and_a_bad_key_have_one_answer),
    with_token(check_23_mangers_question_is_not_answered),
    with_token(check_23_nor_when_a_key_is_unwrapped),
    with_token(check_24_numbers_at_the_edge),
    with_token(check_24_nothing_of_a_wrong_length_is_sent),
};

const struct room oracle_room = ROOM(tests);
