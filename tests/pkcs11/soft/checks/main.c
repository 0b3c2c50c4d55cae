/* All checks in one TAP run, and whether their numbers are complete. */
#include "tests/pkcs11/soft/checks/checks.h"
#include <stdlib.h>

enum { LAST_CHECK = 38 };

/* What has no test here. */
static const struct elsewhere {
    int number;
    const char *why;
} elsewhere[] = {
    {2, "is made with the first: check_01_and_02"},
    {3,
     "is made in tests/pkcs11/soft/test_policy: a vault key that wraps decrypts under policy = compatible only"},
    {15, "is made with the seventh: check_07_and_15"},
    {31, "does not apply: CKA_ALWAYS_AUTHENTICATE is false on every key; check_31 holds it to that"},
    {32, "is made in tests/pkcs11/soft/test_sign"},
    {34, "is made between slots too, in tests/contract/both and tests/hammer"},
    {36, "is made over the whole module, in tests/pkcs11/test_module and tests/contract/both"},
    {37, "is made over the whole module, in tests/contract/both"},
};

static const struct room *const rooms[] = {&key_room,     &role_room,     &private_key_room, &wrapping_room,
                                           &usage_room,   &oracle_room,   &aes_oracle_room,  &signing_room,
                                           &forgery_room, &template_room, &session_room,     &handle_room,
                                           &service_room, &suite_room};

static int number_in(const char *name)
{
    return strncmp(name, "check_", 6) == 0 ? atoi(name + 6) : 0;
}

static void every_check_has_a_test_or_a_reason(void **state)
{
    bool seen[LAST_CHECK + 1] = {true};

    (void)state;
    for (size_t i = 0; i < COUNT(rooms); i++) {
        for (size_t k = 0; k < rooms[i]->count; k++) {
            seen[number_in(rooms[i]->tests[k].name)] = true;
        }
    }
    for (size_t i = 0; i < COUNT(elsewhere); i++) {
        seen[elsewhere[i].number] = true;
    }
    for (int i = 1; i <= LAST_CHECK; i++) {
        if (!seen[i]) {
            fail_msg("check %d has neither", i);
        }
    }
}

static const struct CMUnitTest own[] = {cmocka_unit_test(every_check_has_a_test_or_a_reason)};
static const struct room own_room = ROOM(own);

/* Of what suites assume, the lines that are about more than this token. */
static const char *const assumptions[] = {
    "slots and their order, C_WaitForSlotEvent: tests/pkcs11/test_slot",
    "two interfaces, in that order: tests/pkcs11/test_function_list",
    "C_Initialize and C_Finalize a thousand times, locks, threads: tests/pkcs11/test_module, test_manners",
    "DigestInfo, PSS salts, one request for two calls: tests/pkcs11/soft/test_sign",
    "latency and throttling: tests/faults, against the stand-in",
    "layers of p11-kit: tests/consumers",
    "skip lists by name and SoftHSM's fork test are of those suites, not of this token",
};

int main(void)
{
    const struct room *all[COUNT(rooms) + 1] = {&own_room};

    memcpy(all + 1, rooms, sizeof rooms);
    for (size_t i = 0; i < COUNT(elsewhere); i++) {
        printf("# check %d %s\n", elsewhere[i].number, elsewhere[i].why);
    }
    for (size_t i = 0; i < COUNT(assumptions); i++) {
        printf("# suites: %s\n", assumptions[i]);
    }
    fflush(stdout);
    return run_rooms("checks", all, COUNT(all));
}
