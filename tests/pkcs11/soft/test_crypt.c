/* C_Encrypt and C_Decrypt: AES-GCM, AES-CBC with padding, and RSA under a key of the service. */
#include "tests/pkcs11/soft/soft_test.h"
#include <string.h>

static unsigned char iv[16], aad[] = "about", plain[100], out[600], back[600];
static CK_GCM_PARAMS gcm_parameter = {iv, 12, 96, aad, sizeof aad, 128};
static CK_MECHANISM gcm = {CKM_AES_GCM, &gcm_parameter, sizeof gcm_parameter},
                    cbc = {CKM_AES_CBC_PAD, iv, 16};
static CK_ULONG size;

static CK_OBJECT_HANDLE key32(void)
{
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (unsigned char)i;
    }
    return aes_key("0123456789abcdef0123456789abcdef", 32);
}

static void seal(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_ULONG length)
{
    size = sizeof out;
    assert_rv(CALL(encrypt_init, mechanism, key), CKR_OK);
    assert_rv(CALL(encrypt, plain, length, out, &size), CKR_OK);
}

static CK_RV unseal(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_ULONG length, CK_ULONG *ret_size)
{
    *ret_size = sizeof back;
    assert_rv(CALL(decrypt_init, mechanism, key), CKR_OK);
    return CALL(decrypt, out, length, back, ret_size);
}

static void test_round_trips_of_every_length(void **state)
{
    CK_MECHANISM *ways[] = {&gcm, &cbc};
    CK_OBJECT_HANDLE key = key32();
    CK_ULONG got;

    (void)state;
    for (CK_ULONG length = 0; length < 70; length++) {
        for (size_t way = 0; way < COUNT(ways); way++) {
            seal(ways[way], key, length);
            assert_int_equal(size, way == 0 ? length + 16 : length / 16 * 16 + 16);
            assert_rv(unseal(ways[way], key, size, &got), CKR_OK);
            assert_int_equal(got, length);
            assert_memory_equal(back, plain, length);
        }
    }
}

/* SP 800-38D's test case 4 (McGrew and Viega). */
static void test_gcm_gives_a_known_answer(void **state)
{
    static const unsigned char key_value[] = {0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c,
                                              0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08};
    static const unsigned char wanted[] = {0x42, 0x83, 0x1e, 0xc2, 0x21, 0x77, 0x74, 0x24};
    unsigned char nonce[] = {0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88};
    unsigned char text[] = {0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5};
    CK_GCM_PARAMS parameter = {nonce, 12, 96, NULL, 0, 96};
    CK_MECHANISM mechanism = {CKM_AES_GCM, &parameter, sizeof parameter};

    (void)state;
    size = sizeof out;
    assert_rv(CALL(encrypt_init, &mechanism, aes_key(key_value, 16)), CKR_OK);
    assert_rv(CALL(encrypt, text, sizeof text, out, &size), CKR_OK);
    assert_int_equal(size, sizeof text + 12);
    assert_memory_equal(out, wanted, sizeof wanted);
}

static void test_gcm_releases_nothing_that_was_changed(void **state)
{
    static const unsigned char nothing[100];
    CK_OBJECT_HANDLE key = key32();
    CK_ULONG got;

    (void)state;
    for (int at = 0; at < 116; at += 23) {
        seal(&gcm, key, 100);
        out[at] ^= 0x80;
        memset(back, 0, sizeof back);
        assert_rv(unseal(&gcm, key, size, &got), CKR_ENCRYPTED_DATA_INVALID);
        assert_memory_equal(back, nothing, 100);
    }
    assert_rv(unseal(&gcm, key, 15, &got), CKR_ENCRYPTED_DATA_LEN_RANGE);
}

