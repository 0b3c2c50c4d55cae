/* The load of many processes, by the service's own figures; and what is said of it. */
#include "backends/base/scope.h"
#include "backends/keyvault/vault_fleet.h"
#include "tests/backends/keyvault/https_server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MINUTE = 60000 };

static struct fleet fleet_of(unsigned processes, const struct fleet_key *key)
{
    return (struct fleet){.processes = processes,
                          .leases = true,
                          .lease_check = 5 * MINUTE,
                          .refresh = 5 * MINUTE,
                          .keys = key,
                          .key_count = 1};
}

static int permille(double share)
{
    return (int)(share * 1000 + 0.5);
}

/* 900 processes: 40 checks, 30 wraps, 30 refreshes in ten seconds. */
static void test_requests_are_counted(void **state)
{
    const struct fleet_key key = {2048, false};
    struct fleet fleet = fleet_of(900, &key);
    struct fleet_load load = vault_fleet_load(&fleet);

    (void)state;
    assert_int_equal(permille(load.checks), 40000);
    assert_int_equal(permille(load.wraps), 30000);
    assert_int_equal(permille(load.refreshes), 30000);
    assert_int_equal(permille(load.share), 25); /* 100 of 4000 */
    assert_int_equal(permille(load.start), 4500);
}

static void check_share(unsigned bits, bool in_hardware, bool managed_hsm, int expected)
{
    const struct fleet_key key = {bits, in_hardware};
    struct fleet fleet = fleet_of(9000, &key);

    fleet.managed_hsm = managed_hsm;
    assert_int_equal(permille(vault_fleet_load(&fleet).share), expected);
}

static void test_larger_and_hardware_keys_weigh_more(void **state)
{
    (void)state;
    check_share(2048, false, false, 250);
    check_share(2048, true, false, 500);
    check_share(3072, false, false, 1000);
    check_share(3072, true, false, 2000);
    check_share(4096, false, false, 2000);
    check_share(4096, true, false, 4000);
    check_share(2048, true, true, 91);
    check_share(4096, true, true, 625);
}

static void test_what_is_not_known_is_the_worst(void **state)
{
    (void)state;
    check_share(0, true, false, 4000);
    check_share(8192, true, false, 4000);
}

static void test_keys_add_up(void **state)
{
    const struct fleet_key keys[] = {{2048, false}, {4096, false}};
    struct fleet fleet = fleet_of(9000, keys);

    (void)state;
    fleet.key_count = 2;
    assert_int_equal(permille(vault_fleet_load(&fleet).share), 2250);
}

static void test_without_leases_nobody_checks(void **state)
{
    const struct fleet_key key = {2048, false};
    struct fleet fleet = fleet_of(900, &key);

    (void)state;
    fleet.leases = false;
    assert_int_equal(permille(vault_fleet_load(&fleet).checks), 0);
    assert_int_equal(permille(vault_fleet_load(&fleet).wraps), 30000);
}

/* --- What is said: over a service with this many keys of 2048 bits in software, or refusing to tell --- */

static struct {
    unsigned keys, asked;
    bool refuses, symmetric;
    char said[4096];
} world;

static void each_named(struct key_service *service, key_ref_visitor *visit, void *arg)
{
    const struct key_ref key = {"kek", NULL};

    (void)service;
    for (unsigned i = 0; i < world.keys; i++) {
        visit(arg, &key);
    }
}

static CK_RV public_part(struct key_service *service, const struct key_ref *key, struct deadline deadline,
                         struct key_info *ret_info, struct service_answer *ret_answer)
{
    static const unsigned char n[256] = {0x80, [255] = 1}, e[] = {1, 0, 1};

