/* C_WrapKey and C_UnwrapKey under a key that is outside its dates, disabled or gone. */
#include "tests/pkcs11/soft/wrap_test.h"
#include <string.h>
#include <time.h>

static void test_dates_forbid_wrapping_and_not_unwrapping(void **state)
{
    (void)state;
    soft_open("    refresh = 1s");
    wrap_ok();
    wrap_ok();
    fake_version(fake, "kek")->expires = time(NULL) - 10;
    deadline_sleep(deadline_in(5000), 1100);
    assert_rv(CALL(get_attribute_value, public_kek(), &(CK_ATTRIBUTE){CKA_MODULUS, NULL, 0}, 1), CKR_OK);
    assert_rv(wrap_under(public_kek(), &oaep_sha256, blob, &blob_size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_count(fake, FAKE_WRAP), 1);
}

static void test_an_expired_key_still_opens(void **state)
{
    (void)state;
    wrap_ok();
    fake_version(fake, "kek")->expires = time(NULL) - 10;
    assert_opens(&oaep_sha256);
}

static void test_the_services_clock_counts(void **state)
{
    (void)state;
    fake_version(fake, "kek")->expires = time(NULL) + 1000;
    fake_clock(fake, 2000);
    soft_open("    wrap = local");
    memset(blob, 1, sizeof blob);
    assert_rv(unwrap_under(private_kek(), &oaep_sha256, blob, 256, &(CK_OBJECT_HANDLE){0}),
              CKR_WRAPPED_KEY_INVALID);
    assert_rv(wrap_under(public_kek(), &oaep_sha256, blob, &blob_size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_count(fake, FAKE_WRAP), 0);
}

static void test_a_bare_403_outside_the_dates_is_not_permitted(void **state)
{
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};

    (void)state;
    fake_version(fake, "kek")->not_before = time(NULL) + 1000;
    assert_rv(wrap_under(public_kek(), &oaep_sha256, blob, &blob_size), CKR_DEVICE_ERROR);
    assert_rv(CALL(get_attribute_value, public_kek(), &modulus, 1), CKR_OK);
    assert_rv(wrap_under(public_kek(), &oaep_sha256, blob, &blob_size), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_a_disabled_key_neither_wraps_nor_opens(void **state)
{
    CK_OBJECT_HANDLE key;

    (void)state;
    wrap_ok();
    fake_version(fake, "kek")->enabled = false;
    assert_rv(unwrap_under(private_kek(), &oaep_sha256, blob, blob_size, &key),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(wrap_under(public_kek(), &oaep_sha256, blob, &blob_size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake_version(fake, "kek")->enabled = true;
    wrap_ok();
    assert_opens(&oaep_sha256);
}

static void test_a_key_known_to_be_disabled_wraps_nowhere(void **state)
{
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};

    (void)state;
    fake_version(fake, "kek")->enabled = false;
    assert_rv(CALL(get_attribute_value, public_kek(), &modulus, 1), CKR_OK);
    assert_rv(wrap_under(public_kek(), &oaep_sha256, blob, &blob_size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_count_all(fake), 1);
    fake_version(fake, "kek")->enabled = true;
    deadline_sleep(deadline_in(5000), 1100);
    wrap_ok();
}

static void test_what_the_service_no_longer_tells_is_its_own_to_judge(void **state)
{
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};

    (void)state;
    fake_version(fake, "kek")->expires = time(NULL) - 10;
    assert_rv(CALL(get_attribute_value, public_kek(), &modulus, 1), CKR_OK);
    fake_version(fake, "kek")->expires = 0;
    fake_rule(fake, FAKE_GET, fake_refused);
    deadline_sleep(deadline_in(5000), 1100);
    wrap_ok();
    assert_int_equal(fake_count(fake, FAKE_WRAP), 1);
}

static void test_a_key_that_is_gone(void **state)
{
    CK_OBJECT_HANDLE public = public_kek(), private = private_kek(), key;

    (void)state;
    wrap_ok();
    fake_remove(fake, "kek");
    assert_rv(unwrap_under(private, &oaep_sha256, blob, blob_size, &key), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    assert_rv(wrap_under(public, &oaep_sha256, blob, &blob_size), CKR_WRAPPING_KEY_HANDLE_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_service(test_dates_forbid_wrapping_and_not_unwrapping),
        with_token(test_an_expired_key_still_opens),
        with_service(test_the_services_clock_counts),
        with_token(test_a_bare_403_outside_the_dates_is_not_permitted),
        with_token(test_a_disabled_key_neither_wraps_nor_opens),
        with_token(test_a_key_known_to_be_disabled_wraps_nowhere),
        with_token(test_what_the_service_no_longer_tells_is_its_own_to_judge),
        with_token(test_a_key_that_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
