/*
 * The vendor's module: when it is loaded, initialised and finalised,
 * and what happens when it or its token is not there.
 */
#include "backends/hsm/hsm.h"
#include "tests/backends/hsm/fake_bench.h"
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static CK_RV open_session(struct token *token)
{
    struct token_session *session = NULL;
    CK_RV rv = token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &session);

    if (rv == CKR_OK) {
        bench_close_session(session);
    }
    return rv;
}

static bool slot_has_token(struct token *token)
{
    CK_SLOT_INFO info;

    assert_rv(token->ops->get_slot_info(token, &info), CKR_OK);
    return (info.flags & CKF_TOKEN_PRESENT) != 0;
}

static void wait_for(unsigned milliseconds)
{
    struct timespec time = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};

    nanosleep(&time, NULL);
}

static void check_unloaded_until(bool (*use)(struct token *token))
{
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    assert_true(bench.token[0]->ops->present(bench.token[0]));
    assert_rv(bench.token[0]->ops->poll_event(bench.token[0]), CKR_NO_EVENT);
    assert_int_equal(fake->initialized, 0);
    assert_true(use(bench.token[0]));
    assert_int_equal(fake->initialized, 1);
}

static void test_initialised_at_first_use(void **state)
{
    (void)state;
    check_unloaded_until(slot_has_token);
}

static void test_initialised_for_threads(void **state)
{
    (void)state;
    check_unloaded_until(slot_has_token);
    assert_int_equal(fake->initialize_flags & CKF_OS_LOCKING_OK, CKF_OS_LOCKING_OK);
}

static void test_initialised_once_for_two_tokens(void **state)
{
    (void)state;
    bench_open(fake_uri("token=one", ""), fake_uri("token=two", ""), NULL);
    assert_rv(open_session(bench.token[0]), CKR_OK);
    assert_rv(open_session(bench.token[1]), CKR_OK);
    assert_int_equal(fake->initialized, 1);
}

static void test_stays_initialised(void **state)
{
    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    assert_rv(open_session(bench.token[0]), CKR_OK);
    bench_close();
    assert_int_equal(fake->finalized, 0);
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    assert_rv(open_session(bench.token[0]), CKR_OK);
    assert_int_equal(fake->initialized, 1);
}

static void test_finalised_with_the_last_token_on_request(void **state)
{
    (void)state;
    bench_open(fake_uri("token=one", ""), fake_uri("token=two", ""), "finalize = yes");
    assert_rv(open_session(bench.token[0]), CKR_OK);
    bench.token[0]->ops->close(bench.token[0]);
    bench.token[0] = NULL;
    assert_int_equal(fake->finalized, 0);
    bench_close();
    assert_int_equal(fake->finalized, 1);
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    assert_rv(open_session(bench.token[0]), CKR_OK);
    assert_int_equal(fake->initialized, 2);
}

static void test_unused_is_not_finalised(void **state)
{
    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, "finalize = yes");
    bench_close();
    assert_int_equal(fake->finalized, 0);
}

static void test_application_that_came_first_keeps_its_module(void **state)
{
    (void)state;
    assert_rv(fake->table->C_Initialize(NULL), CKR_OK);
    bench_open(fake_uri("token=one", ""), NULL, "finalize = yes");
    assert_rv(open_session(bench.token[0]), CKR_OK);
    bench_close();
    assert_int_equal(fake->finalized, 0);
    assert_true(fake->alive);
}

static void test_application_that_finalises_is_answered_by_a_new_start(void **state)
{
    CK_TOKEN_INFO info;

    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    assert_rv(open_session(bench.token[0]), CKR_OK);
    for (unsigned i = 2; i < 5; i++) {
        assert_rv(fake->table->C_Finalize(NULL), CKR_OK);
        assert_rv(bench.token[0]->ops->get_token_info(bench.token[0], &info), CKR_OK);
        assert_int_equal(fake->initialized, i);
        assert_rv(open_session(bench.token[0]), CKR_OK);
    }
    assert_int_equal(bench_logged("has finalised"), 3);
}

