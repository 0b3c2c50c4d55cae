/* Every function of a session arrives below with the same arguments, and its answer comes back. */
#include "tests/backends/hsm/fake_bench.h"
#include <string.h>

enum { ODD_ANSWER = 0x80000123 };

static struct token_session *session;
static int pattern;

/* Of a mechanism the type is read, nothing else: whether it is one to be composed. */
static CK_MECHANISM odd_mechanism = {CKM_VENDOR_DEFINED | 42, &odd_mechanism, 1};

static void fill_mechanism(CK_MECHANISM **argument)
{
    if (argument != NULL) {
        *argument = &odd_mechanism;
    }
}

static void check_call(const char *name, const CK_ULONG *words)
{
    assert_int_equal(fake->calls, 1);
    assert_string_equal(fake->last.name, name);
    assert_int_equal(fake->last.session, fake->session);
    assert_memory_equal(fake->last.word, words, sizeof fake->last.word);
}

/*
 * For each function a test: arguments that differ from each other, a call through the token, the same
 * arguments below. Pointers but those to a mechanism are mere patterns: whoever looked
 * behind one would crash.
 */
/* clang-format off */
#define DECLARE(parameter) parameter;
#define FILL(argument)                                                                                       \
    memset(&argument, ++pattern, sizeof argument);                                                           \
    fill_mechanism(_Generic(&argument, CK_MECHANISM **: (void *)&argument, default: NULL));
