/* Logging in with the PIN of `pin-source`: once for all, never twice with a PIN that was refused. */
#include "backends/hsm/hsm.h"
#include "tests/backends/hsm/fake_bench.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static CK_RV login(struct token_session *session, CK_USER_TYPE user)
{
    CK_BYTE pin[] = "any";

    return session->ops->login(session, user, pin, 3);
}

static CK_RV logout(struct token_session *session)
{
    return session->ops->logout(session);
}

static struct token_session *open_with_pin(const char *pin)
{
    bench_open(fake_pin_uri("token=one", pin), NULL, NULL);
    return bench_session(bench.token[0]);
}

static void test_first_session_logs_in_and_the_next_need_not(void **state)
{
    struct token_session *first = open_with_pin("1234");
    struct token_session *second = bench_session(bench.token[0]);

    (void)state;
    assert_int_equal(fake->logged_in, 1);
    assert_true(fake->user);
    bench_close_session(first);
    bench_close_session(second);
}

static void test_after_the_last_session_the_next_logs_in_again(void **state)
{
    (void)state;
    bench_close_session(open_with_pin("1234"));
    assert_false(fake->user);
    bench_close_session(bench_session(bench.token[0]));
    assert_int_equal(fake->logged_in, 2);
}

static void test_somebody_elses_login_is_enough(void **state)
{
    (void)state;
    fake->user = true;
    bench_close_session(open_with_pin("1234"));
    assert_int_equal(fake->logged_in, 0);
}

static void test_already_logged_in_counts_as_success(void **state)
{
    (void)state;
    fake->login_answer = CKR_USER_ALREADY_LOGGED_IN;
    bench_close_session(open_with_pin("1234"));
    assert_int_equal(bench_logged("] error "), 0);
}

static void test_pin_of_the_environment(void **state)
{
    (void)state;
    setenv("BYOK_TEST_PIN", "1234", 1);
    bench_open(fake_uri("token=one", "&pin-source=env:BYOK_TEST_PIN"), NULL, NULL);
    bench_close_session(bench_session(bench.token[0]));
    assert_int_equal(fake->logged_in, 1);
    assert_int_equal(bench_logged("] error "), 0);
    unsetenv("BYOK_TEST_PIN");
}

static void test_missing_pin_of_the_environment(void **state)
{
    (void)state;
    unsetenv("BYOK_TEST_PIN");
    bench_open(fake_uri("token=one", "&pin-source=env:BYOK_TEST_PIN"), NULL, NULL);
    bench_close_session(bench_session(bench.token[0]));
    assert_int_equal(fake->logged_in, 0);
    assert_int_equal(bench_logged("no BYOK_TEST_PIN"), 1);
}

static void test_missing_pin_file(void **state)
{
    (void)state;
    bench_open(fake_pin_uri("token=one", "1234"), NULL, NULL);
    bench_remove(bench_path("pin"));
    bench_close_session(bench_session(bench.token[0]));
    assert_int_equal(fake->logged_in, 0);
    assert_int_equal(bench_logged("pin-source"), 1);
}

static void check_tried_once(CK_RV refusal)
{
    fake->login_answer = refusal;
    bench_close_session(open_with_pin("1234"));
    bench_close_session(bench_session(bench.token[0]));
    bench_close();
    bench_open(fake_uri("token=one", ""), NULL, NULL); /* another `uri` has no part in it */
    bench_close_session(bench_session(bench.token[0]));
    assert_int_equal(fake->logged_in, 1);
    assert_int_equal(bench_logged("no login with the PIN"), 1);
}

static void test_wrong_pin_is_tried_once(void **state)
{
    (void)state;
    check_tried_once(CKR_PIN_INCORRECT);
}

static void test_locked_pin_is_tried_once(void **state)
{
    (void)state;
    check_tried_once(CKR_PIN_LOCKED);
}

static void test_expired_pin_is_tried_once(void **state)
{
    (void)state;
    check_tried_once(CKR_PIN_EXPIRED);
}

