/* The message functions of 3.0 for AES-GCM, and C_SessionCancel. */
#include "tests/fake_aes.h"
#include "tests/pkcs11/soft/soft_test.h"
#include <string.h>

static unsigned char iv[16], tag[16], aad[] = "about", plain[100], out[200], back[200];
static struct gcm_message_params parameter;
static CK_MECHANISM gcm = {CKM_AES_GCM, NULL, 0};
static CK_ULONG size;

static void reset(CK_ULONG generator, CK_ULONG fixed_bits)
{
    parameter = (struct gcm_message_params){iv, 12, fixed_bits, generator, tag, 128};
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (unsigned char)(i ^ 0x35);
    }
    for (size_t i = 0; i < sizeof iv; i++) {
        iv[i] = (unsigned char)(0xa0 + i);
    }
}

static CK_OBJECT_HANDLE any_key(void)
{
    reset(CKG_NO_GENERATE, 0);
    return aes_key("0123456789abcdef0123456789abcdef", 32);
}

static CK_RV seal(CK_ULONG length)
{
    size = sizeof out;
    return CALL(encrypt_message, &parameter, sizeof parameter, aad, sizeof aad, plain, length, out, &size);
}

static CK_RV unseal(CK_ULONG length)
{
    size = sizeof back;
    return CALL(decrypt_message, &parameter, sizeof parameter, aad, sizeof aad, out, length, back, &size);
}

static void begin_both(CK_OBJECT_HANDLE key)
{
    assert_rv(CALL(message_encrypt_init, &gcm, key), CKR_OK);
    assert_rv(CALL(message_decrypt_init, &gcm, key), CKR_OK);
}

static void end_both(void)
{
    assert_rv(CALL(message_encrypt_final), CKR_OK);
    assert_rv(CALL(message_decrypt_final), CKR_OK);
}

/* What C_Encrypt gives with the same IV: ciphertext, then the tag. */
static void assert_as_encrypt(CK_OBJECT_HANDLE key, CK_ULONG length)
{
    CK_GCM_PARAMS one = {iv, parameter.iv_size, parameter.iv_size * 8, aad, sizeof aad, parameter.tag_bits};
    CK_MECHANISM mechanism = {CKM_AES_GCM, &one, sizeof one};
    unsigned char whole[200];
    CK_ULONG got = sizeof whole;

    assert_rv(CALL(encrypt_init, &mechanism, key), CKR_OK);
    assert_rv(CALL(encrypt, plain, length, whole, &got), CKR_OK);
    assert_int_equal(got, length + parameter.tag_bits / 8);
    assert_memory_equal(out, whole, length);
    assert_memory_equal(tag, whole + length, parameter.tag_bits / 8);
}

static void test_messages_are_what_encrypt_gives(void **state)
{
    CK_OBJECT_HANDLE key = any_key();

    (void)state;
    begin_both(key);
    for (CK_ULONG length = 0; length < 100; length += 9) {
        parameter.iv_size = length % 2 == 0 ? 12 : 16;
        parameter.tag_bits = length % 3 == 0 ? 96 : 128;
        iv[0]++;
        assert_rv(seal(length), CKR_OK);
        assert_int_equal(size, length);
        assert_as_encrypt(key, length);
        assert_rv(unseal(length), CKR_OK);
        assert_int_equal(size, length);
        assert_memory_equal(back, plain, length);
    }
    end_both();
}

static void test_sizes_are_told_and_nothing_is_used_up(void **state)
{
    unsigned char before[12];

    (void)state;
    any_key();
    reset(CKG_GENERATE_COUNTER, 32);
    begin_both(aes_key("0123456789abcdef", 16));
    memcpy(before, iv, 12);
    assert_rv(CALL(encrypt_message, &parameter, sizeof parameter, aad, 5, plain, 40, NULL, &size), CKR_OK);
    assert_int_equal(size, 40);
    size = 39;
    assert_rv(CALL(encrypt_message, &parameter, sizeof parameter, aad, 5, plain, 40, out, &size),
              CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, 40);
    assert_memory_equal(before, iv, 12);
    assert_rv(seal(40), CKR_OK);
    assert_memory_equal(iv + 4, "\0\0\0\0\0\0\0\0", 8); /* the first of the counter */
    end_both();
}

