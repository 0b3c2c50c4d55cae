/* AES without padding: ECB, CBC and CTR, whole and in parts. */
#include "tests/pkcs11/soft/soft_test.h"
#include "tests/vectors.h"
#include <string.h>

enum { TEXT = 64, ROOM = 128 };

static unsigned char iv[16], plain[TEXT], out[ROOM], back[ROOM];
static CK_AES_CTR_PARAMS counter = {128, {0}};
static CK_MECHANISM ecb = {CKM_AES_ECB, NULL, 0}, cbc = {CKM_AES_CBC, iv, 16},
                    ctr = {CKM_AES_CTR, &counter, sizeof counter};
static CK_MECHANISM *const ways[] = {&ecb, &cbc, &ctr};
static const CK_ULONG units[] = {16, 16, 1};

static CK_OBJECT_HANDLE the_key(void)
{
    static const unsigned char value[] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                          0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};

    for (unsigned char i = 0; i < 16; i++) {
        iv[i] = i;
        counter.cb[i] = (unsigned char)(0xf0 + i);
    }
    counter.ulCounterBits = 128;
    vector_bytes("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                 "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
                 plain, sizeof plain);
    return aes_key(value, sizeof value);
}

static CK_RV seal(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_ULONG size, CK_ULONG *ret_size)
{
    *ret_size = sizeof out;
    assert_rv(CALL(encrypt_init, mechanism, key), CKR_OK);
    return CALL(encrypt, plain, size, out, ret_size);
}

static CK_RV unseal(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_ULONG size, CK_ULONG *ret_size)
{
    *ret_size = sizeof back;
    assert_rv(CALL(decrypt_init, mechanism, key), CKR_OK);
    return CALL(decrypt, out, size, back, ret_size);
}

/* SP 800-38A, F.1.1, F.2.1 and F.5.1. */
static void test_known_answers(void **state)
{
    static const char *const answers[] = {
        "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"
        "43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4",
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
        "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
        "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
        "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
    };
    unsigned char answer[TEXT];
    CK_OBJECT_HANDLE key = the_key();
    CK_ULONG size;

    (void)state;
    for (size_t way = 0; way < COUNT(ways); way++) {
        vector_bytes(answers[way], answer, sizeof answer);
        assert_rv(seal(ways[way], key, TEXT, &size), CKR_OK);
        assert_int_equal(size, TEXT);
        assert_memory_equal(out, answer, TEXT);
        assert_rv(unseal(ways[way], key, TEXT, &size), CKR_OK);
        assert_int_equal(size, TEXT);
        assert_memory_equal(back, plain, TEXT);
    }
}

/* Both ways in steps of `step` bytes, with a size query before each. */
static CK_ULONG in_parts(bool encrypt, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_ULONG step,
                         unsigned char *from, unsigned char *to)
{
    CK_RV (*update)
    (struct token_session *, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *) =
        encrypt ? token->ops->encrypt_update : token->ops->decrypt_update;
    CK_ULONG got, wanted, done = 0;

    assert_rv(encrypt ? CALL(encrypt_init, mechanism, key) : CALL(decrypt_init, mechanism, key), CKR_OK);
    for (CK_ULONG at = 0; at < TEXT; at += step) {
        CK_ULONG length = at + step > TEXT ? TEXT - at : step;

        assert_rv(update(session, from + at, length, NULL, &wanted), CKR_OK);
        got = wanted;
        assert_rv(update(session, from + at, length, to + done, &got), CKR_OK);
        assert_int_equal(got, wanted);
        done += got;
    }
    got = 0;
    assert_rv(encrypt ? CALL(encrypt_final, to, &got) : CALL(decrypt_final, to, &got), CKR_OK);
    assert_int_equal(got, 0);
    return done;
}

static void test_parts_give_what_the_whole_gives(void **state)
{
    unsigned char parts[ROOM];
    CK_OBJECT_HANDLE key = the_key();
    CK_ULONG size;

    (void)state;
    for (size_t way = 0; way < COUNT(ways); way++) {
        for (CK_ULONG step = 1; step < 50; step += 4) {
            assert_rv(seal(ways[way], key, TEXT, &size), CKR_OK);
            assert_int_equal(in_parts(true, ways[way], key, step, plain, parts), TEXT);
            assert_memory_equal(parts, out, TEXT);
            assert_int_equal(in_parts(false, ways[way], key, step, parts, back), TEXT);
            assert_memory_equal(back, plain, TEXT);
        }
    }
}

