/* What is composed over HSMs that can more, less or other than SoftHSM; and what is left where one of them fails. */
#include "tests/backends/hsm/fake_bench.h"

enum { ALL = CKF_WRAP | CKF_UNWRAP, BLOB_SIZE = 256 + 40 };

static struct token_session *session;
static CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static struct rsa_aes_key_wrap_params params = {256, &oaep};
static CK_MECHANISM rsa_aes = {CKM_RSA_AES_KEY_WRAP, &params, sizeof params};
static CK_BYTE blob[BLOB_SIZE];

/* The HSM's mechanisms; the rest is none. */
static void open_over(CK_MECHANISM_TYPE rfc5649, CK_FLAGS oaep_flags, CK_FLAGS generate, const char *more)
{
    fake->has_keys = true;
    fake->mechanism[0].flags = oaep_flags;
    fake->mechanism[1].type = rfc5649;
    fake->mechanism[1].flags = ALL;
    fake->mechanism[2].type = CKM_AES_KEY_GEN;
    fake->mechanism[2].flags = generate;
    bench_open(fake_uri("token=one", ""), NULL, more);
    session = bench_session(bench.token[0]);
}

static int tear_down(void **state)
{
    bench_close_session(session);
    return fake_tear_down(state);
}

static CK_FLAGS flags_of(CK_MECHANISM_TYPE type)
{
    CK_MECHANISM_INFO info;
    CK_RV rv = bench.token[0]->ops->get_mechanism_info(bench.token[0], type, &info);

    if (rv != CKR_OK) {
        assert_rv(rv, CKR_MECHANISM_INVALID);
        return 0;
    }
    return info.flags;
}

static CK_RV wrap(CK_MECHANISM *mechanism)
{
    CK_ULONG size = sizeof blob;

    return session->ops->wrap_key(session, mechanism, 1, 2, blob, &size);
}

static CK_RV unwrap(CK_MECHANISM *mechanism)
{
    CK_OBJECT_HANDLE key;

    return session->ops->unwrap_key(session, mechanism, 1, blob, sizeof blob, NULL, 0, &key);
}

static void test_kwp_serves_pad_and_the_whole(void **state)
{
    CK_MECHANISM pad = {CKM_AES_KEY_WRAP_PAD, NULL, 0};

    (void)state;
    open_over(CKM_AES_KEY_WRAP_KWP, ALL, CKF_GENERATE, NULL);
    assert_int_equal(flags_of(CKM_AES_KEY_WRAP_PAD), ALL);
    assert_int_equal(flags_of(CKM_RSA_AES_KEY_WRAP), ALL);
    assert_rv(wrap(&pad), CKR_OK);
    assert_int_equal(fake->used, CKM_AES_KEY_WRAP_KWP);
    assert_rv(unwrap(&pad), CKR_OK);
    assert_int_equal(fake->used, CKM_AES_KEY_WRAP_KWP);
    assert_rv(wrap(&rsa_aes), CKR_OK);
    assert_int_equal(fake->used, CKM_AES_KEY_WRAP_KWP);
}

static void test_kwp_is_no_pad_for_whom_pad_is_chosen(void **state)
{
    (void)state;
    open_over(CKM_AES_KEY_WRAP_KWP, ALL, CKF_GENERATE, "rfc5649 = pad");
    assert_int_equal(flags_of(CKM_AES_KEY_WRAP_PAD), 0);
    assert_int_equal(flags_of(CKM_RSA_AES_KEY_WRAP), 0);
}

static void test_without_key_generation_it_only_unwraps(void **state)
{
    (void)state;
    open_over(CKM_AES_KEY_WRAP_KWP, ALL, 0, NULL);
    assert_int_equal(flags_of(CKM_RSA_AES_KEY_WRAP), CKF_UNWRAP);
    assert_rv(unwrap(&rsa_aes), CKR_OK);
    assert_rv(wrap(&rsa_aes), CKR_OK); /* passed through: this HSM does not look at mechanisms */
    assert_int_equal(fake->used, CKM_RSA_AES_KEY_WRAP);
}

static void test_hardware_only_where_all_parts_are(void **state)
{
    (void)state;
    open_over(CKM_AES_KEY_WRAP_KWP, ALL | CKF_HW, CKF_GENERATE | CKF_HW, NULL);
    assert_int_equal(flags_of(CKM_RSA_AES_KEY_WRAP), ALL);
    fake->mechanism[1].flags |= CKF_HW;
    assert_int_equal(flags_of(CKM_RSA_AES_KEY_WRAP), ALL | CKF_HW);
}

static void test_the_hsms_own_is_passed_through(void **state)
{
    (void)state;
    open_over(CKM_AES_KEY_WRAP_KWP, ALL, CKF_GENERATE, NULL);
    fake->mechanism[3].type = CKM_RSA_AES_KEY_WRAP;
    fake->mechanism[3].flags = CKF_WRAP | CKF_HW;
    assert_int_equal(flags_of(CKM_RSA_AES_KEY_WRAP), CKF_WRAP | CKF_HW);
    assert_rv(wrap(&rsa_aes), CKR_OK);
    assert_int_equal(fake->used, CKM_RSA_AES_KEY_WRAP);
    assert_int_equal(fake->calls, 1);
}

static void test_nothing_of_the_parts_nothing_of_the_whole(void **state)
{
    CK_MECHANISM_TYPE list[4];
    CK_ULONG count = 4;

    (void)state;
    open_over(CKM_AES_KEY_WRAP, CKF_SIGN, CKF_GENERATE, NULL);
    assert_int_equal(flags_of(CKM_RSA_AES_KEY_WRAP), 0);
    assert_int_equal(flags_of(CKM_AES_KEY_WRAP_KWP), 0);
    assert_rv(bench.token[0]->ops->get_mechanism_list(bench.token[0], list, &count), CKR_OK);
    assert_int_equal(count, 3);
}

