/* C_Sign by keys of the service: what is asked of it, how often, and what never reaches it. */
#include "tests/pkcs11/soft/sign_test.h"
#include <string.h>

static unsigned char data[1000] = "what is signed", signature[MOST_SIGNATURE], again[MOST_SIGNATURE];
static CK_ULONG size;

static struct bytes whole(void)
{
    return bytes_of(data, sizeof data);
}

static void test_what_hashes_signs_what_openssl_accepts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HASHING_WAYS; i++) {
        CK_MECHANISM mechanism = hashing_ways[i].mechanism;

        assert_rv(sign_with(&mechanism, signer(hashing_ways[i].key), whole(), signature, &size), CKR_OK);
        assert_true(is_good(hashing_ways[i].key, hashing_ways[i].how, whole(), bytes_of(signature, size)));
        signature[size - 1] ^= 1;
        assert_false(is_good(hashing_ways[i].key, hashing_ways[i].how, whole(), bytes_of(signature, size)));
    }
    assert_int_equal(fake_count(fake, FAKE_SIGN), HASHING_WAYS);
    assert_int_equal(fake_count(fake, FAKE_GET), 3); /* which curve it is; RSA needs no asking */
}

static void test_a_digest_info_is_signed(void **state)
{
    unsigned char info[128];

    (void)state;
    for (enum hash hash = HASH_SHA256; hash <= HASH_SHA512; hash++) {
        struct bytes input = bytes_of(info, digest_info_of(hash, whole(), info));

        assert_int_equal(input.size, 19 + hash_size(hash)); /* 51 by TLS, 83 by SSH */
        assert_rv(sign_with(&pkcs1, signer("kek"), input, signature, &size), CKR_OK);
        assert_int_equal(size, 256);
        assert_true(is_good("kek", (struct signature_way){SIGNATURE_PKCS1, hash}, whole(),
                            bytes_of(signature, size)));
    }
    assert_int_equal(fake_count_all(fake), 3);
}

static void test_a_digest_is_signed_by_pss(void **state)
{
    unsigned char digest[LONGEST_HASH];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        const struct signature_way how = {SIGNATURE_PSS, HASH_SHA256 + i};

        assert_rv(sign_with(&pss[i], signer("kek"), digest_of(how.hash, whole(), digest), signature, &size),
                  CKR_OK);
        assert_true(is_good("kek", how, whole(), bytes_of(signature, size)));
    }
}

/* Of whatever length: leftmost bits, zeros before. */
static void test_a_digest_is_signed_by_ecdsa(void **state)
{
    static const char *const keys[] = {"p256", "p384", "p521"};
    static const unsigned char longer[513];
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    unsigned char digest[LONGEST_HASH];

    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++) {
        for (enum hash hash = HASH_SHA1; hash <= HASH_SHA512; hash++) {
            struct bytes input = digest_of(hash, whole(), digest);

            assert_rv(sign_with(&ecdsa, signer(keys[i]), input, signature, &size), CKR_OK);
            assert_true(is_good(keys[i], (struct signature_way){SIGNATURE_ECDSA, hash}, whole(),
                                bytes_of(signature, size)));
        }
    }
    assert_rv(sign_with(&ecdsa, signer("p256"), bytes_of(data, 0), signature, &size), CKR_DATA_LEN_RANGE);
    assert_rv(sign_with(&ecdsa, signer("p521"), bytes_of(data, 65), signature, &size), CKR_DATA_LEN_RANGE);
    assert_rv(sign_with(&ecdsa, signer("p256"), bytes_of(longer, sizeof longer), signature, &size),
              CKR_DATA_LEN_RANGE);
    assert_int_equal(fake_count(fake, FAKE_SIGN), 15);
}

static void test_the_curve_is_guessed_where_the_service_does_not_tell(void **state)
{
    static const char *const keys[] = {"p256", "p384", "p521"};

    (void)state;
    fake_rule(fake, FAKE_GET, fake_refused);
    for (unsigned i = 0; i < 3; i++) {
        CK_MECHANISM mechanism = {CKM_ECDSA_SHA256 + i, NULL, 0};

        assert_rv(sign_with(&mechanism, signer(keys[i]), whole(), signature, &size), CKR_OK);
        assert_true(is_good(keys[i], (struct signature_way){SIGNATURE_ECDSA, HASH_SHA256 + i}, whole(),
                            bytes_of(signature, size)));
    }
}

