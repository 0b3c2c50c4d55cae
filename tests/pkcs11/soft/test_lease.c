/* Leases: when the service is asked, what its answers mean, when what it unwrapped is closed and opened again. */
#include "tests/pkcs11/soft/lease_test.h"
#include <string.h>

/* --- Checks --- */

static void test_a_young_lease_costs_nothing(void **state)
{
    CK_OBJECT_HANDLE key = data_key();

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_rv(use(key), CKR_OK);
    }
    assert_int_equal(fake_count_all(fake), 1);
}

static void test_a_use_renews_it_when_a_check_is_due(void **state)
{
    (void)state;
    soft_open("    lease-check = 100ms");
    CK_OBJECT_HANDLE key = data_key();

    pass_time(120);
    assert_int_equal(asked(), 1); /* nobody asks unless it is used */
    assert_rv(use(key), CKR_OK);
    assert_true(asked() >= 2);
}

static void test_without_leases_nothing_is_checked(void **state)
{
    (void)state;
    soft_open("    lease = off\n    lease-check = 100ms");
    CK_OBJECT_HANDLE key = data_key();

    answering(disabled);
    pass_time(250);
    make_check_due();
    assert_rv(use(key), CKR_OK);
    assert_int_equal(asked(), 1);
}

static void test_created_and_generated_keys_have_no_lease(void **state)
{
    CK_OBJECT_HANDLE mine = aes_key("0123456789abcdef", 16), theirs = data_key();

    (void)state;
    answering(disabled);
    make_check_due();
    assert_rv(use(theirs), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(use(mine), CKR_OK);
}

static void test_a_refusal_of_another_verb_makes_a_check_due(void **state)
{
    CK_OBJECT_HANDLE key = data_key();

    (void)state;
    make_check_due();
    assert_int_equal(asked(), 1);
    assert_rv(use(key), CKR_OK); /* but it closes nothing */
    assert_int_equal(asked(), 2);
    assert_rv(use(key), CKR_OK);
    assert_int_equal(asked(), 2);
}

static void test_other_verbs_do_not_renew(void **state)
{
    (void)state;
    soft_open("    lease-check = 200ms\n    wrap = service");
    CK_OBJECT_HANDLE key = data_key();
    unsigned char blob[512];
    CK_ULONG size;

    answering(disabled);
    pass_time(220);
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha256, blob, &size), CKR_OK);
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/* --- Refused --- */

static void test_a_disabled_key_closes_at_once(void **state)
{
    CK_OBJECT_HANDLE key = data_key();

    (void)state;
    answering(disabled);
    assert_rv(use(key), CKR_OK); /* nothing is due */
    make_check_due();
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(asked(), 2);
}

static void test_a_disabled_key_is_closed_within_an_interval(void **state)
{
    (void)state;
    soft_open("    lease-check = 1s");
    CK_OBJECT_HANDLE key = data_key();

    answering(disabled);
    assert_true(use_until(key, CKR_KEY_FUNCTION_NOT_PERMITTED) <= 1000 + 2000);
}

static void refused_three_times(struct fake_rule rule)
{
    CK_OBJECT_HANDLE key = data_key();

    answering(rule);
    age_leases(5 * MINUTE);
    assert_rv(use(key), CKR_OK);
    age_leases(20 * SECOND);
    assert_rv(use(key), CKR_OK);
    assert_int_equal(asked(), 2);
    age_leases(10 * SECOND);
    assert_rv(use(key), CKR_OK);
    assert_int_equal(asked(), 3);
    age_leases(30 * SECOND);
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(asked(), 4);
}

static void test_a_refusal_closes_after_three_in_a_fifth(void **state)
{
    (void)state;
    refused_three_times(fake_refused);
}

static void test_a_key_that_is_gone_closes_so_too(void **state)
{
    (void)state;
    refused_three_times(gone);
}

static void test_an_application_that_is_unknown_closes_so_too(void **state)
{
    (void)state;
    refused_three_times(no_caller);
}

