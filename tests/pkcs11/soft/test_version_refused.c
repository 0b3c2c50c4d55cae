/* Versions that are disabled, gone or not allowed are passed over; what ends a trial; what is remembered of one. */
#include "tests/pkcs11/soft/version_test.h"
#include <string.h>

static CK_OBJECT_HANDLE key;

/* --- Passed over --- */

static void disable(unsigned index)
{
    fake_version_at(fake, "kek", index)->enabled = false;
}

static void forbid(unsigned index)
{
    fake_version_at(fake, "kek", index)->uses_known = true;
}

static void lose(unsigned index)
{
    fake_version_at(fake, "kek", index)->rule = fake_gone;
}

static const struct obstacle {
    void (*put)(unsigned index);
    CK_RV rv;
} obstacles[] = {{disable, CKR_KEY_FUNCTION_NOT_PERMITTED},
                 {forbid, CKR_KEY_FUNCTION_NOT_PERMITTED},
                 {lose, CKR_UNWRAPPING_KEY_HANDLE_INVALID}};

static void assert_passed_over(const struct obstacle *obstacle, unsigned index)
{
    obstacle->put(index);
    soft_open("");
    assert_opened_by(blob_of(2), 2);
    assert_rv(open_blob(blob_of(index), &key), obstacle->rv);
    assert_rv(open_blob(garbage(), &key), obstacle->rv);
}

/* One obstacle for each test, as a token is opened only once. */
#define PASSED_OVER(name, number, index)                                                                     \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        versions_of_kek(5, 2048);                                                                            \
        assert_passed_over(&obstacles[number], index);                                                       \
    }

PASSED_OVER(test_a_disabled_version_is_passed_over, 0, 3)
PASSED_OVER(test_a_version_that_may_not_unwrap_is_passed_over, 1, 3)
PASSED_OVER(test_a_version_that_is_gone_is_passed_over, 2, 3)
PASSED_OVER(test_the_current_version_is_passed_over_when_it_is_disabled, 0, 4)
PASSED_OVER(test_the_current_version_is_passed_over_when_it_may_not_unwrap, 1, 4)
PASSED_OVER(test_the_current_version_is_passed_over_when_it_is_gone, 2, 4)

