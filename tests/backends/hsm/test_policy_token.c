/* The policy above an HSM's token: which calls go down, which do not, and what is asked about a key. */
#include "tests/backends/hsm/fake_bench.h"
#include <string.h>

enum { ODD_ANSWER = 0x80000123, ODD_TYPE = 0x8000002a };

#define ODD_ONLY "mechanisms = {\"0x8000002a\"}"

static struct token_session *session;
static struct token *token;
static int pattern;
static bool has_mechanism;
static CK_MECHANISM given;

static void fill_mechanism(CK_MECHANISM **argument)
{
    if (argument != NULL) {
        *argument = &given;
        has_mechanism = true;
    }
}

static void open_with(const char *options)
{
    fake->literal = true;
    bench_open(fake_uri("token=one", ""), NULL, options);
    token = bench.token[0];
    session = bench_session(token);
    fake->calls = 0;
}

static int set_up(void **state)
{
    session = NULL;
    pattern = 0;
    has_mechanism = false;
    given = (CK_MECHANISM){ODD_TYPE, &given, 1};
    return fake_set_up(state);
}

static int tear_down(void **state)
{
    if (session != NULL) {
        bench_close_session(session);
    }
    return fake_tear_down(state);
}

static void check_call(const char *name, const CK_ULONG *words)
{
    assert_int_equal(fake->calls, 1);
    assert_string_equal(fake->last.name, name);
    assert_memory_equal(fake->last.word, words, sizeof fake->last.word);
}

/*
 * For each function: it arrives below with the same arguments, where its mechanism is listed or it has none; with
 * another mechanism nothing arrives. Pointers but those to a mechanism are mere patterns.
 */
/* clang-format off */
#define DECLARE(parameter) parameter;
#define FILL(argument) \
    memset(&argument, ++pattern, sizeof argument); \
    fill_mechanism(_Generic(&argument, CK_MECHANISM **: (void *)&argument, default: NULL));
