/* Keys of the service that are not RSA: EC pairs, symmetric keys. And what RSA keys may be used for. */
#include "tests/fake_aes.h"
#include "tests/pkcs11/soft/soft_test.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

static void test_ec_keys_are_found_by_their_type(void **state)
{
    CK_KEY_TYPE ec_type = CKK_EC;
    CK_ATTRIBUTE rsa[] = {ATTRIBUTE(CKA_CLASS, private_class), ATTRIBUTE(CKA_KEY_TYPE, rsa_type)};
    CK_ATTRIBUTE ec[] = {ATTRIBUTE(CKA_CLASS, private_class), ATTRIBUTE(CKA_KEY_TYPE, ec_type)};
    CK_ATTRIBUTE all[] = {ATTRIBUTE(CKA_CLASS, private_class)};
    CK_OBJECT_HANDLE found[8];

    (void)state;
    fake_add(fake, "ec", 256);
    assert_int_equal(find(rsa, COUNT(rsa), found, COUNT(found)), 1);
    assert_int_equal(found[0], the(CKO_PRIVATE_KEY, "kek"));
    assert_int_equal(find(ec, COUNT(ec), found, COUNT(found)), 1);
    assert_int_equal(found[0], the(CKO_PRIVATE_KEY, "ec"));
    assert_int_equal(find(all, COUNT(all), found, COUNT(found)), 2);
}

static void test_ec_keys_sign_and_verify_and_do_nothing_else(void **state)
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_DECRYPT, CKA_UNWRAP, CKA_SIGN};
    CK_BBOOL flag = CK_FALSE;
    CK_ATTRIBUTE template[] = {
        ATTRIBUTE(CKA_CLASS, private_class), {CKA_LABEL, (char[]){"ec"}, 2}, ATTRIBUTE(CKA_SIGN, flag)};
    CK_OBJECT_HANDLE found;

    (void)state;
    fake_add(fake, "ec", 384);
    for (size_t i = 0; i < COUNT(uses); i++) {
        template[2].type = uses[i];
        flag = CK_TRUE;
        assert_int_equal(find(template, COUNT(template), &found, 1), uses[i] == CKA_SIGN);
        flag = CK_FALSE;
        assert_int_equal(find(template, COUNT(template), &found, 1), uses[i] != CKA_SIGN);
    }
}

static void test_an_ec_key_tells_its_point(void **state)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PUBLIC_KEY, CKO_PRIVATE_KEY};
    unsigned char params[16], point[140], info[200], modulus[600];
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_KEY_TYPE, type), ATTRIBUTE(CKA_EC_PARAMS, params),
                               ATTRIBUTE(CKA_EC_POINT, point), ATTRIBUTE(CKA_PUBLIC_KEY_INFO, info),
                               ATTRIBUTE(CKA_MODULUS, modulus)};

    (void)state;
    fake_add(fake, "ec", 521);
    for (size_t i = 0; i < COUNT(classes); i++) {
        assert_rv(CALL(get_attribute_value, the(classes[i], "ec"), template, COUNT(template)),
                  CKR_ATTRIBUTE_TYPE_INVALID);
        assert_int_equal(type, CKK_EC);
        assert_int_equal(template[1].ulValueLen, 7);
        assert_int_equal(template[2].ulValueLen, 3 + 1 + 2 * 66);
        assert_int_equal(template[3].ulValueLen, 158);
        assert_true(template[4].ulValueLen == CK_UNAVAILABLE_INFORMATION);
        template[1].ulValueLen = sizeof params;
        template[2].ulValueLen = sizeof point;
        template[3].ulValueLen = sizeof info;
    }
}

