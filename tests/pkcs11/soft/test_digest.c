/* C_Digest and HMAC: known answers, parts, what a key's value is not given away by. */
#include "tests/pkcs11/soft/sign_test.h"
#include <pthread.h>
#include <string.h>

static unsigned char data[1000] = "abc", out[LONGEST_HASH], again[LONGEST_HASH];
static CK_ULONG size;

/* FIPS 180-4's "abc". */
static const struct known_digest {
    CK_MECHANISM_TYPE type;
    const char *digest;
} known_digests[] = {
    {CKM_SHA_1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {CKM_SHA224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
    {CKM_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {CKM_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                 "8086072ba1e7cc2358baeca134c825a7"},
    {CKM_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                 "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};

/* RFC 4231, test cases 1 and 2. */
static const struct known_mac {
    CK_MECHANISM_TYPE type;
    const char *macs[2];
} known_macs[] = {
    {CKM_SHA256_HMAC,
     {"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}},
    {CKM_SHA384_HMAC,
     {"afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
      "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"}},
    {CKM_SHA512_HMAC,
     {"87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
      "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
      "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}},
};

static void assert_hex(const unsigned char *got, CK_ULONG length, const char *hex)
{
    char text[2 * LONGEST_HASH + 1] = "";

    for (CK_ULONG i = 0; i < length; i++) {
        snprintf(text + 2 * i, 3, "%02x", got[i]);
    }
    assert_string_equal(text, hex);
}

static CK_RV digest_with(CK_MECHANISM_TYPE type, CK_ULONG length)
{
    CK_MECHANISM mechanism = {type, NULL, 0};

    size = sizeof out;
    assert_rv(CALL(digest_init, &mechanism), CKR_OK);
    return CALL(digest, data, length, out, &size);
}

static void test_known_digests(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(known_digests); i++) {
        assert_rv(digest_with(known_digests[i].type, 3), CKR_OK);
        assert_hex(out, size, known_digests[i].digest);
    }
}

static void test_a_digest_of_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(known_digests); i++) {
        CK_MECHANISM mechanism = {known_digests[i].type, NULL, 0};

        for (CK_ULONG step = 1; step < 200; step += 37) {
            assert_rv(digest_with(known_digests[i].type, sizeof data), CKR_OK);
            assert_rv(CALL(digest_init, &mechanism), CKR_OK);
            for (CK_ULONG at = 0; at < sizeof data; at += step) {
                assert_rv(CALL(digest_update, data + at, sizeof data - at < step ? sizeof data - at : step),
                          CKR_OK);
            }
            size = sizeof again;
            assert_rv(CALL(digest_final, again, &size), CKR_OK);
            assert_memory_equal(again, out, size);
        }
    }
}

static void test_digest_sizes(void **state)
{
    CK_MECHANISM mechanism = {CKM_SHA384, NULL, 0};

    (void)state;
    assert_rv(CALL(digest_init, &mechanism), CKR_OK);
    size = (CK_ULONG)-5;
    assert_rv(CALL(digest, data, 3, NULL, &size), CKR_OK);
    assert_int_equal(size, 48);
    size = 47;
    assert_rv(CALL(digest, data, 3, out, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, 48);
    assert_rv(CALL(digest, data, 3, out, &size), CKR_OK);
    assert_hex(out, size, known_digests[3].digest);
    assert_rv(CALL(digest_init, &mechanism), CKR_OK);
    assert_rv(CALL(digest_update, data, 3), CKR_OK);
    size = 0;
    assert_rv(CALL(digest_final, out, &size), CKR_BUFFER_TOO_SMALL);
    assert_rv(CALL(digest_final, NULL, &size), CKR_OK);
    assert_rv(CALL(digest_final, out, &size), CKR_OK);
    assert_hex(out, size, known_digests[3].digest);
}

static void test_when_a_digest_ends(void **state)
{
    CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0}, other = {CKM_SHA256_HMAC, NULL, 0},
                 parameter = {CKM_SHA256, data, 1};

    (void)state;
    size = sizeof out;
    assert_rv(CALL(digest, data, 3, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(digest_init, &other), CKR_MECHANISM_INVALID);
    assert_rv(CALL(digest_init, &parameter), CKR_MECHANISM_PARAM_INVALID);
    assert_rv(CALL(digest_init, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(digest_init, &mechanism), CKR_OK);
    assert_rv(CALL(digest_init, &mechanism), CKR_OPERATION_ACTIVE);
    assert_rv(CALL(digest_update, data, 3), CKR_OK);
    assert_rv(CALL(digest, data, 3, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(digest_final, out, &size), CKR_OK);
    assert_hex(out, size, known_digests[2].digest);
    assert_rv(CALL(digest_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(digest_init, &mechanism), CKR_OK);
    assert_rv(CALL(digest_update, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(digest_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(digest_init, &mechanism), CKR_OK);
    assert_rv(CALL(digest, data, 3, out, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(digest_init, &mechanism), CKR_OK);
    assert_rv(CALL(digest_init, NULL), CKR_OK); /* 3.0: cancelled */
    assert_rv(CALL(digest_update, data, 1), CKR_OPERATION_NOT_INITIALIZED);
}

static CK_RV make_secret(CK_KEY_TYPE type, const void *value, CK_ULONG length, CK_BBOOL sensitive,
                         CK_OBJECT_HANDLE *ret_key)
{
    unsigned char copy[64];
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, type),
                               {CKA_VALUE, copy, length},          ATTRIBUTE(CKA_SIGN, yes),
                               ATTRIBUTE(CKA_VERIFY, yes),         ATTRIBUTE(CKA_EXTRACTABLE, yes),
                               ATTRIBUTE(CKA_SENSITIVE, sensitive)};

    memcpy(copy, value, length);
    return CALL(create_object, template, COUNT(template), ret_key);
}

static CK_OBJECT_HANDLE secret(const void *value, CK_ULONG length)
{
    CK_OBJECT_HANDLE key = 0;

    assert_rv(make_secret(generic_type, value, length, CK_TRUE, &key), CKR_OK);
    return key;
}

static void check_28_only_values_that_may_be_seen_are_digested(void **state)
{
    CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               {CKA_VALUE, data, 3},
                               ATTRIBUTE(CKA_SENSITIVE, no),
                               ATTRIBUTE(CKA_EXTRACTABLE, no)};
    CK_OBJECT_HANDLE open = 0, hidden = 0;

    (void)state;
    assert_rv(make_secret(generic_type, "abc", 3, CK_FALSE, &open), CKR_OK);
    assert_rv(CALL(create_object, template, COUNT(template), &hidden), CKR_OK);
    assert_rv(CALL(digest_key, open), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(digest_init, &mechanism), CKR_OK);
    assert_rv(CALL(digest_key, secret("abc", 3)), CKR_KEY_INDIGESTIBLE);
    assert_rv(CALL(digest_key, hidden), CKR_KEY_INDIGESTIBLE);
    assert_rv(CALL(digest_key, signer("kek")), CKR_KEY_INDIGESTIBLE);
    assert_rv(CALL(digest_key, verifier("kek")), CKR_KEY_INDIGESTIBLE);
    assert_rv(CALL(digest_key, 4711), CKR_KEY_HANDLE_INVALID);
    assert_rv(CALL(digest_key, open), CKR_OK);
    assert_rv(CALL(get_operation_state, NULL, &size), CKR_STATE_UNSAVEABLE);
    size = sizeof out;
    assert_rv(CALL(digest_final, out, &size), CKR_OK);
    assert_hex(out, size, known_digests[2].digest);
}

static void test_known_macs(void **state)
{
    static const unsigned char first[20] = {11, 11, 11, 11, 11, 11, 11, 11, 11, 11,
                                            11, 11, 11, 11, 11, 11, 11, 11, 11, 11};
    CK_OBJECT_HANDLE keys[2] = {secret(first, 20), secret("Jefe", 4)};
    const struct bytes messages[2] = {bytes_of_text("Hi There"),
                                      bytes_of_text("what do ya want for nothing?")};

    (void)state;
    for (size_t i = 0; i < COUNT(known_macs); i++) {
        CK_MECHANISM mechanism = {known_macs[i].type, NULL, 0};

        for (unsigned test = 0; test < 2; test++) {
            unsigned char mac[MOST_SIGNATURE];

            assert_rv(sign_with(&mechanism, keys[test], messages[test], mac, &size), CKR_OK);
            assert_hex(mac, size, known_macs[i].macs[test]);
            assert_rv(verify_with(&mechanism, keys[test], messages[test], bytes_of(mac, size)), CKR_OK);
            assert_rv(verify_with(&mechanism, keys[!test], messages[test], bytes_of(mac, size)),
                      CKR_SIGNATURE_INVALID);
        }
    }
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_a_mac_that_was_changed(void **state)
{
    CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0};
    CK_OBJECT_HANDLE key = secret("Jefe", 4);
    unsigned char mac[MOST_SIGNATURE];
    struct bytes in = bytes_of(data, sizeof data);

    (void)state;
    assert_rv(sign_with(&mechanism, key, in, mac, &size), CKR_OK);
    assert_int_equal(size, 32);
    for (unsigned at = 0; at < 32; at++) {
        mac[at] ^= 0x10;
        assert_rv(verify_with(&mechanism, key, in, bytes_of(mac, 32)), CKR_SIGNATURE_INVALID);
        mac[at] ^= 0x10;
    }
    assert_rv(verify_with(&mechanism, key, in, bytes_of(mac, 31)), CKR_SIGNATURE_LEN_RANGE);
    assert_rv(verify_with(&mechanism, key, in, bytes_of(mac, 33)), CKR_SIGNATURE_LEN_RANGE);
    assert_rv(verify_with(&mechanism, key, bytes_of(data, 999), bytes_of(mac, 32)), CKR_SIGNATURE_INVALID);
    assert_rv(verify_with(&mechanism, key, in, bytes_of(mac, 32)), CKR_OK);
}

static void test_a_shorter_mac(void **state)
{
    CK_ULONG length = 16, none = 0, most = 33;
    CK_MECHANISM whole = {CKM_SHA256_HMAC, NULL, 0}, half = {CKM_SHA256_HMAC_GENERAL, &length, sizeof length},
                 empty = {CKM_SHA256_HMAC_GENERAL, &none, sizeof none},
                 longer = {CKM_SHA256_HMAC_GENERAL, &most, sizeof most},
                 missing = {CKM_SHA256_HMAC_GENERAL, NULL, 0};
    CK_OBJECT_HANDLE key = secret("Jefe", 4);
    unsigned char mac[MOST_SIGNATURE], shorter[MOST_SIGNATURE];
    struct bytes in = bytes_of(data, sizeof data);

    (void)state;
    assert_rv(sign_with(&whole, key, in, mac, &size), CKR_OK);
    assert_rv(sign_with(&half, key, in, shorter, &size), CKR_OK);
    assert_int_equal(size, 16);
    assert_memory_equal(mac, shorter, 16);
    assert_rv(verify_with(&half, key, in, bytes_of(shorter, 16)), CKR_OK);
    assert_rv(verify_with(&half, key, in, bytes_of(mac, 32)), CKR_SIGNATURE_LEN_RANGE);
    assert_rv(CALL(sign_init, &empty, key), CKR_MECHANISM_PARAM_INVALID);
    assert_rv(CALL(sign_init, &longer, key), CKR_MECHANISM_PARAM_INVALID);
    assert_rv(CALL(sign_init, &missing, key), CKR_MECHANISM_PARAM_INVALID);
}

static void test_a_mac_of_parts(void **state)
{
    CK_MECHANISM mechanism = {CKM_SHA512_HMAC, NULL, 0};
    CK_OBJECT_HANDLE key = secret("Jefe", 4);
    unsigned char mac[MOST_SIGNATURE];

    (void)state;
    assert_rv(sign_with(&mechanism, key, bytes_of(data, sizeof data), mac, &size), CKR_OK);
    assert_rv(CALL(sign_init, &mechanism, key), CKR_OK);
    for (CK_ULONG at = 0; at < sizeof data; at += 10) {
        assert_rv(CALL(sign_update, data + at, 10), CKR_OK);
    }
    size = 63;
    assert_rv(CALL(sign_final, again, &size), CKR_BUFFER_TOO_SMALL);
    assert_rv(CALL(sign_final, again, &size), CKR_OK);
    assert_memory_equal(again, mac, 64);
    assert_rv(CALL(verify_init, &mechanism, key), CKR_OK);
    assert_rv(CALL(verify_update, data, sizeof data), CKR_OK);
    assert_rv(CALL(verify_final, mac, 64), CKR_OK);
    assert_rv(sign_with(&mechanism, key, bytes_of(NULL, 0), mac, &size), CKR_OK);
    assert_rv(CALL(sign_init, &mechanism, key), CKR_OK);
    assert_rv(CALL(sign_final, again, &size), CKR_OK);
    assert_memory_equal(again, mac, 64);
}

static void test_keys_that_make_no_mac(void **state)
{
    CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0}, rsa = {CKM_SHA256_RSA_PKCS, NULL, 0};
    CK_KEY_TYPE for_sha256 = CKK_SHA256_HMAC, for_sha512 = CKK_SHA512_HMAC;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               {CKA_VALUE, data, 32},
                               ATTRIBUTE(CKA_VERIFY, yes)};
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    assert_rv(CALL(sign_init, &mechanism, aes_key(data, 32)), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(sign_init, &rsa, secret("Jefe", 4)), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(create_object, template, 4, &key), CKR_OK);
    assert_rv(CALL(sign_init, &mechanism, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(verify_init, &mechanism, key), CKR_OK);
    assert_rv(CALL(verify_init, NULL, 0), CKR_OK);
    assert_rv(make_secret(for_sha256, data, 32, CK_TRUE, &key), CKR_OK);
    assert_rv(CALL(sign_init, &mechanism, key), CKR_OK);
    assert_rv(CALL(sign_init, NULL, 0), CKR_OK);
    assert_rv(make_secret(for_sha512, data, 32, CK_TRUE, &key), CKR_OK);
    assert_rv(CALL(sign_init, &mechanism, key), CKR_KEY_TYPE_INCONSISTENT);
}

static void check_20_a_mechanism_that_the_key_does_not_allow(void **state)
{
    CK_MECHANISM_TYPE allowed = CKM_SHA512_HMAC;
    CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0}, other = {CKM_SHA512_HMAC, NULL, 0};
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               {CKA_VALUE, data, 32},
                               ATTRIBUTE(CKA_SIGN, yes),
                               ATTRIBUTE(CKA_ALLOWED_MECHANISMS, allowed)};
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
    assert_rv(CALL(sign_init, &mechanism, key), CKR_MECHANISM_INVALID);
    assert_rv(CALL(sign_init, &other, key), CKR_OK);
}

static void test_a_destroyed_key_ends_its_operation(void **state)
{
    CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0};
    CK_OBJECT_HANDLE key = secret("Jefe", 4);

    (void)state;
    assert_rv(CALL(sign_init, &mechanism, key), CKR_OK);
    assert_rv(CALL(sign_update, data, 10), CKR_OK);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    assert_rv(CALL(sign_final, out, &size), CKR_KEY_HANDLE_INVALID);
    assert_rv(CALL(sign_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
}

enum { THREADS = 8, ROUNDS = 200 };

static CK_OBJECT_HANDLE shared;

/* Returns its argument where all went well. */
static void *make_macs(void *arg)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_SHA256_HMAC, CKM_SHA384_HMAC, CKM_SHA512_HMAC};
    struct token_session *own = NULL;
    unsigned char mac[LONGEST_HASH];
    CK_RV rv = token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &own);

    for (int i = 0; rv == CKR_OK && i < ROUNDS; i++) {
        CK_MECHANISM mechanism = {types[i % 3], NULL, 0};
        CK_ULONG length = sizeof mac;

        rv = token->ops->sign_init(own, &mechanism, shared);
        rv = rv == CKR_OK ? token->ops->sign(own, data, sizeof data, mac, &length) : rv;
        rv = rv == CKR_OK ? token->ops->verify_init(own, &mechanism, shared) : rv;
        rv = rv == CKR_OK ? token->ops->verify(own, data, sizeof data, mac, length) : rv;
    }
    if (own != NULL) {
        token->ops->close_session(own);
    }
    return rv == CKR_OK ? arg : NULL;
}

static void test_many_threads_share_a_key(void **state)
{
    pthread_t threads[THREADS];
    void *result;

    (void)state;
    shared = secret("Jefe", 4);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_macs, data), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_known_digests),
        with_token(test_a_digest_of_parts),
        with_token(test_digest_sizes),
        with_token(test_when_a_digest_ends),
        with_token(check_28_only_values_that_may_be_seen_are_digested),
        with_token(test_known_macs),
        with_token(test_a_mac_that_was_changed),
        with_token(test_a_shorter_mac),
        with_token(test_a_mac_of_parts),
        with_token(test_keys_that_make_no_mac),
        with_token(check_20_a_mechanism_that_the_key_does_not_allow),
        with_token(test_a_destroyed_key_ends_its_operation),
        with_token(test_many_threads_share_a_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
