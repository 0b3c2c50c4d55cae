/* A key that is wrapped under another version of its KEK goes over to that version's lease; and what is checked. */
#include "tests/fake_aes.h"
#include "tests/pkcs11/soft/lease_test.h"
#include <string.h>

static unsigned char blob[512];
static CK_ULONG size;

static void wrap_again(CK_OBJECT_HANDLE key)
{
    size = sizeof blob;
    assert_rv(CALL(wrap_key, &oaep_sha256, the(CKO_PUBLIC_KEY, "kek"), key, blob, &size), CKR_OK);
}

/* A data key of the first version, and there is a second. */
static CK_OBJECT_HANDLE key_of_first(struct fake_version **ret_first)
{
    CK_OBJECT_HANDLE key;

    *ret_first = fake_version(fake, "kek");
    key = data_key();
    fake_add(fake, "kek", 2048);
    return key;
}

static void test_the_next_check_goes_by_the_new_version(void **state)
{
    struct fake_version *first;
    CK_OBJECT_HANDLE key;

    (void)state;
    soft_open("    wrap = service");
    key = key_of_first(&first);
    wrap_again(key);
    first->enabled = false;
    make_check_due();
    assert_rv(use(key), CKR_OK);
    assert_int_equal(asked(), 2);
    age_leases(2 * SECOND);
    make_check_due();
    assert_rv(use(key), CKR_OK);
    assert_int_equal(asked(), 3);
}

