/* An HSM whose module does not load, whose token is not there, whose PIN is wrong. The vault goes on. */
#include "tests/failures/failures.h"

static void assert_hsm_is_away(void)
{
    CK_SESSION_HANDLE session;
    CK_TOKEN_INFO info;
    CK_SLOT_INFO about;

    assert_rv(open_session(HSM, &session), CKR_TOKEN_NOT_PRESENT);
    assert_rv(p11->C_GetSlotInfo(HSM, &about), CKR_OK);
    assert_false((about.flags & CKF_TOKEN_PRESENT) != 0);
    assert_rv(p11->C_GetTokenInfo(HSM, &info), CKR_OK); /* libp11 crashes for all slots otherwise */
    assert_memory_equal(info.label, "hsm ", 4);
}

static void test_a_module_that_is_not_there(void **state)
{
    (void)state;
    start_well(hsm_section("libsofthsm2.so", "libnone.so"), vault_section(NULL, NULL));
    assert_hsm_is_away();
    assert_one_complaint("libnone.so");
    assert_works(VAULT);
}

static void test_a_file_that_is_no_module(void **state)
{
    (void)state;
    start_well(hsm_section("/usr/lib", "/etc/passwd#/usr/lib"), vault_section(NULL, NULL));
    assert_hsm_is_away();
    assert_one_complaint("/etc/passwd");
    assert_works(VAULT);
}

static void test_a_token_that_is_not_there(void **state)
{
    (void)state;
    start_well(hsm_section("token=hsm", "token=elsewhere"), vault_section(NULL, NULL));
    assert_hsm_is_away();
    assert_one_complaint("no token fits");
    assert_works(VAULT);
}

static void test_an_absent_token_is_left_out_of_the_present_ones(void **state)
{
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;

    (void)state;
    start_well(hsm_section("token=hsm", "token=elsewhere"), vault_section(NULL, NULL));
    assert_rv(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    assert_int_equal(count, 2); /* not looked for yet */
    assert_hsm_is_away();
    count = 4;
    assert_rv(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(slots[0], VAULT);
}

static void test_a_pin_file_that_is_missing(void **state)
{
    CK_BYTE blob[BLOB_MOST];
    CK_ULONG size;

    (void)state;
    start_well(hsm_section("/hsm/pin", "/hsm/no-pin"), vault_section(NULL, NULL));
    assert_int_not_equal(seal_in(HSM, blob, &size), CKR_OK);
    assert_one_complaint("no-pin");
    assert_works(VAULT);
}

static void test_a_wrong_pin_is_tried_once(void **state)
{
    CK_BYTE blob[BLOB_MOST];
    CK_ULONG size;
    FILE *pin;
    char path[4096];

    (void)state;
    snprintf(path, sizeof path, "%s/hsm/wrong-pin", getenv("TOKENS_DIR"));
    pin = fopen(path, "we");
    assert_non_null(pin);
    fputs("0000\n", pin);
    fclose(pin);
    start_well(hsm_section("/hsm/pin", "/hsm/wrong-pin"), vault_section(NULL, NULL));
    for (int i = 0; i < 3; i++) {
        assert_int_not_equal(seal_in(HSM, blob, &size), CKR_OK);
    }
    assert_one_complaint("PIN");
    assert_works(VAULT);
}

static const struct CMUnitTest tests[] = {
    with_module(test_a_module_that_is_not_there),
    with_module(test_a_file_that_is_no_module),
    with_module(test_a_token_that_is_not_there),
    with_module(test_an_absent_token_is_left_out_of_the_present_ones),
    with_module(test_a_pin_file_that_is_missing),
    with_module(test_a_wrong_pin_is_tried_once),
};

const struct room hsm_room = ROOM(tests);