#define TEST_OF(name, verb, parameters, arguments) \
    static void test_##verb##_arrives(void **unused) \
    { \
        MAP(DECLARE, session UNBRACKET parameters) \
\
        (void)unused; \
        open_with(ODD_ONLY); \
        MAP(FILL, session UNBRACKET arguments) \
        CK_ULONG words[FAKE_WORDS] = {MAP(FAKE_WORD, session UNBRACKET arguments)}; \
        fake->answer = ODD_ANSWER; \
        if (strcmp(#verb, "set_operation_state") == 0) { \
            assert_rv(session->ops->verb(session UNBRACKET arguments), CKR_SAVED_STATE_INVALID); \
            return; \
        } \
        assert_rv(session->ops->verb(session UNBRACKET arguments), ODD_ANSWER); \
        check_call(#name, words); \
    } \
    static void test_##verb##_with_another_mechanism(void **unused) \
    { \
        MAP(DECLARE, session UNBRACKET parameters) \
\
        (void)unused; \
        open_with(ODD_ONLY); \
        given.mechanism = ODD_TYPE + 1; \
        MAP(FILL, session UNBRACKET arguments) \
        fake->answer = strcmp(#verb, "set_operation_state") == 0 ? CKR_OK : ODD_ANSWER; \
        if (fake->answer == CKR_OK) { \
            return; \
        } \
        assert_rv(session->ops->verb(session UNBRACKET arguments), \
                  has_mechanism ? CKR_MECHANISM_INVALID : ODD_ANSWER); \
        assert_int_equal(fake->calls, has_mechanism ? 0 : 1); \
    }
#define TESTS_OF(name, verb, parameters, arguments) \
    cmocka_unit_test_setup_teardown(test_##verb##_arrives, set_up, tear_down), \
    cmocka_unit_test_setup_teardown(test_##verb##_with_another_mechanism, set_up, tear_down),
/* clang-format on */
EACH_SESSION_FUNCTION(TEST_OF)
EACH_SESSION_FUNCTION_OF_3_0(TEST_OF)

static void test_without_a_policy_nothing_stands_above(void **state)
{
    (void)state;
    open_with("");
    assert_string_equal(token->ops->name, "hsm");
    bench_close_session(session);
    bench_close();
    open_with("min-rsa-bits = off");
    assert_string_equal(token->ops->name, "hsm");
    bench_close_session(session);
    bench_close();
    open_with("min-rsa-bits = 2048");
    assert_string_equal(token->ops->name, "policy");
}

static void test_no_mechanism_is_for_the_hsm_to_judge(void **state)
{
    (void)state;
    open_with(ODD_ONLY "\n min-rsa-bits = 3072");
    fake->answer = ODD_ANSWER;
    assert_rv(session->ops->encrypt_init(session, NULL, 0), ODD_ANSWER);
    assert_rv(session->ops->message_sign_init(session, NULL, 0), ODD_ANSWER);
    assert_rv(session->ops->digest_init(session, NULL), ODD_ANSWER);
}

static void test_the_list_is_filtered(void **state)
{
    CK_MECHANISM_TYPE list[4] = {0};
    CK_MECHANISM_INFO info;
    CK_ULONG count = 9;

    (void)state;
    fake->mechanism[0].type = CKM_RSA_PKCS_OAEP;
    fake->mechanism[0].flags = CKF_WRAP;
    fake->mechanism[1].type = ODD_TYPE;
    fake->mechanism[1].flags = CKF_SIGN;
    open_with("mechanisms = {\"0x8000002a\", \"CKM_AES_GCM\"}");
    assert_rv(token->ops->get_mechanism_list(token, NULL, &count), CKR_OK);
    assert_int_equal(count, 1);
    count = 0;
    assert_rv(token->ops->get_mechanism_list(token, list, &count), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(count, 1);
    assert_rv(token->ops->get_mechanism_list(token, list, &count), CKR_OK);
    assert_int_equal(list[0], ODD_TYPE);
    assert_rv(token->ops->get_mechanism_info(token, ODD_TYPE, &info), CKR_OK);
    assert_int_equal(info.flags, CKF_SIGN);
    assert_rv(token->ops->get_mechanism_info(token, CKM_RSA_PKCS_OAEP, &info), CKR_MECHANISM_INVALID);
    assert_rv(token->ops->get_mechanism_info(token, CKM_AES_GCM, &info), CKR_MECHANISM_INVALID);
}

static void test_an_absent_hsm_has_no_mechanisms(void **state)
{
    CK_ULONG count = 9;

    (void)state;
    fake->there[0] = false;
    bench_open(fake_uri("token=one", ""), NULL, ODD_ONLY);
    assert_rv(bench.token[0]->ops->get_mechanism_list(bench.token[0], NULL, &count), CKR_OK);
    assert_int_equal(count, 0);
}

/* The answer of C_EncryptInit with an RSA mechanism. */
static CK_RV use(CK_OBJECT_HANDLE key)
{
    CK_MECHANISM rsa = {CKM_RSA_PKCS, NULL, 0};

    return session->ops->encrypt_init(session, &rsa, key);
}

static void open_for_3072(unsigned bits)
{
    fake->key.bits = bits;
    fake->key.type = CKK_RSA;
    fake->key.on_token = true;
    open_with("min-rsa-bits = 3072");
}

static void test_a_large_key_is_asked_about_once(void **state)
{
    (void)state;
    open_for_3072(3072);
    assert_rv(use(5), CKR_OK);
    assert_int_equal(fake->calls, 2);
    assert_rv(use(5), CKR_OK);
    assert_int_equal(fake->calls, 3);
    assert_rv(use(6), CKR_OK);
    assert_int_equal(fake->calls, 5);
}

static void test_a_small_key_is_refused(void **state)
{
    (void)state;
    open_for_3072(3071);
    assert_rv(use(5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_string_equal(fake->last.name, "C_GetAttributeValue");
    assert_int_equal(bench_logged("first: key pkcs11:token=first;id=%01%AB;object=big%0Akey is refused: "
                                  "min-rsa-bits is 3072, and it has 3071"),
                     1);
}

static void test_the_reason_is_in_the_log_once(void **state)
{
    (void)state;
    open_for_3072(2048);
    for (int i = 0; i < 5; i++) {
        assert_rv(use(5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    assert_int_equal(bench_logged("is refused"), 1);
    assert_rv(use(6), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(bench_logged("is refused"), 2);
}

static void test_each_use_is_refused_and_verifying_is_not(void **state)
{
    CK_MECHANISM rsa = {CKM_RSA_PKCS, NULL, 0};
    CK_ULONG size = 0;

    (void)state;
    open_for_3072(2048);
    assert_rv(session->ops->encrypt_init(session, &rsa, 5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(session->ops->decrypt_init(session, &rsa, 5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(session->ops->sign_init(session, &rsa, 5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(session->ops->sign_recover_init(session, &rsa, 5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(session->ops->message_encrypt_init(session, &rsa, 5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(session->ops->message_decrypt_init(session, &rsa, 5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(session->ops->message_sign_init(session, &rsa, 5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(session->ops->wrap_key(session, &rsa, 5, 6, NULL, &size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(session->ops->unwrap_key(session, &rsa, 5, NULL, 0, NULL, 0, NULL),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(session->ops->verify_init(session, &rsa, 5), CKR_OK);
    assert_rv(session->ops->verify_recover_init(session, &rsa, 5), CKR_OK);
    assert_rv(session->ops->message_verify_init(session, &rsa, 5), CKR_OK);
}

static void test_the_number_of_bits_counts_where_the_modulus_is_not_told(void **state)
{
    (void)state;
    fake->key.hides_modulus = true;
    open_for_3072(3072);
    assert_rv(use(5), CKR_OK);
    fake->key.bits = 2048;
    assert_rv(use(6), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_a_key_that_does_not_tell_is_refused(void **state)
{
    (void)state;
    fake->key.hides_modulus = fake->key.hides_bits = true;
    open_for_3072(4096);
    assert_rv(use(5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(bench_logged("the HSM tells neither its modulus nor how many bits that has"), 1);
}

static void test_a_key_larger_than_our_buffer(void **state)
{
    (void)state;
    open_for_3072(20000);
    assert_rv(use(5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake->key.bits = 16376;
    assert_rv(use(6), CKR_OK);
}

static void test_other_keys_are_not_judged(void **state)
{
    CK_MECHANISM aes = {CKM_AES_CBC, NULL, 0}, own = {ODD_TYPE, NULL, 0};

    (void)state;
    open_for_3072(256);
    assert_rv(session->ops->encrypt_init(session, &aes, 5), CKR_OK);
    assert_int_equal(fake->calls, 1);
    assert_rv(session->ops->encrypt_init(session, &own, 5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake->key.type = CKK_AES;
    assert_rv(session->ops->encrypt_init(session, &own, 5), CKR_OK);
}

/* It takes RSA keys, as vendors' own may, and its name does not say so. */
static void test_a_mechanism_whose_name_hides_that_it_takes_rsa(void **state)
{
    CK_MECHANISM set = {CKM_KEY_WRAP_SET_OAEP, NULL, 0}, cms = {CKM_CMS_SIG, NULL, 0};
    CK_ULONG size = 0;

    (void)state;
    open_for_3072(2048);
    assert_rv(session->ops->wrap_key(session, &set, 5, 6, NULL, &size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(session->ops->sign_init(session, &cms, 5), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_a_handle_of_a_session_is_asked_about_each_time(void **state)
{
    (void)state;
    open_for_3072(3072);
    fake->key.on_token = false;
    assert_rv(use(5), CKR_OK);
    fake->key.bits = 2048;
    assert_rv(use(5), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/* Another key may have the handle now. */
static void test_destroying_and_logging_out_forget(void **state)
{
    struct token_session *other;

    (void)state;
    open_for_3072(3072);
    other = bench_session(token);
    assert_rv(use(5), CKR_OK);
    assert_rv(other->ops->destroy_object(other, 5), CKR_OK);
    fake->key.bits = 2048;
    assert_rv(use(5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake->key.bits = 3072;
    assert_rv(use(5), CKR_OK);
    assert_rv(other->ops->logout(other), CKR_OK);
    fake->key.bits = 2048;
    assert_rv(use(5), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(bench_close_session(other), CKR_OK);
}

static void test_more_keys_than_are_remembered(void **state)
{
    (void)state;
    open_for_3072(3072);
    for (CK_OBJECT_HANDLE key = 1; key <= 20; key++) {
        assert_rv(use(key), CKR_OK);
    }
    fake->key.bits = 2048;
    assert_rv(use(20), CKR_OK);
    assert_rv(use(1), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_no_such_key(void **state)
{
    CK_MECHANISM rsa = {CKM_RSA_PKCS, NULL, 0};
    CK_ULONG size = 0;

    (void)state;
    fake->key.is_gone = true;
    open_for_3072(3072);
    assert_rv(use(5), CKR_KEY_HANDLE_INVALID);
    assert_rv(session->ops->wrap_key(session, &rsa, 5, 6, NULL, &size), CKR_WRAPPING_KEY_HANDLE_INVALID);
    assert_rv(session->ops->unwrap_key(session, &rsa, 5, NULL, 0, NULL, 0, NULL),
              CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    fake->key.bits = 0;
    fake->answer = CKR_DEVICE_ERROR;
    assert_rv(use(5), CKR_DEVICE_ERROR);
    assert_int_equal(bench_logged("is refused"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        EACH_SESSION_FUNCTION(TESTS_OF) EACH_SESSION_FUNCTION_OF_3_0(TESTS_OF)
            TEST(test_without_a_policy_nothing_stands_above),
        TEST(test_no_mechanism_is_for_the_hsm_to_judge),
        TEST(test_the_list_is_filtered),
        TEST(test_an_absent_hsm_has_no_mechanisms),
        TEST(test_a_large_key_is_asked_about_once),
        TEST(test_a_small_key_is_refused),
        TEST(test_the_reason_is_in_the_log_once),
        TEST(test_each_use_is_refused_and_verifying_is_not),
        TEST(test_the_number_of_bits_counts_where_the_modulus_is_not_told),
        TEST(test_a_key_that_does_not_tell_is_refused),
        TEST(test_a_key_larger_than_our_buffer),
        TEST(test_other_keys_are_not_judged),
        TEST(test_a_mechanism_whose_name_hides_that_it_takes_rsa),
        TEST(test_a_handle_of_a_session_is_asked_about_each_time),
        TEST(test_destroying_and_logging_out_forget),
        TEST(test_more_keys_than_are_remembered),
        TEST(test_no_such_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