static void test_other_failures_are_tried_again(void **state)
{
    (void)state;
    fake->login_answer = CKR_DEVICE_ERROR;
    bench_close_session(open_with_pin("1234"));
    bench_close_session(bench_session(bench.token[0]));
    assert_int_equal(fake->logged_in, 2);
    assert_int_equal(bench_logged("no login with the PIN"), 1);
}

static void test_refused_pin_stays_refused_after_c_finalize(void **state)
{
    const char *uri = fake_pin_uri("token=one", "0000");

    (void)state;
    for (int i = 0; i < 3; i++) {
        bench_open(uri, NULL, NULL);
        bench_close_session(bench_session(bench.token[0]));
        bench_close();
    }
    assert_int_equal(fake->logged_in, 1);
}

static void test_new_content_of_the_pin_file_is_tried(void **state)
{
    (void)state;
    bench_close_session(open_with_pin("0000"));
    bench_write("pin", "1234\n");
    struct token_session *session = bench_session(bench.token[0]);

    assert_int_equal(fake->logged_in, 2);
    assert_true(fake->user);
    bench_close_session(session);
}

static void test_last_try_is_left_to_the_operator(void **state)
{
    (void)state;
    fake->flags |= CKF_USER_PIN_FINAL_TRY;
    bench_close_session(open_with_pin("1234"));
    bench_close_session(bench_session(bench.token[0]));
    assert_int_equal(fake->logged_in, 0);
    assert_int_equal(bench_logged("one try left"), 1);
    fake->flags &= ~(CK_FLAGS)CKF_USER_PIN_FINAL_TRY;
    bench_close_session(bench_session(bench.token[0]));
    assert_int_equal(fake->logged_in, 1);
}

static void test_the_pin_is_never_logged(void **state)
{
    (void)state;
    bench_close_session(open_with_pin("98769876"));
    assert_int_equal(bench_logged("98769876"), 0);
}

static void test_token_needs_no_login(void **state)
{
    CK_TOKEN_INFO info;

    (void)state;
    bench_open(fake_pin_uri("token=one", "1234"), fake_uri("token=one", ""), NULL);
    assert_rv(bench.token[0]->ops->get_token_info(bench.token[0], &info), CKR_OK);
    assert_int_equal(info.flags & CKF_LOGIN_REQUIRED, 0);
    assert_rv(bench.token[1]->ops->get_token_info(bench.token[1], &info), CKR_OK);
    assert_int_equal(info.flags & CKF_LOGIN_REQUIRED, CKF_LOGIN_REQUIRED);
}

static void test_application_logs_in_and_out_of_what_needs_no_login(void **state)
{
    struct token_session *session = open_with_pin("1234");

    (void)state;
    assert_rv(logout(session), CKR_USER_NOT_LOGGED_IN);
    assert_rv(login(session, CKU_USER), CKR_OK);
    assert_rv(login(session, CKU_USER), CKR_USER_ALREADY_LOGGED_IN);
    assert_rv(logout(session), CKR_OK);
    assert_rv(logout(session), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(fake->logged_in, 1);
    assert_int_equal(fake->logged_out, 0);
    assert_true(fake->user);
    bench_close_session(session);
}

static void test_applications_login_ends_with_its_last_session(void **state)
{
    struct token_session *session = open_with_pin("1234");

    (void)state;
    assert_rv(login(session, CKU_USER), CKR_OK);
    bench_close_session(session);
    session = bench_session(bench.token[0]);
    assert_rv(login(session, CKU_USER), CKR_OK);
    bench_close_session(session);
}

static void test_application_is_told_why_there_is_no_login(void **state)
{
    struct token_session *session = open_with_pin("0000");

    (void)state;
    assert_rv(login(session, CKU_USER), CKR_PIN_INCORRECT);
    assert_int_equal(fake->logged_in, 1);
    bench_close_session(session);
}

static void test_officer_and_key_logins_pass_through(void **state)
{
    struct token_session *session = open_with_pin("1234");

    (void)state;
    fake->literal = true;
    fake->answer = CKR_OK;
    assert_rv(login(session, CKU_CONTEXT_SPECIFIC), CKR_OK);
    assert_int_equal(fake->last.word[0], CKU_CONTEXT_SPECIFIC);
    assert_rv(login(session, CKU_SO), CKR_OK);
    assert_int_equal(fake->last.word[0], CKU_SO);
    assert_rv(logout(session), CKR_OK);
    assert_string_equal(fake->last.name, "C_Logout");
    assert_rv(logout(session), CKR_USER_NOT_LOGGED_IN);
    bench_close_session(session);
}

static void *open_and_close(void *arg)
{
    struct token_session *session = NULL;

    if (bench.token[0]->ops->open_session(bench.token[0], CKF_SERIAL_SESSION, NULL, NULL, &session) ==
        CKR_OK) {
        *(bool *)arg = fake->user;
    }
    return session;
}

static void open_from_threads(bool *logged_in, size_t count)
{
    pthread_t threads[8];

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, &logged_in[i]), 0);
    }
    for (size_t i = 0; i < count; i++) {
        void *session;

        pthread_join(threads[i], &session);
        assert_non_null(session);
        bench_close_session(session);
    }
}

