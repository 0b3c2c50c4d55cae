/* `mechanisms` of a soft token: what is not listed does not exist, for any function. */
#include "tests/pkcs11/soft/soft_test.h"
#include <string.h>

#define OAEP_AND_GCM "mechanisms = {\"CKM_RSA_PKCS_OAEP\", \"CKM_AES_GCM\", \"CKM_AES_KEY_GEN\"}"

static int nothing_but_oaep_and_gcm(void **state)
{
    if (soft_begin(state) != 0) {
        return -1;
    }
    soft_open(OAEP_AND_GCM);
    return 0;
}

#define with_few(test) cmocka_unit_test_setup_teardown(test, nothing_but_oaep_and_gcm, soft_end)

static void test_the_list_has_what_is_both_known_and_listed(void **state)
{
    CK_MECHANISM_TYPE list[3];
    CK_ULONG count = 0;

    (void)state;
    assert_rv(token->ops->get_mechanism_list(token, NULL, &count), CKR_OK);
    assert_int_equal(count, 3);
    count = 2;
    assert_rv(token->ops->get_mechanism_list(token, list, &count), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(count, 3);
    assert_rv(token->ops->get_mechanism_list(token, list, &count), CKR_OK);
    assert_int_equal(list[0], CKM_RSA_PKCS_OAEP);
}

static void test_what_the_token_lacks_is_not_added(void **state)
{
    CK_MECHANISM_INFO info;
    CK_ULONG count = 9;

    (void)state;
    soft_open("mechanisms = {\"CKM_AES_GCM\", \"CKM_AES_CTS\", \"0x80000001\"}");
    assert_rv(token->ops->get_mechanism_list(token, NULL, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_rv(token->ops->get_mechanism_info(token, CKM_AES_CTS, &info), CKR_MECHANISM_INVALID);
}

static void test_info(void **state)
{
    CK_MECHANISM_INFO info;

    (void)state;
    assert_rv(token->ops->get_mechanism_info(token, CKM_RSA_PKCS_OAEP, &info), CKR_OK);
    assert_rv(token->ops->get_mechanism_info(token, CKM_RSA_PKCS, &info), CKR_MECHANISM_INVALID);
}

static void test_every_other_mechanism_is_refused_by_every_function(void **state)
{
    static const CK_MECHANISM_TYPE others[] = {CKM_RSA_PKCS,    CKM_SHA256_RSA_PKCS, CKM_AES_CBC, CKM_SHA256,
                                               CKM_SHA256_HMAC, CKM_AES_KEY_WRAP,    0x80000001};
    CK_OBJECT_HANDLE key = 1;
    CK_ULONG size = 0;
    CK_BYTE blob[256] = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(others); i++) {
        CK_MECHANISM other = {others[i], NULL, 0};

        assert_rv(CALL(encrypt_init, &other, 1), CKR_MECHANISM_INVALID);
        assert_rv(CALL(decrypt_init, &other, 1), CKR_MECHANISM_INVALID);
        assert_rv(CALL(digest_init, &other), CKR_MECHANISM_INVALID);
        assert_rv(CALL(sign_init, &other, 1), CKR_MECHANISM_INVALID);
        assert_rv(CALL(verify_init, &other, 1), CKR_MECHANISM_INVALID);
        assert_rv(CALL(generate_key, &other, NULL, 0, &key), CKR_MECHANISM_INVALID);
        assert_rv(CALL(wrap_key, &other, 1, 1, NULL, &size), CKR_MECHANISM_INVALID);
        assert_rv(CALL(unwrap_key, &other, 1, blob, sizeof blob, NULL, 0, &key), CKR_MECHANISM_INVALID);
        assert_rv(CALL(message_encrypt_init, &other, 1), CKR_MECHANISM_INVALID);
        assert_rv(CALL(message_decrypt_init, &other, 1), CKR_MECHANISM_INVALID);
    }
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_listed_ones_work(void **state)
{
    unsigned char blob[512];
    CK_ULONG size = sizeof blob;
    CK_OBJECT_HANDLE key;
    CK_BYTE iv[12] = {0}, value[32] = {1};
    CK_GCM_PARAMS gcm = {.pIv = iv, .ulIvLen = sizeof iv, .ulIvBits = 96, .ulTagBits = 128};
    CK_MECHANISM aes_gcm = {CKM_AES_GCM, &gcm, sizeof gcm};

    (void)state;
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha256, blob, &size), CKR_OK);
    assert_rv(unwrap_under(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha256, blob, size, &key), CKR_OK);
    assert_rv(CALL(encrypt_init, &aes_gcm, aes_key(value, sizeof value)), CKR_OK);
    size = sizeof blob;
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &pkcs1, blob, &size), CKR_MECHANISM_INVALID);
}

/* Its parts, OAEP and RFC 5649, need not be listed. */
static void test_a_mechanism_of_two_parts_is_listed_by_its_name(void **state)
{
    CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    struct rsa_aes_key_wrap_params parameter = {256, &sha1};
    CK_MECHANISM rsa_aes = {CKM_RSA_AES_KEY_WRAP, &parameter, sizeof parameter};
    unsigned char blob[512];
    CK_ULONG size = sizeof blob;
    CK_OBJECT_HANDLE key;

    (void)state;
    soft_open("mechanisms = {\"RSA_AES_KEY_WRAP\"}");
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &rsa_aes, blob, &size), CKR_OK);
    assert_rv(unwrap_under(the(CKO_PRIVATE_KEY, "kek"), &rsa_aes, blob, size, &key), CKR_OK);
    size = sizeof blob;
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha1, blob, &size), CKR_MECHANISM_INVALID);
}

static void test_a_running_operation_needs_no_mechanism(void **state)
{
    (void)state;
    assert_rv(CALL(encrypt_init, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(digest_init, NULL), CKR_ARGUMENTS_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_few(test_the_list_has_what_is_both_known_and_listed),
        with_service(test_what_the_token_lacks_is_not_added),
        with_few(test_info),
        with_few(test_every_other_mechanism_is_refused_by_every_function),
        with_few(test_listed_ones_work),
        with_service(test_a_mechanism_of_two_parts_is_listed_by_its_name),
        with_few(test_a_running_operation_needs_no_mechanism),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
