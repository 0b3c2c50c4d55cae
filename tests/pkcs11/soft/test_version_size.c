/* A key whose size changes by rotation, and the two halves of CKM_RSA_AES_KEY_WRAP when there are older versions. */
#include "tests/pkcs11/soft/version_test.h"
#include <string.h>

enum { MIDDLE = 32, VALUE = 600 /* bytes; so long a key could follow a first half of any size */ };

static CK_RSA_PKCS_OAEP_PARAMS sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
static struct rsa_aes_key_wrap_params parameter = {256, &sha256};
static CK_MECHANISM rsa_aes = {CKM_RSA_AES_KEY_WRAP, &parameter, sizeof parameter};
static CK_MECHANISM kwp = {CKM_AES_KEY_WRAP_KWP, NULL, 0};
static unsigned char value[VALUE], blob[2048];
static CK_ULONG blob_size, first_size;
static CK_OBJECT_HANDLE key;

/* 0: 2048 bits; 1: 3072; 2, the current one: 4096. */
static void open_with_sizes(const char *options)
{
    fake_offer_versions(fake);
    fake_add(fake, "kek", 3072);
    fake_add(fake, "kek", 4096);
    soft_open(options);
}

static CK_OBJECT_HANDLE long_key(CK_ULONG size)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               {CKA_VALUE, value, size},
                               ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    CK_OBJECT_HANDLE made = 0;

    memset(value, 0x3c, sizeof value);
    assert_rv(CALL(create_object, template, COUNT(template), &made), CKR_OK);
    return made;
}

/* As another client makes it under one version, without a request; another one each time. */
static void make_hybrid(unsigned index, CK_ULONG size)
{
    static unsigned made;
    char middle[MIDDLE + 1] = "0123456789abcdef0123456789abcdef";
    struct buffer first = BUFFER_INIT(512);
    CK_ULONG second;

    memcpy(middle, &made, sizeof made);
    made++;
    fake_encrypt_at(fake, "kek", index, RSA_PADDING_OAEP_SHA256, bytes_of(middle, MIDDLE), &first);
    memcpy(blob, first.data, first.size);
    first_size = first.size;
    second = sizeof blob - first.size;
    assert_rv(CALL(wrap_key, &kwp, aes_key(middle, MIDDLE), long_key(size), blob + first.size, &second),
              CKR_OK);
    blob_size = first.size + second;
    buffer_free(&first);
}

static CK_RV open_hybrid(void)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, yes)};

    return CALL(unwrap_key, &rsa_aes, the(CKO_PRIVATE_KEY, "kek"), blob, blob_size, template, COUNT(template),
                &key);
}

static void assert_hybrid_opened_by(unsigned index, CK_ULONG size)
{
    unsigned char back[VALUE];

    assert_rv(open_hybrid(), CKR_OK);
    assert_int_equal(read_value(key, back, sizeof back), size);
    assert_memory_equal(back, value, size);
    assert_string_equal(version_told(key), version_name(index));
}

static void test_a_blob_of_each_size_opens(void **state)
{
    (void)state;
    open_with_sizes("");
    for (unsigned i = 0; i < 3; i++) {
        assert_opened_by(blob_of(2 - i), 2 - i);
    }
}

/* Known by what it opened, so a blob of another length is not sent to it. */
static void test_a_version_of_another_size_is_not_asked(void **state)
{
    unsigned asked;

    (void)state;
    open_with_sizes("");
    assert_opened_by(blob_of(0), 0);
    assert_opened_by(blob_of(1), 1);
    asked = fake_asked(fake, "kek", 1);
    assert_opened_by(blob_of(0), 0);
    assert_int_equal(fake_asked(fake, "kek", 1), asked);
}

static void test_hybrid_blobs_of_each_size_open_and_then_cost_one_request(void **state)
{
    (void)state;
    open_with_sizes("");
    for (unsigned i = 0; i < 3; i++) {
        make_hybrid(i, VALUE);
        assert_hybrid_opened_by(i, VALUE);
        (void)unwraps();
        assert_hybrid_opened_by(i, VALUE);
        assert_int_equal(unwraps(), 1);
    }
}

