/* Symmetric keys of the service: as wrapping keys, and what encrypts and decrypts there. */
#include "tests/fake_aes.h"
#include "tests/pkcs11/soft/soft_test.h"
#include <string.h>
#include <time.h>

static unsigned char iv[16] = {9, 8, 7}, plain[100], out[600], back[600], blob[600];
static CK_MECHANISM key_wrap = {CKM_AES_KEY_WRAP, NULL, 0}, kwp = {CKM_AES_KEY_WRAP_KWP, NULL, 0},
                    cbc = {CKM_AES_CBC, iv, 16}, cbc_pad = {CKM_AES_CBC_PAD, iv, 16};
static CK_GCM_PARAMS gcm_parameter = {iv, 12, 96, plain, 20, 128};
static CK_MECHANISM gcm = {CKM_AES_GCM, &gcm_parameter, sizeof gcm_parameter};
static CK_ULONG size;

static int setup(void **state)
{
    if (soft_begin(state) != 0) {
        return -1;
    }
    fake_offer_aes(fake);
    fake_add_aes(fake, "oct", 256);
    fake_configure(fake, "oct");
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (unsigned char)(i * 3);
    }
    soft_open("");
    return 0;
}

static CK_OBJECT_HANDLE there(void)
{
    return the(CKO_SECRET_KEY, "oct");
}

/* The same key here, to compare with. */
static CK_OBJECT_HANDLE here(void)
{
    unsigned char value[32];

    fake_aes_value(fake_version(fake, "oct"), value);
    return aes_key(value, 32);
}

static CK_RV unwrap(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, yes)};

    return CALL(unwrap_key, mechanism, kek, blob, size, template, COUNT(template), ret_key);
}

static CK_OBJECT_HANDLE generic_key(CK_ULONG length)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               {CKA_VALUE, plain, length},
                               ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    CK_OBJECT_HANDLE key = 0;

    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
    return key;
}

static void test_wrapped_there_opens_here_and_back(void **state)
{
    CK_MECHANISM *ways[] = {&key_wrap, &kwp};
    CK_OBJECT_HANDLE opened;

    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        CK_ULONG length = i == 0 ? 32 : 33;

        size = sizeof blob;
        assert_rv(CALL(wrap_key, ways[i], there(), generic_key(length), blob, &size), CKR_OK);
        assert_int_equal(size, i == 0 ? 40 : 48);
        assert_rv(unwrap(ways[i], here(), &opened), CKR_OK);
        assert_rv(unwrap(ways[i], there(), &opened), CKR_OK);
        assert_int_equal(read_value(opened, back, sizeof back), length);
        assert_memory_equal(back, plain, length);
    }
    assert_int_equal(fake_count(fake, FAKE_WRAP), 2);
    assert_int_equal(fake_count(fake, FAKE_UNWRAP), 2);
}

static void test_size_queries_and_short_buffers_cost_nothing(void **state)
{
    CK_OBJECT_HANDLE kek = there(), key = generic_key(20);

    (void)state;
    assert_rv(CALL(wrap_key, &kwp, kek, key, NULL, &size), CKR_OK);
    assert_int_equal(size, 32);
    size = 31;
    assert_rv(CALL(wrap_key, &kwp, kek, key, blob, &size), CKR_BUFFER_TOO_SMALL);
    assert_rv(CALL(wrap_key, &key_wrap, kek, key, blob, &size), CKR_KEY_SIZE_RANGE);
    assert_int_equal(fake_count(fake, FAKE_WRAP), 0);
}