static void test_gcm_in_parts_releases_nothing_before_the_end(void **state)
{
    CK_OBJECT_HANDLE key = key32();
    CK_ULONG got;

    (void)state;
    seal(&gcm, key, 100);
    assert_rv(CALL(decrypt_init, &gcm, key), CKR_OK);
    for (CK_ULONG at = 0; at < size; at += 29) {
        got = sizeof back;
        assert_rv(CALL(decrypt_update, out + at, at + 29 > size ? size - at : 29, back, &got), CKR_OK);
        assert_int_equal(got, 0);
    }
    assert_rv(CALL(decrypt_final, NULL, &got), CKR_OK);
    assert_int_equal(got, 100);
    got = 99;
    assert_rv(CALL(decrypt_final, back, &got), CKR_BUFFER_TOO_SMALL);
    assert_rv(CALL(decrypt_final, back, &got), CKR_OK);
    assert_memory_equal(back, plain, 100);
    assert_rv(CALL(decrypt_final, back, &got), CKR_OPERATION_NOT_INITIALIZED);
}

static void in_parts(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_ULONG step, CK_ULONG *ret_size)
{
    CK_ULONG got, done = 0;

    assert_rv(CALL(encrypt_init, mechanism, key), CKR_OK);
    for (CK_ULONG at = 0; at < sizeof plain; at += step) {
        CK_ULONG length = at + step > sizeof plain ? sizeof plain - at : step;

        assert_rv(CALL(encrypt_update, plain + at, length, NULL, &got), CKR_OK);
        assert_rv(CALL(encrypt_update, plain + at, length, back + done, &got), CKR_OK);
        done += got;
    }
    assert_rv(CALL(encrypt_final, NULL, &got), CKR_OK);
    assert_rv(CALL(encrypt_final, back + done, &got), CKR_OK);
    *ret_size = done + got;
}

static void test_parts_give_what_the_whole_gives(void **state)
{
    CK_MECHANISM *ways[] = {&gcm, &cbc};
    CK_OBJECT_HANDLE key = key32();
    CK_ULONG got;

    (void)state;
    for (size_t way = 0; way < COUNT(ways); way++) {
        for (CK_ULONG step = 1; step < 50; step += 3) {
            seal(ways[way], key, sizeof plain);
            in_parts(ways[way], key, step, &got);
            assert_int_equal(got, size);
            assert_memory_equal(back, out, size);
        }
    }
}