static void test_hybrid_blobs_open_after_the_key_has_changed_its_size(void **state)
{
    (void)state;
    fake_offer_versions(fake);
    soft_open("");
    make_hybrid(0, 40);
    assert_hybrid_opened_by(0, 40);
    fake_add(fake, "kek", 3072);
    (void)unwraps();
    assert_hybrid_opened_by(0, 40);
    assert_int_equal(unwraps(), 1);
    make_hybrid(0, 40);
    assert_hybrid_opened_by(0, 40);
    make_hybrid(1, 40);
    assert_hybrid_opened_by(1, 40);
}

/* --- The two halves --- */

/* What it costs to be told that the blob is bad where one byte of it is changed. */
static unsigned cost_of_change(unsigned index, CK_ULONG place)
{
    make_hybrid(index, 40);
    assert_int_equal(first_size, 256);
    blob[place] ^= 1;
    (void)unwraps();
    assert_rv(open_hybrid(), CKR_WRAPPED_KEY_INVALID);
    return unwraps();
}

static void test_either_bad_half_costs_the_same_requests(void **state)
{
    unsigned first;

    (void)state;
    versions_of_kek(3, 2048);
    soft_open("    refresh = 1d");
    fake->timeout = 30000;
    assert_opened_by(blob_of(0), 0); /* which lists */
    first = cost_of_change(0, 200);
    assert_true(first >= 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(cost_of_change(i, 200), first);
        assert_int_equal(cost_of_change(i, 256), first);
        assert_int_equal(cost_of_change(i, 256 + 47), first);
    }
}

/* And once more nothing, whichever it was. */
static void test_either_bad_half_is_remembered(void **state)
{
    (void)state;
    versions_of_kek(3, 2048);
    soft_open("");
    for (CK_ULONG place = 200; place < 300; place += 60) {
        assert_int_not_equal(cost_of_change(1, place), 0);
        assert_rv(open_hybrid(), CKR_WRAPPED_KEY_INVALID);
        assert_int_equal(unwraps(), 0);
        blob[place] ^= 1;
        assert_hybrid_opened_by(1, 40);
    }
}

static void test_a_first_half_is_remembered_for_its_own_second_one(void **state)
{
    unsigned char good;

    (void)state;
    versions_of_kek(3, 2048);
    soft_open("");
    make_hybrid(0, 40);
    assert_hybrid_opened_by(0, 40);
    good = blob[260];
    blob[260] ^= 1;
    (void)unwraps();
    assert_rv(open_hybrid(), CKR_WRAPPED_KEY_INVALID);
    assert_true(unwraps() >= 3);
    blob[260] = good;
    assert_hybrid_opened_by(0, 40);
    assert_int_equal(unwraps(), 1);
}

/* Another size of the AES key between the halves is another question. */
static void test_what_fails_with_another_aes_size_is_not_remembered_for_this_one(void **state)
{
    (void)state;
    versions_of_kek(2, 2048);
    soft_open("");
    make_hybrid(0, 40);
    parameter.aes_bits = 128;
    assert_rv(open_hybrid(), CKR_WRAPPED_KEY_INVALID);
    parameter.aes_bits = 256;
    assert_hybrid_opened_by(0, 40);
}

static void test_a_refused_version_gives_its_code_for_hybrid_blobs_too(void **state)
{
    (void)state;
    versions_of_kek(3, 2048);
    fake_version_at(fake, "kek", 1)->enabled = false;
    soft_open("");
    make_hybrid(1, 40);
    assert_rv(open_hybrid(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    make_hybrid(0, 40);
    assert_hybrid_opened_by(0, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_versions(test_a_blob_of_each_size_opens),
        with_versions(test_a_version_of_another_size_is_not_asked),
        with_versions(test_hybrid_blobs_of_each_size_open_and_then_cost_one_request),
        with_versions(test_hybrid_blobs_open_after_the_key_has_changed_its_size),
        with_versions(test_either_bad_half_costs_the_same_requests),
        with_versions(test_either_bad_half_is_remembered),
        with_versions(test_a_first_half_is_remembered_for_its_own_second_one),
        with_versions(test_what_fails_with_another_aes_size_is_not_remembered_for_this_one),
        with_versions(test_a_refused_version_gives_its_code_for_hybrid_blobs_too),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