static void test_two_refusals_are_forgotten_by_an_acceptance(void **state)
{
    CK_OBJECT_HANDLE key = data_key();

    (void)state;
    for (int i = 0; i < 4; i++) {
        answering(fake_refused);
        age_leases(5 * MINUTE);
        assert_rv(use(key), CKR_OK);
        age_leases(30 * SECOND);
        assert_rv(use(key), CKR_OK);
        answering(works);
        age_leases(30 * SECOND);
        assert_rv(use(key), CKR_OK);
    }
    assert_int_equal(asked(), 1 + 4 * 3);
}

static void test_one_refusal_closes_what_was_accepted_long_ago(void **state)
{
    CK_OBJECT_HANDLE key = data_key();

    (void)state;
    age_leases(7 * MINUTE);
    answering(fake_refused);
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(asked(), 2);
}

/* --- Unreachable --- */

static void test_an_unreachable_service_closes_nothing_before_the_end(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE key = data_key();
    struct fake_rule firewall = {VERDICT_UNREACHABLE, CKR_DEVICE_ERROR, 403},
                     unauthorized = {VERDICT_NO_ACCESS, CKR_USER_NOT_LOGGED_IN, 401},
                     throttled = {VERDICT_UNREACHABLE, CKR_DEVICE_ERROR, 429},
                     nonsense = {VERDICT_BAD_REQUEST, CKR_FUNCTION_FAILED, 400};
    struct fake_rule rules[] = {fake_unreachable, firewall, unauthorized, throttled, nonsense};

    for (size_t i = 0; i < COUNT(rules); i++) {
        unsigned before = asked();

        answering(rules[i]);
        age_leases(5 * MINUTE);
        assert_rv(use(key), CKR_OK);
        assert_true(asked() > before);
    }
}

static void test_after_an_outage_checks_come_slower_and_slower(void **state)
{
    const int64_t pauses[] = {30 * SECOND, 1 * MINUTE, 2 * MINUTE, 4 * MINUTE, 5 * MINUTE, 5 * MINUTE};
    CK_OBJECT_HANDLE key = data_key();
    unsigned before;

    (void)state;
    answering(fake_unreachable);
    age_leases(5 * MINUTE);
    assert_rv(use(key), CKR_OK);
    for (size_t i = 0; i < COUNT(pauses); i++) {
        before = asked();
        age_leases(pauses[i] - 20 * SECOND);
        assert_rv(use(key), CKR_OK);
        assert_int_equal(asked(), before);
        age_leases(20 * SECOND);
        assert_rv(use(key), CKR_OK);
        assert_int_equal(asked(), before + 1);
    }
}

static void test_the_end_of_the_lease_closes(void **state)
{
    (void)state;
    soft_open("    lease-check = 300ms\n    lease = 1s");
    int64_t began = clock_now();
    CK_OBJECT_HANDLE key = data_key();

    answering(fake_unreachable);
    use_until(key, CKR_DEVICE_ERROR);
    assert_true(clock_now() - began >= 1000);
}

static void test_outage_keep_closes_nothing(void **state)
{
    (void)state;
    soft_open("    outage = keep");
    CK_OBJECT_HANDLE key = data_key();

    answering(fake_unreachable);
    age_leases(HOUR);
    assert_rv(use(key), CKR_OK);
    age_leases(HOUR);
    assert_rv(use(key), CKR_OK);
    assert_int_equal(asked(), 3);
}

