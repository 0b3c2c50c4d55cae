/* RSA and EC keys that live here: public ones by C_CreateObject, private ones as C_UnwrapKey makes them. */
#include "pkcs11/soft/soft.h"
#include "tests/pkcs11/soft/soft_test.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

static CK_KEY_TYPE ec_type = CKK_EC;
static unsigned char exponent[] = {1, 0, 1};
static unsigned char p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

static EVP_PKEY *rsa, *ec;

static int make_keys(void **state)
{
    (void)state;
    rsa = EVP_RSA_gen(2048);
    ec = EVP_EC_gen("P-256");
    return rsa == NULL || ec == NULL ? -1 : 0;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    return 0;
}

static size_t number(EVP_PKEY *pkey, const char *name, unsigned char *to)
{
    BIGNUM *bn = NULL;
    int size;

    assert_int_equal(EVP_PKEY_get_bn_param(pkey, name, &bn), 1);
    size = BN_bn2bin(bn, to);
    BN_clear_free(bn);
    return (size_t)size;
}

/* The point in its OCTET STRING. */
static size_t point_of(EVP_PKEY *pkey, unsigned char to[67])
{
    to[0] = 0x04;
    to[1] = 65;
    to[2] = 0x04;
    memset(to + 3, 0, 64);
    assert_int_equal(number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, to + 3) <= 32, 1);
    size_t x = number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, to + 3);
    memmove(to + 3 + 32 - x, to + 3, x);
    memset(to + 3, 0, 32 - x);
    unsigned char y[32];
    size_t size = number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, y);
    memcpy(to + 67 - size, y, size);
    return 67;
}

static CK_RV create_rsa(CK_ATTRIBUTE *more, CK_ULONG count, CK_OBJECT_HANDLE *ret_key)
{
    unsigned char modulus[256];
    CK_ATTRIBUTE template[8] = {ATTRIBUTE(CKA_CLASS, public_class),
                                ATTRIBUTE(CKA_KEY_TYPE, rsa_type),
                                {CKA_MODULUS, modulus, number(rsa, OSSL_PKEY_PARAM_RSA_N, modulus)},
                                ATTRIBUTE(CKA_PUBLIC_EXPONENT, exponent)};

    if (count != 0) {
        memcpy(template + 4, more, count * sizeof *more);
    }
    return CALL(create_object, template, 4 + count, ret_key);
}

static CK_RV create_ec(unsigned char *parameters, CK_ULONG parameters_size, unsigned char *point,
                       CK_ULONG size, CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, public_class),
                               ATTRIBUTE(CKA_KEY_TYPE, ec_type),
                               {CKA_EC_PARAMS, parameters, parameters_size},
                               {CKA_EC_POINT, point, size}};

    return CALL(create_object, template, COUNT(template), ret_key);
}

static struct bytes der_of(EVP_PKEY *pkey, unsigned char **ret_der)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    int size;

    *ret_der = NULL;
    size = i2d_PKCS8_PRIV_KEY_INFO(info, ret_der);
    PKCS8_PRIV_KEY_INFO_free(info);
    assert_true(size > 0);
    return bytes_of(*ret_der, (size_t)size);
}

/* As C_UnwrapKey does it. */
static CK_RV complete(CK_KEY_TYPE type, struct bytes der, CK_BBOOL sensitive, CK_BBOOL extractable,
                      struct local_key **ret_key)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, private_class), ATTRIBUTE(CKA_KEY_TYPE, type),
                               ATTRIBUTE(CKA_SENSITIVE, sensitive), ATTRIBUTE(CKA_EXTRACTABLE, extractable),
                               ATTRIBUTE(CKA_SIGN, yes)};
    CK_RV rv;

    assert_rv(local_key_new(LOCAL_UNWRAPPED, CK_UNAVAILABLE_INFORMATION, template, COUNT(template), ret_key),
              CKR_OK);
    assert_rv(secret_copy(der, &(*ret_key)->value->secret), CKR_OK);
    rv = local_key_complete(*ret_key);
    if (rv != CKR_OK) {
        local_key_free(*ret_key);
    }
    return rv;
}

