/* Each version that is to open something is judged by the owner's rules: its type and size may differ from the rest. */
#include "tests/fake_aes.h"
#include "tests/pkcs11/soft/version_test.h"
#include <stdio.h>
#include <string.h>

static CK_OBJECT_HANDLE key;

static void keep_in(unsigned index, enum told in_hardware)
{
    fake_version_at(fake, "kek", index)->in_hardware = in_hardware;
}

/* All in hardware but this one, of four. */
static void one_in_software(unsigned index)
{
    versions_of_kek(4, 2048);
    for (unsigned i = 0; i < 4; i++) {
        keep_in(i, i == index ? TOLD_NO : TOLD_YES);
    }
}

static unsigned gets(void)
{
    return fake_count(fake, FAKE_GET);
}

static void assert_never_asked(unsigned index)
{
    assert_int_equal(fake_asked(fake, "kek", index), 0);
}

static void test_an_older_version_in_software_is_refused_unasked(void **state)
{
    char line[200];

    (void)state;
    one_in_software(1);
    soft_open("    require-hsm = yes");
    assert_rv(open_blob(blob_of(1), &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_never_asked(1);
    snprintf(line, sizeof line, "key kek/%s is refused: require-hsm is set, and it is kept in software",
             version_name(1));
    assert_int_equal(lines_with(line), 1);
}

static void test_the_others_open_what_they_made(void **state)
{
    (void)state;
    one_in_software(1);
    soft_open("    require-hsm = yes");
    assert_opened_by(blob_of(0), 0);
    assert_opened_by(blob_of(2), 2);
    assert_opened_by(blob_of(3), 3);
    assert_never_asked(1);
}

static void test_an_older_version_opens_though_the_current_one_is_refused(void **state)
{
    (void)state;
    one_in_software(3);
    soft_open("    require-hsm = yes");
    assert_opened_by(blob_of(2), 2);
    assert_rv(open_blob(blob_of(3), &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_never_asked(3);
}

/* Which costs one question for each version that was tried, and then none. */
static void test_a_known_blob_still_costs_one_request(void **state)
{
    struct bytes blob;
    unsigned before;

    (void)state;
    one_in_software(1);
    soft_open("    require-hsm = yes\n    refresh = 1d");
    blob = blob_of(2);
    assert_opened_by(blob, 2);
    assert_int_equal(gets(), 2); /* the current one, and 2 */
    (void)unwraps();
    for (int i = 0; i < 3; i++) {
        assert_opened_by(blob, 2);
    }
    assert_int_equal(unwraps(), 3);
    assert_opened_by(blob_of(2), 2);
    before = gets();
    assert_int_equal(before, 2);
    assert_opened_by(blob_of(3), 3);
    assert_int_equal(gets(), before);
}

static void test_without_rules_no_version_is_asked_for(void **state)
{
    (void)state;
    one_in_software(1);
    soft_open("");
    assert_opened_by(blob_of(1), 1);
    assert_int_equal(gets(), 0);
}

/* The vault's own properties, and permissions, are the same for all of them: nobody is tried, nothing is listed. */
static void test_what_no_version_can_mend_ends_it(void **state)
{
    (void)state;
    one_in_software(1);
    fake_version_at(fake, "kek", 3)->purge_protected = TOLD_NO;
    soft_open("    require-purge-protection = yes");
    assert_rv(open_blob(blob_of(2), &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(gets(), 1);
    assert_int_equal(unwraps() + listings(), 0);
}

static void test_what_is_not_told_ends_it(void **state)
{
    (void)state;
    one_in_software(1);
    fake_rule(fake, FAKE_GET, fake_refused);
    soft_open("    require-hsm = yes");
    assert_rv(open_blob(blob_of(2), &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(gets(), 1);
    assert_int_equal(unwraps() + listings(), 0);
}

static void test_a_question_that_is_not_answered_ends_it(void **state)
{
    struct bytes blob;

    (void)state;
    one_in_software(1);
    soft_open("    require-hsm = yes\n    refresh = 1d");
    assert_opened_by(blob_of(3), 3);
    blob = blob_of(2);
    fake_rule(fake, FAKE_GET, fake_unreachable);
    assert_rv(open_blob(blob, &key), CKR_DEVICE_ERROR);
    assert_never_asked(2);
    fake_rule(fake, FAKE_GET, (struct fake_rule){VERDICT_NONE});
    assert_opened_by(blob, 2);
}

/* A request that names no version is answered by the latest, which may be another one since it was judged. */
static void test_the_version_that_opened_it_is_judged_too(void **state)
{
    (void)state;
    one_in_software(4);
    soft_open("    require-hsm = yes\n    refresh = 1d");
    assert_opened_by(blob_of(3), 3);
    fake_add(fake, "kek", 2048)->in_hardware = TOLD_NO;
    assert_rv(open_blob(blob_of(4), &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_opened_by(blob_of(3), 3);
}

static void test_what_a_pinned_key_names_as_older_is_judged(void **state)
{
    char text[128];
    CK_OBJECT_HANDLE pinned;

    (void)state;
    one_in_software(0);
    snprintf(text, sizeof text, "kek/%s", version_name(0));
    fake_configure_older(fake, text);
    snprintf(text, sizeof text, "kek/%s", version_name(1));
    fake_configure_older(fake, text);
    snprintf(text, sizeof text, "kek/%s", version_name(2));
    fake_configure(fake, text);
    soft_open("    require-hsm = yes");
    pinned = the(CKO_PRIVATE_KEY, text);
    assert_rv(open_with(pinned, &oaep_sha256, blob_of(2), &key), CKR_OK);
    assert_rv(open_with(pinned, &oaep_sha256, blob_of(1), &key), CKR_OK);
    assert_rv(open_with(pinned, &oaep_sha256, blob_of(0), &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_never_asked(0);
}

static void test_an_older_version_that_is_too_small_is_refused_by_the_length_of_its_blob(void **state)
{
    (void)state;
    versions_of_kek(1, 2048);
    fake_add(fake, "kek", 3072);
    fake_add(fake, "kek", 3072);
    soft_open("    min-rsa-bits = 3072");
    assert_rv(open_blob(blob_of(0), &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(unwraps() + listings(), 0);
    assert_opened_by(blob_of(1), 1);
    assert_opened_by(blob_of(2), 2);
}

/* The service keeps them in hardware alone, which its answer tells. */
static void test_versions_of_aes_keys_are_judged(void **state)
{
    CK_MECHANISM kwp = {CKM_AES_KEY_WRAP_KWP, NULL, 0};
    unsigned char blob[64], value[32];
    CK_ULONG size = sizeof blob;

    (void)state;
    fake_offer_versions(fake);
    fake_offer_aes(fake);
    fake_configure(fake, "oct");
    fake_add_aes(fake, "oct", 256)->in_hardware = TOLD_NO;
    fake_aes_value(fake_version(fake, "oct"), value);
    fake_add_aes(fake, "oct", 256)->in_hardware = TOLD_YES;
    soft_open("    require-hsm = yes");
    assert_rv(CALL(wrap_key, &kwp, aes_key(value, 32), aes_key("0123456789abcdef", 16), blob, &size), CKR_OK);
    assert_rv(open_with(the(CKO_SECRET_KEY, "oct"), &kwp, bytes_of(blob, size), &key),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_asked(fake, "oct", 0), 0);
    assert_int_equal(fake_asked(fake, "oct", 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_versions(test_an_older_version_in_software_is_refused_unasked),
        with_versions(test_the_others_open_what_they_made),
        with_versions(test_an_older_version_opens_though_the_current_one_is_refused),
        with_versions(test_a_known_blob_still_costs_one_request),
        with_versions(test_without_rules_no_version_is_asked_for),
        with_versions(test_what_no_version_can_mend_ends_it),
        with_versions(test_what_is_not_told_ends_it),
        with_versions(test_a_question_that_is_not_answered_ends_it),
        with_versions(test_the_version_that_opened_it_is_judged_too),
        with_versions(test_what_a_pinned_key_names_as_older_is_judged),
        with_versions(test_an_older_version_that_is_too_small_is_refused_by_the_length_of_its_blob),
        with_versions(test_versions_of_aes_keys_are_judged),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