/* Each of the kind of key that has it, which the other one has not. */
static void test_private_numbers_are_sensitive(void **state)
{
    unsigned char room[600];
    CK_KEY_TYPE type;
    CK_ATTRIBUTE asked = ATTRIBUTE(CKA_KEY_TYPE, type), value = {CKA_VALUE, room, sizeof room},
                 exponent = {CKA_PRIVATE_EXPONENT, room, sizeof room};
    CK_OBJECT_HANDLE ec, rsa = the(CKO_PRIVATE_KEY, "kek");

    (void)state;
    fake_add(fake, "ec", 521);
    ec = the(CKO_PRIVATE_KEY, "ec");
    assert_rv(CALL(get_attribute_value, ec, &asked, 1), CKR_OK);
    assert_rv(CALL(get_attribute_value, ec, &value, 1), CKR_ATTRIBUTE_SENSITIVE);
    assert_rv(CALL(get_attribute_value, ec, &exponent, 1), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_rv(CALL(get_attribute_value, rsa, &value, 1), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_rv(CALL(get_attribute_value, rsa, &exponent, 1), CKR_ATTRIBUTE_SENSITIVE);
    assert_rv(CALL(get_attribute_value, the(CKO_PUBLIC_KEY, "ec"), &value, 1), CKR_ATTRIBUTE_TYPE_INVALID);
}

static void test_signing_is_the_owners_choice_too(void **state)
{
    CK_ATTRIBUTE template[] = {
        ATTRIBUTE(CKA_CLASS, private_class), {CKA_LABEL, (char[]){"kek"}, 3}, ATTRIBUTE(CKA_SIGN, yes)};
    CK_ATTRIBUTE verify[] = {
        ATTRIBUTE(CKA_CLASS, public_class), {CKA_LABEL, (char[]){"kek"}, 3}, ATTRIBUTE(CKA_VERIFY, no)};
    CK_OBJECT_HANDLE found;

    (void)state;
    fake_version(fake, "kek")->uses_known = true;
    fake_version(fake, "kek")->uses = KEY_USE_DECRYPT | KEY_USE_VERIFY;
    soft_open("");
    assert_int_equal(find(template, COUNT(template), &found, 1), 0);
    assert_int_equal(find(verify, COUNT(verify), &found, 1), 0);
    verify[2].pValue = &yes;
    assert_int_equal(find(verify, COUNT(verify), &found, 1), 1);
}

/* Its type is asked for; where the service does not tell, it is RSA. Until it tells, a key may do everything. */
static void test_a_key_counts_as_rsa_until_it_is_known(void **state)
{
    CK_KEY_TYPE type = 7;
    CK_BBOOL sign = 7, decrypt = 7;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_SIGN, sign), ATTRIBUTE(CKA_DECRYPT, decrypt),
                               ATTRIBUTE(CKA_KEY_TYPE, type)};
    CK_OBJECT_HANDLE key = the(CKO_PRIVATE_KEY, "kek");

    (void)state;
    assert_rv(CALL(get_attribute_value, key, template, 2), CKR_OK);
    assert_int_equal(sign, CK_TRUE);
    assert_int_equal(decrypt, CK_TRUE);
    assert_int_equal(fake_count_all(fake), 0);
    fake_rule(fake, FAKE_GET, fake_refused);
    assert_rv(CALL(get_attribute_value, key, template, 3), CKR_OK);
    assert_int_equal(type, CKK_RSA);
}

static void test_a_file_stands_in_for_get_of_an_ec_key(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-384");
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char point[140];
    CK_ATTRIBUTE template = ATTRIBUTE(CKA_EC_POINT, point);
    char *text;
    size_t size;

    (void)state;
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    size = (size_t)BIO_get_mem_data(bio, &text);
    soft_write("kek.pem", bytes_of(text, size));
    BIO_free(bio);
    EVP_PKEY_free(key);
    fake_rule(fake, FAKE_GET, fake_refused);
    soft_open("    public-keys = \".\"");
    assert_rv(CALL(get_attribute_value, the(CKO_PRIVATE_KEY, "kek"), &template, 1), CKR_OK);
    assert_int_equal(template.ulValueLen, 2 + 1 + 2 * 48);
}