static void test_missing_module_is_one_line_and_no_token(void **state)
{
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO info;
    CK_ULONG count = 9;
    CK_MECHANISM_INFO mechanism;
    struct token *token;

    (void)state;
    bench_open("pkcs11:token=prod;serial=77?module-path=/nowhere/libhsm.so", fake_uri("token=one", ""), NULL);
    token = bench.token[0];
    assert_true(token->ops->present(token));
    assert_false(slot_has_token(token));
    assert_false(token->ops->present(token));
    assert_rv(token->ops->get_slot_info(token, &slot), CKR_OK);
    assert_memory_equal(slot.slotDescription, "first   ", 8);
    assert_rv(token->ops->get_token_info(token, &info), CKR_OK);
    assert_memory_equal(info.label, "prod                            ", 32);
    assert_memory_equal(info.serialNumber, "77              ", 16);
    assert_memory_equal(info.model, "                ", 16);
    assert_rv(token->ops->get_mechanism_list(token, NULL, &count), CKR_OK);
    assert_int_equal(count, 0);
    assert_rv(token->ops->get_mechanism_info(token, CKM_RSA_PKCS, &mechanism), CKR_MECHANISM_INVALID);
    assert_rv(token->ops->init_token(token, NULL, 0, NULL), CKR_TOKEN_NOT_PRESENT);
    assert_rv(open_session(token), CKR_TOKEN_NOT_PRESENT);
    assert_rv(open_session(token), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(bench_logged("/nowhere/libhsm.so"), 1);
    assert_int_equal(bench_logged("cannot open shared object file"), 1);
    assert_rv(open_session(bench.token[1]), CKR_OK);
}

static void test_module_that_is_none(void **state)
{
    char uri[PATH_MAX];

    (void)state;
    bench_write("text.so", "no library\n");
    snprintf(uri, sizeof uri, "pkcs11:token=one?module-path=%s", bench_path("text.so"));
    bench_open(uri, NULL, NULL);
    assert_rv(open_session(bench.token[0]), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(bench_logged("does not load"), 1);
}

static void test_module_that_appears_is_loaded(void **state)
{
    char uri[PATH_MAX];

    (void)state;
    snprintf(uri, sizeof uri, "pkcs11:token=one?module-path=%s", bench_path("late.so"));
    bench_open(uri, NULL, NULL);
    assert_rv(open_session(bench.token[0]), CKR_TOKEN_NOT_PRESENT);
    bench_copy(FAKE_HSM, "late.so");
    assert_rv(open_session(bench.token[0]), CKR_OK);
    assert_true(bench.token[0]->ops->present(bench.token[0]));
}

static void test_token_that_comes_and_goes(void **state)
{
    CK_TOKEN_INFO info;
    struct token *token;

    (void)state;
    fake->there[0] = false;
    bench_open(fake_uri("token=one", ""), fake_uri("token=two", ""), NULL);
    token = bench.token[0];
    assert_rv(open_session(token), CKR_TOKEN_NOT_PRESENT);
    assert_rv(open_session(token), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(bench_logged("no token fits"), 1);
    assert_false(token->ops->present(token));
    assert_rv(open_session(bench.token[1]), CKR_OK);
    fake->there[0] = true;
    assert_rv(open_session(token), CKR_OK);
    assert_true(slot_has_token(token));
    assert_rv(token->ops->get_token_info(token, &info), CKR_OK);
    fake->there[0] = false;
    assert_false(slot_has_token(token));
    assert_false(token->ops->present(token));
    assert_rv(token->ops->get_token_info(token, &info), CKR_OK);
    assert_memory_equal(info.model, "model", 5);
}

static void test_token_in_another_slot_is_followed(void **state)
{
    struct token_session *session;

    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    assert_rv(open_session(bench.token[0]), CKR_OK);
    fake->there[0] = false;
    memcpy(fake->label[1], "one", 4);
    session = bench_session(bench.token[0]);
    bench_close_session(session);
    assert_true(slot_has_token(bench.token[0]));
}

static void test_module_that_looks_once_is_started_again_for_a_new_token(void **state)
{
    (void)state;
    fake->looks_once = true;
    fake->there[0] = false;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    assert_rv(open_session(bench.token[0]), CKR_TOKEN_NOT_PRESENT);
    fake->there[0] = true;
    wait_for(1100);
    assert_rv(open_session(bench.token[0]), CKR_OK);
    assert_int_equal(fake->finalized, 1);
}

static void test_module_in_use_is_not_started_again(void **state)
{
    struct token_session *session;

    (void)state;
    fake->looks_once = true;
    fake->there[0] = false;
    bench_open(fake_uri("token=one", ""), fake_uri("token=two", ""), NULL);
    session = bench_session(bench.token[1]);
    fake->there[0] = true;
    wait_for(1100);
    assert_rv(open_session(bench.token[0]), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(fake->finalized, 0);
    assert_rv(bench_close_session(session), CKR_OK);
}

static void test_event_is_told_to_each_token_of_the_slot(void **state)
{
    (void)state;
    bench_open(fake_uri("token=one", ""), fake_uri("serial=1", ""), NULL);
    assert_true(slot_has_token(bench.token[0]));
    assert_true(slot_has_token(bench.token[1]));
    fake->event[0] = FAKE_FIRST_SLOT;
    fake->events = 1;
    assert_rv(bench.token[0]->ops->poll_event(bench.token[0]), CKR_OK);
    assert_rv(bench.token[0]->ops->poll_event(bench.token[0]), CKR_NO_EVENT);
    assert_rv(bench.token[1]->ops->poll_event(bench.token[1]), CKR_OK);
    assert_rv(bench.token[1]->ops->poll_event(bench.token[1]), CKR_NO_EVENT);
}

static void test_event_of_another_slot_is_none(void **state)
{
    (void)state;
    bench_open(fake_uri("token=one", ""), fake_uri("token=two", ""), NULL);
    assert_true(slot_has_token(bench.token[0]));
    assert_true(slot_has_token(bench.token[1]));
    fake->event[0] = FAKE_FIRST_SLOT + 1;
    fake->events = 1;
    assert_rv(bench.token[0]->ops->poll_event(bench.token[0]), CKR_NO_EVENT);
    assert_rv(bench.token[1]->ops->poll_event(bench.token[1]), CKR_OK);
}

static void test_event_of_an_absent_token_is_its_coming(void **state)
{
    struct token *token;

    (void)state;
    fake->there[0] = false;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    token = bench.token[0];
    assert_false(slot_has_token(token));
    fake->event[0] = fake->event[1] = FAKE_FIRST_SLOT;
    fake->events = 1;
    assert_rv(token->ops->poll_event(token), CKR_NO_EVENT);
    fake->there[0] = true;
    fake->events = 1;
    assert_rv(token->ops->poll_event(token), CKR_OK);
    assert_true(token->ops->present(token));
}

static void use_in_child(void)
{
    hsm_kind.after_fork();
    memset(bench.token, 0, sizeof bench.token);
    fake->alive = false; /* as a module that notices the fork */
    bench_open(fake_uri("token=one", ""), NULL, "finalize = yes");
    assert_rv(open_session(bench.token[0]), CKR_OK);
    assert_int_equal(fake->initialized, 2);
    assert_int_equal(fake->closed, 1);
    bench_close();
    assert_int_equal(fake->finalized, 1);
}

static void test_child_starts_anew_and_touches_nothing_of_its_parent(void **state)
{
    struct token_session *session;
    int status;

    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    session = bench_session(bench.token[0]);
    pid_t child = fork();

    if (child == 0) {
        use_in_child();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_rv(session->ops->find_objects_final(session), CKR_OK);
    assert_rv(bench_close_session(session), CKR_OK);
}

static void test_mechanisms_come_from_below(void **state)
{
    CK_MECHANISM_TYPE type;
    CK_ULONG count = 0;
    CK_MECHANISM_INFO info;
    struct token *token;

    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    token = bench.token[0];
    assert_rv(token->ops->get_mechanism_list(token, &type, &count), CKR_BUFFER_TOO_SMALL);
    assert_rv(token->ops->get_mechanism_list(token, &type, &count), CKR_OK);
    assert_int_equal(type, CKM_RSA_PKCS_OAEP);
    assert_rv(token->ops->get_mechanism_info(token, type, &info), CKR_OK);
    assert_int_equal(info.ulMaxKeySize, 2);
    assert_rv(token->ops->get_mechanism_info(token, CKM_RSA_PKCS, &info), CKR_MECHANISM_INVALID);
    assert_rv(token->ops->init_token(token, NULL, 0, NULL), CKR_TOKEN_WRITE_PROTECTED);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fake_set_up, fake_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_initialised_at_first_use),
        ROW(test_initialised_for_threads),
        ROW(test_initialised_once_for_two_tokens),
        ROW(test_stays_initialised),
        ROW(test_finalised_with_the_last_token_on_request),
        ROW(test_unused_is_not_finalised),
        ROW(test_application_that_came_first_keeps_its_module),
        ROW(test_application_that_finalises_is_answered_by_a_new_start),
        ROW(test_missing_module_is_one_line_and_no_token),
        ROW(test_module_that_is_none),
        ROW(test_module_that_appears_is_loaded),
        ROW(test_token_that_comes_and_goes),
        ROW(test_token_in_another_slot_is_followed),
        ROW(test_module_that_looks_once_is_started_again_for_a_new_token),
        ROW(test_module_in_use_is_not_started_again),
        ROW(test_event_is_told_to_each_token_of_the_slot),
        ROW(test_event_of_another_slot_is_none),
        ROW(test_event_of_an_absent_token_is_its_coming),
        ROW(test_child_starts_anew_and_touches_nothing_of_its_parent),
        ROW(test_mechanisms_come_from_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