    (void)service;
    (void)key;
    (void)deadline;
    (void)ret_answer;
    world.asked++;
    if (world.refuses) {
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    ret_info->in_hardware = TOLD_NO;
    if (world.symmetric) {
        ret_info->type = KEY_TYPE_OCT;
        return CKR_OK;
    }
    return rsa_public_new(bytes_of(n, sizeof n), bytes_of(e, sizeof e), &ret_info->rsa);
}

static void note(void *arg, const struct finding *finding)
{
    static const char *const words[] = {"ok", "warn", "fail"};
    size_t size = strlen(world.said);

    (void)arg;
    snprintf(world.said + size, sizeof world.said - size, "%s %s: %s\n", words[finding->status],
             finding->check, finding->text);
}

static void free_settings(struct settings_file **file)
{
    settings_free(*file);
}

static void say(unsigned processes, const char *lease, bool out_of_reach)
{
    static const struct key_service_ops ops = {.each_named = each_named, .public_part = public_part};
    static const struct setting_option options[] = {
        {.name = "lease", .type = SETTING_DURATION_OR_OFF},
        {.name = "lease-check", .type = SETTING_DURATION, .preset = "5m"},
        {.name = "refresh", .type = SETTING_DURATION, .preset = "5m"},
        {.name = "backend", .type = SETTING_TEXT}};
    const struct setting_group every = {NULL, options, sizeof options / sizeof options[0]},
                               none = {NULL, NULL, 0};
    struct settings_file *file SCOPED(free_settings) = NULL;
    struct key_service service = {.ops = &ops, .timeout = 1000};
    struct diagnosis diagnosis = {.token = "t", .tell = note, .ends_here = out_of_reach};
    char text[200], reserved[300];

    snprintf(text, sizeof text, "token \"t\" {\nbackend = any\nlease = %s\n}\n", lease);
    snprintf(reserved, sizeof reserved, "config=%s", test_file("conf", text));
    assert_int_equal(settings_read(reserved, &none, &every, 1, &file), CKR_OK);
    world.said[0] = 0;
    world.asked = 0;
    diagnosis_begin(&diagnosis);
    vault_fleet_diagnose(settings_section(file, 0), &service, false, processes, &diagnosis);
    diagnosis_end(&diagnosis);
}

static void expect(const char *words)
{
    if (strstr(world.said, words) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", words, world.said);
    }
}

static int one_key(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    world.keys = 1;
    return 0;
}

/* 900 processes are 2.5 % of what a vault does, as above. */
static void test_more_than_half_is_a_warning_and_too_much_a_failure(void **state)
{
    (void)state;
    say(900, "1h", false);
    expect(
        "ok fleet-load: 900 processes with 1 key: in 10 s 40.0 lease checks, 30.0 wraps and 30.0 refreshes, "
        "which is 2.5 % of what the vault does");
    say(17900, "1h", false);
    expect("ok fleet-load: ");
    say(18100, "1h", false);
    expect("warn fleet-load: ");
    say(35900, "1h", false);
    expect("warn fleet-load: ");
    say(36100, "1h", false);
    expect("fail fleet-load: ");
}

static void test_a_start_beyond_the_window_is_a_warning(void **state)
{
    (void)state;
    say(1900, "1h", false);
    expect("ok fleet-start: when all start at once, their first unwraps take 9.5 s");
    say(2100, "1h", false);
    expect("warn fleet-start: ");
}

static void test_without_a_lease_there_are_wraps_and_no_checks(void **state)
{
    (void)state;
    say(900, "off", false);
    expect("in 10 s 0.0 lease checks, 30.0 wraps and 30.0 refreshes");
}

static void test_a_size_that_is_not_told_is_said(void **state)
{
    (void)state;
    world.refuses = true;
    say(10, "1h", false);
    expect("warn fleet-load: the size of 1 key is not known");
    assert_int_equal(world.asked, 1);
}

static void test_a_symmetric_key_is_a_small_one(void **state)
{
    (void)state;
    world.symmetric = true;
    say(10, "1h", false);
    assert_null(strstr(world.said, "is not known"));
    expect("ok fleet-load: 10 processes with 1 key");
}

static void test_a_vault_out_of_reach_is_not_asked_for_each_key(void **state)
{
    (void)state;
    world.keys = 3;
    say(10, "1h", true);
    expect("warn fleet-load: the size of 3 keys is not known");
    expect("ok fleet-load: 10 processes with 3 keys");
    assert_int_equal(world.asked, 0);
    say(10, "1h", false);
    assert_int_equal(world.asked, 3);
}

static void test_more_keys_than_are_counted(void **state)
{
    (void)state;
    world.keys = 66;
    say(10, "1h", false);
    expect("warn fleet-load: 2 more keys are not counted");
    expect("10 processes with 64 keys");
    assert_int_equal(world.asked, 64);
}

static void test_no_keys_no_figures(void **state)
{
    (void)state;
    world.keys = 0;
    say(10, "1h", false);
    expect("warn fleet-load: no keys are configured");
    assert_null(strstr(world.said, "fleet-start"));
}

static int remove_files(void **state)
{
    (void)state;
    test_folder_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_counted),
        cmocka_unit_test(test_larger_and_hardware_keys_weigh_more),
        cmocka_unit_test(test_what_is_not_known_is_the_worst),
        cmocka_unit_test(test_keys_add_up),
        cmocka_unit_test(test_without_leases_nobody_checks),
        cmocka_unit_test_setup(test_more_than_half_is_a_warning_and_too_much_a_failure, one_key),
        cmocka_unit_test_setup(test_a_start_beyond_the_window_is_a_warning, one_key),
        cmocka_unit_test_setup(test_without_a_lease_there_are_wraps_and_no_checks, one_key),
        cmocka_unit_test_setup(test_a_size_that_is_not_told_is_said, one_key),
        cmocka_unit_test_setup(test_a_symmetric_key_is_a_small_one, one_key),
        cmocka_unit_test_setup(test_a_vault_out_of_reach_is_not_asked_for_each_key, one_key),
        cmocka_unit_test_setup(test_more_keys_than_are_counted, one_key),
        cmocka_unit_test_setup(test_no_keys_no_figures, one_key),
    };

    return cmocka_run_group_tests_name("backends/keyvault/vault_fleet", tests, NULL, remove_files);
}
