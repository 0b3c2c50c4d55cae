/* Signatures by RSA and EC keys that live here: private ones that came in wrapped, public ones of C_CreateObject. */
#include "pkcs11/soft/soft.h"

#include "tests/pkcs11/soft/sign_test.h"
#include <openssl/core_names.h>
#include <openssl/x509.h>
#include <string.h>

static CK_KEY_TYPE ec_type = CKK_EC;
static unsigned char exponent[] = {1, 0, 1}, p256[] = {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7};
static unsigned char data[500] = "what is signed", signature[MOST_SIGNATURE];
static CK_ULONG size;

static struct bytes whole(void)
{
    return bytes_of(data, sizeof data);
}

/* The private half of a key of the service, as C_UnwrapKey would make it of its PKCS #8. */
static CK_OBJECT_HANDLE private_of(const char *name, CK_KEY_TYPE type, CK_BBOOL signs)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, private_class), ATTRIBUTE(CKA_KEY_TYPE, type),
                               ATTRIBUTE(CKA_SIGN, signs)};
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(fake_pair(fake, name));
    struct soft_session *owner = (struct soft_session *)session;
    struct local_key *key = NULL;
    CK_OBJECT_HANDLE handle = 0;
    unsigned char *der = NULL;
    int length = i2d_PKCS8_PRIV_KEY_INFO(info, &der);

    assert_rv(local_key_new(LOCAL_UNWRAPPED, CK_UNAVAILABLE_INFORMATION, template, COUNT(template), &key),
              CKR_OK);
    assert_rv(secret_copy(bytes_of(der, (size_t)length), &key->value->secret), CKR_OK);
    assert_rv(local_key_complete(key), CKR_OK);
    assert_rv(object_store_add_local(&owner->token->store, &owner->objects, key, &handle), CKR_OK);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    return handle;
}

static CK_OBJECT_HANDLE public_rsa(CK_BBOOL verifies)
{
    BIGNUM *n = NULL;
    unsigned char modulus[256];
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, public_class),
                               ATTRIBUTE(CKA_KEY_TYPE, rsa_type),
                               {CKA_MODULUS, modulus, sizeof modulus},
                               ATTRIBUTE(CKA_PUBLIC_EXPONENT, exponent),
                               ATTRIBUTE(CKA_VERIFY, verifies)};
    CK_OBJECT_HANDLE key = 0;

    assert_int_equal(EVP_PKEY_get_bn_param(fake_pair(fake, "kek"), OSSL_PKEY_PARAM_RSA_N, &n), 1);
    BN_bn2binpad(n, modulus, sizeof modulus);
    BN_free(n);
    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
    return key;
}

static CK_OBJECT_HANDLE public_ec(void)
{
    unsigned char point[67] = {4, 65};
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, public_class), ATTRIBUTE(CKA_KEY_TYPE, ec_type),
                               ATTRIBUTE(CKA_EC_PARAMS, p256), ATTRIBUTE(CKA_EC_POINT, point),
                               ATTRIBUTE(CKA_VERIFY, yes)};
    CK_OBJECT_HANDLE key = 0;
    size_t length;

    assert_int_equal(EVP_PKEY_get_octet_string_param(fake_pair(fake, "p256"), OSSL_PKEY_PARAM_PUB_KEY,
                                                     point + 2, 65, &length),
                     1);
    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
    return key;
}

static void test_local_keys_sign_and_verify(void **state)
{
    CK_OBJECT_HANDLE privates[] = {private_of("kek", CKK_RSA, CK_TRUE), private_of("p256", CKK_EC, CK_TRUE)};
    CK_OBJECT_HANDLE publics[] = {public_rsa(CK_TRUE), public_ec()};

    (void)state;
    for (unsigned i = 0; i < 9; i++) { /* RSA, and P-256 */
        CK_MECHANISM mechanism = hashing_ways[i].mechanism;
        struct bytes made = bytes_of(signature, i < 6 ? 256 : 64);

        assert_rv(sign_with(&mechanism, privates[i / 6], whole(), signature, &size), CKR_OK);
        assert_int_equal(size, made.size);
        assert_true(is_good(hashing_ways[i].key, hashing_ways[i].how, whole(), made));
        assert_rv(verify_with(&mechanism, publics[i / 6], whole(), made), CKR_OK);
        signature[40] ^= 1;
        assert_rv(verify_with(&mechanism, publics[i / 6], whole(), made), CKR_SIGNATURE_INVALID);
        assert_rv(verify_with(&mechanism, publics[i / 6], whole(), bytes_of(signature, 63)),
                  CKR_SIGNATURE_LEN_RANGE);
    }
    assert_int_equal(fake_count_all(fake), 0);
}