static CK_OBJECT_HANDLE unwrapped(EVP_PKEY *pkey, CK_KEY_TYPE type, CK_BBOOL sensitive, CK_BBOOL extractable)
{
    struct soft_token *soft = (struct soft_token *)token;
    struct local_key *key = NULL;
    CK_OBJECT_HANDLE handle = 0;
    unsigned char *der;

    assert_rv(complete(type, der_of(pkey, &der), sensitive, extractable, &key), CKR_OK);
    OPENSSL_clear_free(der, 1);
    assert_rv(object_store_add_local(&soft->store, &((struct soft_session *)session)->objects, key, &handle),
              CKR_OK);
    return handle;
}

static CK_RV get(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG room,
                 CK_ULONG *ret_size)
{
    CK_ATTRIBUTE attribute = {type, value, room};
    CK_RV rv = CALL(get_attribute_value, object, &attribute, 1);

    *ret_size = attribute.ulValueLen;
    return rv;
}

static CK_BBOOL flag_of(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL flag = 7;
    CK_ULONG size;

    assert_rv(get(object, type, &flag, sizeof flag, &size), CKR_OK);
    return flag;
}

static void test_an_rsa_public_key_is_created_and_answers(void **state)
{
    CK_ATTRIBUTE verify = ATTRIBUTE(CKA_VERIFY, yes);
    unsigned char modulus[256], answer[512];
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG size, bits = 0;

    (void)state;
    assert_rv(create_rsa(&verify, 1, &key), CKR_OK);
    assert_rv(get(key, CKA_MODULUS, answer, sizeof answer, &size), CKR_OK);
    assert_int_equal(size, number(rsa, OSSL_PKEY_PARAM_RSA_N, modulus));
    assert_memory_equal(answer, modulus, size);
    assert_rv(get(key, CKA_MODULUS_BITS, &bits, sizeof bits, &size), CKR_OK);
    assert_int_equal(bits, 2048);
    assert_rv(get(key, CKA_PUBLIC_KEY_INFO, answer, sizeof answer, &size), CKR_OK);
    assert_int_equal(flag_of(key, CKA_VERIFY), CK_TRUE);
    assert_int_equal(flag_of(key, CKA_PRIVATE), CK_FALSE);
    assert_int_equal(flag_of(key, CKA_LOCAL), CK_FALSE);
    assert_rv(get(key, CKA_SENSITIVE, answer, sizeof answer, &size), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_rv(get(key, CKA_EC_POINT, answer, sizeof answer, &size), CKR_ATTRIBUTE_TYPE_INVALID);
}

static void test_an_ec_public_key_is_created_and_answers(void **state)
{
    unsigned char point[67], answer[128];
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG size;

    (void)state;
    assert_rv(create_ec(p256, sizeof p256, point, point_of(ec, point), &key), CKR_OK);
    assert_rv(get(key, CKA_EC_POINT, answer, sizeof answer, &size), CKR_OK);
    assert_int_equal(size, sizeof point);
    assert_memory_equal(answer, point, size);
    assert_rv(get(key, CKA_EC_PARAMS, answer, sizeof answer, &size), CKR_OK);
    assert_memory_equal(answer, p256, size);
    assert_rv(get(key, CKA_MODULUS, answer, sizeof answer, &size), CKR_ATTRIBUTE_TYPE_INVALID);
}

static void test_a_bare_point_is_taken(void **state)
{
    unsigned char point[67];
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    point_of(ec, point);
    assert_rv(create_ec(p256, sizeof p256, point + 2, 65, &key), CKR_OK);
}

static void test_a_point_off_its_curve_is_refused(void **state)
{
    unsigned char point[67], p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    point_of(ec, point);
    assert_rv(create_ec(p384, sizeof p384, point, sizeof point, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_rv(create_ec(p256, sizeof p256, point, sizeof point - 1, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    point[66] ^= 1;
    assert_rv(create_ec(p256, sizeof p256, point, sizeof point, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_rv(create_ec(p256, sizeof p256, NULL, 0, &key), CKR_ATTRIBUTE_VALUE_INVALID);
}

static void test_half_a_public_key_is_incomplete(void **state)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, public_class), ATTRIBUTE(CKA_KEY_TYPE, rsa_type),
                               ATTRIBUTE(CKA_PUBLIC_EXPONENT, exponent)};
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_TEMPLATE_INCOMPLETE);
}

static void test_numbers_of_both_types_are_inconsistent(void **state)
{
    CK_ATTRIBUTE parameters = ATTRIBUTE(CKA_EC_PARAMS, p256);
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    assert_rv(create_rsa(&parameters, 1, &key), CKR_TEMPLATE_INCONSISTENT);
}

static void test_what_only_private_keys_have_is_refused_of_a_public_one(void **state)
{
    CK_ATTRIBUTE sensitive = ATTRIBUTE(CKA_SENSITIVE, yes), sign = ATTRIBUTE(CKA_SIGN, yes);
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    assert_rv(create_rsa(&sensitive, 1, &key), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_rv(create_rsa(&sign, 1, &key), CKR_ATTRIBUTE_TYPE_INVALID);
}

static void test_a_token_key_is_refused(void **state)
{
    CK_ATTRIBUTE on_token = ATTRIBUTE(CKA_TOKEN, yes);
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    assert_rv(create_rsa(&on_token, 1, &key), CKR_TOKEN_WRITE_PROTECTED);
}

static void test_private_keys_are_not_created_from_numbers(void **state)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, private_class), ATTRIBUTE(CKA_KEY_TYPE, rsa_type)};
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_TEMPLATE_INCONSISTENT);
}