static void test_the_curve_is_remembered_while_the_service_does_not_tell(void **state)
{
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};

    (void)state;
    assert_rv(sign_with(&mechanism, signer("p384"), whole(), signature, &size), CKR_OK);
    fake_rule(fake, FAKE_GET, fake_unreachable);
    assert_rv(sign_with(&mechanism, signer("p384"), whole(), signature, &size), CKR_OK);
    fake_add(fake, "p384", 384); /* whose public part is to be asked for */
    for (int i = 0; i < 2; i++) {
        assert_rv(sign_with(&mechanism, signer("p384"), whole(), signature, &size), CKR_OK);
    }
    assert_int_equal(fake_count(fake, FAKE_GET), 2);
    assert_true(is_good("p384", (struct signature_way){SIGNATURE_ECDSA, HASH_SHA256}, whole(),
                        bytes_of(signature, size)));
}

/* What a key service cannot sign as it is must not be signed as something else. */
static void check_32_what_is_no_digest_info_is_not_signed(void **state)
{
    unsigned char info[128],
        sha1[] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
    static const size_t sizes[] = {0, 1, 20, 32, 36, 50, 52, 64, 66, 68, 82, 84, 245, 256, 1000};
    size_t length = digest_info_of(HASH_SHA256, whole(), info);

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_rv(sign_with(&pkcs1, signer("kek"), bytes_of(data, sizes[i]), signature, &size),
                  CKR_DATA_LEN_RANGE);
    }
    for (size_t at = 0; at < 19; at++) {
        info[at] ^= 1;
        assert_rv(sign_with(&pkcs1, signer("kek"), bytes_of(info, length), signature, &size),
                  CKR_DATA_INVALID);
        info[at] ^= 1;
    }
    memcpy(data, sha1, sizeof sha1);
    assert_rv(sign_with(&pkcs1, signer("kek"), bytes_of(data, 35), signature, &size), CKR_DATA_LEN_RANGE);
    assert_int_equal(fake_count_all(fake), 0);
}

/* The service would write NULL parameters: the signature would be of other bytes. */
static void check_32_a_digest_info_without_parameters_is_not_signed(void **state)
{
    unsigned char info[] = {0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48,
                            0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20};

    (void)state;
    memcpy(data, info, sizeof info);
    assert_rv(sign_with(&pkcs1, signer("kek"), bytes_of(data, 49), signature, &size), CKR_DATA_LEN_RANGE);
    assert_int_equal(fake_count_all(fake), 0);
}

static void check_32_pss_has_one_form_for_each_hash(void **state)
{
    CK_RSA_PKCS_PSS_PARAMS wrong[] = {
        {CKM_SHA256, CKG_MGF1_SHA256, 222}, {CKM_SHA256, CKG_MGF1_SHA256, 0},
        {CKM_SHA256, CKG_MGF1_SHA256, 20},  {CKM_SHA256, CKG_MGF1_SHA384, 32},
        {CKM_SHA256, CKG_MGF1_SHA1, 32},    {CKM_SHA384, CKG_MGF1_SHA384, 32},
        {CKM_SHA_1, CKG_MGF1_SHA1, 20},     {CKM_SHA256, CKG_MGF1_SHA256, (CK_ULONG)-1}};
    CK_MECHANISM none = {CKM_RSA_PKCS_PSS, NULL, 0}, other = {CKM_SHA512_RSA_PKCS_PSS, NULL, 0};

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        CK_MECHANISM mechanism = {CKM_RSA_PKCS_PSS, &wrong[i], sizeof wrong[i]};

        assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_MECHANISM_PARAM_INVALID);
        assert_rv(CALL(verify_init, &mechanism, verifier("kek")), CKR_MECHANISM_PARAM_INVALID);
    }
    assert_rv(CALL(sign_init, &none, signer("kek")), CKR_MECHANISM_PARAM_INVALID);
    assert_rv(CALL(sign_init, &other, signer("kek")), CKR_MECHANISM_PARAM_INVALID);
    other.pParameter = pss[0].pParameter; /* SHA-256 under a mechanism that hashes with SHA-512 */
    other.ulParameterLen = pss[0].ulParameterLen;
    assert_rv(CALL(sign_init, &other, signer("kek")), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(fake_count_all(fake), 0);
}

static void check_32_pss_signs_a_digest_of_its_hash(void **state)
{
    static const size_t sizes[] = {0, 20, 31, 33, 48, 64};

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_rv(sign_with(&pss[0], signer("kek"), bytes_of(data, sizes[i]), signature, &size),
                  CKR_DATA_LEN_RANGE);
    }
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_mechanisms_that_do_not_sign(void **state)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_RSA_X_509,   CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS,
                                              CKM_ECDSA_SHA1,  CKM_RSA_PKCS_OAEP, CKM_SHA256,
                                              CKM_SHA224_HMAC, CKM_AES_CBC};

    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        CK_MECHANISM mechanism = {types[i], NULL, 0};

        assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_MECHANISM_INVALID);
        assert_rv(CALL(verify_init, &mechanism, verifier("kek")), CKR_MECHANISM_INVALID);
    }
}