static void test_outside_its_dates_it_wraps_nothing_and_unwraps(void **state)
{
    CK_OBJECT_HANDLE opened;

    (void)state;
    fake_version(fake, "oct")->expires = time(NULL) - 10;
    size = sizeof blob;
    assert_rv(CALL(wrap_key, &kwp, there(), generic_key(20), blob, &size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    size = sizeof blob;
    assert_rv(CALL(wrap_key, &kwp, here(), generic_key(20), blob, &size), CKR_OK);
    assert_rv(unwrap(&kwp, there(), &opened), CKR_OK);
}

static void test_bad_blobs_have_one_code(void **state)
{
    CK_OBJECT_HANDLE kek = there(), opened;

    (void)state;
    size = sizeof blob;
    assert_rv(CALL(wrap_key, &kwp, kek, generic_key(20), blob, &size), CKR_OK);
    blob[5] ^= 1;
    assert_rv(unwrap(&kwp, kek, &opened), CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(fake_count(fake, FAKE_UNWRAP), 1);
    size--;
    assert_rv(unwrap(&kwp, kek, &opened), CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(fake_count(fake, FAKE_UNWRAP), 1); /* a length tells */
}

static void test_an_opened_key_tells_the_version(void **state)
{
    char version[KEY_VERSION_SIZE];
    CK_ATTRIBUTE attribute = {CKA_BYOK_KEY_VERSION, version, sizeof version};
    CK_OBJECT_HANDLE opened;

    (void)state;
    size = sizeof blob;
    assert_rv(CALL(wrap_key, &kwp, there(), generic_key(20), blob, &size), CKR_OK);
    assert_rv(unwrap(&kwp, there(), &opened), CKR_OK);
    assert_rv(CALL(get_attribute_value, opened, &attribute, 1), CKR_OK);
    assert_memory_equal(version, fake_version(fake, "oct")->version, 32);
}

static void crypt_both(CK_MECHANISM *mechanism, CK_ULONG length)
{
    CK_OBJECT_HANDLE service = there(), local = here();
    CK_ULONG got = sizeof back;

    size = sizeof out;
    assert_rv(CALL(encrypt_init, mechanism, service), CKR_OK);
    assert_rv(CALL(encrypt, plain, length, out, &size), CKR_OK);
    assert_rv(CALL(decrypt_init, mechanism, local), CKR_OK);
    assert_rv(CALL(decrypt, out, size, back, &got), CKR_OK);
    assert_int_equal(got, length);
    assert_memory_equal(back, plain, length);
    memset(back, 0, sizeof back);
    assert_rv(CALL(decrypt_init, mechanism, service), CKR_OK);
    assert_rv(CALL(decrypt, out, size, back, &got), CKR_OK);
    assert_int_equal(got, length);
    assert_memory_equal(back, plain, length);
}

static void test_cbc_both_ways(void **state)
{
    (void)state;
    crypt_both(&cbc, 96);
    for (CK_ULONG length = 0; length < 34; length += 11) {
        crypt_both(&cbc_pad, length);
    }
    assert_rv(CALL(encrypt_init, &cbc, there()), CKR_OK);
    assert_rv(CALL(encrypt, plain, 17, out, &size), CKR_DATA_LEN_RANGE);
}

static void test_parts_are_one_request(void **state)
{
    CK_ULONG got = sizeof back;

    (void)state;
    size = sizeof out;
    assert_rv(CALL(encrypt_init, &cbc_pad, there()), CKR_OK);
    assert_rv(CALL(encrypt_update, plain, 50, out, &size), CKR_OK);
    assert_int_equal(size, 0);
    assert_rv(CALL(encrypt_update, plain + 50, 50, out, &size), CKR_OK);
    assert_rv(CALL(encrypt_final, NULL, &size), CKR_OK);
    assert_int_equal(size, 112);
    assert_rv(CALL(encrypt_final, out, &size), CKR_OK);
    assert_int_equal(fake_count(fake, FAKE_ENCRYPT), 1);
    assert_rv(CALL(decrypt_init, &cbc_pad, there()), CKR_OK);
    got = 99;
    assert_rv(CALL(decrypt, out, 112, back, &got), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(got, 100);
    assert_rv(CALL(decrypt, out, 112, back, &got), CKR_OK);
    assert_memory_equal(back, plain, 100);
    assert_int_equal(fake_count(fake, FAKE_DECRYPT), 1);
}

static void test_gcm_decrypts_there_and_does_not_encrypt_with_the_callers_iv(void **state)
{
    CK_GCM_PARAMS short_tag = {iv, 12, 96, NULL, 0, 96}, long_iv = {iv, 16, 128, NULL, 0, 128};
    CK_MECHANISM bad[] = {{CKM_AES_GCM, &short_tag, sizeof short_tag},
                          {CKM_AES_GCM, &long_iv, sizeof long_iv}};
    CK_ULONG got = sizeof back;

    (void)state;
    assert_rv(CALL(encrypt_init, &gcm, there()), CKR_MECHANISM_PARAM_INVALID);
    size = sizeof out;
    assert_rv(CALL(encrypt_init, &gcm, here()), CKR_OK);
    assert_rv(CALL(encrypt, plain, 70, out, &size), CKR_OK);
    assert_rv(CALL(decrypt_init, &gcm, there()), CKR_OK);
    assert_rv(CALL(decrypt, out, size, back, &got), CKR_OK);
    assert_int_equal(got, 70);
    assert_memory_equal(back, plain, 70);
    out[69] ^= 1;
    assert_rv(CALL(decrypt_init, &gcm, there()), CKR_OK);
    assert_rv(CALL(decrypt, out, size, back, &got), CKR_ENCRYPTED_DATA_INVALID);
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_rv(CALL(decrypt_init, &bad[i], there()), CKR_MECHANISM_PARAM_INVALID);
    }
}

static void test_what_such_a_key_cannot_do(void **state)
{
    CK_MECHANISM ecb = {CKM_AES_ECB, NULL, 0}, with_iv = {CKM_AES_KEY_WRAP, iv, 8};
    CK_OBJECT_HANDLE kek = there(), opened;

    (void)state;
    size = sizeof blob;
    assert_rv(CALL(encrypt_init, &ecb, kek), CKR_MECHANISM_INVALID);
    assert_rv(CALL(wrap_key, &with_iv, kek, generic_key(32), blob, &size), CKR_MECHANISM_PARAM_INVALID);
    assert_rv(CALL(wrap_key, &kwp, here(), kek, blob, &size), CKR_KEY_UNEXTRACTABLE);
    assert_rv(CALL(encrypt_init, &oaep_sha1, kek), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(unwrap(&oaep_sha1, kek, &opened), CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
    assert_int_equal(fake_count(fake, FAKE_WRAP) + fake_count(fake, FAKE_UNWRAP), 0);
}

/* A find of secret keys alone has asked what kind of key it is. */
static void test_usages_are_checked_once_known(void **state)
{
    CK_OBJECT_HANDLE kek, opened;
    unsigned before;

    (void)state;
    fake_version(fake, "oct")->uses_known = true;
    fake_version(fake, "oct")->uses = KEY_USE_ENCRYPT;
    kek = there();
    before = fake_count_all(fake);
    size = sizeof blob;
    assert_rv(CALL(wrap_key, &kwp, kek, generic_key(32), blob, &size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    size = 40;
    assert_rv(unwrap(&kwp, kek, &opened), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_count_all(fake), before);
}

static void test_refusals_keep_their_codes(void **state)
{
    CK_OBJECT_HANDLE kek = there();

    (void)state;
    size = sizeof blob;
    fake_rule(fake, FAKE_WRAP, fake_refused);
    assert_rv(CALL(wrap_key, &kwp, kek, generic_key(32), blob, &size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake_rule(fake, FAKE_WRAP, fake_unreachable);
    assert_rv(CALL(wrap_key, &kwp, kek, generic_key(32), blob, &size), CKR_DEVICE_ERROR);
}

static void test_a_service_that_lacks_padding_refuses_it_unasked(void **state)
{
    (void)state;
    fake->aes_algorithms &= ~(1U << AES_KWP);
    size = sizeof blob;
    assert_rv(CALL(wrap_key, &kwp, there(), generic_key(32), blob, &size), CKR_MECHANISM_INVALID);
    assert_rv(CALL(wrap_key, &key_wrap, there(), generic_key(32), blob, &size), CKR_OK);
}

static void test_a_new_version_may_have_another_size(void **state)
{
    (void)state;
    crypt_both(&cbc, 64);
    fake_add_aes(fake, "oct", 128);
    size = sizeof out;
    assert_rv(CALL(encrypt_init, &cbc, there()), CKR_OK);
    assert_rv(CALL(encrypt, plain, 64, out, &size), CKR_OK);
    fake_add_aes(fake, "oct", 256);
    size = sizeof blob;
    assert_rv(CALL(wrap_key, &key_wrap, there(), generic_key(32), blob, &size), CKR_OK);
}

#define with_aes(test) cmocka_unit_test_setup_teardown(test, setup, soft_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_aes(test_wrapped_there_opens_here_and_back),
        with_aes(test_size_queries_and_short_buffers_cost_nothing),
        with_aes(test_outside_its_dates_it_wraps_nothing_and_unwraps),
        with_aes(test_bad_blobs_have_one_code),
        with_aes(test_an_opened_key_tells_the_version),
        with_aes(test_cbc_both_ways),
        with_aes(test_parts_are_one_request),
        with_aes(test_gcm_decrypts_there_and_does_not_encrypt_with_the_callers_iv),
        with_aes(test_what_such_a_key_cannot_do),
        with_aes(test_usages_are_checked_once_known),
        with_aes(test_a_new_version_may_have_another_size),
        with_aes(test_refusals_keep_their_codes),
        with_aes(test_a_service_that_lacks_padding_refuses_it_unasked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
