/* Sessions and their handles, also when one thread closes what others use. */
#include "tests/pkcs11/house.h"
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

enum { PATIENCE = 60, THREADS = 4, ROUNDS = 300 };

static int start(void **state)
{
    (void)state;
    house_configure_fakes();
    return C_Initialize(NULL) == CKR_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    atomic_store(&house_fake()->hold, false);
    C_Finalize(NULL);
    return atomic_load(&house_fake()->sessions) == 0 && atomic_load(&house_fake()->too_late) == 0 ? 0 : -1;
}

static CK_RV use(CK_SESSION_HANDLE session)
{
    unsigned char byte;

    return C_GenerateRandom(session, &byte, 1);
}

static void test_open_use_close(void **state)
{
    CK_SESSION_HANDLE session = house_session(0);
    unsigned char byte = 0;

    (void)state;
    assert_int_equal(C_GenerateRandom(session, &byte, 1), CKR_OK);
    assert_int_equal(byte, 0x5a);
    assert_int_equal(C_CloseSession(session), CKR_OK);
    assert_int_equal(use(session), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(C_CloseSession(session), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(atomic_load(&house_fake()->sessions), 0);
}

static void test_serial_flag_is_wanted(void **state)
{
    CK_SESSION_HANDLE session = 5;

    (void)state;
    assert_int_equal(C_OpenSession(0, CKF_RW_SESSION, NULL, NULL, &session),
                     CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    assert_int_equal(session, 5);
}

static void test_unknown_handles(void **state)
{
    CK_SESSION_HANDLE session = house_session(0);
    const CK_SESSION_HANDLE wrong[] = {0, 1, session + 1, session ^ (1UL << 63), ~0UL};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(use(wrong[i]), CKR_SESSION_HANDLE_INVALID);
        assert_int_equal(C_CloseSession(wrong[i]), CKR_SESSION_HANDLE_INVALID);
        assert_int_equal(C_GetSessionInfo(wrong[i], NULL), CKR_SESSION_HANDLE_INVALID);
        assert_int_equal(C_SessionCancel(wrong[i], 0), CKR_SESSION_HANDLE_INVALID);
    }
    assert_int_equal(use(session), CKR_OK);
}

static void test_session_info_names_our_slot(void **state)
{
    CK_SESSION_HANDLE session = house_session(1);
    CK_SESSION_INFO info;

    (void)state;
    assert_int_equal(C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.slotID, 1);
    assert_int_equal(C_GetSessionInfo(session, NULL), CKR_ARGUMENTS_BAD);
}

static void test_handles_are_not_given_out_twice(void **state)
{
    CK_SESSION_HANDLE first = house_session(0);

    (void)state;
    assert_int_equal(C_CloseSession(first), CKR_OK);
    for (int i = 0; i < 100; i++) {
        CK_SESSION_HANDLE next = house_session(0);

        assert_int_not_equal(next, first);
        assert_int_equal(use(first), CKR_SESSION_HANDLE_INVALID);
        assert_int_equal(C_CloseSession(next), CKR_OK);
    }
}

static void test_handles_do_not_survive_a_restart(void **state)
{
    CK_SESSION_HANDLE session = house_session(0);

    (void)state;
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_int_equal(use(session), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    assert_int_equal(use(session), CKR_SESSION_HANDLE_INVALID);
    assert_int_not_equal(house_session(0), session);
    assert_int_equal(use(session), CKR_SESSION_HANDLE_INVALID);
}

static void test_close_all_of_one_slot(void **state)
{
    CK_SESSION_HANDLE first = house_session(0), second = house_session(0), other = house_session(1);

    (void)state;
    assert_int_equal(C_CloseAllSessions(0), CKR_OK);
    assert_int_equal(use(first), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(use(second), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(use(other), CKR_OK);
    assert_int_equal(C_CloseAllSessions(0), CKR_OK);
}

static void test_functions_that_no_token_has(void **state)
{
    CK_SESSION_HANDLE session = house_session(0);
    CK_MECHANISM mechanism = {CKM_AES_GCM, NULL, 0};

    (void)state;
    assert_int_equal(C_LoginUser(session, CKU_USER, NULL, 0, NULL, 0), CKR_FUNCTION_NOT_SUPPORTED);
    assert_int_equal(C_SessionCancel(session, 0), CKR_FUNCTION_NOT_SUPPORTED);
    assert_int_equal(C_MessageEncryptInit(session, &mechanism, 0), CKR_FUNCTION_NOT_SUPPORTED);
    assert_int_equal(C_MessageVerifyFinal(session), CKR_FUNCTION_NOT_SUPPORTED);
    assert_int_equal(C_MessageVerifyFinal(0), CKR_SESSION_HANDLE_INVALID);
}

/* --- Notify --- */

static struct {
    CK_SESSION_HANDLE session;
    CK_NOTIFICATION event;
    void *application;
} noted;

static CK_RV note(CK_SESSION_HANDLE session, CK_NOTIFICATION event, void *application)
{
    noted.session = session;
    noted.event = event;
    noted.application = application;
    return CKR_CANCEL;
}

static void test_notify_gets_our_handle(void **state)
{
    struct fake_module *fake = house_fake();
    CK_SESSION_HANDLE session;

    assert_int_equal(C_OpenSession(1, CKF_SERIAL_SESSION, state, note, &session), CKR_OK);
    assert_non_null(fake->last_notify);
    assert_int_equal(fake->last_notify(fake->last_session, 0, fake->last_application), CKR_CANCEL);
    assert_int_equal(noted.session, session);
    assert_ptr_equal(noted.application, state);
    assert_int_equal(fake->last_flags, CKF_SERIAL_SESSION);
}

static void test_no_notify_where_none_was_given(void **state)
{
    (void)state;
    house_session(0);
    assert_null(house_fake()->last_notify);
}

/* --- Closing under a call --- */

struct user {
    pthread_t thread;
    CK_SESSION_HANDLE session;
    CK_RV rv;
};

static void *use_once(void *arg)
{
    struct user *user = arg;

    user->rv = use(user->session);
    return NULL;
}

/* Another thread that is inside a call when this returns. */
static void hold_inside(struct user *user, CK_SESSION_HANDLE session)
{
    struct fake_module *fake = house_fake();

    user->session = session;
    atomic_store(&fake->hold, true);
    assert_int_equal(pthread_create(&user->thread, NULL, use_once, user), 0);
    while (atomic_load(&fake->inside) == 0) {
        sched_yield();
    }
}

static void let_go(struct user *user)
{
    atomic_store(&house_fake()->hold, false);
    pthread_join(user->thread, NULL);
}

static void test_closing_under_a_call(void **state)
{
    struct fake_module *fake = house_fake();
    struct user user;

    (void)state;
    hold_inside(&user, house_session(0));
    assert_int_equal(C_CloseSession(user.session), CKR_OK);
    assert_int_equal(use(user.session), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(atomic_load(&fake->sessions), 1);
    let_go(&user);
    assert_int_equal(user.rv, CKR_OK);
    assert_int_equal(atomic_load(&fake->sessions), 0);
}

static void test_close_all_under_a_call(void **state)
{
    struct user user;

    (void)state;
    hold_inside(&user, house_session(0));
    assert_int_equal(C_CloseAllSessions(0), CKR_OK);
    assert_int_equal(atomic_load(&house_fake()->sessions), 1);
    let_go(&user);
    assert_int_equal(user.rv, CKR_OK);
    assert_int_equal(atomic_load(&house_fake()->sessions), 0);
}

static void test_finalize_under_a_call(void **state)
{
    struct user user;

    (void)state;
    hold_inside(&user, house_session(0));
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_int_equal(C_CloseSession(user.session), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    assert_int_equal(C_CloseSession(user.session), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(atomic_load(&house_fake()->sessions), 1);
    let_go(&user);
    assert_int_equal(user.rv, CKR_OK);
    assert_int_equal(atomic_load(&house_fake()->sessions), 0);
}

/* --- A token that returns only when its module is initialised again --- */

static void go_and_return_unseen(void)
{
    atomic_store(&house_fake()->absent, true);
    atomic_store(&house_fake()->returns, true);
    usleep(1100 * 1000); /* as long as its slot is believed, and as a module lives before it is restarted */
}

static CK_RV open_again(CK_SESSION_HANDLE *ret_session)
{
    return C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, ret_session);
}

static void test_its_idle_sessions_do_not_keep_it_away(void **state)
{
    CK_SESSION_HANDLE idle = house_session(1), another = house_session(1), session;

    (void)state;
    go_and_return_unseen();
    assert_int_equal(open_again(&session), CKR_OK);
    assert_int_equal(use(session), CKR_OK);
    assert_int_equal(use(idle), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(C_CloseSession(another), CKR_OK);
    assert_int_equal(atomic_load(&house_fake()->sessions), 1);
}

static void test_a_session_of_its_that_is_in_use_does(void **state)
{
    CK_SESSION_HANDLE session;
    struct user user;

    (void)state;
    house_session(1);
    hold_inside(&user, house_session(1));
    go_and_return_unseen();
    assert_int_equal(open_again(&session), CKR_TOKEN_NOT_PRESENT);
    let_go(&user);
    assert_int_equal(user.rv, CKR_OK);
    assert_int_equal(open_again(&session), CKR_OK);
    assert_int_equal(use(user.session), CKR_SESSION_HANDLE_INVALID);
}

static void test_a_session_of_another_token_does(void **state)
{
    CK_SESSION_HANDLE other = house_session(0), idle = house_session(1), session;

    (void)state;
    go_and_return_unseen();
    assert_int_equal(open_again(&session), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(use(other), CKR_OK);
    assert_int_equal(use(idle), CKR_OK); /* what it was let go of counts again */
    assert_int_equal(C_CloseSession(other), CKR_OK);
    assert_int_equal(open_again(&session), CKR_OK);
    assert_int_equal(use(idle), CKR_SESSION_HANDLE_INVALID);
}

/* One session that is used by some threads and closed by another, again and again. */
static _Atomic CK_SESSION_HANDLE shared;
static atomic_bool finished;
static atomic_int surprises;

static void *use_shared(void *arg)
{
    while (!atomic_load(&finished)) {
        CK_RV rv = use(atomic_load(&shared));

        if (rv != CKR_OK && rv != CKR_SESSION_HANDLE_INVALID && rv != CKR_CRYPTOKI_NOT_INITIALIZED) {
            atomic_fetch_add(&surprises, 1);
        }
    }
    return arg;
}

static void *open_and_leave_open(void *arg)
{
    while (!atomic_load(&finished)) {
        CK_SESSION_HANDLE session;
        CK_RV rv = C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, &session);

        if (rv != CKR_OK && rv != CKR_CRYPTOKI_NOT_INITIALIZED) {
            atomic_fetch_add(&surprises, 1);
        }
    }
    return arg;
}

static void close_again_and_again(void (*close)(void), void *(*others)(void *))
{
    pthread_t threads[THREADS];

    atomic_store(&finished, false);
    atomic_store(&shared, house_session(0));
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, others, NULL), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        close();
        atomic_store(&shared, house_session(0));
    }
    atomic_store(&finished, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&surprises), 0);
    assert_int_equal(atomic_load(&house_fake()->too_late), 0);
}

static void close_shared(void)
{
    assert_int_equal(C_CloseSession(atomic_load(&shared)), CKR_OK);
}

static void close_slot(void)
{
    assert_int_equal(C_CloseAllSessions(0), CKR_OK);
}

static void restart(void)
{
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_int_equal(C_Initialize(NULL), CKR_OK);
}

static void test_closing_under_load(void **state)
{
    (void)state;
    close_again_and_again(close_shared, use_shared);
    close_again_and_again(close_slot, use_shared);
}

static void test_restarting_under_load(void **state)
{
    (void)state;
    close_again_and_again(restart, use_shared);
}

/* No session opened round a C_Finalize outlives it. */
static void test_restarting_while_others_open(void **state)
{
    (void)state;
    close_again_and_again(restart, open_and_leave_open);
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_int_equal(atomic_load(&house_fake()->sessions), 0);
}

#define test_started(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_started(test_open_use_close),
        test_started(test_serial_flag_is_wanted),
        test_started(test_unknown_handles),
        test_started(test_session_info_names_our_slot),
        test_started(test_handles_are_not_given_out_twice),
        test_started(test_handles_do_not_survive_a_restart),
        test_started(test_close_all_of_one_slot),
        test_started(test_functions_that_no_token_has),
        test_started(test_notify_gets_our_handle),
        test_started(test_no_notify_where_none_was_given),
        test_started(test_closing_under_a_call),
        test_started(test_close_all_under_a_call),
        test_started(test_finalize_under_a_call),
        test_started(test_its_idle_sessions_do_not_keep_it_away),
        test_started(test_a_session_of_its_that_is_in_use_does),
        test_started(test_a_session_of_another_token_does),
        test_started(test_closing_under_load),
        test_started(test_restarting_under_load),
        test_started(test_restarting_while_others_open),
    };

    alarm(PATIENCE);
    return cmocka_run_group_tests_name("pkcs11/session", tests, house_build, house_tear_down);
}