static void test_what_was_changed_is_not_released(void **state)
{
    static const unsigned char nothing[100];

    (void)state;
    begin_both(any_key());
    assert_rv(seal(100), CKR_OK);
    for (int change = 0; change < 4; change++) {
        unsigned char *places[] = {out + 50, tag + 3, iv + 2, aad + 1};

        *places[change] ^= 1;
        memset(back, 0, sizeof back);
        assert_rv(unseal(100), CKR_AEAD_DECRYPT_FAILED);
        assert_memory_equal(back, nothing, 100);
        assert_int_equal(size, 0);
        *places[change] ^= 1;
    }
    assert_rv(unseal(100), CKR_OK); /* the operation goes on */
    end_both();
}

static CK_RV next(bool encrypt, unsigned char *from, CK_ULONG length, unsigned char *to, CK_ULONG *got,
                  CK_FLAGS flags)
{
    return encrypt ? CALL(encrypt_message_next, &parameter, sizeof parameter, from, length, to, got, flags)
                   : CALL(decrypt_message_next, &parameter, sizeof parameter, from, length, to, got, flags);
}

static CK_ULONG in_parts(bool encrypt, unsigned char *from, unsigned char *to)
{
    CK_ULONG done = 0, got;

    assert_rv(encrypt ? CALL(encrypt_message_begin, &parameter, sizeof parameter, aad, sizeof aad)
                      : CALL(decrypt_message_begin, &parameter, sizeof parameter, aad, sizeof aad),
              CKR_OK);
    for (CK_ULONG at = 0; at < 100; at += 30) {
        CK_FLAGS flags = at == 90 ? CKF_END_OF_MESSAGE : 0;

        assert_rv(next(encrypt, from + at, at == 90 ? 10 : 30, NULL, &got, flags), CKR_OK);
        got = at == 90 && !encrypt ? 100 : got;
        assert_rv(next(encrypt, from + at, at == 90 ? 10 : 30, to + done, &got, flags), CKR_OK);
        done += got;
    }
    return done;
}

static void test_parts_give_what_the_whole_gives(void **state)
{
    CK_OBJECT_HANDLE key = any_key();

    (void)state;
    begin_both(key);
    for (int again = 0; again < 2; again++) {
        memset(tag, 0, sizeof tag);
        assert_int_equal(in_parts(true, plain, out), 100);
        assert_as_encrypt(key, 100);
        assert_int_equal(in_parts(false, out, back), 100);
        assert_memory_equal(back, plain, 100);
    }
    end_both();
}

static void test_parts_that_were_changed_are_not_released(void **state)
{
    CK_ULONG got = sizeof back;

    (void)state;
    begin_both(any_key());
    assert_rv(seal(100), CKR_OK);
    tag[0] ^= 1;
    assert_rv(CALL(decrypt_message_begin, &parameter, sizeof parameter, aad, sizeof aad), CKR_OK);
    assert_rv(next(false, out, 60, back, &got, 0), CKR_OK);
    assert_int_equal(got, 0);
    got = sizeof back;
    assert_rv(next(false, out + 60, 40, back, &got, CKF_END_OF_MESSAGE), CKR_AEAD_DECRYPT_FAILED);
    assert_rv(next(false, out, 60, back, &got, 0), CKR_OPERATION_NOT_INITIALIZED);
    end_both();
}

