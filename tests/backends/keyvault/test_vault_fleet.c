/* The load of many processes, by the service's own figures. */
#include "backends/keyvault/vault_fleet.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MINUTE = 60000 };

static struct fleet fleet_of(unsigned processes, const struct fleet_key *key)
{
    return (struct fleet){.processes = processes,
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
    fleet.lease_check = 0;
    assert_int_equal(permille(vault_fleet_load(&fleet).checks), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_counted),
        cmocka_unit_test(test_larger_and_hardware_keys_weigh_more),
        cmocka_unit_test(test_what_is_not_known_is_the_worst),
        cmocka_unit_test(test_keys_add_up),
        cmocka_unit_test(test_without_leases_nobody_checks),
    };

    return cmocka_run_group_tests_name("backends/keyvault/vault_fleet", tests, NULL, NULL);
}
