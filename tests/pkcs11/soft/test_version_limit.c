/* Trials of older versions are ten a second for each key; nothing else waits. */
#include "tests/pkcs11/soft/version_test.h"

static CK_OBJECT_HANDLE key;

static void test_trials_are_limited_to_ten_a_second(void **state)
{
    int64_t began;

    (void)state;
    versions_of_kek(2, 2048);
    soft_open("");
    fake->timeout = 30000;
    assert_opened_by(blob_of(1), 1);
    began = clock_now();
    for (unsigned i = 0; i < 12; i++) {
        assert_opened_by(blob_of(0), 0);
    }
    assert_true(clock_now() - began >= 900);
    assert_int_equal(lines_with("too many"), 0);
}

/* Seven trials a call, more of them than can be made within the timeout. */
static void use_up_trials(void)
{
    CK_RV rv = CKR_WRAPPED_KEY_INVALID;

    fake->timeout = 300;
    for (unsigned i = 0; i < 30 && rv == CKR_WRAPPED_KEY_INVALID; i++) {
        rv = open_blob(garbage(), &key);
    }
    assert_rv(rv, CKR_DEVICE_ERROR);
    assert_true(lines_with("too many") != 0);
}

static void test_who_cannot_wait_for_a_trial_is_told(void **state)
{
    (void)state;
    versions_of_kek(8, 2048);
    soft_open("");
    use_up_trials();
}

static void test_what_is_no_trial_is_not_limited(void **state)
{
    struct bytes blob;

    (void)state;
    versions_of_kek(8, 2048);
    soft_open("");
    fake->timeout = 30000;
    blob = blob_of(0);
    assert_opened_by(blob, 0);
    use_up_trials();
    for (unsigned i = 0; i < 20; i++) {
        assert_opened_by(blob, 0);
        assert_opened_by(blob_of(7), 7);
    }
}

static void test_each_key_has_trials_of_its_own(void **state)
{
    struct buffer blob = BUFFER_INIT(512);

    (void)state;
    versions_of_kek(8, 2048);
    fake_configure(fake, "other");
    fake_add(fake, "other", 2048);
    fake_add(fake, "other", 2048);
    soft_open("");
    use_up_trials();
    fake->timeout = 30000;
    fake_encrypt_at(fake, "other", 0, RSA_PADDING_OAEP_SHA256,
                    bytes_of_text("0123456789abcdef0123456789abcdef"), &blob);
    assert_rv(open_with(the(CKO_PRIVATE_KEY, "other"), &oaep_sha256, buffer_bytes(&blob), &key), CKR_OK);
    assert_int_equal(lines_with("key other: too many"), 0);
    buffer_free(&blob);
}

/* What was not tried to the end may open the next time. */
static void test_a_trial_that_could_not_wait_is_not_remembered_as_a_failure(void **state)
{
    struct bytes blob;

    (void)state;
    versions_of_kek(8, 2048);
    soft_open("");
    use_up_trials();
    blob = blob_of(0);
    (void)!open_blob(blob, &key); /* most likely too late, too */
    fake->timeout = 30000;
    assert_opened_by(blob, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_versions(test_trials_are_limited_to_ten_a_second),
        with_versions(test_who_cannot_wait_for_a_trial_is_told),
        with_versions(test_what_is_no_trial_is_not_limited),
        with_versions(test_each_key_has_trials_of_its_own),
        with_versions(test_a_trial_that_could_not_wait_is_not_remembered_as_a_failure),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