/* Only a key service wants a DigestInfo: PKCS#11 2.40, 2.1.6 of the mechanisms, does not. */
static void test_a_local_rsa_key_signs_any_data_that_fits(void **state)
{
    CK_OBJECT_HANDLE private = private_of("kek", CKK_RSA, CK_TRUE), public = public_rsa(CK_TRUE);
    static const size_t sizes[] = {1, 36, 51, 245};

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_rv(sign_with(&pkcs1, private, bytes_of(data, sizes[i]), signature, &size), CKR_OK);
        assert_rv(verify_with(&pkcs1, public, bytes_of(data, sizes[i]), bytes_of(signature, size)), CKR_OK);
    }
    assert_rv(sign_with(&pkcs1, private, bytes_of(data, 246), signature, &size), CKR_DATA_LEN_RANGE);
    assert_rv(verify_with(&pkcs1, public, bytes_of(data, 246), bytes_of(signature, 256)), CKR_DATA_LEN_RANGE);
}

static void test_digests_under_local_keys(void **state)
{
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    CK_OBJECT_HANDLE ec = private_of("p256", CKK_EC, CK_TRUE), rsa = private_of("kek", CKK_RSA, CK_TRUE);

    (void)state;
    assert_rv(sign_with(&ecdsa, ec, bytes_of(data, 64), signature, &size), CKR_OK);
    assert_rv(verify_with(&ecdsa, public_ec(), bytes_of(data, 64), bytes_of(signature, 64)), CKR_OK);
    assert_rv(verify_with(&ecdsa, public_ec(), bytes_of(data, 32), bytes_of(signature, 64)), CKR_OK);
    assert_rv(sign_with(&ecdsa, ec, bytes_of(data, 0), signature, &size), CKR_DATA_LEN_RANGE);
    assert_rv(sign_with(&pss[0], rsa, bytes_of(data, 31), signature, &size), CKR_DATA_LEN_RANGE);
    assert_rv(sign_with(&pss[0], rsa, bytes_of(data, 32), signature, &size), CKR_OK);
    assert_rv(verify_with(&pss[0], public_rsa(CK_TRUE), bytes_of(data, 32), bytes_of(signature, 256)),
              CKR_OK);
}

static void check_19_local_keys_do_what_their_template_says(void **state)
{
    CK_MECHANISM rsa = hashing_ways[0].mechanism, ecdsa = {CKM_ECDSA_SHA256, NULL, 0},
                 hmac = {CKM_SHA256_HMAC, NULL, 0};

    (void)state;
    assert_rv(CALL(sign_init, &rsa, private_of("kek", CKK_RSA, CK_FALSE)), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(verify_init, &rsa, public_rsa(CK_FALSE)), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(sign_init, &rsa, public_rsa(CK_TRUE)), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(sign_init, &ecdsa, private_of("kek", CKK_RSA, CK_TRUE)), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(sign_init, &rsa, private_of("p256", CKK_EC, CK_TRUE)), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(sign_init, &hmac, private_of("kek", CKK_RSA, CK_TRUE)), CKR_KEY_TYPE_INCONSISTENT);
}

/* As C_GetMechanismInfo says. */
static void test_a_short_key_verifies_nothing(void **state)
{
    unsigned char modulus[128] = {0x80, [127] = 1};
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, public_class), ATTRIBUTE(CKA_KEY_TYPE, rsa_type),
                               ATTRIBUTE(CKA_MODULUS, modulus), ATTRIBUTE(CKA_PUBLIC_EXPONENT, exponent),
                               ATTRIBUTE(CKA_VERIFY, yes)};
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
    assert_rv(CALL(verify_init, &pkcs1, key), CKR_KEY_SIZE_RANGE);
    for (unsigned i = 0; i < 6; i++) {
        CK_MECHANISM mechanism = hashing_ways[i].mechanism;

        assert_rv(CALL(verify_init, &mechanism, key), CKR_KEY_SIZE_RANGE);
    }
}

static void test_sizes_under_local_keys(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[0].mechanism;

    (void)state;
    assert_rv(CALL(sign_init, &mechanism, private_of("kek", CKK_RSA, CK_TRUE)), CKR_OK);
    assert_rv(CALL(sign, data, sizeof data, NULL, &size), CKR_OK);
    assert_int_equal(size, 256);
    size = 255;
    assert_rv(CALL(sign, data, sizeof data, signature, &size), CKR_BUFFER_TOO_SMALL);
    assert_rv(CALL(sign, data, sizeof data, signature, &size), CKR_OK);
    assert_true(is_good("kek", hashing_ways[0].how, whole(), bytes_of(signature, size)));
    assert_rv(CALL(sign_init, &mechanism, private_of("kek", CKK_RSA, CK_TRUE)), CKR_OK);
    assert_rv(CALL(sign_update, data, 250), CKR_OK);
    assert_rv(CALL(sign_update, data + 250, 250), CKR_OK);
    assert_rv(CALL(sign_final, signature, &size), CKR_OK);
    assert_true(is_good("kek", hashing_ways[0].how, whole(), bytes_of(signature, size)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_signers(test_local_keys_sign_and_verify),
        with_signers(test_a_local_rsa_key_signs_any_data_that_fits),
        with_signers(test_digests_under_local_keys),
        with_signers(check_19_local_keys_do_what_their_template_says),
        with_signers(test_a_short_key_verifies_nothing),
        with_signers(test_sizes_under_local_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