static void test_threads_wait_for_one_login(void **state)
{
    bool logged_in[8] = {false};

    (void)state;
    fake->login_takes = 50;
    bench_open(fake_pin_uri("token=one", "1234"), NULL, NULL);
    open_from_threads(logged_in, 8);
    assert_int_equal(fake->logged_in, 1);
    for (size_t i = 0; i < 8; i++) {
        assert_true(logged_in[i]);
    }
}

static void test_threads_try_a_wrong_pin_once(void **state)
{
    bool logged_in[8] = {false};

    (void)state;
    fake->login_takes = 50;
    bench_open(fake_pin_uri("token=one", "0000"), NULL, NULL);
    open_from_threads(logged_in, 8);
    assert_int_equal(fake->logged_in, 1);
}

/* As when the vendor's OpenSSL is routed back through us. */
static void open_another(void)
{
    struct token *token = bench.token[0];
    struct token_session *session = NULL;

    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &session),
              CKR_TOKEN_NOT_PRESENT);
}

static void test_module_that_calls_us_while_we_log_in(void **state)
{
    (void)state;
    fake->during_login = open_another;
    bench_close_session(open_with_pin("1234"));
    assert_int_equal(fake->logged_in, 1);
}

static void test_child_does_not_try_a_refused_pin_again(void **state)
{
    const char *uri = fake_pin_uri("token=one", "0000");
    int status;

    (void)state;
    bench_open(uri, NULL, NULL);
    bench_close_session(bench_session(bench.token[0]));
    pid_t child = fork();

    if (child == 0) {
        hsm_kind.after_fork();
        memset(bench.token, 0, sizeof bench.token);
        bench_open(uri, NULL, NULL);
        bench_close_session(bench_session(bench.token[0]));
        _exit((int)fake->logged_in);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fake_set_up, fake_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_first_session_logs_in_and_the_next_need_not),
        ROW(test_after_the_last_session_the_next_logs_in_again),
        ROW(test_somebody_elses_login_is_enough),
        ROW(test_already_logged_in_counts_as_success),
        ROW(test_pin_of_the_environment),
        ROW(test_missing_pin_of_the_environment),
        ROW(test_missing_pin_file),
        ROW(test_wrong_pin_is_tried_once),
        ROW(test_locked_pin_is_tried_once),
        ROW(test_expired_pin_is_tried_once),
        ROW(test_other_failures_are_tried_again),
        ROW(test_refused_pin_stays_refused_after_c_finalize),
        ROW(test_new_content_of_the_pin_file_is_tried),
        ROW(test_last_try_is_left_to_the_operator),
        ROW(test_the_pin_is_never_logged),
        ROW(test_token_needs_no_login),
        ROW(test_application_logs_in_and_out_of_what_needs_no_login),
        ROW(test_applications_login_ends_with_its_last_session),
        ROW(test_application_is_told_why_there_is_no_login),
        ROW(test_officer_and_key_logins_pass_through),
        ROW(test_threads_wait_for_one_login),
        ROW(test_threads_try_a_wrong_pin_once),
        ROW(test_module_that_calls_us_while_we_log_in),
        ROW(test_child_does_not_try_a_refused_pin_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
