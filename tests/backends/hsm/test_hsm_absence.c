/* An HSM that goes away, comes back, or is late: what the application hears, and how it goes on. */
#include "tests/backends/hsm/fake_bench.h"
#include <string.h>
#include <time.h>

static CK_RV open_session(struct token *token)
{
    struct token_session *session = NULL;
    CK_RV rv = token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &session);

    if (rv == CKR_OK) {
        bench_close_session(session);
    }
    return rv;
}

static void wait_for(unsigned milliseconds)
{
    struct timespec time = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};

    nanosleep(&time, NULL);
}

/* In a call of a session: the code is the application's to see, and the next session finds the token. */
static void check_code(CK_RV code)
{
    struct token_session *session;
    CK_SESSION_INFO info;

    bench_open(fake_uri("token=one", ""), NULL, NULL);
    session = bench_session(bench.token[0]);
    fake->answer = code;
    assert_rv(session->ops->find_objects_final(session), code);
    assert_rv(session->ops->sign_init(session, NULL, 1), code);
    /* back, with its slots numbered anew */
    fake->answer = CKR_OK;
    fake->first_slot = 40;
    struct token_session *second = bench_session(bench.token[0]);

    assert_rv(second->ops->find_objects_final(second), CKR_OK);
    assert_rv(second->ops->get_session_info(second, &info), CKR_OK);
    assert_int_equal(info.slotID, 40);
    assert_int_equal(fake->initialized, 1);
    assert_rv(bench_close_session(second), CKR_OK);
    assert_rv(bench_close_session(session), CKR_OK);
}

static void test_device_removed(void **state)
{
    (void)state;
    check_code(CKR_DEVICE_REMOVED);
}

static void test_device_error(void **state)
{
    (void)state;
    check_code(CKR_DEVICE_ERROR);
}

static void test_token_not_present(void **state)
{
    (void)state;
    check_code(CKR_TOKEN_NOT_PRESENT);
}

static void test_session_that_the_hsm_has_forgotten(void **state)
{
    (void)state;
    check_code(CKR_SESSION_HANDLE_INVALID);
}

static void test_other_failures_are_no_reason_to_look(void **state)
{
    struct token_session *session;

    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    session = bench_session(bench.token[0]);
    fake->answer = CKR_KEY_HANDLE_INVALID;
    assert_rv(session->ops->find_objects_final(session), CKR_KEY_HANDLE_INVALID);
    unsigned looked = fake->looked;

    assert_rv(open_session(bench.token[0]), CKR_OK);
    assert_int_equal(fake->looked, looked);
    assert_rv(bench_close_session(session), CKR_OK);
}

/* Nobody was in the HSM when it was restarted: the slot that was ours holds another token now. */
static void test_slot_that_holds_another_token_now(void **state)
{
    struct token_session *session;
    CK_SESSION_INFO info;

    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    assert_rv(open_session(bench.token[0]), CKR_OK);
    memcpy(fake->label[0], "two", 4);
    memcpy(fake->label[1], "one", 4);
    wait_for(1100);
    session = bench_session(bench.token[0]);
    assert_rv(session->ops->get_session_info(session, &info), CKR_OK);
    assert_int_equal(info.slotID, FAKE_FIRST_SLOT + 1);
    assert_rv(bench_close_session(session), CKR_OK);
}

static void test_module_that_fails_to_initialise_at_first(void **state)
{
    CK_SLOT_INFO info;
    struct token *token;

    (void)state;
    fake->initialize_answer = CKR_DEVICE_ERROR;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    token = bench.token[0];
    assert_rv(open_session(token), CKR_TOKEN_NOT_PRESENT);
    assert_rv(open_session(token), CKR_TOKEN_NOT_PRESENT);
    assert_rv(token->ops->get_slot_info(token, &info), CKR_OK);
    assert_int_equal(info.flags & CKF_TOKEN_PRESENT, 0);
    assert_int_equal(bench_logged("does not initialise"), 1);
    fake->initialize_answer = CKR_OK;
    assert_rv(open_session(token), CKR_OK);
    assert_rv(token->ops->get_slot_info(token, &info), CKR_OK);
    assert_int_equal(info.flags & CKF_TOKEN_PRESENT, CKF_TOKEN_PRESENT);
}