static void test_a_size_query_costs_no_request(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[0].mechanism, ecdsa = {CKM_ECDSA_SHA256, NULL, 0};

    (void)state;
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_OK);
    size = 18446744073709551472UL; /* as GnuTLS leaves it */
    assert_rv(CALL(sign, data, sizeof data, NULL, &size), CKR_OK);
    assert_int_equal(size, 512); /* the most there can be */
    assert_rv(CALL(sign_init, &ecdsa, signer("p256")), CKR_OPERATION_ACTIVE);
    assert_int_equal(fake_count_all(fake), 0);
    assert_rv(CALL(sign, data, sizeof data, signature, &size), CKR_OK);
    assert_int_equal(size, 256);
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_OK);
    assert_rv(CALL(sign, data, sizeof data, NULL, &size), CKR_OK);
    assert_int_equal(size, 256); /* known by now */
    assert_int_equal(fake_count_all(fake), 1);
    assert_rv(CALL(sign_init, NULL, 0), CKR_OK);
    assert_rv(CALL(sign_init, &ecdsa, signer("p256")), CKR_OK);
    assert_rv(CALL(sign, data, sizeof data, NULL, &size), CKR_OK);
    assert_int_equal(size, 132);
    assert_int_equal(fake_count_all(fake), 1);
}