static void test_the_last_part_has_the_places_of_the_first(void **state)
{
    (void)state;
    begin_both(any_key());
    memset(tag, 0x77, sizeof tag);
    assert_rv(CALL(encrypt_message_begin, &parameter, sizeof parameter, aad, sizeof aad), CKR_OK);
    parameter.tag_bits = 96;
    size = sizeof out;
    assert_rv(next(true, plain, 20, out, &size, CKF_END_OF_MESSAGE), CKR_MECHANISM_PARAM_INVALID);
    parameter.tag_bits = 128;
    parameter.iv_size = 8;
    assert_rv(next(true, plain, 20, out, &size, CKF_END_OF_MESSAGE), CKR_MECHANISM_PARAM_INVALID);
    assert_memory_equal(tag, "wwwwwwwwwwwwwwww", 16);
    parameter.iv_size = 12;
    assert_rv(next(true, plain, 20, out, &size, CKF_END_OF_MESSAGE), CKR_OK);
    assert_rv(unseal(20), CKR_OK);
    end_both();
}

static void test_an_empty_message_needs_no_buffer(void **state)
{
    (void)state;
    begin_both(any_key());
    size = 0;
    assert_rv(CALL(encrypt_message, &parameter, sizeof parameter, aad, sizeof aad, NULL, 0, NULL, &size),
              CKR_OK);
    assert_rv(CALL(decrypt_message, &parameter, sizeof parameter, aad, sizeof aad, NULL, 0, NULL, &size),
              CKR_OK);
    tag[0] ^= 1;
    assert_rv(CALL(decrypt_message, &parameter, sizeof parameter, aad, sizeof aad, NULL, 0, NULL, &size),
              CKR_AEAD_DECRYPT_FAILED);
    end_both();
}

static void test_counters_count(void **state)
{
    CK_OBJECT_HANDLE key = any_key();

    (void)state;
    reset(CKG_GENERATE_COUNTER, 64);
    begin_both(key);
    for (unsigned char i = 0; i < 5; i++) {
        assert_rv(seal(20), CKR_OK);
        assert_int_equal(iv[0], 0xa0);
        assert_int_equal(iv[7], 0xa7);
        assert_memory_equal(iv + 8, ((unsigned char[]){0, 0, 0, i}), 4);
        assert_as_encrypt(key, 20);
        assert_rv(unseal(20), CKR_OK);
    }
    end_both();
}

/* As TLS 1.3 has it: the same static IV, XORed with the number of the record. */
static void test_counters_are_xored_with_the_first_iv(void **state)
{
    (void)state;
    begin_both(any_key());
    reset(CKG_GENERATE_COUNTER_XOR, 32);
    for (unsigned char i = 0; i < 5; i++) {
        assert_rv(seal(20), CKR_OK);
        assert_int_equal(iv[0], 0xa0);
        assert_int_equal(iv[11], 0xab ^ i);
        assert_rv(unseal(20), CKR_OK);
    }
    end_both();
}

static void test_a_counter_does_not_begin_again(void **state)
{
    (void)state;
    begin_both(any_key());
    reset(CKG_GENERATE_COUNTER, 94); /* leaves two bits */
    for (int i = 0; i < 4; i++) {
        assert_rv(seal(20), CKR_OK);
        assert_int_equal(iv[11] & 3, i);
        assert_int_equal(iv[11] & ~3, 0xab & ~3);
    }
    assert_rv(seal(20), CKR_TOKEN_RESOURCE_EXCEEDED);
    reset(CKG_GENERATE_COUNTER, 96);
    assert_rv(seal(20), CKR_MECHANISM_PARAM_INVALID);
    end_both();
}

static void test_random_ivs_keep_the_fixed_bits(void **state)
{
    static const CK_ULONG generators[] = {CKG_GENERATE, CKG_GENERATE_RANDOM};
    unsigned char first[12];

    (void)state;
    begin_both(any_key());
    for (size_t i = 0; i < COUNT(generators); i++) {
        reset(generators[i], 28);
        assert_rv(seal(20), CKR_OK);
        memcpy(first, iv, 12);
        assert_rv(unseal(20), CKR_OK);
        assert_rv(seal(20), CKR_OK);
        assert_memory_not_equal(first + 4, iv + 4, 8);
        assert_memory_equal(iv, "\xa0\xa1\xa2", 3);
        assert_int_equal(iv[3] & 0xf0, 0xa0);
        reset(generators[i], 40); /* too few are left to be random */
        assert_rv(seal(20), CKR_MECHANISM_PARAM_INVALID);
    }
    end_both();
}