#define TEST_OF_TABLE(table_of, name, verb, parameters, arguments)                                           \
    static void test_##verb##_arrives(void **unused)                                                         \
    {                                                                                                        \
        MAP(DECLARE, session UNBRACKET parameters)                                                           \
                                                                                                             \
        (void)unused;                                                                                        \
        MAP(FILL, session UNBRACKET arguments)                                                               \
        CK_ULONG words[FAKE_WORDS] = {MAP(FAKE_WORD, session UNBRACKET arguments)};                          \
        fake->answer = ODD_ANSWER + (CK_RV)pattern;                                                          \
        assert_rv(session->ops->verb(session UNBRACKET arguments), ODD_ANSWER + (CK_RV)pattern);             \
        check_call(#name, words);                                                                            \
    }                                                                                                        \
    static void test_##verb##_hides_that_the_module_was_finalised(void **unused)                             \
    {                                                                                                        \
        MAP(DECLARE, session UNBRACKET parameters)                                                           \
                                                                                                             \
        (void)unused;                                                                                        \
        MAP(FILL, session UNBRACKET arguments)                                                               \
        fake->alive = false;                                                                                 \
        assert_rv(session->ops->verb(session UNBRACKET arguments), CKR_SESSION_HANDLE_INVALID);              \
        assert_true(fake->alive);                                                                            \
        assert_rv(session->ops->verb(session UNBRACKET arguments), CKR_SESSION_HANDLE_INVALID);              \
        assert_int_equal(fake->calls, 1);                                                                    \
        assert_int_equal(fake->initialized, 2);                                                              \
        assert_int_equal(bench_logged("has finalised"), 1);                                                  \
    }                                                                                                        \
    static void test_##verb##_may_be_missing_below(void **unused)                                            \
    {                                                                                                        \
        MAP(DECLARE, session UNBRACKET parameters)                                                           \
                                                                                                             \
        (void)unused;                                                                                        \
        MAP(FILL, session UNBRACKET arguments)                                                               \
        fake->table_of->name = NULL;                                                                            \
        assert_rv(session->ops->verb(session UNBRACKET arguments), CKR_FUNCTION_NOT_SUPPORTED);              \
    }
#define TESTS_OF(name, verb, parameters, arguments)                                                          \
    cmocka_unit_test_setup_teardown(test_##verb##_arrives, set_up, tear_down),                               \
    cmocka_unit_test_setup_teardown(test_##verb##_hides_that_the_module_was_finalised, set_up, tear_down),   \
    cmocka_unit_test_setup_teardown(test_##verb##_may_be_missing_below, set_up, tear_down),
#define TEST_OF_2_40(name, verb, parameters, arguments)                                           \
    TEST_OF_TABLE(table, name, verb, parameters, arguments)
#define TEST_OF_3_0(name, verb, parameters, arguments)                                                       \
    TEST_OF_TABLE(table_3_0, name, verb, parameters, arguments)
/* clang-format on */
EACH_SESSION_FUNCTION(TEST_OF_2_40)
EACH_SESSION_FUNCTION_OF_3_0(TEST_OF_3_0)

static int set_up(void **state)
{
    if (fake_set_up(state) != 0) {
        return -1;
    }
    fake->literal = true;
    pattern = 0;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    session = bench_session(bench.token[0]);
    return 0;
}

static int tear_down(void **state)
{
    bench_close_session(session);
    return fake_tear_down(state);
}

static void test_session_info_comes_from_below(void **state)
{
    CK_SESSION_INFO info;

    (void)state;
    assert_rv(session->ops->get_session_info(session, &info), CKR_OK);
    assert_int_equal(info.ulDeviceError, 77);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
}

static void test_session_info_of_a_finalised_module(void **state)
{
    CK_SESSION_INFO info;

    (void)state;
    fake->alive = false;
    assert_rv(session->ops->get_session_info(session, &info), CKR_SESSION_HANDLE_INVALID);
    assert_true(fake->alive);
}

static void test_sessions_are_one_for_one(void **state)
{
    struct token_session *second = bench_session(bench.token[0]);

    (void)state;
    assert_int_equal(fake->opened, 2);
    assert_rv(bench_close_session(second), CKR_OK);
    assert_int_equal(fake->closed, 1);
    assert_int_equal(fake->closed_all, 0);
}

static void test_close_does_not_wake_a_finalised_module(void **state)
{
    struct token_session *second = bench_session(bench.token[0]);

    (void)state;
    fake->alive = false;
    assert_rv(bench_close_session(second), CKR_OK);
    assert_int_equal(fake->initialized, 1);
}

static void test_handle_of_an_earlier_life_is_not_used(void **state)
{
    struct token_session *second;

    (void)state;
    fake->alive = false;
    second = bench_session(bench.token[0]);
    assert_int_equal(fake->initialized, 2);
    assert_rv(session->ops->find_objects_final(session), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(fake->calls, 0);
    assert_rv(second->ops->find_objects_final(second), CKR_OK);
    assert_int_equal(fake->calls, 1);
    assert_rv(bench_close_session(second), CKR_OK);
}

static CK_RV take_event(void *arg, CK_NOTIFICATION event)
{
    *(CK_NOTIFICATION *)arg = event;
    return CKR_CANCEL;
}

static void test_notification_is_passed_up(void **state)
{
    struct token *token = bench.token[0];
    struct token_session *second;
    CK_NOTIFICATION seen = 0;

    (void)state;
    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION, take_event, &seen, &second), CKR_OK);
    assert_rv(fake->notify(fake->session, 42, fake->application), CKR_CANCEL);
    assert_int_equal(seen, 42);
    assert_rv(bench_close_session(second), CKR_OK);
}

static void test_no_notification_is_asked_for(void **state)
{
    (void)state;
    assert_true(fake->notify == NULL);
    assert_null(fake->application);
}

static struct token_session *reopened_with(unsigned char major, unsigned char minor)
{
    bench_close_session(session);
    session = NULL;
    fake_tear_down(NULL);
    assert_int_equal(fake_set_up(NULL), 0);
    fake->literal = true;
    fake->interface = (CK_VERSION){major, minor};
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    session = bench_session(bench.token[0]);
    return session;
}

static void test_module_without_3_0(void **state)
{
    (void)state;
    reopened_with(0, 0);
    assert_rv(session->ops->session_cancel(session, 0), CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(session->ops->find_objects_final(session), CKR_OK);
    assert_int_equal(fake->calls, 1);
}

static void test_table_of_2_40_is_none_of_3_0(void **state)
{
    (void)state;
    reopened_with(2, 40);
    assert_rv(session->ops->session_cancel(session, 0), CKR_FUNCTION_NOT_SUPPORTED);
}

static void test_later_3_x_begins_as_3_0(void **state)
{
    (void)state;
    reopened_with(3, 2);
    assert_rv(session->ops->session_cancel(session, 0), CKR_OK);
    assert_string_equal(fake->last.name, "C_SessionCancel");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH_SESSION_FUNCTION(TESTS_OF) EACH_SESSION_FUNCTION_OF_3_0(TESTS_OF)
            ROW(test_session_info_comes_from_below),
        ROW(test_session_info_of_a_finalised_module),
        ROW(test_sessions_are_one_for_one),
        ROW(test_close_does_not_wake_a_finalised_module),
        ROW(test_handle_of_an_earlier_life_is_not_used),
        ROW(test_notification_is_passed_up),
        ROW(test_no_notification_is_asked_for),
        ROW(test_module_without_3_0),
        ROW(test_table_of_2_40_is_none_of_3_0),
        ROW(test_later_3_x_begins_as_3_0),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