static void test_keys_of_a_session_are_found_by_class_and_die_with_it(void **state)
{
    CK_BBOOL on_token = CK_FALSE;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, public_class), ATTRIBUTE(CKA_TOKEN, on_token)};
    CK_OBJECT_HANDLE key = 0, found[4];
    CK_BYTE byte;
    CK_ULONG size;

    (void)state;
    assert_rv(create_rsa(NULL, 0, &key), CKR_OK);
    assert_int_equal(find(template, COUNT(template), found, COUNT(found)), 1);
    assert_int_equal(found[0], key);
    assert_int_equal(fake_count_all(fake), 0);
    assert_rv(token->ops->close_session(session), CKR_OK);
    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    assert_rv(get(key, CKA_TOKEN, &byte, 1, &size), CKR_OBJECT_HANDLE_INVALID);
}

static void test_a_private_key_that_was_unwrapped_answers(void **state)
{
    CK_OBJECT_HANDLE key = unwrapped(rsa, CKK_RSA, CK_TRUE, CK_FALSE);
    unsigned char answer[512];
    CK_ULONG size;

    (void)state;
    assert_rv(get(key, CKA_MODULUS, answer, sizeof answer, &size), CKR_OK);
    assert_int_equal(size, 256);
    assert_rv(get(key, CKA_PUBLIC_EXPONENT, answer, sizeof answer, &size), CKR_OK);
    assert_int_equal(flag_of(key, CKA_SIGN), CK_TRUE);
    assert_int_equal(flag_of(key, CKA_DECRYPT), CK_FALSE);
    assert_int_equal(flag_of(key, CKA_ALWAYS_AUTHENTICATE), CK_FALSE);
    assert_rv(get(key, CKA_MODULUS_BITS, answer, sizeof answer, &size), CKR_ATTRIBUTE_TYPE_INVALID);
}

/* SECURITY: checks 4, 5 and 18 for private keys. */
static void test_private_numbers_are_told_only_of_extractable_keys_that_are_not_sensitive(void **state)
{
    static const CK_ATTRIBUTE_TYPE numbers[] = {CKA_PRIVATE_EXPONENT, CKA_PRIME_1,    CKA_PRIME_2,
                                                CKA_EXPONENT_1,       CKA_EXPONENT_2, CKA_COEFFICIENT};
    CK_OBJECT_HANDLE open = unwrapped(rsa, CKK_RSA, CK_FALSE, CK_TRUE);
    CK_OBJECT_HANDLE sensitive = unwrapped(rsa, CKK_RSA, CK_TRUE, CK_TRUE);
    CK_OBJECT_HANDLE unextractable = unwrapped(rsa, CKK_RSA, CK_FALSE, CK_FALSE);
    unsigned char answer[256], d[256];
    CK_ULONG size;

    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        assert_rv(get(sensitive, numbers[i], answer, sizeof answer, &size), CKR_ATTRIBUTE_SENSITIVE);
        assert_true(size == CK_UNAVAILABLE_INFORMATION);
        assert_rv(get(unextractable, numbers[i], answer, sizeof answer, &size), CKR_ATTRIBUTE_SENSITIVE);
        assert_rv(get(open, numbers[i], answer, sizeof answer, &size), CKR_OK);
        assert_true(size >= 126);
    }
    assert_rv(get(open, CKA_PRIVATE_EXPONENT, answer, sizeof answer, &size), CKR_OK);
    assert_int_equal(size, number(rsa, OSSL_PKEY_PARAM_RSA_D, d));
    assert_memory_equal(answer, d, size);
    assert_int_equal(flag_of(sensitive, CKA_ALWAYS_SENSITIVE), CK_FALSE);
    assert_int_equal(flag_of(unextractable, CKA_NEVER_EXTRACTABLE), CK_FALSE);
    assert_int_equal(flag_of(open, CKA_LOCAL), CK_FALSE);
}