static void test_a_short_buffer_costs_no_second_request(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[3].mechanism; /* PSS: each signature is another */

    (void)state;
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_OK);
    size = 255;
    assert_rv(CALL(sign, data, sizeof data, signature, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, 256);
    assert_int_equal(fake_count(fake, FAKE_SIGN), 1); /* its size was not known */
    assert_rv(CALL(sign, data, sizeof data, NULL, &size), CKR_OK);
    assert_rv(CALL(sign, data, sizeof data, signature, &size), CKR_OK);
    assert_int_equal(fake_count(fake, FAKE_SIGN), 1);
    assert_true(is_good("kek", hashing_ways[3].how, whole(), bytes_of(signature, size)));
    assert_rv(CALL(sign, data, sizeof data, signature, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_OK);
    size = 255;
    assert_rv(CALL(sign, data, sizeof data, signature, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(fake_count(fake, FAKE_SIGN), 1); /* now it was */
}

static void test_other_data_after_a_short_buffer_is_signed_itself(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[0].mechanism;

    (void)state;
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_OK);
    size = 1;
    assert_rv(CALL(sign, data, sizeof data, signature, &size), CKR_BUFFER_TOO_SMALL);
    data[0] ^= 1;
    assert_rv(CALL(sign, data, sizeof data, signature, &size), CKR_OK);
    assert_true(is_good("kek", hashing_ways[0].how, whole(), bytes_of(signature, size)));
    assert_int_equal(fake_count(fake, FAKE_SIGN), 2);
}

static void sign_in_parts(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct bytes in, size_t step)
{
    assert_rv(CALL(sign_init, mechanism, key), CKR_OK);
    for (size_t at = 0; at < in.size; at += step) {
        size_t length = in.size - at < step ? in.size - at : step;

        assert_rv(CALL(sign_update, (CK_BYTE *)(uintptr_t)in.data + at, length), CKR_OK);
    }
    assert_rv(CALL(sign_final, NULL, &size), CKR_OK);
    size = sizeof again;
    assert_rv(CALL(sign_final, again, &size), CKR_OK);
    assert_rv(CALL(sign_final, again, &size), CKR_OPERATION_NOT_INITIALIZED);
}

static void test_parts_give_what_the_whole_gives(void **state)
{
    static const size_t steps[] = {1, 7, 64, 999, 1000};
    CK_MECHANISM mechanism = hashing_ways[0].mechanism;
    unsigned char info[128];
    struct bytes input = bytes_of(info, digest_info_of(HASH_SHA512, whole(), info));

    (void)state;
    for (size_t i = 0; i < COUNT(steps); i++) {
        assert_rv(sign_with(&mechanism, signer("kek"), whole(), signature, &size), CKR_OK);
        sign_in_parts(&mechanism, signer("kek"), whole(), steps[i]);
        assert_memory_equal(signature, again, 256);
        assert_rv(sign_with(&pkcs1, signer("kek"), input, signature, &size), CKR_OK);
        sign_in_parts(&pkcs1, signer("kek"), input, steps[i]);
        assert_memory_equal(signature, again, 256);
    }
    assert_rv(sign_with(&mechanism, signer("kek"), bytes_of(NULL, 0), signature, &size), CKR_OK);
    sign_in_parts(&mechanism, signer("kek"), bytes_of(NULL, 0), 1);
    assert_memory_equal(signature, again, 256);
}

static void test_a_short_buffer_at_the_end_of_parts(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[3].mechanism;

    (void)state;
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_OK);
    assert_rv(CALL(sign_update, data, 500), CKR_OK);
    assert_rv(CALL(sign_update, data + 500, 500), CKR_OK);
    size = 10;
    assert_rv(CALL(sign_final, signature, &size), CKR_BUFFER_TOO_SMALL);
    assert_rv(CALL(sign_update, data, 1), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(sign_final, NULL, &size), CKR_OK);
    assert_rv(CALL(sign_final, signature, &size), CKR_OK);
    assert_true(is_good("kek", hashing_ways[3].how, whole(), bytes_of(signature, size)));
    assert_int_equal(fake_count(fake, FAKE_SIGN), 1);
}

/* What waits is the end of parts, of which there were none, or a whole: the other call is out of order. */
static void test_a_result_that_waits_is_for_the_same_call(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[3].mechanism;

    (void)state;
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_OK);
    size = 10;
    assert_rv(CALL(sign_final, signature, &size), CKR_BUFFER_TOO_SMALL);
    assert_rv(CALL(sign, data, 1, signature, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(sign_final, signature, &size), CKR_OK);
    assert_true(is_good("kek", hashing_ways[3].how, bytes_of(data, 0), bytes_of(signature, size)));
    assert_int_equal(fake_count(fake, FAKE_SIGN), 1);
}

static void test_too_much_is_not_collected(void **state)
{
    (void)state;
    assert_rv(CALL(sign_init, &pkcs1, signer("kek")), CKR_OK);
    assert_rv(CALL(sign_update, data, 500), CKR_OK);
    assert_rv(CALL(sign_update, data, 500), CKR_DATA_LEN_RANGE);
    assert_rv(CALL(sign_final, signature, &size), CKR_OPERATION_NOT_INITIALIZED);
}

static void test_when_an_operation_ends(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[0].mechanism;

    (void)state;
    size = sizeof signature;
    assert_rv(CALL(sign, data, 1, signature, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(sign_update, data, 1), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(sign_init, NULL, 0), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_OK);
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_OPERATION_ACTIVE);
    assert_rv(CALL(verify_init, &mechanism, verifier("kek")), CKR_OK); /* each way its own */
    assert_rv(CALL(sign_update, data, 1), CKR_OK);
    assert_rv(CALL(sign, data, 1, signature, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(sign_update, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(sign_final, signature, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_OK);
    assert_rv(CALL(sign, NULL, 1, signature, &size), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_OK);
    assert_rv(CALL(sign, data, 1, signature, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_OK);
    assert_rv(CALL(sign_init, NULL, 0), CKR_OK); /* 3.0: cancelled */
    assert_rv(CALL(sign_final, signature, &size), CKR_OPERATION_NOT_INITIALIZED);
}

static void test_logout_ends_an_operation(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[0].mechanism;

    (void)state;
    assert_rv(CALL(login, CKU_USER, NULL, 0), CKR_OK);
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_OK);
    assert_rv(CALL(logout), CKR_OK);
    size = sizeof signature;
    assert_rv(CALL(sign, data, 1, signature, &size), CKR_OPERATION_NOT_INITIALIZED);
}

static void check_19_a_key_signs_only_where_its_owner_says_so(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[0].mechanism, ecdsa = {CKM_ECDSA, NULL, 0};
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};
    unsigned asked;

    (void)state;
    fake_version(fake, "kek")->uses_known = true;
    fake_version(fake, "kek")->uses = KEY_USE_WRAP | KEY_USE_UNWRAP;
    assert_rv(CALL(get_attribute_value, signer("kek"), &modulus, 1), CKR_OK);
    asked = fake_count_all(fake);
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(verify_init, &mechanism, verifier("kek")), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(sign_init, &ecdsa, signer("kek")), CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(fake_count_all(fake), asked);
}

static void test_wrong_keys(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[0].mechanism, hmac = {CKM_SHA256_HMAC, NULL, 0};

    (void)state;
    assert_rv(CALL(sign_init, &mechanism, 4711), CKR_KEY_HANDLE_INVALID);
    assert_rv(CALL(sign_init, &mechanism, verifier("kek")), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(verify_init, &mechanism, signer("kek")), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(sign_init, &mechanism, aes_key(data, 32)), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(sign_init, &hmac, signer("kek")), CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(fake_count_all(fake), 0);
}

static CK_RV sign_now(void)
{
    CK_MECHANISM mechanism = hashing_ways[0].mechanism;

    return sign_with(&mechanism, signer("kek"), whole(), signature, &size);
}

static void test_what_the_service_says_is_the_answer(void **state)
{
    CK_SESSION_INFO info;

    (void)state;
    fake_rule(fake, FAKE_SIGN, fake_refused);
    assert_rv(sign_now(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake_rule(fake, FAKE_SIGN, fake_unreachable);
    assert_rv(sign_now(), CKR_DEVICE_ERROR);
    assert_rv(CALL(get_session_info, &info), CKR_OK);
    assert_int_equal(info.ulDeviceError, 503);
    fake_rule(fake, FAKE_SIGN, (struct fake_rule){VERDICT_NONE, CKR_OK, 200});
    assert_rv(sign_now(), CKR_OK);
    fake_version(fake, "kek")->enabled = false;
    assert_rv(sign_now(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake_remove(fake, "kek");
    assert_rv(sign_now(), CKR_KEY_HANDLE_INVALID);
}

static void test_a_key_outside_its_dates_does_not_sign(void **state)
{
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};

    (void)state;
    fake_version(fake, "kek")->expires = 1000;
    assert_rv(CALL(get_attribute_value, signer("kek"), &modulus, 1), CKR_OK);
    assert_rv(sign_now(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_count(fake, FAKE_SIGN), 0);
}

/* The version in use is learned from the answer, as by a wrap. */
static void test_a_signature_tells_the_version(void **state)
{
    char version[64] = "";
    CK_ATTRIBUTE read = {CKA_BYOK_KEY_VERSION, version, sizeof version};

    (void)state;
    assert_rv(sign_now(), CKR_OK);
    fake_add(fake, "kek", 3072);
    assert_rv(sign_now(), CKR_OK); /* 384 bytes where 256 were expected */
    assert_int_equal(size, 384);
    assert_rv(CALL(get_attribute_value, signer("kek"), &read, 1), CKR_OK);
    assert_memory_equal(version, fake_version(fake, "kek")->version, 32);
}

static void check_38_a_signature_that_grew_waits(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[0].mechanism;

    (void)state;
    assert_rv(sign_now(), CKR_OK);
    fake_add(fake, "kek", 3072);
    assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_OK);
    size = 256;
    assert_rv(CALL(sign, data, sizeof data, signature, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, 384);
    assert_rv(CALL(sign, data, sizeof data, signature, &size), CKR_OK);
    assert_true(is_good("kek", hashing_ways[0].how, whole(), bytes_of(signature, size)));
    assert_int_equal(fake_count(fake, FAKE_SIGN), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_signers(test_what_hashes_signs_what_openssl_accepts),
        with_signers(test_a_digest_info_is_signed),
        with_signers(test_a_digest_is_signed_by_pss),
        with_signers(test_a_digest_is_signed_by_ecdsa),
        with_signers(test_the_curve_is_guessed_where_the_service_does_not_tell),
        with_signers(test_the_curve_is_remembered_while_the_service_does_not_tell),
        with_signers(check_32_what_is_no_digest_info_is_not_signed),
        with_signers(check_32_a_digest_info_without_parameters_is_not_signed),
        with_signers(check_32_pss_has_one_form_for_each_hash),
        with_signers(check_32_pss_signs_a_digest_of_its_hash),
        with_signers(test_mechanisms_that_do_not_sign),
        with_signers(test_a_size_query_costs_no_request),
        with_signers(test_a_short_buffer_costs_no_second_request),
        with_signers(test_other_data_after_a_short_buffer_is_signed_itself),
        with_signers(test_parts_give_what_the_whole_gives),
        with_signers(test_a_short_buffer_at_the_end_of_parts),
        with_signers(test_a_result_that_waits_is_for_the_same_call),
        with_signers(test_too_much_is_not_collected),
        with_signers(test_when_an_operation_ends),
        with_signers(test_logout_ends_an_operation),
        with_signers(check_19_a_key_signs_only_where_its_owner_says_so),
        with_signers(test_wrong_keys),
        with_signers(test_what_the_service_says_is_the_answer),
        with_signers(test_a_key_outside_its_dates_does_not_sign),
        with_signers(test_a_signature_tells_the_version),
        with_signers(check_38_a_signature_that_grew_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