static void test_only_whole_blocks_are_taken(void **state)
{
    CK_OBJECT_HANDLE key = the_key();
    CK_ULONG size;

    (void)state;
    for (size_t way = 0; way < COUNT(ways); way++) {
        bool any = units[way] == 1;

        assert_rv(seal(ways[way], key, 17, &size), any ? CKR_OK : CKR_DATA_LEN_RANGE);
        assert_rv(unseal(ways[way], key, 17, &size), any ? CKR_OK : CKR_ENCRYPTED_DATA_LEN_RANGE);
        assert_rv(seal(ways[way], key, 0, &size), CKR_OK);
        assert_int_equal(size, 0);
        assert_rv(CALL(encrypt, plain, 16, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    }
}

static void test_parts_must_end_with_a_block(void **state)
{
    CK_OBJECT_HANDLE key = the_key();
    CK_ULONG size = sizeof out;

    (void)state;
    for (size_t way = 0; way < 2; way++) {
        assert_rv(CALL(encrypt_init, ways[way], key), CKR_OK);
        assert_rv(CALL(encrypt_update, plain, 31, out, &size), CKR_OK);
        assert_int_equal(size, 16);
        assert_rv(CALL(encrypt_final, out, &size), CKR_DATA_LEN_RANGE);
        assert_rv(CALL(encrypt_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
        assert_rv(CALL(decrypt_init, ways[way], key), CKR_OK);
        assert_rv(CALL(decrypt_update, plain, 1, out, &size), CKR_OK);
        assert_rv(CALL(decrypt_final, out, &size), CKR_ENCRYPTED_DATA_LEN_RANGE);
        size = sizeof out;
    }
}

static void test_short_buffers_leave_the_operation(void **state)
{
    CK_OBJECT_HANDLE key = the_key();
    CK_ULONG size = 31;

    (void)state;
    for (size_t way = 0; way < COUNT(ways); way++) {
        assert_rv(CALL(encrypt_init, ways[way], key), CKR_OK);
        size = 31;
        assert_rv(CALL(encrypt, plain, 32, out, &size), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(size, 32);
        assert_rv(CALL(encrypt_update, plain, 32, out, &(CK_ULONG){0}), CKR_BUFFER_TOO_SMALL);
        assert_rv(CALL(encrypt, plain, 32, NULL, &size), CKR_OK);
        assert_int_equal(size, 32);
        assert_rv(CALL(encrypt, plain, 32, out, &size), CKR_OK);
        assert_rv(unseal(ways[way], key, 32, &size), CKR_OK);
        assert_memory_equal(back, plain, 32);
    }
}

static void test_parts_may_be_replaced_in_place(void **state)
{
    CK_OBJECT_HANDLE key = the_key();
    CK_ULONG size;

    (void)state;
    for (size_t way = 0; way < COUNT(ways); way++) {
        CK_ULONG step = units[way] == 16 ? 32 : 7;

        assert_rv(seal(ways[way], key, TEXT, &size), CKR_OK);
        memcpy(back, plain, TEXT);
        assert_int_equal(in_parts(true, ways[way], key, step, back, back), TEXT);
        assert_memory_equal(back, out, TEXT);
    }
}

/* A counter of 4 bits that begins at 14 has two blocks; PKCS#11 2.40, mechanisms 2.11.5. */
static void test_a_counter_does_not_begin_again(void **state)
{
    CK_OBJECT_HANDLE key = the_key();
    CK_ULONG size;

    (void)state;
    counter.ulCounterBits = 4;
    counter.cb[15] = 0xfe;
    assert_rv(seal(&ctr, key, 32, &size), CKR_OK);
    assert_rv(seal(&ctr, key, 33, &size), CKR_DATA_LEN_RANGE);
    assert_rv(unseal(&ctr, key, 33, &size), CKR_ENCRYPTED_DATA_LEN_RANGE);
    assert_rv(CALL(encrypt_init, &ctr, key), CKR_OK);
    size = sizeof out;
    assert_rv(CALL(encrypt_update, plain, 20, NULL, &size), CKR_OK); /* costs nothing */
    assert_rv(CALL(encrypt_update, plain, 20, out, &size), CKR_OK);
    size = sizeof out;
    assert_rv(CALL(encrypt_update, plain, 12, out, &size), CKR_OK);
    assert_rv(CALL(encrypt_update, plain, 1, out, &size), CKR_DATA_LEN_RANGE);
    assert_rv(CALL(encrypt_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
}

/* Carries into the bytes that are not the counter's are what a counter of more bits does. */
static void test_counters_of_every_width(void **state)
{
    CK_OBJECT_HANDLE key = the_key();
    CK_ULONG size;

    (void)state;
    memset(counter.cb, 0xff, sizeof counter.cb);
    for (CK_ULONG bits = 1; bits <= 128; bits++) {
        counter.ulCounterBits = bits;
        assert_rv(seal(&ctr, key, 16, &size), CKR_OK);
        assert_rv(seal(&ctr, key, 17, &size), CKR_DATA_LEN_RANGE);
    }
    counter.cb[0] = 0x7f;
    assert_rv(seal(&ctr, key, 17, &size), CKR_OK);
    counter.ulCounterBits = 127;
    assert_rv(seal(&ctr, key, 17, &size), CKR_DATA_LEN_RANGE);
}

static void test_bad_parameters(void **state)
{
    CK_MECHANISM bad[] = {{CKM_AES_ECB, iv, 16},
                          {CKM_AES_CBC, iv, 15},
                          {CKM_AES_CBC, NULL, 16},
                          {CKM_AES_CTR, &counter, sizeof counter - 1},
                          {CKM_AES_CTR, NULL, sizeof counter},
                          {CKM_AES_CTR, NULL, 0}};
    CK_OBJECT_HANDLE key = the_key();

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_rv(CALL(encrypt_init, &bad[i], key), CKR_MECHANISM_PARAM_INVALID);
    }
    counter.ulCounterBits = 0;
    assert_rv(CALL(encrypt_init, &ctr, key), CKR_MECHANISM_PARAM_INVALID);
    counter.ulCounterBits = 129;
    assert_rv(CALL(decrypt_init, &ctr, key), CKR_MECHANISM_PARAM_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_known_answers),
        with_token(test_parts_give_what_the_whole_gives),
        with_token(test_only_whole_blocks_are_taken),
        with_token(test_parts_must_end_with_a_block),
        with_token(test_short_buffers_leave_the_operation),
        with_token(test_parts_may_be_replaced_in_place),
        with_token(test_a_counter_does_not_begin_again),
        with_token(test_counters_of_every_width),
        with_token(test_bad_parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