static void test_cbc_is_decrypted_in_parts(void **state)
{
    CK_OBJECT_HANDLE key = key32();
    CK_ULONG got, done, wanted;

    (void)state;
    for (CK_ULONG step = 1; step < 60; step += 7) {
        seal(&cbc, key, sizeof plain);
        assert_rv(CALL(decrypt_init, &cbc, key), CKR_OK);
        done = 0;
        for (CK_ULONG at = 0; at < size; at += step) {
            CK_ULONG length = at + step > size ? size - at : step;

            assert_rv(CALL(decrypt_update, out + at, length, NULL, &wanted), CKR_OK);
            got = wanted;
            assert_rv(CALL(decrypt_update, out + at, length, back + done, &got), CKR_OK);
            assert_int_equal(got, wanted);
            done += got;
        }
        got = 1;
        assert_rv(CALL(decrypt_final, back + done, &got), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(done + got, sizeof plain);
        assert_rv(CALL(decrypt_final, back + done, &got), CKR_OK);
        assert_memory_equal(back, plain, sizeof plain);
    }
}

static void test_bad_padding_has_one_code(void **state)
{
    CK_OBJECT_HANDLE key = key32();
    CK_ULONG got;
    CK_RV rv;

    (void)state;
    seal(&cbc, key, 30); /* two blocks, 0x02 0x02 at the end */
    for (int change = 1; change < 256; change++) {
        out[15] ^= (unsigned char)change;
        rv = unseal(&cbc, key, 32, &got);
        assert_true(rv == CKR_ENCRYPTED_DATA_INVALID || (change == 3 && rv == CKR_OK)); /* 0x01 */
        got = 17; /* a tight buffer has the same code */
        assert_rv(CALL(decrypt_init, &cbc, key), CKR_OK);
        rv = CALL(decrypt, out, 32, back, &got);
        assert_true(rv == CKR_ENCRYPTED_DATA_INVALID || (change == 3 && rv == CKR_BUFFER_TOO_SMALL));
        assert_rv(CALL(decrypt_init, NULL, key), rv == CKR_BUFFER_TOO_SMALL ? CKR_OK : CKR_ARGUMENTS_BAD);
        out[15] ^= (unsigned char)change;
    }
    assert_rv(unseal(&cbc, key, 31, &got), CKR_ENCRYPTED_DATA_LEN_RANGE);
    assert_rv(unseal(&cbc, key, 0, &got), CKR_ENCRYPTED_DATA_LEN_RANGE);
}

static void test_a_tight_buffer_is_enough_for_cbc(void **state)
{
    CK_OBJECT_HANDLE key = key32();
    CK_ULONG got = 29;

    (void)state;
    seal(&cbc, key, 30);
    assert_rv(CALL(decrypt_init, &cbc, key), CKR_OK);
    assert_rv(CALL(decrypt, out, 32, back, &got), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(got, 30);
    assert_rv(CALL(decrypt, out, 32, back, &got), CKR_OK);
    assert_memory_equal(back, plain, 30);
}

/* What did not fit is not given out for another ciphertext, whatever its size. */
static void test_other_data_after_a_tight_buffer_is_decrypted_itself(void **state)
{
    static const CK_ULONG lengths[] = {30, 17, 60};
    unsigned char first[64];
    CK_OBJECT_HANDLE key = key32();
    CK_ULONG got;

    (void)state;
    seal(&cbc, key, 30);
    memcpy(first, out, 32);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        plain[0] ^= 0xff;
        seal(&cbc, key, lengths[i]);
        assert_rv(CALL(decrypt_init, &cbc, key), CKR_OK);
        got = 29;
        assert_rv(CALL(decrypt, first, 32, back, &got), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(got, 30);
        got = lengths[i]; /* tight again, but enough */
        assert_rv(CALL(decrypt, out, size, back, &got), CKR_OK);
        assert_int_equal(got, lengths[i]);
        assert_memory_equal(back, plain, lengths[i]);
        assert_rv(CALL(decrypt, out, size, back, &got), CKR_OPERATION_NOT_INITIALIZED);
    }
}

static void test_bad_data_after_a_tight_buffer_is_refused(void **state)
{
    CK_OBJECT_HANDLE key = key32();
    CK_ULONG got = 29;

    (void)state;
    seal(&cbc, key, 30);
    assert_rv(CALL(decrypt_init, &cbc, key), CKR_OK);
    assert_rv(CALL(decrypt, out, 32, back, &got), CKR_BUFFER_TOO_SMALL);
    out[15] ^= 0x80;
    got = sizeof back;
    assert_rv(CALL(decrypt, out, 32, back, &got), CKR_ENCRYPTED_DATA_INVALID);
    assert_rv(CALL(decrypt, out, 32, back, &got), CKR_OPERATION_NOT_INITIALIZED);
}

static void test_other_data_after_a_short_buffer_is_decrypted_itself_by_gcm(void **state)
{
    unsigned char first[64];
    CK_OBJECT_HANDLE key = key32();
    CK_ULONG got = 29;

    (void)state;
    seal(&gcm, key, 30);
    memcpy(first, out, 46);
    plain[0] ^= 0xff;
    seal(&gcm, key, 30);
    assert_rv(CALL(decrypt_init, &gcm, key), CKR_OK);
    assert_rv(CALL(decrypt, first, 46, back, &got), CKR_BUFFER_TOO_SMALL);
    assert_rv(CALL(decrypt, out, 46, back, &got), CKR_OK);
    assert_memory_equal(back, plain, 30);
}

static void test_data_may_be_replaced_in_place(void **state)
{
    CK_OBJECT_HANDLE key = key32();
    CK_ULONG got = sizeof out;

    (void)state;
    seal(&gcm, key, 100);
    assert_rv(CALL(decrypt_init, &gcm, key), CKR_OK);
    assert_rv(CALL(decrypt, out, size, out, &got), CKR_OK);
    assert_memory_equal(out, plain, 100);
}

static void test_size_queries_leave_the_operation(void **state)
{
    CK_OBJECT_HANDLE key = key32();

    (void)state;
    assert_rv(CALL(encrypt_init, &gcm, key), CKR_OK);
    size = (CK_ULONG)-3;
    assert_rv(CALL(encrypt, plain, 10, NULL, &size), CKR_OK);
    assert_int_equal(size, 26);
    size = 25;
    assert_rv(CALL(encrypt, plain, 10, out, &size), CKR_BUFFER_TOO_SMALL);
    assert_rv(CALL(encrypt, plain, 10, out, &size), CKR_OK);
    assert_rv(CALL(encrypt, plain, 10, out, &size), CKR_OPERATION_NOT_INITIALIZED);
}

static void test_operations_out_of_order(void **state)
{
    CK_OBJECT_HANDLE key = key32();

    (void)state;
    size = sizeof out;
    assert_rv(CALL(encrypt, plain, 1, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(encrypt_update, plain, 1, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(encrypt_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(encrypt_init, &gcm, key), CKR_OK);
    assert_rv(CALL(encrypt_init, &gcm, key), CKR_OPERATION_ACTIVE);
    assert_rv(CALL(decrypt_init, &gcm, key), CKR_OK);
    assert_rv(CALL(encrypt_update, plain, 1, out, &size), CKR_OK);
    assert_rv(CALL(encrypt, plain, 1, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(encrypt_init, NULL, 0), CKR_OK); /* 3.0: cancelled */
    assert_rv(CALL(encrypt_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(encrypt_init, &gcm, key), CKR_OK);
    assert_rv(CALL(encrypt, NULL, 1, out, &size), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(encrypt_init, &gcm, key), CKR_OK);
    assert_rv(CALL(encrypt, plain, 1, out, NULL), CKR_ARGUMENTS_BAD);
}

static void test_bad_parameters(void **state)
{
    CK_GCM_PARAMS none = {NULL, 12, 96, NULL, 0, 128}, empty = {iv, 0, 0, NULL, 0, 128},
                  long_tag = {iv, 12, 96, NULL, 0, 136}, short_tag = {iv, 12, 96, NULL, 0, 8},
                  bits = {iv, 12, 95, NULL, 0, 128}, no_aad = {iv, 12, 96, NULL, 5, 128};
    CK_GCM_PARAMS *wrong[] = {&none, &empty, &long_tag, &short_tag, &bits, &no_aad};
    CK_MECHANISM cbc_short = {CKM_AES_CBC_PAD, iv, 15}, cbc_none = {CKM_AES_CBC_PAD, NULL, 0};
    CK_MECHANISM gcm_short = {CKM_AES_GCM, &gcm_parameter, sizeof gcm_parameter - 1},
                 xcbc = {CKM_AES_XCBC_MAC, NULL, 0};
    CK_OBJECT_HANDLE key = key32();

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        CK_MECHANISM mechanism = {CKM_AES_GCM, wrong[i], sizeof *wrong[i]};

        assert_rv(CALL(encrypt_init, &mechanism, key), CKR_MECHANISM_PARAM_INVALID);
    }
    assert_rv(CALL(encrypt_init, &cbc_short, key), CKR_MECHANISM_PARAM_INVALID);
    assert_rv(CALL(encrypt_init, &cbc_none, key), CKR_MECHANISM_PARAM_INVALID);
    assert_rv(CALL(encrypt_init, &gcm_short, key), CKR_MECHANISM_PARAM_INVALID);
    assert_rv(CALL(encrypt_init, &xcbc, key), CKR_MECHANISM_INVALID);
}

static void test_wrong_keys(void **state)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               {CKA_VALUE, plain, 16},
                               ATTRIBUTE(CKA_ENCRYPT, yes)};
    CK_OBJECT_HANDLE generic, aes = key32();

    (void)state;
    assert_rv(CALL(create_object, template, 4, &generic), CKR_OK);
    assert_rv(CALL(encrypt_init, &gcm, generic), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(encrypt_init, &gcm, 4711), CKR_KEY_HANDLE_INVALID);
    assert_rv(CALL(encrypt_init, &gcm, the(CKO_PUBLIC_KEY, "kek")), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(encrypt_init, &oaep_sha1, aes), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(encrypt_init, &oaep_sha1, the(CKO_PRIVATE_KEY, "kek")), CKR_KEY_FUNCTION_NOT_PERMITTED);
    template[1].pValue = &aes_type;
    assert_rv(CALL(create_object, template, 4, &aes), CKR_OK);
    assert_rv(CALL(decrypt_init, &gcm, aes), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_a_destroyed_key_ends_its_operation(void **state)
{
    CK_OBJECT_HANDLE key = key32();

    (void)state;
    size = sizeof out;
    assert_rv(CALL(encrypt_init, &gcm, key), CKR_OK);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    assert_rv(CALL(encrypt, plain, 1, out, &size), CKR_KEY_HANDLE_INVALID);
    assert_rv(CALL(encrypt, plain, 1, out, &size), CKR_OPERATION_NOT_INITIALIZED);
}

static void test_rsa_round_trips(void **state)
{
    CK_MECHANISM *ways[] = {&oaep_sha1, &oaep_sha256, &pkcs1};
    CK_OBJECT_HANDLE public = the(CKO_PUBLIC_KEY, "kek"), private = the(CKO_PRIVATE_KEY, "kek");
    CK_ULONG got;

    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        seal(ways[i], public, 50);
        assert_int_equal(size, 256);
        assert_rv(unseal(ways[i], private, size, &got), CKR_OK);
        assert_int_equal(got, 50);
        assert_memory_equal(back, plain, 50);
    }
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
    assert_int_equal(fake_count(fake, FAKE_ENCRYPT), 0);
    assert_int_equal(fake_count(fake, FAKE_DECRYPT), 3);
}

static void test_without_get_the_service_encrypts(void **state)
{
    (void)state;
    fake_rule(fake, FAKE_GET, fake_refused);
    seal(&oaep_sha1, the(CKO_PUBLIC_KEY, "kek"), 50);
    assert_int_equal(fake_count(fake, FAKE_ENCRYPT), 1);
}

static void test_a_size_query_of_rsa_costs_nothing(void **state)
{
    CK_ULONG got = (CK_ULONG)-9;

    (void)state;
    assert_rv(CALL(decrypt_init, &oaep_sha1, the(CKO_PRIVATE_KEY, "kek")), CKR_OK);
    assert_rv(CALL(decrypt, out, 256, NULL, &got), CKR_OK);
    assert_int_equal(got, 512);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_a_result_that_did_not_fit_is_not_asked_for_again(void **state)
{
    CK_ULONG got = 49;

    (void)state;
    seal(&oaep_sha1, the(CKO_PUBLIC_KEY, "kek"), 50);
    assert_rv(CALL(decrypt_init, &oaep_sha1, the(CKO_PRIVATE_KEY, "kek")), CKR_OK);
    assert_rv(CALL(decrypt, out, 256, back, &got), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(got, 50);
    assert_rv(CALL(decrypt, out, 256, NULL, &got), CKR_OK);
    assert_rv(CALL(decrypt, out, 256, back, &got), CKR_OK);
    assert_memory_equal(back, plain, 50);
    assert_int_equal(fake_count(fake, FAKE_DECRYPT), 1);
}

static void test_rsa_in_parts(void **state)
{
    CK_ULONG got = sizeof back;

    (void)state;
    seal(&pkcs1, the(CKO_PUBLIC_KEY, "kek"), 50);
    assert_rv(CALL(decrypt_init, &pkcs1, the(CKO_PRIVATE_KEY, "kek")), CKR_OK);
    assert_rv(CALL(decrypt_update, out, 100, back, &got), CKR_OK);
    assert_int_equal(got, 0);
    assert_rv(CALL(decrypt_update, out + 100, 156, back, &got), CKR_OK);
    got = 10;
    assert_rv(CALL(decrypt_final, back, &got), CKR_BUFFER_TOO_SMALL);
    assert_rv(CALL(decrypt_final, back, &got), CKR_OK);
    assert_int_equal(got, 50);
    assert_memory_equal(back, plain, 50);
    assert_int_equal(fake_count(fake, FAKE_DECRYPT), 1);
}

static void test_bad_rsa_data(void **state)
{
    CK_OBJECT_HANDLE public = the(CKO_PUBLIC_KEY, "kek"), private = the(CKO_PRIVATE_KEY, "kek");
    CK_ULONG got = sizeof back;

    (void)state;
    seal(&oaep_sha1, public, 50);
    out[9] ^= 1;
    assert_rv(unseal(&oaep_sha1, private, 256, &got), CKR_ENCRYPTED_DATA_INVALID);
    assert_rv(unseal(&oaep_sha1, private, 255, &got), CKR_ENCRYPTED_DATA_INVALID);
    assert_rv(unseal(&oaep_sha1, private, 600, &got), CKR_ENCRYPTED_DATA_INVALID);
    assert_int_equal(fake_count(fake, FAKE_DECRYPT), 1);
    assert_rv(CALL(encrypt_init, &oaep_sha1, public), CKR_OK);
    assert_rv(CALL(encrypt, out, 215, back, &(CK_ULONG){512}), CKR_DATA_LEN_RANGE);
}

static void test_a_refused_decrypt(void **state)
{
    CK_ULONG got;

    (void)state;
    seal(&oaep_sha1, the(CKO_PUBLIC_KEY, "kek"), 50);
    fake_rule(fake, FAKE_DECRYPT, fake_refused);
    assert_rv(unseal(&oaep_sha1, the(CKO_PRIVATE_KEY, "kek"), 256, &got), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_round_trips_of_every_length),
        with_token(test_gcm_gives_a_known_answer),
        with_token(test_gcm_releases_nothing_that_was_changed),
        with_token(test_gcm_in_parts_releases_nothing_before_the_end),
        with_token(test_parts_give_what_the_whole_gives),
        with_token(test_cbc_is_decrypted_in_parts),
        with_token(test_bad_padding_has_one_code),
        with_token(test_a_tight_buffer_is_enough_for_cbc),
        with_token(test_other_data_after_a_tight_buffer_is_decrypted_itself),
        with_token(test_bad_data_after_a_tight_buffer_is_refused),
        with_token(test_other_data_after_a_short_buffer_is_decrypted_itself_by_gcm),
        with_token(test_data_may_be_replaced_in_place),
        with_token(test_size_queries_leave_the_operation),
        with_token(test_operations_out_of_order),
        with_token(test_bad_parameters),
        with_token(test_wrong_keys),
        with_token(test_a_destroyed_key_ends_its_operation),
        with_token(test_rsa_round_trips),
        with_token(test_without_get_the_service_encrypts),
        with_token(test_a_size_query_of_rsa_costs_nothing),
        with_token(test_a_result_that_did_not_fit_is_not_asked_for_again),
        with_token(test_rsa_in_parts),
        with_token(test_bad_rsa_data),
        with_token(test_a_refused_decrypt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
