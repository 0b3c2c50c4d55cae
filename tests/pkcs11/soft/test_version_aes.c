/* Older versions of a symmetric key of the service: AES key wrap, with and without padding, and AES-GCM. */
#include "tests/fake_aes.h"
#include "tests/pkcs11/soft/version_test.h"
#include <string.h>

enum { VERSIONS = 4 };

static const unsigned bits[VERSIONS + 1] = {256, 128, 192, 256, 128}; /* the oldest first */

static unsigned char iv[12] = {9, 8, 7}, aad[20] = {1}, plain[48] = "what is encrypted at rest, for a while";
static CK_GCM_PARAMS gcm_parameter = {iv, 12, 96, aad, sizeof aad, 128};
static CK_MECHANISM kw = {CKM_AES_KEY_WRAP, NULL, 0}, kwp = {CKM_AES_KEY_WRAP_KWP, NULL, 0},
                    gcm = {CKM_AES_GCM, &gcm_parameter, sizeof gcm_parameter};
static unsigned char blob[128];
static CK_ULONG blob_size;
static CK_OBJECT_HANDLE key;

static void open_oct(const char *options)
{
    fake_offer_aes(fake);
    fake_offer_versions(fake);
    fake_configure(fake, "oct");
    for (unsigned i = 0; i < VERSIONS; i++) {
        fake_add_aes(fake, "oct", bits[i]);
    }
    soft_open(options);
}

static CK_OBJECT_HANDLE there(void)
{
    return the(CKO_SECRET_KEY, "oct");
}

/* The same key here. */
static CK_OBJECT_HANDLE version_here(unsigned index)
{
    unsigned char value[32];

    fake_aes_value(fake_version_at(fake, "oct", index), value);
    return aes_key(value, bits[index] / 8);
}

/* Another one each time. */
static void wrap_here(CK_MECHANISM *mechanism, unsigned index)
{
    static unsigned made;
    unsigned char value[32] = "0123456789abcdef0123456789abcdef";

    memcpy(value, &made, sizeof made);
    made++;
    blob_size = sizeof blob;
    assert_rv(CALL(wrap_key, mechanism, version_here(index), aes_key(value, 32), blob, &blob_size), CKR_OK);
}

static CK_RV unwrap_there(CK_MECHANISM *mechanism)
{
    return open_with(there(), mechanism, bytes_of(blob, blob_size), &key);
}

static void assert_unwrapped_by(CK_MECHANISM *mechanism, unsigned index)
{
    unsigned char back[64];

    assert_rv(unwrap_there(mechanism), CKR_OK);
    assert_int_equal(read_value(key, back, sizeof back), 32);
    assert_memory_equal(back + 4, "456789abcdef0123456789abcdef", 28);
    assert_string_equal(version_told(key), fake_version_at(fake, "oct", index)->version);
}

static void assert_all_unwrap(CK_MECHANISM *mechanism)
{
    open_oct("");
    for (unsigned i = 0; i < VERSIONS; i++) {
        wrap_here(mechanism, VERSIONS - 1 - i);
        assert_unwrapped_by(mechanism, VERSIONS - 1 - i);
        (void)unwraps();
        assert_unwrapped_by(mechanism, VERSIONS - 1 - i);
        assert_int_equal(unwraps(), 1);
    }
    assert_int_equal(listings(), 1);
}

static void test_what_older_versions_wrapped_unwraps(void **state)
{
    (void)state;
    assert_all_unwrap(&kw);
}

static void test_what_older_versions_wrapped_with_padding_unwraps(void **state)
{
    (void)state;
    assert_all_unwrap(&kwp);
}

