/* Checks 4, 5, 10, 16, 18 and 25 with private keys that came in wrapped. */
#include "tests/pkcs11/soft/checks/checks.h"
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

enum { LONGEST_DER = 2048 };

static CK_MECHANISM key_wrap_pad = {CKM_AES_KEY_WRAP_KWP, NULL, 0};
static EVP_PKEY *rsa, *ec;
static CK_KEY_TYPE ec_type = CKK_EC;
static CK_OBJECT_HANDLE kek;
static unsigned char blob[LONGEST_DER + 16];

static int begin(void **state)
{
    rsa = EVP_RSA_gen(2048);
    ec = EVP_EC_gen("P-256");
    if (rsa == NULL || ec == NULL || soft_setup(state) != 0) {
        return -1;
    }
    kek = aes_key(DATA_KEY, 32);
    return 0;
}

static int end(void **state)
{
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    return soft_end(state);
}

/* PrivateKeyInfo. */
static struct buffer der_of(EVP_PKEY *pkey)
{
    struct buffer der = BUFFER_INIT(LONGEST_DER);
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    unsigned char *data = NULL;
    int size = i2d_PKCS8_PRIV_KEY_INFO(info, &data);

    assert_true(size > 0);
    assert_rv(buffer_append(&der, data, (size_t)size), CKR_OK);
    OPENSSL_free(data);
    PKCS8_PRIV_KEY_INFO_free(info);
    return der;
}

/* Any bytes under the KEK: they are wrapped as a generic secret. */
static CK_ULONG wrap_bytes(struct bytes bytes)
{
    unsigned char copy[LONGEST_DER];
    CK_ATTRIBUTE list[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                           ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                           ATTRIBUTE(CKA_EXTRACTABLE, yes),
                           {CKA_VALUE, copy, bytes.size}};
    CK_ULONG size = sizeof blob;
    CK_OBJECT_HANDLE key;

    memcpy(copy, bytes.data, bytes.size);
    assert_rv(CALL(create_object, list, COUNT(list), &key), CKR_OK);
    assert_rv(CALL(wrap_key, &key_wrap_pad, kek, key, blob, &size), CKR_OK);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    return size;
}

static CK_RV unwrap_private(struct bytes der, CK_KEY_TYPE type, const CK_ATTRIBUTE *more, CK_ULONG count,
                            CK_OBJECT_HANDLE *ret_key)
{
    CK_ULONG size = wrap_bytes(der);
    CK_ATTRIBUTE list[8] = {ATTRIBUTE(CKA_CLASS, private_class), ATTRIBUTE(CKA_KEY_TYPE, type)};

    if (count != 0) {
        memcpy(list + 2, more, count * sizeof *more);
    }
    return CALL(unwrap_key, &key_wrap_pad, kek, blob, size, list, 2 + count, ret_key);
}

static CK_OBJECT_HANDLE private_with(EVP_PKEY *pkey, CK_KEY_TYPE type, const CK_ATTRIBUTE *more,
                                     CK_ULONG count)
{
    struct buffer der = der_of(pkey);
    CK_OBJECT_HANDLE key = 0;

    assert_rv(unwrap_private(buffer_bytes(&der), type, more, count, &key), CKR_OK);
    buffer_free(&der);
    return key;
}

static void assert_number(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, CK_RV expected)
{
    unsigned char value[512];
    CK_OBJECT_CLASS class = 0;
    CK_ATTRIBUTE list[] = {{type, value, sizeof value}, ATTRIBUTE(CKA_CLASS, class)};
    CK_OBJECT_HANDLE found;

    assert_rv(CALL(get_attribute_value, key, list, 2), expected);
    assert_int_equal(list[0].ulValueLen == CK_UNAVAILABLE_INFORMATION, expected != CKR_OK);
    assert_int_equal(class, CKO_PRIVATE_KEY);
    if (expected == CKR_OK) { /* even then no find confirms a guess */
        assert_int_equal(find(list, 2, &found, 1), 0);
    }
}

static void assert_numbers(const CK_ATTRIBUTE *more, CK_ULONG count, CK_RV expected)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_PRIVATE_EXPONENT, CKA_PRIME_1,    CKA_PRIME_2,
                                              CKA_EXPONENT_1,       CKA_EXPONENT_2, CKA_COEFFICIENT};
    CK_OBJECT_HANDLE key = private_with(rsa, CKK_RSA, more, count);

    for (size_t i = 0; i < COUNT(types); i++) {
        assert_number(key, types[i], expected);
    }
    assert_number(private_with(ec, CKK_EC, more, count), CKA_VALUE, expected);
}

static void check_04_a_sensitive_private_key_tells_no_private_number(void **state)
{
    const CK_ATTRIBUTE more[] = {ATTRIBUTE(CKA_SENSITIVE, yes), ATTRIBUTE(CKA_EXTRACTABLE, yes)};

    (void)state;
    assert_numbers(more, 2, CKR_ATTRIBUTE_SENSITIVE);
    assert_numbers(NULL, 0, CKR_ATTRIBUTE_SENSITIVE); /* the default */
}

static void check_04_an_open_private_key_tells_them(void **state)
{
    const CK_ATTRIBUTE more[] = {ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, yes)};

    (void)state;
    assert_numbers(more, 2, CKR_OK);
}

static void check_05_nor_does_one_that_is_not_extractable(void **state)
{
    const CK_ATTRIBUTE more[] = {ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, no)};

    (void)state;
    assert_numbers(more, 2, CKR_ATTRIBUTE_SENSITIVE);
}

