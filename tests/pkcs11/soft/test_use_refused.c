/* What the log says where the module itself refuses: a version that is known to be disabled or outside its dates. */
#include "tests/pkcs11/soft/version_test.h"
#include <string.h>
#include <time.h>

static const char disabled[] = "which is disabled; its owner can enable it",
                  dated[] = "which is outside its dates (nbf, exp); rotate the key";

static CK_OBJECT_HANDLE public_kek(void)
{
    return the(CKO_PUBLIC_KEY, "kek");
}

/* The token, which knows its owner's word now. */
static void open_and_learn(void)
{
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};

    soft_open("");
    assert_rv(CALL(get_attribute_value, public_kek(), &modulus, 1), CKR_OK);
}

static CK_RV wrap(void)
{
    unsigned char blob[512];
    CK_ULONG size;

    return wrap_under(public_kek(), &oaep_sha256, blob, &size);
}

static void test_what_may_wrap_has_no_line(void **state)
{
    (void)state;
    open_and_learn();
    assert_rv(wrap(), CKR_OK);
    assert_int_equal(lines_with("nothing is wrapped"), 0);
}

static void test_a_disabled_version_is_told_once_for_each_answer(void **state)
{
    (void)state;
    fake_version(fake, "kek")->enabled = false;
    open_and_learn();
    for (int i = 0; i < 3; i++) {
        assert_rv(wrap(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    assert_in_range(lines_with(disabled), 1, fake_count(fake, FAKE_GET));
    assert_true(lines_with(version_name(0)) >= 1);
    assert_int_equal(lines_with(dated), 0);
    assert_int_equal(fake_count(fake, FAKE_WRAP), 0);
}

static void test_an_expired_version_is_told(void **state)
{
    (void)state;
    fake_version(fake, "kek")->expires = time(NULL) - 10;
    open_and_learn();
    assert_rv(wrap(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_true(lines_with(dated) >= 1);
    assert_int_equal(lines_with(disabled), 0);
}

static void test_a_later_answer_is_told_again(void **state)
{
    unsigned told;

    (void)state;
    fake_version(fake, "kek")->enabled = false;
    open_and_learn();
    assert_rv(wrap(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    told = lines_with(disabled);
    deadline_sleep(deadline_in(5000), 1100); /* a refusal is believed that long */
    assert_rv(wrap(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_true(lines_with(disabled) > told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_versions(test_what_may_wrap_has_no_line),
        with_versions(test_a_disabled_version_is_told_once_for_each_answer),
        with_versions(test_an_expired_version_is_told),
        with_versions(test_a_later_answer_is_told_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
