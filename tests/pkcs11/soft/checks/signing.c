/* Checks 19, 20, 28 and 38 of signatures and digests, and operations that get in each other's way. */
#include "tests/pkcs11/soft/checks/checks.h"
#include "tests/pkcs11/soft/sign_test.h"
#include <string.h>

static unsigned char data[64], out[600], iv[16];
static CK_MECHANISM sha256_rsa = {CKM_SHA256_RSA_PKCS, NULL, 0}, sha256 = {CKM_SHA256, NULL, 0};
static CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0}, cbc = {CKM_AES_CBC_PAD, iv, 16};

static CK_OBJECT_HANDLE secret_with(CK_ATTRIBUTE *more, CK_ULONG count, CK_ULONG size)
{
    CK_ATTRIBUTE list[8] = {
        ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, generic_type), {CKA_VALUE, data, size}};
    CK_OBJECT_HANDLE key = 0;

    memcpy(list + 3, more, count * sizeof *more);
    assert_rv(CALL(create_object, list, 3 + count, &key), CKR_OK);
    return key;
}

static void check_19_a_secret_key_signs_only_where_it_may(void **state)
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP,  CKA_UNWRAP,
                                             CKA_SIGN,    CKA_VERIFY,  CKA_DERIVE};

    (void)state;
    for (size_t i = 0; i < COUNT(uses); i++) {
        CK_ATTRIBUTE more[] = {ATTRIBUTE(uses[i], yes)};
        CK_OBJECT_HANDLE key = secret_with(more, 1, 32);

        assert_rv(CALL(sign_init, &hmac, key), uses[i] == CKA_SIGN ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_rv(CALL(verify_init, &hmac, key),
                  uses[i] == CKA_VERIFY ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED);
        if (uses[i] == CKA_SIGN) {
            assert_rv(CALL(sign_init, NULL, 0), CKR_OK);
        }
        if (uses[i] == CKA_VERIFY) {
            assert_rv(CALL(verify_init, NULL, 0), CKR_OK);
        }
    }
}

static void check_20_no_padding_of_ones_own(void **state)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_RSA_X_509,         CKM_SHA1_RSA_PKCS, CKM_MD5_RSA_PKCS,
                                              CKM_SHA1_RSA_PKCS_PSS, CKM_RSA_X9_31,     CKM_ECDSA_SHA1};

    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        CK_MECHANISM mechanism = {types[i], NULL, 0};

        assert_false(lists(types[i], 0));
        assert_rv(CALL(sign_init, &mechanism, signer("kek")), CKR_MECHANISM_INVALID);
        assert_rv(CALL(verify_init, &mechanism, verifier("kek")), CKR_MECHANISM_INVALID);
    }
    assert_int_equal(fake_count_all(fake), 0);
}

static void check_20_a_signature_of_another_type_of_key(void **state)
{
    CK_MECHANISM ecdsa = {CKM_ECDSA_SHA256, NULL, 0};
    CK_OBJECT_HANDLE aes = aes_key(DATA_KEY, 32);
    CK_ATTRIBUTE point = {CKA_EC_POINT, NULL, 0}, modulus = {CKA_MODULUS, NULL, 0};

    (void)state;
    assert_rv(CALL(get_attribute_value, verifier("p256"), &point, 1), CKR_OK); /* both types are known now */
    assert_rv(CALL(get_attribute_value, verifier("kek"), &modulus, 1), CKR_OK);
    assert_rv(CALL(sign_init, &ecdsa, signer("kek")), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(sign_init, &sha256_rsa, signer("p256")), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(sign_init, &sha256_rsa, aes), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(sign_init, &hmac, aes), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(sign_init, &hmac, signer("kek")), CKR_KEY_TYPE_INCONSISTENT);
}

