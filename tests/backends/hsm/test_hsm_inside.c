/*
 * A vendor's module that is led back to us on the same thread, as SoftHSM by libcrypto: whatever it is asked then
 * is answered without it.
 */
#include "tests/backends/hsm/fake_bench.h"
#include <stdio.h>
#include <string.h>

static struct token_session *session;
static unsigned come_back;

/* All that a provider over this module might do. */
static void ask_everything(void)
{
    struct token *token = bench.token[0];
    struct token_session *another = NULL;
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO token_info;
    CK_MECHANISM_INFO mechanism_info;
    CK_ULONG count = 0;

    come_back++;
    assert_true(token->ops->present(token));
    assert_rv(token->ops->get_slot_info(token, &slot_info), CKR_OK);
    assert_int_equal(slot_info.flags & CKF_TOKEN_PRESENT, CKF_TOKEN_PRESENT);
    assert_rv(token->ops->get_token_info(token, &token_info), CKR_OK);
    assert_memory_equal(token_info.label, "one   ", 6);
    assert_rv(token->ops->get_mechanism_list(token, NULL, &count), CKR_OK);
    (void)token->ops->get_mechanism_info(token, CKM_RSA_PKCS_OAEP, &mechanism_info);
    assert_rv(token->ops->poll_event(token), CKR_NO_EVENT);
    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &another),
              CKR_TOKEN_NOT_PRESENT);
}

static void ask_session(void)
{
    CK_MECHANISM composed = {CKM_AES_KEY_WRAP_KWP, NULL, 0};
    CK_SESSION_INFO info;
    CK_ULONG size = 0;

    come_back++;
    assert_rv(session->ops->get_session_info(session, &info), CKR_FUNCTION_FAILED);
    assert_rv(session->ops->find_objects_final(session), CKR_FUNCTION_FAILED);
    assert_rv(session->ops->session_cancel(session, 0), CKR_FUNCTION_FAILED);
    assert_rv(session->ops->login(session, CKU_SO, NULL, 0), CKR_FUNCTION_FAILED);
    assert_rv(session->ops->wrap_key(session, &composed, 1, 2, NULL, &size), CKR_FUNCTION_FAILED);
}

static void use_all_of_token(struct token *token)
{
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO token_info;
    CK_MECHANISM_INFO mechanism_info;
    CK_ULONG count = 0;

    assert_rv(token->ops->get_slot_info(token, &slot_info), CKR_OK);
    assert_rv(token->ops->get_token_info(token, &token_info), CKR_OK);
    assert_rv(token->ops->get_mechanism_list(token, NULL, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_rv(token->ops->get_mechanism_info(token, CKM_RSA_PKCS_OAEP, &mechanism_info), CKR_OK);
    assert_rv(token->ops->poll_event(token), CKR_NO_EVENT);
}

static void test_first_use_and_all_others(void **state)
{
    CK_SESSION_INFO info;

    (void)state;
    bench_open(fake_pin_uri("token=one", "1234"), NULL, NULL);
    fake->during = ask_everything;
    use_all_of_token(bench.token[0]);
    session = bench_session(bench.token[0]);
    assert_int_equal(fake->logged_in, 1);
    assert_rv(session->ops->get_session_info(session, &info), CKR_OK);
    assert_rv(session->ops->find_objects_final(session), CKR_OK);
    assert_rv(bench_close_session(session), CKR_OK);
    assert_true(come_back > 10);
    assert_int_equal(fake->hangs, 0);
    assert_int_equal(fake->opened, 1);
    assert_int_equal(fake->closed, 1);
    assert_int_equal(fake->initialized, 1);
}

static void test_session_that_is_asked_from_inside(void **state)
{
    CK_SESSION_INFO info;

    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    session = bench_session(bench.token[0]);
    fake->during = ask_session;
    assert_rv(session->ops->get_session_info(session, &info), CKR_OK);
    assert_rv(session->ops->find_objects_final(session), CKR_OK);
    assert_int_equal(come_back, 2);
    assert_int_equal(fake->hangs, 0);
    fake->during = NULL;
    assert_rv(session->ops->find_objects_final(session), CKR_OK);
    assert_rv(bench_close_session(session), CKR_OK);
}

static void close_session(void)
{
    come_back++;
    assert_rv(bench_close_session(session), CKR_OK);
    fake->during = NULL;
}

static void test_session_that_is_closed_from_inside(void **state)
{
    struct token_session *another;

    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    session = bench_session(bench.token[0]);
    another = bench_session(bench.token[0]);
    fake->during = close_session;
    assert_rv(another->ops->find_objects_final(another), CKR_OK);
    assert_int_equal(come_back, 1);
    assert_int_equal(fake->hangs, 0);
    assert_rv(bench_close_session(another), CKR_OK);
}

/* A second vendor's module, which may well be asked from inside the first. */
static void ask_the_other(void)
{
    come_back++;
    fake->during = NULL;
    fake->inside = false;
    bench_close_session(bench_session(bench.token[1]));
}

static void test_another_module_is_not_inside(void **state)
{
    char uri[PATH_MAX];

    (void)state;
    bench_copy(FAKE_HSM, "other.so");
    snprintf(uri, sizeof uri, "pkcs11:token=two?module-path=%s", bench_path("other.so"));
    bench_open(fake_uri("token=one", ""), uri, NULL);
    session = bench_session(bench.token[0]);
    fake->during = ask_the_other;
    assert_rv(session->ops->find_objects_final(session), CKR_OK);
    assert_int_equal(come_back, 1);
    assert_rv(bench_close_session(session), CKR_OK);
}

/* The standard lets the application call us when it is notified. */
static CK_RV use_session(void *arg, CK_NOTIFICATION event)
{
    CK_SESSION_INFO info;

    (void)event;
    *(CK_RV *)arg = session->ops->get_session_info(session, &info);
    return CKR_OK;
}

static void notify(void)
{
    fake->inside = false;
    fake->during = NULL;
    fake->notify(fake->session, CKN_SURRENDER, fake->application);
}

static void test_notified_application_may_call(void **state)
{
    struct token *token;
    CK_RV seen = CKR_VENDOR_DEFINED;

    (void)state;
    bench_open(fake_uri("token=one", ""), NULL, NULL);
    token = bench.token[0];
    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION, use_session, &seen, &session), CKR_OK);
    fake->during = notify;
    assert_rv(session->ops->find_objects_final(session), CKR_OK);
    assert_rv(seen, CKR_OK);
    assert_rv(bench_close_session(session), CKR_OK);
}

static int set_up(void **state)
{
    come_back = 0;
    return fake_set_up(state);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, fake_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_first_use_and_all_others),           ROW(test_session_that_is_asked_from_inside),
        ROW(test_session_that_is_closed_from_inside), ROW(test_another_module_is_not_inside),
        ROW(test_notified_application_may_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