static void test_the_value_of_an_ec_private_key_follows_the_same_rule(void **state)
{
    CK_OBJECT_HANDLE open = unwrapped(ec, CKK_EC, CK_FALSE, CK_TRUE);
    CK_OBJECT_HANDLE sensitive = unwrapped(ec, CKK_EC, CK_TRUE, CK_FALSE);
    unsigned char answer[66], d[32];
    CK_ULONG size;

    (void)state;
    assert_rv(get(open, CKA_VALUE, answer, sizeof answer, &size), CKR_OK);
    assert_int_equal(size, number(ec, OSSL_PKEY_PARAM_PRIV_KEY, d));
    assert_memory_equal(answer, d, size);
    assert_rv(get(open, CKA_EC_POINT, answer, 0, &size), CKR_BUFFER_TOO_SMALL);
    assert_rv(get(sensitive, CKA_VALUE, answer, sizeof answer, &size), CKR_ATTRIBUTE_SENSITIVE);
    assert_rv(get(sensitive, CKA_PRIME_1, answer, sizeof answer, &size), CKR_ATTRIBUTE_TYPE_INVALID);
}

static void test_libcrypto_has_the_private_key(void **state)
{
    struct local_key *key = NULL;
    unsigned char *der;

    (void)state;
    assert_rv(complete(CKK_RSA, der_of(rsa, &der), CK_TRUE, CK_FALSE, &key), CKR_OK);
    OPENSSL_free(der);
    assert_int_equal(EVP_PKEY_eq(local_key_pkey(key), rsa), 1);
    assert_true(local_key_has(key, LOCAL_SIGN));
    assert_false(local_key_has(key, LOCAL_SIGN | LOCAL_DECRYPT));
    local_key_free(key);
}

static void test_what_is_no_private_key_or_another_one_is_a_bad_blob(void **state)
{
    struct local_key *key = NULL;
    unsigned char *der;
    struct bytes whole = der_of(rsa, &der), longer;
    unsigned char more[4096] = {0};

    (void)state;
    memcpy(more, whole.data, whole.size);
    longer = bytes_of(more, whole.size + 1);
    assert_rv(complete(CKK_EC, whole, CK_TRUE, CK_FALSE, &key), CKR_WRAPPED_KEY_INVALID);
    assert_rv(complete(CKK_RSA, longer, CK_TRUE, CK_FALSE, &key), CKR_WRAPPED_KEY_INVALID);
    assert_rv(complete(CKK_RSA, bytes_of(der, whole.size - 1), CK_TRUE, CK_FALSE, &key),
              CKR_WRAPPED_KEY_INVALID);
    assert_rv(complete(CKK_RSA, bytes_of(more, 0), CK_TRUE, CK_FALSE, &key), CKR_WRAPPED_KEY_INVALID);
    OPENSSL_free(der);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        with_token(test_an_rsa_public_key_is_created_and_answers),
        with_token(test_an_ec_public_key_is_created_and_answers),
        with_token(test_a_bare_point_is_taken),
        with_token(test_a_point_off_its_curve_is_refused),
        with_token(test_half_a_public_key_is_incomplete),
        with_token(test_numbers_of_both_types_are_inconsistent),
        with_token(test_what_only_private_keys_have_is_refused_of_a_public_one),
        with_token(test_a_token_key_is_refused),
        with_token(test_private_keys_are_not_created_from_numbers),
        with_token(test_keys_of_a_session_are_found_by_class_and_die_with_it),
        with_token(test_a_private_key_that_was_unwrapped_answers),
        with_token(test_private_numbers_are_told_only_of_extractable_keys_that_are_not_sensitive),
        with_token(test_the_value_of_an_ec_private_key_follows_the_same_rule),
        cmocka_unit_test(test_libcrypto_has_the_private_key),
        cmocka_unit_test(test_what_is_no_private_key_or_another_one_is_a_bad_blob),
    };

    return cmocka_run_group_tests_name("soft/key_pair", tests, make_keys, free_keys);
}