static void test_outage_keep_closes_what_is_refused(void **state)
{
    (void)state;
    soft_open("    outage = keep");
    CK_OBJECT_HANDLE key = data_key();

    age_leases(HOUR);
    answering(fake_refused);
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/* A check has two seconds, whatever a call may take. */
static void test_a_check_that_hangs_is_given_up(void **state)
{
    int64_t began;

    (void)state;
    CK_OBJECT_HANDLE key = data_key();

    fake_delay(fake, FAKE_UNWRAP, 25 * 1000);
    make_check_due();
    began = clock_now();
    assert_rv(use(key), CKR_OK);
    assert_true(clock_now() - began < 15 * 1000);
    fake_delay(fake, FAKE_UNWRAP, 0);
}

/* --- Opened again --- */

static void test_the_same_handle_works_again(void **state)
{
    unsigned char value[32];
    CK_OBJECT_HANDLE key = data_key();

    (void)state;
    close_by(key);
    answering(works);
    opens(key);
    assert_int_equal(read_value(key, value, sizeof value), 16);
    assert_memory_equal(value, "0123456789abcdef", 16);
}

static void test_one_attempt_in_a_second(void **state)
{
    CK_OBJECT_HANDLE key = data_key();
    int64_t began, took;
    unsigned before;

    (void)state;
    close_by(key);
    before = asked();
    for (began = clock_now(); (took = clock_now() - began) < 1500;) {
        assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
        pass_time(5);
    }
    assert_true(asked() > before);
    assert_true(asked() - before <= (unsigned)(took / 1000) + 1);
}

static void test_an_unwrap_of_the_application_opens_it_too(void **state)
{
    unsigned char blob[512];
    CK_OBJECT_HANDLE key;
    CK_ULONG size;

    (void)state;
    data_blob(blob, &size);
    key = data_key_of(blob, size);
    close_by(key);
    answering(works);
    data_key_of(blob, size);
    assert_rv(use(key), CKR_OK);
}

static void test_an_outage_opens_nothing(void **state)
{
    CK_OBJECT_HANDLE key = data_key();

    (void)state;
    close_by(key);
    answering(fake_unreachable);
    age_leases(2 * SECOND);
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_after_an_outage_the_same_handle_works(void **state)
{
    (void)state;
    soft_open("    lease-check = 100ms\n    lease = 300ms");
    CK_OBJECT_HANDLE key = data_key();

    answering(fake_unreachable);
    use_until(key, CKR_DEVICE_ERROR);
    answering(works);
    use_until(key, CKR_OK);
}

/* --- Configuration --- */

static void test_half_of_the_lease_at_most(void **state)
{
    (void)state;
    assert_rv(soft_try_open("    lease = 8m"), CKR_GENERAL_ERROR);
}

static void test_half_of_the_lease_is_allowed(void **state)
{
    (void)state;
    soft_open("    lease = 10m");
}

static void test_without_a_lease_any_interval_is_allowed(void **state)
{
    (void)state;
    soft_open("    lease = off\n    outage = keep\n    lease-check = 12h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_a_young_lease_costs_nothing),
        with_service(test_a_use_renews_it_when_a_check_is_due),
        with_service(test_without_leases_nothing_is_checked),
        with_token(test_created_and_generated_keys_have_no_lease),
        with_token(test_a_refusal_of_another_verb_makes_a_check_due),
        with_service(test_other_verbs_do_not_renew),
        with_token(test_a_disabled_key_closes_at_once),
        with_service(test_a_disabled_key_is_closed_within_an_interval),
        with_token(test_a_refusal_closes_after_three_in_a_fifth),
        with_token(test_a_key_that_is_gone_closes_so_too),
        with_token(test_an_application_that_is_unknown_closes_so_too),
        with_token(test_two_refusals_are_forgotten_by_an_acceptance),
        with_token(test_one_refusal_closes_what_was_accepted_long_ago),
        with_token(test_an_unreachable_service_closes_nothing_before_the_end),
        with_token(test_after_an_outage_checks_come_slower_and_slower),
        with_service(test_the_end_of_the_lease_closes),
        with_service(test_outage_keep_closes_nothing),
        with_service(test_outage_keep_closes_what_is_refused),
        with_token(test_a_check_that_hangs_is_given_up),
        with_token(test_the_same_handle_works_again),
        with_token(test_one_attempt_in_a_second),
        with_token(test_an_unwrap_of_the_application_opens_it_too),
        with_token(test_an_outage_opens_nothing),
        with_service(test_after_an_outage_the_same_handle_works),
        with_service(test_half_of_the_lease_at_most),
        with_service(test_half_of_the_lease_is_allowed),
        with_service(test_without_a_lease_any_interval_is_allowed),
    };

    return cmocka_run_group_tests_name("leases", tests, NULL, NULL);
}