static void check_10_a_private_key_leaves_only_if_it_may(void **state)
{
    const CK_ATTRIBUTE more[] = {ATTRIBUTE(CKA_EXTRACTABLE, yes), ATTRIBUTE(CKA_WRAP_WITH_TRUSTED, yes)};
    CK_ULONG size = sizeof blob;

    (void)state;
    assert_rv(CALL(wrap_key, &key_wrap_pad, kek, private_with(rsa, CKK_RSA, NULL, 0), blob, &size),
              CKR_KEY_UNEXTRACTABLE);
    assert_rv(CALL(wrap_key, &key_wrap_pad, kek, private_with(rsa, CKK_RSA, more, 2), blob, &size),
              CKR_KEY_NOT_WRAPPABLE);
    assert_rv(CALL(wrap_key, &key_wrap_pad, kek, private_with(rsa, CKK_RSA, more, 1), blob, &size), CKR_OK);
}

/* Of another type, cut short, followed by something, or no key at all: one more bad blob each. */
static void check_16_what_is_no_such_private_key(void **state)
{
    struct buffer of_rsa = der_of(rsa), of_ec = der_of(ec), longer = BUFFER_INIT(LONGEST_DER);
    CK_OBJECT_HANDLE key = UNTOUCHED;

    (void)state;
    assert_rv(buffer_append(&longer, of_ec.data, of_ec.size), CKR_OK);
    assert_rv(buffer_append(&longer, "\0", 1), CKR_OK);
    const struct {
        struct bytes der;
        CK_KEY_TYPE type;
    } rows[] = {{buffer_bytes(&of_ec), CKK_RSA},
                {buffer_bytes(&of_rsa), CKK_EC},
                {bytes_of(of_rsa.data, of_rsa.size - 1), CKK_RSA},
                {bytes_of(of_ec.data, 1), CKK_EC},
                {buffer_bytes(&longer), CKK_EC},
                {bytes_of_text(DATA_KEY), CKK_RSA}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_rv(unwrap_private(rows[i].der, rows[i].type, NULL, 0, &key), CKR_WRAPPED_KEY_INVALID);
    }
    assert_int_equal(key, UNTOUCHED);
    buffer_free(&of_rsa);
    buffer_free(&of_ec);
    buffer_free(&longer);
}

/* Whoever knows a KEK's public half makes blobs of any content: each byte of a key is changed once. */
static void check_16_changed_private_keys(void **state)
{
    struct buffer der = der_of(ec);
    CK_OBJECT_HANDLE key;

    (void)state;
    for (size_t at = 0; at < der.size; at++) {
        der.data[at] ^= 0x41;
        assert_either(unwrap_private(buffer_bytes(&der), CKK_EC, NULL, 0, &key), CKR_OK,
                      CKR_WRAPPED_KEY_INVALID);
        der.data[at] ^= 0x41;
    }
    buffer_free(&der);
}

static void check_18_a_private_key_that_came_in_is_not_local(void **state)
{
    CK_OBJECT_HANDLE key = private_with(ec, CKK_EC, NULL, 0);

    (void)state;
    assert_true(flag_of(key, CKA_SENSITIVE));
    assert_false(flag_of(key, CKA_EXTRACTABLE));
    assert_false(flag_of(key, CKA_LOCAL));
    assert_false(flag_of(key, CKA_ALWAYS_SENSITIVE));
    assert_false(flag_of(key, CKA_NEVER_EXTRACTABLE));
    assert_false(flag_of(key, CKA_ALWAYS_AUTHENTICATE));
    assert_int_equal(number_of(key, CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION);
}

/* Neither the padding of RFC 5649, nor its length, nor what is inside has a code of its own. */
static void check_25_every_changed_padded_key_wrap_has_one_answer(void **state)
{
    CK_ATTRIBUTE list[] = {ATTRIBUTE(CKA_CLASS, private_class), ATTRIBUTE(CKA_KEY_TYPE, ec_type)};
    struct buffer der = der_of(ec);
    CK_ULONG size = wrap_bytes(buffer_bytes(&der));
    CK_OBJECT_HANDLE key = UNTOUCHED;

    (void)state;
    for (size_t at = 0; at < size; at++) {
        blob[at] ^= 0x10;
        assert_rv(CALL(unwrap_key, &key_wrap_pad, kek, blob, size, list, 2, &key), CKR_WRAPPED_KEY_INVALID);
        blob[at] ^= 0x10;
    }
    for (CK_ULONG length = 0; length < size; length++) {
        assert_rv(CALL(unwrap_key, &key_wrap_pad, kek, blob, length, list, 2, &key), CKR_WRAPPED_KEY_INVALID);
    }
    assert_int_equal(key, UNTOUCHED);
    assert_rv(CALL(unwrap_key, &key_wrap_pad, kek, blob, size, list, 2, &key), CKR_OK);
    buffer_free(&der);
}

#define with_keys(test) cmocka_unit_test_setup_teardown(test, begin, end)
static const struct CMUnitTest tests[] = {
    with_keys(check_04_a_sensitive_private_key_tells_no_private_number),
    with_keys(check_04_an_open_private_key_tells_them),
    with_keys(check_05_nor_does_one_that_is_not_extractable),
    with_keys(check_10_a_private_key_leaves_only_if_it_may),
    with_keys(check_16_what_is_no_such_private_key),
    with_keys(check_16_changed_private_keys),
    with_keys(check_18_a_private_key_that_came_in_is_not_local),
    with_keys(check_25_every_changed_padded_key_wrap_has_one_answer),
};

const struct room private_key_room = ROOM(tests);
