/* What a closed key is: what it answers, what shares its value, what hangs on it. */
#include "tests/pkcs11/soft/lease_test.h"
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

/* --- What it answers --- */

static void test_its_value_is_not_told(void **state)
{
    unsigned char value[32], label[8];
    CK_ULONG length = 0;
    CK_ATTRIBUTE template[] = {
        {CKA_VALUE, value, sizeof value}, ATTRIBUTE(CKA_VALUE_LEN, length), {CKA_LABEL, label, sizeof label}};
    CK_OBJECT_HANDLE key = data_key();

    (void)state;
    assert_rv(CALL(get_attribute_value, key, template, 3), CKR_OK);
    close_by(key);
    template[0].ulValueLen = sizeof value;
    template[2].ulValueLen = sizeof label;
    length = 0;
    assert_rv(CALL(get_attribute_value, key, template, 3), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(template[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(length, 16);
    assert_int_equal(template[2].ulValueLen, 0);
}

static void test_it_is_found_by_all_but_its_value(void **state)
{
    char value[] = "0123456789abcdef";
    CK_ATTRIBUTE by_value[] = {{CKA_VALUE, value, 16}}, by_class[] = {ATTRIBUTE(CKA_CLASS, secret_class)};
    CK_OBJECT_HANDLE key = data_key(), found[2];

    (void)state;
    assert_int_equal(find(by_value, 1, found, 2), 1);
    close_by(key);
    assert_int_equal(find(by_value, 1, found, 2), 0);
    assert_int_equal(find(by_class, 1, found, 2), 1);
}

static void test_it_may_be_changed_copied_and_destroyed(void **state)
{
    char label[] = "x";
    CK_ATTRIBUTE template[] = {{CKA_LABEL, label, 1}};
    CK_OBJECT_HANDLE key = data_key(), copy;

    (void)state;
    close_by(key);
    assert_rv(CALL(set_attribute_value, key, template, 1), CKR_OK);
    assert_rv(CALL(copy_object, key, NULL, 0, &copy), CKR_OK);
    assert_rv(use(copy), CKR_KEY_FUNCTION_NOT_PERMITTED);
    answering(works);
    opens(copy);
    assert_rv(use(key), CKR_OK);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    assert_rv(use(copy), CKR_OK);
}

static void test_it_is_not_wrapped(void **state)
{
    unsigned char out[512];
    CK_ULONG size = sizeof out;
    CK_OBJECT_HANDLE key = data_key(), kek = aes_key("0123456789abcdef", 16);
    CK_MECHANISM wrap = {CKM_AES_KEY_WRAP, NULL, 0};

    (void)state;
    assert_rv(CALL(wrap_key, &wrap, kek, key, out, &size), CKR_OK);
    close_by(key);
    assert_rv(CALL(wrap_key, &wrap, kek, key, out, &size), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_it_is_not_digested(void **state)
{
    unsigned char out[32];
    CK_ULONG size = sizeof out;
    CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};
    CK_OBJECT_HANDLE key = data_key();

    (void)state;
    assert_rv(CALL(digest_init, &sha256), CKR_OK);
    assert_rv(CALL(digest_key, key), CKR_OK);
    close_by(key);
    assert_rv(CALL(digest_final, out, &size), CKR_FUNCTION_CANCELED);
    assert_rv(CALL(digest_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(digest_init, &sha256), CKR_OK);
    assert_rv(CALL(digest_key, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(digest_final, out, &size), CKR_OK);
}

/* --- What hangs on it --- */

static void test_copies_close_and_open_with_it(void **state)
{
    CK_OBJECT_HANDLE key = data_key(), copy;
    unsigned before;

    (void)state;
    assert_rv(CALL(copy_object, key, NULL, 0, &copy), CKR_OK);
    assert_rv(use(copy), CKR_OK);
    close_by(key);
    assert_rv(use(copy), CKR_KEY_FUNCTION_NOT_PERMITTED);
    answering(works);
    opens(key);
    before = asked();
    assert_rv(use(copy), CKR_OK);
    assert_int_equal(asked(), before);
}

static void test_a_copy_outlives_it(void **state)
{
    CK_OBJECT_HANDLE key = data_key(), copy;

    (void)state;
    assert_rv(CALL(copy_object, key, NULL, 0, &copy), CKR_OK);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    assert_rv(use(copy), CKR_OK);
    close_by(copy);
}

/* A key that was wrapped by one that the service opened. */
static CK_OBJECT_HANDLE child_of(CK_OBJECT_HANDLE key)
{
    CK_MECHANISM wrap = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_OBJECT_HANDLE mine = aes_key("fedcba9876543210", 16), child;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               ATTRIBUTE(CKA_ENCRYPT, yes),        ATTRIBUTE(CKA_UNWRAP, yes),
                               ATTRIBUTE(CKA_SENSITIVE, no),       ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    unsigned char wrapped[64];
    CK_ULONG size = sizeof wrapped;

    assert_rv(CALL(wrap_key, &wrap, key, mine, wrapped, &size), CKR_OK);
    assert_rv(CALL(unwrap_key, &wrap, key, wrapped, size, template, COUNT(template), &child), CKR_OK);
    assert_rv(CALL(destroy_object, mine), CKR_OK);
    return child;
}

static void test_what_it_unwrapped_closes_and_opens_with_it(void **state)
{
    unsigned char value[32];
    CK_OBJECT_HANDLE key = data_key(), child = child_of(key);

    (void)state;
    assert_rv(use(child), CKR_OK);
    close_by(child);
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    answering(works);
    opens(child);
    assert_int_equal(read_value(child, value, sizeof value), 16);
    assert_memory_equal(value, "fedcba9876543210", 16);
}

static void test_it_opens_though_its_parent_was_destroyed(void **state)
{
    CK_OBJECT_HANDLE key = data_key(), child = child_of(key);

    (void)state;
    assert_rv(CALL(destroy_object, key), CKR_OK);
    close_by(child);
    answering(works);
    opens(child);
}

static void test_what_a_created_key_unwrapped_has_no_lease(void **state)
{
    CK_OBJECT_HANDLE child = child_of(aes_key("0123456789abcdef", 16));

    (void)state;
    close_by(data_key());
    assert_rv(use(child), CKR_OK);
}

static void test_many_keys_close_together_and_open_one_by_one(void **state)
{
    CK_OBJECT_HANDLE keys[100];

    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++) {
        keys[i] = data_key();
    }
    close_by(keys[0]);
    for (size_t i = 0; i < COUNT(keys); i++) {
        assert_rv(use(keys[i]), CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    answering(works);
    opens(keys[50]);
    for (size_t i = 0; i < COUNT(keys); i++) {
        assert_rv(use(keys[i]), CKR_OK);
    }
    assert_in_range(asked(), 100 + 1 + 100, 100 + 1 + 100 + 100);
}

/* --- The KEK --- */

static CK_RV wrap_one(void)
{
    unsigned char blob[512];
    CK_ULONG size;

    return wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha256, blob, &size);
}

static void wraps_where(const char *options)
{
    soft_open(options);
    CK_OBJECT_HANDLE key = data_key();

    assert_rv(wrap_one(), CKR_OK);
    assert_rv(wrap_one(), CKR_OK);
    close_by(key);
    assert_rv(wrap_one(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    answering(works);
    age_leases(2 * SECOND);
    assert_rv(wrap_one(), CKR_OK);
    assert_rv(use(key), CKR_OK);
}

static void test_a_closed_key_does_not_wrap(void **state)
{
    (void)state;
    wraps_where("    wrap = auto");
}

static void test_a_closed_key_does_not_wrap_here(void **state)
{
    (void)state;
    wraps_where("    wrap = local");
}

static void test_a_closed_key_does_not_wrap_there(void **state)
{
    (void)state;
    wraps_where("    wrap = service");
}

/* All that ask to open it again, one way or the other, ask once in a second. */
static void test_wraps_and_uses_share_an_attempt(void **state)
{
    CK_OBJECT_HANDLE key = data_key(), other = data_key();
    int64_t began;
    unsigned before;

    (void)state;
    assert_rv(wrap_one(), CKR_OK);
    close_by(key);
    age_leases(2 * SECOND);
    before = asked();
    began = clock_now();
    for (int i = 0; i < 10; i++) {
        assert_rv(wrap_one(), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_rv(use(other), CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    assert_true(asked() > before);
    assert_true(asked() - before <= 1 + (clock_now() - began) / 1000);
}

static void test_a_key_without_leases_is_not_closed(void **state)
{
    CK_OBJECT_HANDLE key = data_key();

    (void)state;
    assert_rv(wrap_one(), CKR_OK);
    close_by(key);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    assert_rv(wrap_one(), CKR_OK);
}

/* --- Other kinds of keys --- */

static struct rsa_aes_key_wrap_params both = {256, NULL};
static unsigned char out[256];
static CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};

static void test_a_private_key_closes_and_opens(void **state)
{
    EVP_PKEY *pair = fake_pair(fake, "kek");
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pair);
    unsigned char *der = NULL, blob[4096], digest[32] = {3};
    int length = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    CK_MECHANISM wrap = {CKM_RSA_AES_KEY_WRAP, &both, sizeof both}, sign = {CKM_SHA256_RSA_PKCS, NULL, 0};
    CK_ATTRIBUTE secret[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                             ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                             {CKA_VALUE, der, (CK_ULONG)length},
                             ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, private_class), ATTRIBUTE(CKA_KEY_TYPE, rsa_type),
                               ATTRIBUTE(CKA_SIGN, yes)};
    CK_ULONG size = sizeof blob, out_size = sizeof out;
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};
    CK_OBJECT_HANDLE mine, key;

    (void)state;
    both.oaep = &sha1;
    assert_rv(CALL(create_object, secret, COUNT(secret), &mine), CKR_OK);
    assert_rv(CALL(wrap_key, &wrap, the(CKO_PUBLIC_KEY, "kek"), mine, blob, &size), CKR_OK);
    assert_rv(
        CALL(unwrap_key, &wrap, the(CKO_PRIVATE_KEY, "kek"), blob, size, template, COUNT(template), &key),
        CKR_OK);
    assert_rv(CALL(sign_init, &sign, key), CKR_OK);
    answering(disabled);
    make_check_due();
    assert_rv(CALL(sign, digest, 32, out, &out_size), CKR_FUNCTION_CANCELED);
    assert_rv(CALL(sign_init, &sign, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(get_attribute_value, key, &modulus, 1), CKR_OK);
    assert_int_equal(modulus.ulValueLen, 256);
    answering(works);
    age_leases(2 * SECOND);
    assert_rv(CALL(sign_init, &sign, key), CKR_OK);
    assert_rv(CALL(sign, digest, 32, out, &out_size), CKR_OK);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_its_value_is_not_told),
        with_token(test_it_is_found_by_all_but_its_value),
        with_token(test_it_may_be_changed_copied_and_destroyed),
        with_token(test_it_is_not_wrapped),
        with_token(test_it_is_not_digested),
        with_token(test_copies_close_and_open_with_it),
        with_token(test_a_copy_outlives_it),
        with_token(test_what_it_unwrapped_closes_and_opens_with_it),
        with_token(test_it_opens_though_its_parent_was_destroyed),
        with_token(test_what_a_created_key_unwrapped_has_no_lease),
        with_token(test_many_keys_close_together_and_open_one_by_one),
        with_service(test_a_closed_key_does_not_wrap),
        with_service(test_a_closed_key_does_not_wrap_here),
        with_service(test_a_closed_key_does_not_wrap_there),
        with_token(test_wraps_and_uses_share_an_attempt),
        with_token(test_a_key_without_leases_is_not_closed),
        with_token(test_a_private_key_closes_and_opens),
    };

    return cmocka_run_group_tests_name("closed keys", tests, NULL, NULL);
}