static void test_a_refused_blob_opens_when_its_version_is_enabled_again(void **state)
{
    struct bytes blob;

    (void)state;
    versions_of_kek(5, 2048);
    disable(3);
    soft_open("");
    blob = blob_of(3);
    assert_rv(open_blob(blob, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake_version_at(fake, "kek", 3)->enabled = true;
    assert_opened_by(blob, 3);
}

/*
 * Its version would open it; but another may have the same numbers, so these are tried. The latest is asked by its name,
 * too: which one had called the blob bad was not told.
 */
static void assert_known_blob_is_refused(void (*put)(unsigned index), CK_RV rv)
{
    struct bytes blob;

    open_with_five("");
    blob = blob_of(2);
    assert_opened_by(blob, 2); /* 4, 3, 2 */
    put(2);
    (void)unwraps();
    assert_rv(open_blob(blob, &key), rv);
    assert_int_equal(unwraps(), 6); /* 2, the latest, 3, 1, 0, 4 */
    for (unsigned i = 0; i < 5; i++) {
        assert_asked(i, i < 2 ? 1 : i < 4 ? 2 : 3);
    }
    assert_int_equal(lines_with("disabled, gone or not allowed to open it"), 1);
}

static void test_a_known_blob_whose_version_is_disabled_is_tried_with_each_other_once(void **state)
{
    (void)state;
    assert_known_blob_is_refused(disable, CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_a_known_blob_whose_version_may_not_unwrap_is_tried_with_each_other_once(void **state)
{
    (void)state;
    assert_known_blob_is_refused(forbid, CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_a_known_blob_whose_version_is_gone_is_tried_with_each_other_once(void **state)
{
    (void)state;
    assert_known_blob_is_refused(lose, CKR_UNWRAPPING_KEY_HANDLE_INVALID);
}

static void test_a_known_blob_of_the_current_version_asks_that_once(void **state)
{
    struct bytes blob;

    (void)state;
    open_with_five("");
    blob = blob_of(4);
    assert_opened_by(blob, 4);
    disable(4);
    (void)unwraps();
    assert_rv(open_blob(blob, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(unwraps(), 5);
    assert_asked(4, 2);
}

static void test_a_known_blob_opens_again_with_its_own_version(void **state)
{
    struct bytes blob;

    (void)state;
    open_with_five("");
    blob = blob_of(1);
    assert_opened_by(blob, 1);
    disable(1);
    assert_rv(open_blob(blob, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake_version_at(fake, "kek", 1)->enabled = true;
    (void)unwraps();
    assert_opened_by(blob, 1);
    assert_int_equal(unwraps(), 1);
}

static void test_a_known_blob_opens_with_another_version_of_the_same_key(void **state)
{
    struct bytes blob;

    (void)state;
    versions_of_kek(3, 2048);
    soft_open("");
    blob = blob_of(1);
    assert_opened_by(blob, 1);
    fake_repeat(fake, "kek", 1);
    disable(1);
    (void)unwraps();
    assert_opened_by(blob, 3);
    assert_int_equal(unwraps(), 2);
    assert_opened_by(blob, 3);
    assert_int_equal(unwraps(), 1);
}

/* The key of that name may be another one by now, whose versions have other names. */
static void test_where_the_known_version_is_gone_the_key_itself_is_asked(void **state)
{
    struct bytes blob;

    (void)state;
    versions_of_kek(1, 2048);
    soft_open("");
    blob = blob_of(0);
    assert_opened_by(blob, 0);
    fake_remove(fake, "kek");
    fake_add(fake, "kek", 2048); /* with the same numbers */
    (void)unwraps();
    assert_opened_by(blob, 0);
    assert_int_equal(unwraps(), 2);
    assert_int_equal(listings(), 0);
}

static void test_without_others_the_refusal_of_a_known_blob_is_its_code(void **state)
{
    struct bytes blob;

    (void)state;
    versions_of_kek(1, 2048);
    soft_open("    older-versions = 0");
    blob = blob_of(0);
    assert_opened_by(blob, 0);
    fake_add(fake, "kek", 2048);
    assert_opened_by(blob_of(1), 1);
    disable(0);
    assert_rv(open_blob(blob, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_asked(1, 2);
}

/* --- What ends it --- */

static void test_a_missing_permission_ends_it(void **state)
{
    (void)state;
    open_with_five("");
    fake_version_at(fake, "kek", 3)->rule = fake_refused;
    assert_rv(open_blob(blob_of(2), &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_asked(2, 0);
    fake_version_at(fake, "kek", 3)->rule = (struct fake_rule){VERDICT_NONE};
    fake_rule(fake, FAKE_UNWRAP, fake_refused);
    (void)unwraps();
    assert_rv(open_blob(blob_of(2), &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(unwraps(), 1);
}

static void test_an_unreachable_service_ends_it(void **state)
{
    struct bytes blob;

    (void)state;
    open_with_five("");
    blob = blob_of(2);
    fake_version_at(fake, "kek", 3)->rule = fake_unreachable;
    assert_rv(open_blob(blob, &key), CKR_DEVICE_ERROR);
    assert_asked(2, 0);
    fake_version_at(fake, "kek", 3)->rule = (struct fake_rule){VERDICT_NONE};
    assert_opened_by(blob, 2);
}

static void test_a_listing_that_does_not_come_ends_it(void **state)
{
    struct bytes blob;

    (void)state;
    open_with_five("");
    blob = blob_of(2);
    fake_rule(fake, FAKE_LIST_VERSIONS, fake_unreachable);
    assert_rv(open_blob(blob, &key), CKR_DEVICE_ERROR);
    fake_rule(fake, FAKE_LIST_VERSIONS, (struct fake_rule){VERDICT_NONE});
    assert_opened_by(blob, 2);
}

/* --- Failures --- */

static void test_a_complete_failure_is_remembered(void **state)
{
    struct bytes blob = garbage();

    (void)state;
    open_with_five("");
    assert_rv(open_blob(blob, &key), CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(unwraps(), 5);
    assert_rv(open_blob(blob, &key), CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(unwraps(), 0);
    assert_rv(open_with(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha1, blob, &key), CKR_WRAPPED_KEY_INVALID);
    assert_true(unwraps() != 0); /* it may be good for that */
    assert_true(lines_with("5 versions tried") != 0);
}

static void test_an_incomplete_failure_is_not_remembered(void **state)
{
    struct bytes blob = garbage();

    (void)state;
    versions_of_kek(3, 2048);
    disable(1);
    soft_open("");
    assert_rv(open_blob(blob, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    (void)unwraps();
    assert_rv(open_blob(blob, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_true(unwraps() != 0);
}

static void test_a_failure_is_forgotten_when_there_is_another_version(void **state)
{
    struct buffer blob = BUFFER_INIT(512);

    (void)state;
    versions_of_kek(2, 2048);
    soft_open("    wrap = service");
    fake_add(fake, "other", 2048);
    fake_add(fake, "other", 2048);
    fake_add(fake, "other", 2048); /* the pair that the next version of "kek" will have */
    fake_encrypt(fake, "other", RSA_PADDING_OAEP_SHA256, bytes_of_text("0123456789abcdef0123456789abcdef"),
                 &blob);
    assert_rv(open_blob(buffer_bytes(&blob), &key), CKR_WRAPPED_KEY_INVALID);
    fake_add(fake, "kek", 2048);
    {
        unsigned char out[512];
        CK_ULONG size;

        assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha256, out, &size), CKR_OK);
    }
    assert_opened_by(buffer_bytes(&blob), 2);
    buffer_free(&blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_versions(test_a_disabled_version_is_passed_over),
        with_versions(test_a_version_that_may_not_unwrap_is_passed_over),
        with_versions(test_a_version_that_is_gone_is_passed_over),
        with_versions(test_the_current_version_is_passed_over_when_it_is_disabled),
        with_versions(test_the_current_version_is_passed_over_when_it_may_not_unwrap),
        with_versions(test_the_current_version_is_passed_over_when_it_is_gone),
        with_versions(test_a_refused_blob_opens_when_its_version_is_enabled_again),
        with_versions(test_a_known_blob_whose_version_is_disabled_is_tried_with_each_other_once),
        with_versions(test_a_known_blob_whose_version_may_not_unwrap_is_tried_with_each_other_once),
        with_versions(test_a_known_blob_whose_version_is_gone_is_tried_with_each_other_once),
        with_versions(test_a_known_blob_of_the_current_version_asks_that_once),
        with_versions(test_a_known_blob_opens_again_with_its_own_version),
        with_versions(test_a_known_blob_opens_with_another_version_of_the_same_key),
        with_versions(test_where_the_known_version_is_gone_the_key_itself_is_asked),
        with_versions(test_without_others_the_refusal_of_a_known_blob_is_its_code),
        with_versions(test_a_missing_permission_ends_it),
        with_versions(test_an_unreachable_service_ends_it),
        with_versions(test_a_listing_that_does_not_come_ends_it),
        with_versions(test_a_complete_failure_is_remembered),
        with_versions(test_an_incomplete_failure_is_not_remembered),
        with_versions(test_a_failure_is_forgotten_when_there_is_another_version),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
