/* What an operator is told of an HSM's section, and that nobody's PIN is put at risk for it. */
#include "backends/diagnosis.h"
#include "backends/hsm/hsm.h"
#include "tests/backends/hsm/fake_bench.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FINDINGS = 32 };

static struct told {
    char check[32], text[512];
    enum finding_status status;
} told[FINDINGS];
static size_t told_count;
static struct diagnosis diagnosis;

static void listen(void *arg, const struct finding *finding)
{
    (void)arg;
    assert_true(told_count < FINDINGS);
    struct told *to = &told[told_count++];

    snprintf(to->check, sizeof to->check, "%s", finding->check);
    snprintf(to->text, sizeof to->text, "%s", finding->text);
    to->status = finding->status;
    assert_true(finding->status == FINDING_OK || finding->advice != NULL);
}

/* Of a section with this `uri`. */
static void diagnose(const char *uri)
{
    bench_open(uri, NULL, NULL);
    told_count = 0;
    diagnosis = (struct diagnosis){.tell = listen, .token = "first"};
    diagnosis_begin(&diagnosis);
    hsm_kind.diagnose(settings_section(bench.settings, 0), &diagnosis);
    diagnosis_end(&diagnosis);
}

static void expect(const char *check, enum finding_status status, const char *words)
{
    for (size_t i = 0; i < told_count; i++) {
        if (strcmp(told[i].check, check) == 0 && told[i].status == status &&
            strstr(told[i].text, words) != NULL) {
            return;
        }
    }
    for (size_t i = 0; i < told_count; i++) {
        print_message("# %s %d: %s\n", told[i].check, (int)told[i].status, told[i].text);
    }
    fail_msg("%s with \"%s\" was not told", check, words);
}

static void test_a_healthy_token(void **state)
{
    (void)state;
    diagnose(fake_pin_uri("token=one", "1234"));
    assert_int_equal(diagnosis.count[FINDING_FAIL], 0);
    assert_false(diagnosis.ends_here);
    expect("hsm-token", FINDING_OK, "\"one\"");
    expect("hsm-pin", FINDING_OK, "works");
    assert_int_equal(fake->logged_in, 1);
    assert_int_equal(fake->opened, fake->closed);
}

static void test_a_library_that_is_not_there(void **state)
{
    (void)state;
    diagnose("pkcs11:token=one?module-path=/nowhere/vendor.so");
    expect("hsm-module", FINDING_FAIL, "/nowhere/vendor.so");
    assert_true(diagnosis.ends_here);
}

static void test_a_library_that_does_not_initialise(void **state)
{
    (void)state;
    fake->initialize_answer = CKR_DEVICE_ERROR;
    diagnose(fake_pin_uri("token=one", "1234"));
    expect("hsm-module", FINDING_FAIL, "does not initialise");
    assert_true(diagnosis.ends_here);
}

static void test_another_token_is_named(void **state)
{
    (void)state;
    diagnose(fake_pin_uri("token=three", "1234"));
    expect("hsm-token", FINDING_FAIL, "no token fits");
    assert_int_equal(fake->logged_in, 0);
    assert_true(diagnosis.ends_here);
}

static void test_a_wrong_pin_is_tried_once(void **state)
{
    (void)state;
    diagnose(fake_pin_uri("token=one", "0000"));
    expect("hsm-pin", FINDING_FAIL, "wrong");
    assert_int_equal(fake->logged_in, 1);
    assert_true(diagnosis.ends_here);
}

/* Whoever tried it here could be the one who locks it. */
static void check_not_tried(CK_FLAGS flag, const char *words)
{
    fake->flags |= flag;
    diagnose(fake_pin_uri("token=one", "1234"));
    expect("hsm-pin", FINDING_FAIL, words);
    assert_int_equal(fake->logged_in, 0);
    assert_true(diagnosis.ends_here);
}

static void test_a_locked_pin_is_not_tried(void **state)
{
    (void)state;
    check_not_tried(CKF_USER_PIN_LOCKED, "locked");
}

static void test_a_last_try_is_not_used(void **state)
{
    (void)state;
    check_not_tried(CKF_USER_PIN_FINAL_TRY, "one try left");
}

static void test_a_low_count_is_not_lowered(void **state)
{
    (void)state;
    check_not_tried(CKF_USER_PIN_COUNT_LOW, "a wrong PIN has been given");
}

static void test_a_pin_file_that_others_can_read(void **state)
{
    const char *uri = fake_pin_uri("token=one", "1234");

    (void)state;
    assert_int_equal(chmod(bench_path("pin"), 0644), 0);
    diagnose(uri);
    expect("hsm-pin-file", FINDING_WARN, "can read it");
    assert_int_equal(diagnosis.count[FINDING_FAIL], 0);
}

static void test_a_pin_file_that_is_not_there(void **state)
{
    const char *uri = fake_pin_uri("token=one", "1234");

    (void)state;
    bench_remove(bench_path("pin"));
    diagnose(uri);
    expect("hsm-pin-file", FINDING_FAIL, "No such file");
    assert_int_equal(fake->logged_in, 0);
}

static void test_without_a_pin_the_application_logs_in(void **state)
{
    (void)state;
    diagnose(fake_uri("token=one", ""));
    expect("hsm-pin", FINDING_WARN, "no pin-source");
    assert_int_equal(fake->logged_in, 0);
    assert_false(diagnosis.ends_here);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_set_up, fake_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_healthy_token),
        TEST(test_a_library_that_is_not_there),
        TEST(test_a_library_that_does_not_initialise),
        TEST(test_another_token_is_named),
        TEST(test_a_wrong_pin_is_tried_once),
        TEST(test_a_locked_pin_is_not_tried),
        TEST(test_a_last_try_is_not_used),
        TEST(test_a_low_count_is_not_lowered),
        TEST(test_a_pin_file_that_others_can_read),
        TEST(test_a_pin_file_that_is_not_there),
        TEST(test_without_a_pin_the_application_logs_in),
    };

    return cmocka_run_group_tests_name("backends/hsm/hsm_diagnose", tests, NULL, NULL);
}