static void test_absent_token_does_not_disturb_its_neighbour(void **state)
{
    struct token_session *neighbour;

    (void)state;
    bench_open(fake_uri("token=one", ""), fake_uri("token=two", ""), NULL);
    neighbour = bench_session(bench.token[1]);
    assert_rv(open_session(bench.token[0]), CKR_OK);
    fake->there[0] = false;
    wait_for(1100);
    assert_rv(open_session(bench.token[0]), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(fake->finalized, 0);
    assert_rv(neighbour->ops->find_objects_final(neighbour), CKR_OK);
    assert_rv(bench_close_session(neighbour), CKR_OK);
}

/* --- A module that looks for its tokens only when it is initialised --- */

/* It was away, which ended its sessions, and is back, which the module would see only then. */
static void come_back_unseen(void)
{
    fake->looks_once = true;
    fake->sessions = 0;
    fake->seen[0] = false;
    fake->there[0] = true;
    fake->answer = CKR_OK;
    wait_for(1100);
}

static void lose_session(struct token_session *session, CK_RV code)
{
    fake->there[0] = false;
    fake->answer = code;
    assert_rv(session->ops->find_objects_final(session), code);
}

static void check_lost_session(CK_RV code)
{
    struct token_session *lost, *session;

    bench_open(fake_uri("token=one", ""), NULL, NULL);
    lost = bench_session(bench.token[0]);
    lose_session(lost, code);
    come_back_unseen();
    session = bench_session(bench.token[0]);
    assert_int_equal(fake->finalized, 1);
    assert_rv(session->ops->find_objects_final(session), CKR_OK);
    unsigned calls = fake->calls;

    assert_rv(lost->ops->find_objects_final(lost), CKR_SESSION_HANDLE_INVALID);
    assert_rv(bench_close_session(lost), CKR_OK);
    assert_int_equal(fake->calls, calls);
    assert_rv(session->ops->find_objects_final(session), CKR_OK);
    assert_rv(bench_close_session(session), CKR_OK);
}

static void test_lost_session_does_not_hinder_a_restart(void **state)
{
    (void)state;
    check_lost_session(CKR_DEVICE_REMOVED);
}

static void test_unknown_session_does_not_hinder_a_restart(void **state)
{
    (void)state;
    check_lost_session(CKR_SESSION_HANDLE_INVALID);
}

/* A call may be under way in it. */
static void test_session_not_known_to_be_lost_hinders_a_restart(void **state)
{
    struct token_session *session;

    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    session = bench_session(bench.token[0]);
    come_back_unseen();
    assert_rv(open_session(bench.token[0]), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(fake->finalized, 0);
    fake->answer = CKR_DEVICE_REMOVED;
    assert_rv(session->ops->find_objects_final(session), CKR_DEVICE_REMOVED);
    fake->answer = CKR_OK;
    assert_rv(open_session(bench.token[0]), CKR_OK);
    assert_int_equal(fake->finalized, 1);
    assert_rv(bench_close_session(session), CKR_OK);
}

static bool say(void *arg)
{
    return *(const bool *)arg;
}

/* Whoever knows that nobody is in it says so. */
static void test_session_that_nobody_is_in_is_let_go_of(void **state)
{
    struct token_session *session;
    bool alone = true;

    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    session = bench_session(bench.token[0]);
    assert_false(session->ops->let_go(session, say, &alone)); /* its token is there */
    come_back_unseen();
    assert_rv(open_session(bench.token[0]), CKR_TOKEN_NOT_PRESENT);
    alone = false;
    assert_false(session->ops->let_go(session, say, &alone));
    assert_rv(open_session(bench.token[0]), CKR_TOKEN_NOT_PRESENT);
    alone = true;
    assert_true(session->ops->let_go(session, say, &alone));
    assert_false(session->ops->let_go(session, say, &alone));
    assert_rv(session->ops->find_objects_final(session), CKR_OK); /* which holds it again */
    assert_rv(open_session(bench.token[0]), CKR_TOKEN_NOT_PRESENT);
    assert_true(session->ops->let_go(session, say, &alone));
    assert_rv(open_session(bench.token[0]), CKR_OK);
    assert_int_equal(fake->finalized, 1);
    assert_rv(session->ops->find_objects_final(session), CKR_SESSION_HANDLE_INVALID);
    assert_rv(bench_close_session(session), CKR_OK);
}

static void test_session_under_a_policy_is_let_go_of_too(void **state)
{
    struct token_session *session;
    bool alone = true;

    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, "min-rsa-bits = 2048");
    session = bench_session(bench.token[0]);
    come_back_unseen();
    assert_rv(open_session(bench.token[0]), CKR_TOKEN_NOT_PRESENT);
    assert_true(session->ops->let_go(session, say, &alone));
    assert_rv(open_session(bench.token[0]), CKR_OK);
    assert_rv(bench_close_session(session), CKR_OK);
}

static struct token_session *asked;

static bool call_meanwhile(void *arg)
{
    assert_rv(asked->ops->find_objects_final(asked), CKR_OK);
    return *(const bool *)arg;
}

static void test_call_that_comes_meanwhile_keeps_a_session(void **state)
{
    bool alone = true;

    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    asked = bench_session(bench.token[0]);
    come_back_unseen();
    assert_rv(open_session(bench.token[0]), CKR_TOKEN_NOT_PRESENT);
    assert_false(asked->ops->let_go(asked, call_meanwhile, &alone));
    alone = false;
    assert_false(asked->ops->let_go(asked, call_meanwhile, &alone));
    assert_rv(open_session(bench.token[0]), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(fake->finalized, 0);
    fake->sessions = 1;
    assert_rv(bench_close_session(asked), CKR_OK);
    assert_rv(open_session(bench.token[0]), CKR_OK);
}

static void test_session_that_works_again_hinders_a_restart(void **state)
{
    struct token_session *session;

    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    session = bench_session(bench.token[0]);
    lose_session(session, CKR_DEVICE_ERROR);
    come_back_unseen();
    assert_rv(session->ops->find_objects_final(session), CKR_OK);
    assert_rv(open_session(bench.token[0]), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(fake->finalized, 0);
    fake->sessions = 1;
    assert_rv(bench_close_session(session), CKR_OK);
    assert_rv(open_session(bench.token[0]), CKR_OK);
}

static void test_session_of_another_token_hinders_a_restart(void **state)
{
    struct token_session *lost, *neighbour;

    (void)state;
    bench_open(fake_uri("token=one", ""), fake_uri("token=two", ""), NULL);
    lost = bench_session(bench.token[0]);
    neighbour = bench_session(bench.token[1]);
    lose_session(lost, CKR_DEVICE_REMOVED);
    come_back_unseen();
    assert_rv(open_session(bench.token[0]), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(fake->finalized, 0);
    assert_rv(neighbour->ops->find_objects_final(neighbour), CKR_OK);
    assert_rv(bench_close_session(neighbour), CKR_OK);
    assert_rv(bench_close_session(lost), CKR_OK);
}

/* The application has finalised the module, which closed them. */
static void test_sessions_of_an_earlier_life_do_not_hinder_a_restart(void **state)
{
    struct token_session *mine, *neighbour;

    (void)state;
    bench_open(fake_uri("token=one", ""), fake_uri("token=two", ""), NULL);
    mine = bench_session(bench.token[0]);
    neighbour = bench_session(bench.token[1]);
    assert_rv(fake->table->C_Finalize(NULL), CKR_OK);
    assert_rv(mine->ops->find_objects_final(mine), CKR_SESSION_HANDLE_INVALID);
    come_back_unseen();
    assert_rv(open_session(bench.token[0]), CKR_OK);
    assert_int_equal(fake->finalized, 2);
    assert_rv(bench_close_session(neighbour), CKR_OK);
    assert_rv(bench_close_session(mine), CKR_OK);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fake_set_up, fake_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_device_removed),
        ROW(test_device_error),
        ROW(test_token_not_present),
        ROW(test_session_that_the_hsm_has_forgotten),
        ROW(test_other_failures_are_no_reason_to_look),
        ROW(test_slot_that_holds_another_token_now),
        ROW(test_module_that_fails_to_initialise_at_first),
        ROW(test_absent_token_does_not_disturb_its_neighbour),
        ROW(test_lost_session_does_not_hinder_a_restart),
        ROW(test_unknown_session_does_not_hinder_a_restart),
        ROW(test_session_not_known_to_be_lost_hinders_a_restart),
        ROW(test_session_that_nobody_is_in_is_let_go_of),
        ROW(test_session_under_a_policy_is_let_go_of_too),
        ROW(test_call_that_comes_meanwhile_keeps_a_session),
        ROW(test_session_that_works_again_hinders_a_restart),
        ROW(test_session_of_another_token_hinders_a_restart),
        ROW(test_sessions_of_an_earlier_life_do_not_hinder_a_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
