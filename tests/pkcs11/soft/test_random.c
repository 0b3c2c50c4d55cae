/* C_GenerateRandom here and at the service, and C_SeedRandom. */
#include "tests/fake_aes.h"
#include "tests/pkcs11/soft/soft_test.h"
#include <string.h>

static unsigned char data[200];

static bool are_all(unsigned char byte)
{
    for (size_t i = 0; i < sizeof data; i++) {
        if (data[i] != byte) {
            return false;
        }
    }
    return true;
}

static void test_random_bytes_are_made_here(void **state)
{
    (void)state;
    fake_offer_random(fake);
    soft_open("");
    assert_rv(CALL(generate_random, data, sizeof data), CKR_OK);
    assert_false(are_all(0) || are_all(FAKE_RANDOM_BYTE));
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_the_service_makes_them_where_it_is_told_to(void **state)
{
    (void)state;
    fake_offer_random(fake);
    soft_open("    random = service");
    assert_rv(CALL(generate_random, data, sizeof data), CKR_OK);
    assert_true(are_all(FAKE_RANDOM_BYTE));
    assert_int_equal(fake_count(fake, FAKE_RANDOM), 1);
    assert_rv(CALL(generate_random, NULL, 5), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(generate_random, data, 0), CKR_OK);
    assert_int_equal(fake_count(fake, FAKE_RANDOM), 1);
}

/* Bytes of another origin in its place would be a lie. */
static void test_a_service_that_cannot_be_asked_is_a_failure(void **state)
{
    CK_SESSION_INFO info;

    (void)state;
    fake_offer_random(fake);
    soft_open("    random = service");
    fake_rule(fake, FAKE_RANDOM, fake_unreachable);
    assert_rv(CALL(generate_random, data, sizeof data), CKR_DEVICE_ERROR);
    assert_rv(token->ops->get_session_info(session, &info), CKR_OK);
    assert_int_equal(info.ulDeviceError, 503);
}

static void test_a_service_without_a_generator_is_a_configuration_error(void **state)
{
    (void)state;
    assert_rv(soft_try_open("    random = service"), CKR_GENERAL_ERROR);
}

static void test_seeds_are_not_taken(void **state)
{
    (void)state;
    soft_open("");
    assert_rv(CALL(seed_random, data, sizeof data), CKR_RANDOM_SEED_NOT_SUPPORTED);
    assert_rv(CALL(seed_random, NULL, 3), CKR_ARGUMENTS_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_service(test_random_bytes_are_made_here),
        with_service(test_the_service_makes_them_where_it_is_told_to),
        with_service(test_a_service_that_cannot_be_asked_is_a_failure),
        with_service(test_a_service_without_a_generator_is_a_configuration_error),
        with_service(test_seeds_are_not_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