static int setup_symmetric(void **state)
{
    if (soft_begin(state) != 0) {
        return -1;
    }
    fake_offer_aes(fake);
    fake_add_aes(fake, "oct", 256);
    soft_open("");
    return 0;
}
#define with_symmetric(test) cmocka_unit_test_setup_teardown(test, setup_symmetric, soft_end)

static void test_a_symmetric_key_is_a_secret_key_in_place_of_a_pair(void **state)
{
    CK_OBJECT_HANDLE key = the(CKO_SECRET_KEY, "oct"), found[8];

    (void)state;
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
    assert_int_equal(count_of(CKO_PRIVATE_KEY, "oct"), 0);
    assert_int_equal(count_of(CKO_PUBLIC_KEY, "oct"), 0);
    assert_int_equal(the(CKO_SECRET_KEY, "oct"), key);
    assert_int_equal(count_of(CKO_SECRET_KEY, "kek"), 0);
    the(CKO_PRIVATE_KEY, "kek");
    assert_int_equal(find(NULL, 0, found, COUNT(found)), 3);
    assert_int_equal(fake_count(fake, FAKE_GET), 2);
}

static void test_a_symmetric_key_tells_no_more_than_it_may(void **state)
{
    static const CK_ATTRIBUTE_TYPE yes_types[] = {CKA_TOKEN,  CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE,
                                                  CKA_WRAP,   CKA_UNWRAP,    CKA_NEVER_EXTRACTABLE,
                                                  CKA_ENCRYPT};
    static const CK_ATTRIBUTE_TYPE no_types[] = {CKA_EXTRACTABLE, CKA_SIGN,     CKA_VERIFY,
                                                 CKA_DERIVE,      CKA_COPYABLE, CKA_MODIFIABLE};
    CK_OBJECT_HANDLE key = the(CKO_SECRET_KEY, "oct");
    unsigned char value[32];
    CK_BBOOL flag = 7;
    CK_ATTRIBUTE template = ATTRIBUTE(CKA_VALUE, value);

    (void)state;
    assert_rv(CALL(get_attribute_value, key, &template, 1), CKR_ATTRIBUTE_SENSITIVE);
    template = (CK_ATTRIBUTE)ATTRIBUTE(CKA_MODULUS, value);
    assert_rv(CALL(get_attribute_value, key, &template, 1), CKR_ATTRIBUTE_TYPE_INVALID);
    for (size_t i = 0; i < COUNT(yes_types) + COUNT(no_types); i++) {
        template = (CK_ATTRIBUTE){i < COUNT(yes_types) ? yes_types[i] : no_types[i - COUNT(yes_types)], &flag,
                                  sizeof flag};
        assert_rv(CALL(get_attribute_value, key, &template, 1), CKR_OK);
        assert_int_equal(flag, i < COUNT(yes_types));
    }
}

static void test_a_find_of_aes_keys_finds_it(void **state)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_KEY_TYPE, aes_type), ATTRIBUTE(CKA_UNWRAP, yes)};
    CK_OBJECT_HANDLE found[4];

    (void)state;
    assert_int_equal(find(template, COUNT(template), found, COUNT(found)), 1);
    assert_int_equal(found[0], the(CKO_SECRET_KEY, "oct"));
    template[1].pValue = &no;
    assert_int_equal(find(template, COUNT(template), found, COUNT(found)), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        with_token(test_ec_keys_are_found_by_their_type),
        with_token(test_ec_keys_sign_and_verify_and_do_nothing_else),
        with_token(test_an_ec_key_tells_its_point),
        with_token(test_private_numbers_are_sensitive),
        with_service(test_signing_is_the_owners_choice_too),
        with_token(test_a_key_counts_as_rsa_until_it_is_known),
        with_service(test_a_file_stands_in_for_get_of_an_ec_key),
        with_symmetric(test_a_symmetric_key_is_a_secret_key_in_place_of_a_pair),
        with_symmetric(test_a_symmetric_key_tells_no_more_than_it_may),
        with_symmetric(test_a_find_of_aes_keys_finds_it),
    };

    return cmocka_run_group_tests_name("soft/key_types", tests, NULL, NULL);
}