static void test_without_another_wrap_it_closes_with_the_old_one(void **state)
{
    struct fake_version *first;
    CK_OBJECT_HANDLE key;

    (void)state;
    soft_open("    wrap = service");
    key = key_of_first(&first);
    first->enabled = false;
    make_check_due();
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_a_new_version_that_refuses_leaves_it_with_the_old_one(void **state)
{
    struct fake_version *first;
    CK_OBJECT_HANDLE key;

    (void)state;
    soft_open("    wrap = service");
    key = key_of_first(&first);
    wrap_again(key);
    fake_version(fake, "kek")->enabled = false;
    make_check_due();
    assert_rv(use(key), CKR_OK);
    first->enabled = false;
    age_leases(2 * SECOND);
    make_check_due();
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_afterwards_it_closes_and_opens_with_the_new_one(void **state)
{
    struct fake_version *first;
    unsigned char value[32];
    CK_OBJECT_HANDLE key;

    (void)state;
    soft_open("    wrap = service");
    key = key_of_first(&first);
    wrap_again(key);
    make_check_due();
    assert_rv(use(key), CKR_OK);
    first->enabled = false;
    fake_version(fake, "kek")->enabled = false;
    age_leases(2 * SECOND);
    make_check_due();
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake_version(fake, "kek")->enabled = true;
    opens(key);
    assert_int_equal(read_value(key, value, sizeof value), 16);
    assert_memory_equal(value, "0123456789abcdef", 16);
}

/* Two keys of the first version, which is disabled; one of them is wrapped under the second, too. */
static CK_OBJECT_HANDLE key_that_may_move(CK_OBJECT_HANDLE *ret_other)
{
    struct fake_version *first;
    CK_OBJECT_HANDLE key;

    soft_open("    wrap = service");
    *ret_other = data_key();
    key = key_of_first(&first);
    wrap_again(key);
    first->enabled = false;
    return key;
}

/* The old version was disabled, and another key's check came first: it opens by the new blob. */
static void test_a_closed_key_opens_by_the_new_version(void **state)
{
    CK_OBJECT_HANDLE other, key = key_that_may_move(&other);

    (void)state;
    make_check_due();
    assert_rv(use(other), CKR_KEY_FUNCTION_NOT_PERMITTED);
    opens(key);
    age_leases(2 * SECOND);
    assert_rv(use(other), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(use(key), CKR_OK);
}

static void test_copies_go_with_it(void **state)
{
    struct fake_version *first;
    CK_OBJECT_HANDLE key, copy;

    (void)state;
    soft_open("    wrap = service");
    key = key_of_first(&first);
    assert_rv(CALL(copy_object, key, NULL, 0, &copy), CKR_OK);
    wrap_again(copy);
    first->enabled = false;
    make_check_due();
    assert_rv(use(key), CKR_OK);
    assert_rv(use(copy), CKR_OK);
}

static void test_another_key_of_the_old_version_does_not(void **state)
{
    CK_OBJECT_HANDLE other, key = key_that_may_move(&other);

    (void)state;
    make_check_due();
    assert_rv(use(key), CKR_OK); /* it goes over */
    age_leases(2 * SECOND);
    make_check_due();
    assert_rv(use(other), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(use(key), CKR_OK);
}

/* --- Several versions, several keys --- */

static void test_each_version_has_its_lease(void **state)
{
    struct fake_version *first;
    CK_OBJECT_HANDLE key, newer;

    (void)state;
    soft_open("");
    key = key_of_first(&first);
    newer = data_key();
    first->enabled = false;
    make_check_due();
    assert_rv(use(newer), CKR_OK);
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(use(newer), CKR_OK);
}

static CK_RV unwrap_latest(void)
{
    CK_OBJECT_HANDLE key;

    data_blob(blob, &size);
    return unwrap_under(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha256, blob, size, &key);
}

/* The latest version came after the one that is taken for it, and is disabled: that says nothing of the other. */
static void test_a_refusal_that_names_no_version_has_all_asked_by_name(void **state)
{
    struct fake_version *first;
    CK_OBJECT_HANDLE key;

    (void)state;
    soft_open("");
    key = key_of_first(&first);
    fake_version(fake, "kek")->rule = disabled;
    assert_rv(unwrap_latest(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(first->asked, 1);
    assert_rv(use(key), CKR_OK);
    assert_int_equal(first->asked, 2);
}

static void test_and_closes_what_is_refused_then(void **state)
{
    struct fake_version *first;
    CK_OBJECT_HANDLE key;

    (void)state;
    soft_open("");
    key = key_of_first(&first);
    first->rule = fake_version(fake, "kek")->rule = disabled;
    assert_rv(unwrap_latest(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_an_application_that_is_unknown_makes_a_check_due(void **state)
{
    CK_OBJECT_HANDLE key;

    (void)state;
    soft_open("");
    key = data_key();
    answering(no_caller);
    assert_rv(unwrap_latest(), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(asked(), 2);
    assert_rv(use(key), CKR_OK); /* one refusal closes nothing */
    assert_int_equal(asked(), 3);
}

static void test_two_names_of_a_version_share_its_lease(void **state)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               ATTRIBUTE(CKA_ENCRYPT, yes)};
    char name[128];
    CK_OBJECT_HANDLE key, same;
    unsigned before;

    (void)state;
    snprintf(name, sizeof name, "kek/%s", fake_version(fake, "kek")->version);
    fake_configure(fake, name);
    soft_open("");
    key = data_key();
    data_blob(blob, &size);
    assert_rv(CALL(unwrap_key, &oaep_sha256, the(CKO_PRIVATE_KEY, name), blob, size, template,
                   COUNT(template), &same),
              CKR_OK);
    make_check_due();
    before = asked();
    assert_rv(use(key), CKR_OK);
    assert_rv(use(same), CKR_OK);
    assert_int_equal(asked(), before + 1);
    answering(disabled);
    age_leases(2 * SECOND);
    make_check_due();
    assert_rv(use(same), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/* --- What is unwrapped by a check --- */

static void test_a_check_unwraps_what_was_made_for_it(void **state)
{
    unsigned char wrapped[512];
    CK_ULONG wrapped_size;
    CK_ULONG bits = 0;
    CK_ATTRIBUTE modulus_bits = ATTRIBUTE(CKA_MODULUS_BITS, bits);
    CK_OBJECT_HANDLE key;

    (void)state;
    data_blob(wrapped, &wrapped_size);
    key = data_key_of(wrapped, wrapped_size);
    make_check_due();
    assert_rv(use(key), CKR_OK);
    assert_true(fake_unwrapped_last(fake, bytes_of(wrapped, wrapped_size))); /* nothing better is known */
    assert_rv(CALL(get_attribute_value, the(CKO_PUBLIC_KEY, "kek"), &modulus_bits, 1), CKR_OK);
    age_leases(2 * SECOND);
    make_check_due();
    assert_rv(use(key), CKR_OK);
    assert_int_equal(asked(), 3);
    assert_false(fake_unwrapped_last(fake, bytes_of(wrapped, wrapped_size)));
}

/* --- Symmetric keys of the service --- */

static int with_aes(void **state)
{
    if (soft_begin(state) != 0) {
        return -1;
    }
    fake_offer_aes(fake);
    fake_add_aes(fake, "oct", 256);
    fake_configure(fake, "oct");
    soft_open("");
    return 0;
}

static void test_a_symmetric_key_of_the_service_gives_leases_too(void **state)
{
    CK_MECHANISM wrap = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, yes),
                               ATTRIBUTE(CKA_ENCRYPT, yes)};
    CK_OBJECT_HANDLE kek = the(CKO_SECRET_KEY, "oct"), mine = aes_key("0123456789abcdef", 16), key;
    unsigned char value[32], out[512];
    CK_ULONG out_size = sizeof out;

    (void)state;
    size = sizeof blob;
    assert_rv(CALL(wrap_key, &wrap, kek, mine, blob, &size), CKR_OK);
    assert_rv(CALL(unwrap_key, &wrap, kek, blob, size, template, COUNT(template), &key), CKR_OK);
    assert_rv(use(key), CKR_OK);
    answering(disabled);
    fake_rule(fake, FAKE_WRAP, disabled);
    assert_rv(CALL(wrap_key, &wrap, kek, mine, out, &out_size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake_rule(fake, FAKE_WRAP, works);
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(wrap_key, &wrap, kek, mine, out, &out_size), CKR_KEY_FUNCTION_NOT_PERMITTED); /* closed */
    answering(works);
    opens(key);
    assert_int_equal(read_value(key, value, sizeof value), 16);
    assert_memory_equal(value, "0123456789abcdef", 16);
    assert_rv(CALL(wrap_key, &wrap, kek, mine, out, &out_size), CKR_OK);
}

#define with_aes(test) cmocka_unit_test_setup_teardown(test, with_aes, soft_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_service(test_the_next_check_goes_by_the_new_version),
        with_service(test_without_another_wrap_it_closes_with_the_old_one),
        with_service(test_a_new_version_that_refuses_leaves_it_with_the_old_one),
        with_service(test_afterwards_it_closes_and_opens_with_the_new_one),
        with_service(test_a_closed_key_opens_by_the_new_version),
        with_service(test_copies_go_with_it),
        with_service(test_another_key_of_the_old_version_does_not),
        with_service(test_each_version_has_its_lease),
        with_service(test_a_refusal_that_names_no_version_has_all_asked_by_name),
        with_service(test_and_closes_what_is_refused_then),
        with_service(test_an_application_that_is_unknown_makes_a_check_due),
        with_service(test_two_names_of_a_version_share_its_lease),
        with_token(test_a_check_unwraps_what_was_made_for_it),
        with_aes(test_a_symmetric_key_of_the_service_gives_leases_too),
    };

    return cmocka_run_group_tests_name("leases of several versions", tests, NULL, NULL);
}