static void test_calls_out_of_order(void **state)
{
    CK_OBJECT_HANDLE key = any_key();

    (void)state;
    assert_rv(seal(10), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(message_encrypt_final), CKR_OPERATION_NOT_INITIALIZED);
    begin_both(key);
    assert_rv(CALL(message_encrypt_init, &gcm, key), CKR_OPERATION_ACTIVE);
    assert_rv(next(true, plain, 10, out, &size, 0), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(encrypt_message_begin, &parameter, sizeof parameter, aad, 5), CKR_OK);
    assert_rv(CALL(encrypt_message_begin, &parameter, sizeof parameter, aad, 5), CKR_OPERATION_ACTIVE);
    assert_rv(seal(10), CKR_OPERATION_ACTIVE);
    end_both();
    assert_rv(seal(10), CKR_OPERATION_NOT_INITIALIZED);
    begin_both(key);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    assert_rv(seal(10), CKR_KEY_HANDLE_INVALID);
    assert_rv(seal(10), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(message_decrypt_final), CKR_OK);
}

static void test_bad_arguments(void **state)
{
    struct gcm_message_params bad[] = {{NULL, 12, 0, 0, tag, 128}, {iv, 0, 0, 0, tag, 128},
                                       {iv, 129, 0, 0, tag, 128},  {iv, 12, 97, 0, tag, 128},
                                       {iv, 12, 0, 5, tag, 128},   {iv, 12, 0, 0, NULL, 128},
                                       {iv, 12, 0, 0, tag, 95},    {iv, 12, 0, 0, tag, 136}};
    CK_MECHANISM cbc = {CKM_AES_CBC, iv, 16};
    CK_OBJECT_HANDLE key = any_key();

    (void)state;
    assert_rv(CALL(message_encrypt_init, &cbc, key), CKR_MECHANISM_INVALID);
    assert_rv(CALL(message_encrypt_init, NULL, key), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(message_encrypt_init, &gcm, 4711), CKR_KEY_HANDLE_INVALID);
    assert_rv(CALL(message_encrypt_init, &gcm, the(CKO_PUBLIC_KEY, "kek")), CKR_KEY_TYPE_INCONSISTENT);
    begin_both(key);
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_rv(CALL(encrypt_message, &bad[i], sizeof bad[i], aad, 5, plain, 5, out, &size),
                  CKR_MECHANISM_PARAM_INVALID);
    }
    assert_rv(CALL(encrypt_message, NULL, sizeof parameter, aad, 5, plain, 5, out, &size),
              CKR_MECHANISM_PARAM_INVALID);
    assert_rv(CALL(encrypt_message, &parameter, 3, aad, 5, plain, 5, out, &size),
              CKR_MECHANISM_PARAM_INVALID);
    assert_rv(CALL(encrypt_message, &parameter, sizeof parameter, NULL, 5, plain, 5, out, &size),
              CKR_ARGUMENTS_BAD);
    assert_rv(CALL(encrypt_message, &parameter, sizeof parameter, aad, 5, NULL, 5, out, &size),
              CKR_ARGUMENTS_BAD);
    assert_rv(CALL(encrypt_message, &parameter, sizeof parameter, aad, 5, plain, 5, out, NULL),
              CKR_ARGUMENTS_BAD);
    assert_rv(CALL(encrypt_message, &parameter, sizeof parameter, aad, 5, plain, (CK_ULONG)-1, out, &size),
              CKR_DATA_LEN_RANGE);
    assert_rv(seal(5), CKR_OK);
    end_both();
}

static void test_usages_are_checked(void **state)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               {CKA_VALUE, plain, 16},
                               ATTRIBUTE(CKA_ENCRYPT, yes)};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(CALL(create_object, template, 4, &key), CKR_OK);
    assert_rv(CALL(message_decrypt_init, &gcm, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(message_encrypt_init, &gcm, key), CKR_OK);
}