/* Each call below fails in turn: its code comes up, and no key is left. */
static void check_failures(const char *function, unsigned calls, CK_RV (*use)(CK_MECHANISM *mechanism))
{
    for (unsigned i = 0; i < calls; i++) {
        fake->fails = function;
        fake->fails_after = (int)i;
        fake->fails_with = CKR_DEVICE_MEMORY;
        assert_rv(use(&rsa_aes), CKR_DEVICE_MEMORY);
        assert_int_equal(fake->keys, 0);
    }
    fake->fails_after = (int)calls;
    assert_rv(use(&rsa_aes), CKR_OK);
}

static void test_nothing_is_left_of_a_wrap_that_failed(void **state)
{
    (void)state;
    open_over(CKM_AES_KEY_WRAP_KWP, ALL, CKF_GENERATE, NULL);
    check_failures("C_GenerateKey", 1, wrap);
    check_failures("C_WrapKey", 4, wrap);
    assert_int_equal(fake->keys, 0);
}

static void test_nothing_is_left_of_an_unwrap_that_failed(void **state)
{
    (void)state;
    open_over(CKM_AES_KEY_WRAP_KWP, ALL, CKF_GENERATE, NULL);
    check_failures("C_UnwrapKey", 2, unwrap);
    assert_int_equal(fake->keys, 1); /* the one that was unwrapped */
}

static CK_RV failing_unwrap(CK_RV code, int after)
{
    fake->fails = "C_UnwrapKey";
    fake->fails_after = after;
    fake->fails_with = code;
    return unwrap(&rsa_aes);
}

/* Whichever half is bad, and whatever the HSM calls it. */
static void test_bad_blob_has_one_code(void **state)
{
    static const CK_RV both[] = {
        CKR_WRAPPED_KEY_INVALID,      CKR_WRAPPED_KEY_LEN_RANGE, CKR_ENCRYPTED_DATA_INVALID,
        CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_DATA_INVALID,          CKR_DATA_LEN_RANGE,
        CKR_KEY_SIZE_RANGE,           CKR_GENERAL_ERROR,         CKR_FUNCTION_FAILED};
    static const CK_RV of_template[] = {CKR_TEMPLATE_INCONSISTENT, CKR_TEMPLATE_INCOMPLETE,
                                        CKR_ATTRIBUTE_VALUE_INVALID, CKR_KEY_TYPE_INCONSISTENT};

    (void)state;
    open_over(CKM_AES_KEY_WRAP_KWP, ALL, CKF_GENERATE, NULL);
    for (size_t i = 0; i < sizeof both / sizeof both[0]; i++) {
        assert_rv(failing_unwrap(both[i], 0), CKR_WRAPPED_KEY_INVALID);
        assert_rv(failing_unwrap(both[i], 1), CKR_WRAPPED_KEY_INVALID);
    }
    for (size_t i = 0; i < sizeof of_template / sizeof of_template[0]; i++) {
        assert_rv(failing_unwrap(of_template[i], 0), CKR_WRAPPED_KEY_INVALID);
        assert_rv(failing_unwrap(of_template[i], 1), of_template[i]); /* the application's template */
    }
    assert_rv(failing_unwrap(CKR_KEY_FUNCTION_NOT_PERMITTED, 0), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(failing_unwrap(CKR_USER_NOT_LOGGED_IN, 0), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(fake->keys, 0);
}

/* Its second half is tried all the same, with a key made for that. */
static void test_bad_first_half_costs_what_a_bad_second_one_does(void **state)
{
    unsigned made;

    (void)state;
    open_over(CKM_AES_KEY_WRAP_KWP, ALL, CKF_GENERATE, NULL);
    made = fake->keys_ever;
    assert_rv(failing_unwrap(CKR_ENCRYPTED_DATA_INVALID, 0), CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(fake->used, CKM_AES_KEY_WRAP_KWP);
    assert_int_equal(fake->keys_ever - made, 2); /* and what came out by chance */
    assert_int_equal(fake->keys, 0);
}

static void test_key_that_cannot_be_destroyed_is_told_of(void **state)
{
    (void)state;
    open_over(CKM_AES_KEY_WRAP_KWP, ALL, CKF_GENERATE, NULL);
    fake->fails = "C_DestroyObject";
    fake->fails_with = CKR_DEVICE_MEMORY;
    assert_rv(wrap(&rsa_aes), CKR_OK);
    assert_int_equal(bench_logged("did not destroy a temporary AES key"), 1);
}

static void test_module_that_is_finalised_between(void **state)
{
    (void)state;
    open_over(CKM_AES_KEY_WRAP_KWP, ALL, CKF_GENERATE, NULL);
    fake->fails = "C_WrapKey";
    fake->fails_with = CKR_CRYPTOKI_NOT_INITIALIZED;
    assert_rv(wrap(&rsa_aes), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(bench_logged("temporary"), 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fake_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_kwp_serves_pad_and_the_whole),
        ROW(test_kwp_is_no_pad_for_whom_pad_is_chosen),
        ROW(test_without_key_generation_it_only_unwraps),
        ROW(test_hardware_only_where_all_parts_are),
        ROW(test_the_hsms_own_is_passed_through),
        ROW(test_nothing_of_the_parts_nothing_of_the_whole),
        ROW(test_nothing_is_left_of_a_wrap_that_failed),
        ROW(test_nothing_is_left_of_an_unwrap_that_failed),
        ROW(test_bad_blob_has_one_code),
        ROW(test_bad_first_half_costs_what_a_bad_second_one_does),
        ROW(test_key_that_cannot_be_destroyed_is_told_of),
        ROW(test_module_that_is_finalised_between),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
