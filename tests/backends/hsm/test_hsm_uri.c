/* The option `uri`: what is refused, and where the log says it stands. */
#include "tests/backends/hsm/fake_bench.h"
#include <stdio.h>

static void refuse(const char *uri, const char *words)
{
    assert_rv(bench_try(uri, NULL, NULL), CKR_GENERAL_ERROR);
    assert_int_equal(bench_logged(words), 1);
    assert_int_equal(bench_logged("byok.conf:"), 1);
    assert_int_equal(fake->initialized, 0);
}

static void test_good_one_is_opened_and_loads_nothing(void **state)
{
    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    assert_int_equal(fake->initialized, 0);
    assert_int_equal(bench_logged("byok.conf:"), 0);
}

static void test_missing_is_refused(void **state)
{
    (void)state;
    refuse("", "needs `uri`");
}

static void test_no_uri_is_refused(void **state)
{
    (void)state;
    refuse("token=one", "no PKCS#11 URI");
}

static void test_refusal_names_the_line(void **state)
{
    (void)state;
    refuse("token=one", "byok.conf:3:");
}

static void test_broken_encoding_is_refused(void **state)
{
    (void)state;
    refuse(fake_uri("token=%ZZ", ""), "no PKCS#11 URI");
}

static void test_unknown_attribute_is_refused(void **state)
{
    (void)state;
    refuse(fake_uri("token=one;tokne=two", ""), "not known");
}

static void test_without_module_path_is_refused(void **state)
{
    (void)state;
    refuse("pkcs11:token=one", "module-path=");
}

static void test_module_name_is_refused_with_advice(void **state)
{
    (void)state;
    refuse("pkcs11:token=one?module-name=softhsm2", "not module-name");
}

static void test_pin_value_is_refused_with_advice(void **state)
{
    (void)state;
    refuse(fake_uri("token=one", "&pin-value=1234"), "pin-source=file:PATH");
    assert_int_equal(bench_logged("1234"), 0);
}

static void test_pin_command_is_refused(void **state)
{
    (void)state;
    refuse(fake_uri("token=one", "&pin-source=|/bin/cat"), "commands are not run");
}

static void test_pin_of_unknown_kind_is_refused(void **state)
{
    (void)state;
    refuse(fake_uri("token=one", "&pin-source=/run/pin"), "file:PATH or env:NAME");
}

static void test_pin_file_with_relative_path_is_refused(void **state)
{
    (void)state;
    refuse(fake_uri("token=one", "&pin-source=file:pin"), "absolute path");
}

static void test_pin_variable_without_name_is_refused(void **state)
{
    (void)state;
    refuse(fake_uri("token=one", "&pin-source=env:"), "env:NAME");
}

static void test_object_is_ignored_with_a_warning(void **state)
{
    (void)state;
    bench_open(fake_uri("token=one;object=kek", ""), NULL, NULL);
    assert_int_equal(bench_logged("names an object"), 1);
    assert_rv(bench_close_session(bench_session(bench.token[0])), CKR_OK);
}

static void check_chosen(const char *uri, const char *label)
{
    CK_TOKEN_INFO info;

    bench_open(uri, NULL, NULL);
    assert_rv(bench.token[0]->ops->get_token_info(bench.token[0], &info), CKR_OK);
    assert_true(bench.token[0]->ops->present(bench.token[0]));
    assert_memory_equal(info.label, label, 3);
    bench_close();
}

static void test_token_is_chosen_by_what_the_uri_says(void **state)
{
    (void)state;
    check_chosen(fake_uri("token=two", ""), "two");
    check_chosen(fake_uri("serial=2", ""), "two");
    check_chosen(fake_uri("slot-id=6", ""), "two");
    check_chosen(fake_uri("token=one;manufacturer=Fake;library-description=Fake%20HSM", ""), "one");
}

static void test_token_of_another_library_is_not_chosen(void **state)
{
    CK_TOKEN_INFO info;

    (void)state;
    bench_open(fake_uri("token=one;library-description=Other", ""), NULL, NULL);
    assert_rv(bench.token[0]->ops->get_token_info(bench.token[0], &info), CKR_OK);
    assert_false(bench.token[0]->ops->present(bench.token[0]));
}

static void test_several_fitting_tokens_are_a_warning(void **state)
{
    (void)state;
    check_chosen(fake_uri("manufacturer=Fake", ""), "one");
    assert_int_equal(bench_logged("2 tokens fit"), 1);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fake_set_up, fake_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_good_one_is_opened_and_loads_nothing),
        ROW(test_missing_is_refused),
        ROW(test_no_uri_is_refused),
        ROW(test_refusal_names_the_line),
        ROW(test_broken_encoding_is_refused),
        ROW(test_unknown_attribute_is_refused),
        ROW(test_without_module_path_is_refused),
        ROW(test_module_name_is_refused_with_advice),
        ROW(test_pin_value_is_refused_with_advice),
        ROW(test_pin_command_is_refused),
        ROW(test_pin_of_unknown_kind_is_refused),
        ROW(test_pin_file_with_relative_path_is_refused),
        ROW(test_pin_variable_without_name_is_refused),
        ROW(test_object_is_ignored_with_a_warning),
        ROW(test_token_is_chosen_by_what_the_uri_says),
        ROW(test_token_of_another_library_is_not_chosen),
        ROW(test_several_fitting_tokens_are_a_warning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