/* A digest of a short value tells it to whoever tries them all. */
static void check_28_a_value_that_may_not_be_seen_is_not_digested(void **state)
{
    CK_ATTRIBUTE hidden[] = {ATTRIBUTE(CKA_SENSITIVE, yes), ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    CK_ATTRIBUTE stays[] = {ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, no)};
    CK_ATTRIBUTE open[] = {ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    CK_ULONG size = sizeof out;

    (void)state;
    assert_rv(CALL(digest_init, &sha256), CKR_OK);
    assert_rv(CALL(digest_key, secret_with(hidden, 2, 1)), CKR_KEY_INDIGESTIBLE);
    assert_rv(CALL(digest_key, secret_with(stays, 2, 1)), CKR_KEY_INDIGESTIBLE);
    assert_rv(CALL(digest_key, signer("kek")), CKR_KEY_INDIGESTIBLE);
    assert_rv(CALL(digest_key, verifier("kek")), CKR_KEY_INDIGESTIBLE);
    assert_rv(CALL(digest_key, secret_with(open, 2, 1)), CKR_OK);
    assert_rv(CALL(digest_final, out, &size), CKR_OK);
}

/*
 * An HMAC under a short key confirms a guess as well, but only its owner makes a short one: none is cut out of
 * a longer one here (checks 17 and 27), and the key must be one that signs.
 */
static void check_28_no_long_key_becomes_a_short_one(void **state)
{
    struct buffer blob = sealed(RSA_PADDING_OAEP_SHA1, bytes_of_text(DATA_KEY));
    CK_OBJECT_HANDLE key = UNTOUCHED;

    (void)state;
    assert_rv(unwrap_as(CKK_GENERIC_SECRET, 1, &oaep_sha1, buffer_bytes(&blob), &key),
              CKR_WRAPPED_KEY_INVALID);
    assert_rv(unwrap_as(CKK_SHA256_HMAC, 1, &oaep_sha1, buffer_bytes(&blob), &key), CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(key, UNTOUCHED);
    buffer_free(&blob);
}

/* Five operations in one session, each in its own state. */
static void check_29_operations_side_by_side(void **state)
{
    CK_ATTRIBUTE more[] = {ATTRIBUTE(CKA_SIGN, yes), ATTRIBUTE(CKA_VERIFY, yes)};
    CK_OBJECT_HANDLE mac_key = secret_with(more, 2, 32), key = aes_key(DATA_KEY, 32);
    unsigned char mac[32], alone[32], cipher[96], digest[32];
    CK_ULONG mac_size = sizeof mac, size = sizeof cipher, digest_size = sizeof digest, rest;

    (void)state;
    assert_rv(sign_with(&hmac, mac_key, bytes_of(data, 64), out, &size), CKR_OK);
    memcpy(alone, out, 32);
    assert_rv(CALL(sign_init, &hmac, mac_key), CKR_OK);
    assert_rv(CALL(verify_init, &hmac, mac_key), CKR_OK);
    assert_rv(CALL(digest_init, &sha256), CKR_OK);
    assert_rv(CALL(encrypt_init, &cbc, key), CKR_OK);
    assert_rv(CALL(decrypt_init, &cbc, key), CKR_OK);
    for (int half = 0; half < 2; half++) {
        assert_rv(CALL(sign_update, data + 32 * half, 32), CKR_OK);
        assert_rv(CALL(verify_update, data + 32 * half, 32), CKR_OK);
        assert_rv(CALL(digest_update, data + 32 * half, 32), CKR_OK);
        size = 48;
        assert_rv(CALL(encrypt_update, data + 32 * half, 32, cipher + 32 * half, &size), CKR_OK);
    }
    assert_rv(CALL(destroy_object, aes_key(DATA_KEY, 16)), CKR_OK);
    assert_rv(CALL(sign_final, mac, &mac_size), CKR_OK);
    assert_memory_equal(mac, alone, 32);
    assert_rv(CALL(verify_final, mac, mac_size), CKR_OK);
    assert_rv(CALL(digest_final, digest, &digest_size), CKR_OK);
    rest = sizeof cipher;
    assert_rv(CALL(encrypt_final, out, &rest), CKR_OK);
    assert_rv(CALL(decrypt_init, NULL, 0), CKR_OK); /* was running all the time */
}

/* The key goes in mid-operation: the operation ends, and nothing of the key is used any more. */
static void check_29_a_key_destroyed_in_mid_operation(void **state)
{
    CK_ATTRIBUTE more[] = {ATTRIBUTE(CKA_SIGN, yes), ATTRIBUTE(CKA_VERIFY, yes)};
    CK_ULONG size = sizeof out;
    CK_OBJECT_HANDLE key = secret_with(more, 2, 32);

    (void)state;
    assert_rv(CALL(sign_init, &hmac, key), CKR_OK);
    assert_rv(CALL(verify_init, &hmac, key), CKR_OK);
    assert_rv(CALL(sign_update, data, 32), CKR_OK);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    assert_rv(CALL(sign_final, out, &size), CKR_KEY_HANDLE_INVALID);
    assert_rv(CALL(sign_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(verify, data, 32, out, 32), CKR_KEY_HANDLE_INVALID);
    assert_rv(CALL(verify, data, 32, out, 32), CKR_OPERATION_NOT_INITIALIZED);
}

/* A signature waits for a larger buffer: neither is anything added to what it is of, nor is that ended anew. */
static void assert_only_waits(CK_MECHANISM *mechanism)
{
    unsigned char info[128];
    size_t length = digest_info_of(HASH_SHA256, bytes_of(data, 64), info);
    CK_ULONG size = 10;

    assert_rv(CALL(sign_init, mechanism, signer("kek")), CKR_OK);
    assert_rv(CALL(sign, info, length, out, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, 256);
    assert_rv(CALL(sign_update, data, 8), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(sign_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(sign, info, length, out, &size), CKR_OK);
    assert_int_equal(fake_count(fake, FAKE_SIGN), 1);
}

static void check_38_nothing_is_added_to_a_digest_that_was_signed(void **state)
{
    (void)state;
    assert_only_waits(&sha256_rsa);
}

static void check_38_nothing_is_added_to_data_that_was_signed(void **state)
{
    (void)state;
    assert_only_waits(&pkcs1);
}

static const struct CMUnitTest tests[] = {
    with_signers(check_19_a_secret_key_signs_only_where_it_may),
    with_signers(check_20_no_padding_of_ones_own),
    with_signers(check_20_a_signature_of_another_type_of_key),
    with_signers(check_28_a_value_that_may_not_be_seen_is_not_digested),
    with_signers(check_28_no_long_key_becomes_a_short_one),
    with_signers(check_29_operations_side_by_side),
    with_signers(check_29_a_key_destroyed_in_mid_operation),
    with_signers(check_38_nothing_is_added_to_a_digest_that_was_signed),
    with_signers(check_38_nothing_is_added_to_data_that_was_signed),
};

const struct room signing_room = ROOM(tests);