/* AES-GCM at the service: it chooses the IV, so the application must let it. */
static void test_a_key_of_the_service(void **state)
{
    CK_OBJECT_HANDLE key;

    (void)state;
    fake_offer_aes(fake);
    fake_add_aes(fake, "oct", 256);
    fake_configure(fake, "oct");
    soft_open("");
    key = the(CKO_SECRET_KEY, "oct");
    reset(CKG_NO_GENERATE, 0);
    begin_both(key);
    assert_rv(seal(50), CKR_MECHANISM_PARAM_INVALID);
    reset(CKG_GENERATE_COUNTER, 0);
    assert_rv(seal(50), CKR_MECHANISM_PARAM_INVALID);
    reset(CKG_GENERATE, 32);
    assert_rv(seal(50), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(fake_count(fake, FAKE_ENCRYPT), 0);
    reset(CKG_GENERATE, 0);
    assert_rv(seal(50), CKR_OK);
    assert_int_equal(size, 50);
    assert_memory_not_equal(iv, "\xa0\xa1\xa2\xa3\xa4\xa5", 6);
    assert_rv(unseal(50), CKR_OK);
    assert_memory_equal(back, plain, 50);
    out[3] ^= 1;
    assert_rv(unseal(50), CKR_AEAD_DECRYPT_FAILED);
    assert_int_equal(in_parts(true, plain, out), 100);
    assert_int_equal(in_parts(false, out, back), 100);
    assert_memory_equal(back, plain, 100);
    assert_int_equal(fake_count(fake, FAKE_ENCRYPT), 2);
    assert_int_equal(fake_count(fake, FAKE_DECRYPT), 3);
    end_both();
}

static void test_session_cancel_ends_what_it_is_told(void **state)
{
    CK_GCM_PARAMS one = {iv, 12, 96, aad, sizeof aad, 128};
    CK_MECHANISM mechanism = {CKM_AES_GCM, &one, sizeof one}, sha256 = {CKM_SHA256, NULL, 0};
    CK_OBJECT_HANDLE key = any_key();

    (void)state;
    size = sizeof out;
    assert_rv(CALL(session_cancel, ~(CK_FLAGS)0), CKR_OK); /* nothing is running */
    assert_rv(CALL(encrypt_init, &mechanism, key), CKR_OK);
    assert_rv(CALL(decrypt_init, &mechanism, key), CKR_OK);
    assert_rv(CALL(digest_init, &sha256), CKR_OK);
    begin_both(key);
    assert_rv(CALL(find_objects_init, NULL, 0), CKR_OK);
    assert_rv(CALL(session_cancel, CKF_ENCRYPT | CKF_MESSAGE_DECRYPT), CKR_OK);
    assert_rv(CALL(encrypt_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(message_decrypt_final), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(decrypt_init, &mechanism, key), CKR_OPERATION_ACTIVE);
    assert_rv(seal(10), CKR_OK);
    assert_rv(CALL(session_cancel, CKF_DECRYPT | CKF_DIGEST | CKF_FIND_OBJECTS | CKF_MESSAGE_ENCRYPT),
              CKR_OK);
    assert_rv(CALL(decrypt_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(digest_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(find_objects_final), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(seal(10), CKR_OPERATION_NOT_INITIALIZED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_messages_are_what_encrypt_gives),
        with_token(test_sizes_are_told_and_nothing_is_used_up),
        with_token(test_what_was_changed_is_not_released),
        with_token(test_parts_give_what_the_whole_gives),
        with_token(test_parts_that_were_changed_are_not_released),
        with_token(test_the_last_part_has_the_places_of_the_first),
        with_token(test_an_empty_message_needs_no_buffer),
        with_token(test_counters_count),
        with_token(test_counters_are_xored_with_the_first_iv),
        with_token(test_a_counter_does_not_begin_again),
        with_token(test_random_ivs_keep_the_fixed_bits),
        with_token(test_calls_out_of_order),
        with_token(test_bad_arguments),
        with_token(test_usages_are_checked),
        with_service(test_a_key_of_the_service),
        with_token(test_session_cancel_ends_what_it_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