static void test_a_disabled_version_is_passed_over_and_noted(void **state)
{
    (void)state;
    open_oct("");
    fake_version_at(fake, "oct", 2)->enabled = false;
    wrap_here(&kwp, 1);
    assert_unwrapped_by(&kwp, 1);
    wrap_here(&kwp, 2);
    assert_rv(unwrap_there(&kwp), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_the_current_version_is_passed_over_when_it_is_gone(void **state)
{
    (void)state;
    open_oct("");
    fake_version_at(fake, "oct", 3)->rule = fake_gone;
    wrap_here(&kwp, 1);
    assert_unwrapped_by(&kwp, 1);
    wrap_here(&kwp, 3);
    assert_rv(unwrap_there(&kwp), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
}

static void test_a_known_blob_whose_version_may_not_unwrap_is_tried_with_the_others(void **state)
{
    (void)state;
    open_oct("");
    wrap_here(&kwp, 1);
    assert_unwrapped_by(&kwp, 1);
    fake_version_at(fake, "oct", 1)->uses_known = true;
    assert_rv(unwrap_there(&kwp), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_asked(fake, "oct", 0), 1);
    fake_version_at(fake, "oct", 1)->uses_known = false;
    (void)unwraps();
    assert_unwrapped_by(&kwp, 1);
    assert_int_equal(unwraps(), 1);
}

static void test_a_complete_failure_is_remembered_for_its_mechanism(void **state)
{
    (void)state;
    open_oct("");
    wrap_here(&kw, 1);
    assert_rv(unwrap_there(&kwp), CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(unwraps(), VERSIONS);
    assert_rv(unwrap_there(&kwp), CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(unwraps(), 0);
    assert_unwrapped_by(&kw, 1);
}

/* The first request takes the latest version for the one before, and so for one of 256 bits. */
static void test_what_a_new_version_of_another_size_wrapped_unwraps(void **state)
{
    (void)state;
    open_oct("    refresh = 1d");
    wrap_here(&kwp, VERSIONS - 1);
    assert_unwrapped_by(&kwp, VERSIONS - 1);
    fake_add_aes(fake, "oct", bits[VERSIONS]);
    wrap_here(&kwp, VERSIONS);
    assert_unwrapped_by(&kwp, VERSIONS);
}

static CK_RV unwrap_to_encrypt(CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               ATTRIBUTE(CKA_ENCRYPT, yes)};

    return CALL(unwrap_key, &kwp, there(), blob, blob_size, template, COUNT(template), ret_key);
}

static CK_RV use_key(CK_OBJECT_HANDLE with)
{
    unsigned char block[16] = {1}, out[16];
    CK_MECHANISM ecb = {CKM_AES_ECB, NULL, 0};
    CK_ULONG size = sizeof out;
    CK_RV rv = CALL(encrypt_init, &ecb, with);

    return rv == CKR_OK ? CALL(encrypt, block, sizeof block, out, &size) : rv;
}

/* The check asks for the version's own size, not for that of the current one. */
static void test_what_a_version_of_another_size_unwrapped_stays_open(void **state)
{
    int64_t until;
    CK_RV rv = CKR_OK;

    (void)state;
    open_oct("    lease = 2s\n    lease-check = 1s");
    wrap_here(&kwp, 3);
    assert_unwrapped_by(&kwp, 3);
    wrap_here(&kwp, 1);
    assert_rv(unwrap_to_encrypt(&key), CKR_OK);
    assert_rv(use_key(key), CKR_OK);
    until = clock_now() + 3500;
    while (clock_now() < until) {
        rv = use_key(key);
        deadline_sleep(deadline_in(1000), 100);
    }
    assert_rv(rv, CKR_OK);
}

/* --- AES-GCM --- */

static CK_RV decrypt_there(CK_MECHANISM *mechanism)
{
    unsigned char back[128];
    CK_ULONG size = sizeof back;
    CK_RV rv = CALL(decrypt_init, mechanism, there());

    if (rv == CKR_OK) {
        rv = CALL(decrypt, blob, blob_size, back, &size);
    }
    if (rv == CKR_OK) {
        assert_int_equal(size, sizeof plain);
        assert_memory_equal(back, plain, sizeof plain);
    }
    return rv;
}

static void encrypt_here(CK_MECHANISM *mechanism, unsigned index)
{
    blob_size = sizeof blob;
    assert_rv(CALL(encrypt_init, mechanism, version_here(index)), CKR_OK);
    assert_rv(CALL(encrypt, plain, sizeof plain, blob, &blob_size), CKR_OK);
}

static unsigned decrypts(void)
{
    static unsigned told;
    unsigned now = fake_count(fake, FAKE_DECRYPT), since = now < told ? now : now - told;

    told = now;
    return since;
}

static void test_what_older_versions_encrypted_decrypts(void **state)
{
    (void)state;
    open_oct("");
    for (unsigned i = 0; i < VERSIONS; i++) {
        encrypt_here(&gcm, VERSIONS - 1 - i);
        assert_rv(decrypt_there(&gcm), CKR_OK);
        (void)decrypts();
        assert_rv(decrypt_there(&gcm), CKR_OK);
        assert_int_equal(decrypts(), 1);
    }
}

/* All that it depends on is part of what is remembered. */
static void test_a_failure_is_remembered_for_its_own_aad_alone(void **state)
{
    (void)state;
    open_oct("");
    encrypt_here(&gcm, 1);
    (void)decrypts();
    aad[3] ^= 1;
    assert_rv(decrypt_there(&gcm), CKR_ENCRYPTED_DATA_INVALID);
    assert_int_equal(decrypts(), VERSIONS);
    assert_rv(decrypt_there(&gcm), CKR_ENCRYPTED_DATA_INVALID);
    assert_int_equal(decrypts(), 0);
    aad[3] ^= 1;
    assert_rv(decrypt_there(&gcm), CKR_OK);
    iv[0] ^= 1;
    assert_rv(decrypt_there(&gcm), CKR_ENCRYPTED_DATA_INVALID);
    iv[0] ^= 1;
    assert_rv(decrypt_there(&gcm), CKR_OK);
}

/* Under CBC any key opens anything, now and then also with a padding that fits. */
static void test_under_cbc_no_older_version_is_tried(void **state)
{
    unsigned char cbc_iv[16] = {5}, back[128];
    CK_MECHANISM modes[] = {{CKM_AES_CBC, cbc_iv, 16}, {CKM_AES_CBC_PAD, cbc_iv, 16}};
    CK_ULONG size;

    (void)state;
    open_oct("");
    for (size_t i = 0; i < COUNT(modes); i++) {
        encrypt_here(&modes[i], 1);
        (void)decrypts();
        size = sizeof back;
        assert_rv(CALL(decrypt_init, &modes[i], there()), CKR_OK);
        (void)!CALL(decrypt, blob, blob_size, back, &size);
        assert_int_equal(decrypts(), 1);
    }
    assert_int_equal(fake_asked(fake, "oct", VERSIONS - 1), 2);
    assert_int_equal(listings(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_versions(test_what_older_versions_wrapped_unwraps),
        with_versions(test_what_older_versions_wrapped_with_padding_unwraps),
        with_versions(test_a_disabled_version_is_passed_over_and_noted),
        with_versions(test_the_current_version_is_passed_over_when_it_is_gone),
        with_versions(test_a_known_blob_whose_version_may_not_unwrap_is_tried_with_the_others),
        with_versions(test_a_complete_failure_is_remembered_for_its_mechanism),
        with_versions(test_what_a_new_version_of_another_size_wrapped_unwraps),
        with_versions(test_what_a_version_of_another_size_unwrapped_stays_open),
        with_versions(test_what_older_versions_encrypted_decrypts),
        with_versions(test_a_failure_is_remembered_for_its_own_aad_alone),
        with_versions(test_under_cbc_no_older_version_is_tried),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
