/* Many threads in the middle of operations while their key closes and opens; a service that is asked once. */
#include "tests/pkcs11/soft/lease_test.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 2, PATIENCE = 20 * 1000 };

static atomic_bool stop;
static atomic_uint good, closed, cancelled, other;
static CK_OBJECT_HANDLE shared, mac;

/* What a thread may be told, and nothing else. */
static bool count(CK_RV rv)
{
    switch (rv) {
    case CKR_OK:
        atomic_fetch_add(&good, 1);
        return true;
    case CKR_KEY_FUNCTION_NOT_PERMITTED:
        atomic_fetch_add(&closed, 1);
        return false;
    case CKR_FUNCTION_CANCELED:
        atomic_fetch_add(&cancelled, 1);
        return false;
    default:
        atomic_fetch_add(&other, 1);
        return false;
    }
}

static void in_parts(struct token_session *in)
{
    unsigned char iv[16] = {1}, text[100] = {2}, out[200];
    CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, 16};
    CK_ULONG size;
    bool goes_on = count(token->ops->encrypt_init(in, &cbc, shared));

    for (int i = 0; i < 5 && goes_on; i++) {
        size = sizeof out;
        goes_on = count(token->ops->encrypt_update(in, text, sizeof text, out, &size));
    }
    size = sizeof out;
    if (goes_on) {
        count(token->ops->encrypt_final(in, out, &size));
    }
}

static void sign(struct token_session *in)
{
    unsigned char text[100] = {2}, out[64];
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_ULONG size = sizeof out;

    if (count(token->ops->sign_init(in, &hmac, mac)) &&
        count(token->ops->sign_update(in, text, sizeof text))) {
        count(token->ops->sign_final(in, out, &size));
    }
}

static void read_and_copy(struct token_session *in)
{
    unsigned char value[32];
    CK_ATTRIBUTE attribute = {CKA_VALUE, value, sizeof value};
    CK_OBJECT_HANDLE copy;

    if (count(token->ops->get_attribute_value(in, shared, &attribute, 1)) &&
        memcmp(value, "0123456789abcdef", 16) != 0) {
        atomic_fetch_add(&other, 1);
    }
    if (count(token->ops->copy_object(in, shared, NULL, 0, &copy))) {
        count(use_in(in, copy));
        count(token->ops->destroy_object(in, copy));
    }
}

/* Sessions come and go, too. */
static void *work(void *arg)
{
    struct token_session *in = NULL;

    (void)arg;
    while (!atomic_load(&stop)) {
        if (token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &in) != CKR_OK) {
            atomic_fetch_add(&other, 1);
            break;
        }
        for (int i = 0; i < 20; i++) {
            in_parts(in);
            sign(in);
            read_and_copy(in);
            count(use_in(in, shared));
        }
        token->ops->close_session(in);
    }
    return NULL;
}

static void wait_for(atomic_uint *counter)
{
    unsigned before = atomic_load(counter);
    int64_t began = clock_now();

    while (atomic_load(counter) < before + 50 && clock_now() - began < PATIENCE) {
        pass_time(5);
    }
    assert_true(atomic_load(counter) >= before + 50);
}

/* The owner rotates the key, and the application wraps again: the next check has the lease go over. */
static void rotate_and_wrap(void)
{
    unsigned char blob[512];
    CK_ULONG size = sizeof blob;

    fake_add(fake, "kek", 2048);
    assert_rv(CALL(wrap_key, &oaep_sha256, the(CKO_PUBLIC_KEY, "kek"), shared, blob, &size), CKR_OK);
}

static void test_a_key_closes_moves_and_opens_under_many_threads(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    soft_open("    lease-check = 100ms\n    wrap = service");
    shared = data_key();
    mac = leased_mac_key();
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        use_until(shared, CKR_OK);
        rotate_and_wrap();
        wait_for(&good);
        answering(disabled);
        wait_for(&closed);
        answering(works);
        age_leases(2 * SECOND);
    }
    use_until(shared, CKR_OK);
    wait_for(&good);
    atomic_store(&stop, true);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&other), 0);
    assert_true(fake_version(fake, "kek")->asked > 1); /* to wrap, and to unwrap for the lease's sake */
    print_message("# %u good, %u closed, %u cancelled\n", good, closed, cancelled);
}

/* --- One asks for all --- */

static atomic_uint done;

static void *use_once(void *arg)
{
    struct token_session *in = NULL;

    if (token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &in) == CKR_OK) {
        *(CK_RV *)arg = use_in(in, shared);
        atomic_fetch_add(&done, 1);
        token->ops->close_session(in);
    }
    return NULL;
}

static void use_in_threads(pthread_t threads[THREADS], CK_RV results[THREADS])
{
    atomic_store(&done, 0);
    for (size_t i = 0; i < THREADS; i++) {
        results[i] = CKR_GENERAL_ERROR;
        assert_int_equal(pthread_create(&threads[i], NULL, use_once, &results[i]), 0);
    }
}

static void join_all(pthread_t threads[THREADS])
{
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* While one asks, the others do not wait for it. */
static void test_others_go_on_while_one_asks(void **state)
{
    pthread_t threads[THREADS];
    CK_RV results[THREADS];
    int64_t began;

    (void)state;
    shared = data_key();
    fake_delay(fake, FAKE_UNWRAP, 1500);
    make_check_due();
    began = clock_now();
    use_in_threads(threads, results);
    while (atomic_load(&done) < THREADS - 1 && clock_now() - began < PATIENCE) {
        pass_time(5);
    }
    assert_int_equal(asked(), 2);
    join_all(threads);
    for (size_t i = 0; i < THREADS; i++) {
        assert_rv(results[i], CKR_OK);
    }
    assert_int_equal(asked(), 2);
}

/* What was accepted too long ago goes on for nobody before the answer is there. */
static void test_all_wait_where_it_is_too_long_ago(void **state)
{
    pthread_t threads[THREADS];
    CK_RV results[THREADS];

    (void)state;
    soft_open("    lease-check = 1s\n    lease = 1h");
    shared = data_key();
    pass_time(1450);
    answering(fake_refused);
    fake_delay(fake, FAKE_UNWRAP, 500);
    use_in_threads(threads, results);
    join_all(threads);
    for (size_t i = 0; i < THREADS; i++) {
        assert_rv(results[i], CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    assert_int_equal(asked(), 2);
}

static void test_all_share_an_attempt_to_open(void **state)
{
    pthread_t threads[THREADS];
    CK_RV results[THREADS];

    (void)state;
    shared = data_key();
    answering(disabled);
    make_check_due();
    assert_rv(use(shared), CKR_KEY_FUNCTION_NOT_PERMITTED);
    age_leases(2 * SECOND);
    answering(works);
    fake_delay(fake, FAKE_UNWRAP, 1000);
    use_in_threads(threads, results);
    join_all(threads);
    for (size_t i = 0; i < THREADS; i++) {
        assert_rv(results[i], CKR_OK);
    }
    assert_int_equal(asked(), 3);
}

/* --- Gone while it is asked for --- */

static pthread_t use_slowly(CK_RV *ret_result)
{
    pthread_t thread;
    int64_t began = clock_now();

    fake_delay(fake, FAKE_UNWRAP, 1000);
    age_leases(5 * MINUTE);
    assert_int_equal(pthread_create(&thread, NULL, use_once, ret_result), 0);
    while (asked() < 2 && clock_now() - began < PATIENCE) {
        pass_time(5);
    }
    assert_int_equal(asked(), 2);
    return thread;
}

static void test_a_key_is_destroyed_while_it_is_checked(void **state)
{
    CK_RV result = CKR_GENERAL_ERROR;
    pthread_t thread;

    (void)state;
    shared = data_key();
    thread = use_slowly(&result);
    assert_rv(CALL(destroy_object, shared), CKR_OK);
    answering(disabled);
    pthread_join(thread, NULL);
    assert_true(result == CKR_OK || result == CKR_KEY_HANDLE_INVALID);
    assert_rv(use(shared), CKR_KEY_HANDLE_INVALID);
}

static void test_its_session_is_closed_while_it_is_checked(void **state)
{
    CK_RV result = CKR_GENERAL_ERROR;
    pthread_t thread;

    (void)state;
    shared = data_key();
    thread = use_slowly(&result);
    assert_rv(token->ops->close_session(session), CKR_OK);
    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    pthread_join(thread, NULL);
    assert_true(result == CKR_OK || result == CKR_KEY_HANDLE_INVALID);
    assert_rv(use(shared), CKR_KEY_HANDLE_INVALID);
}

static void test_it_is_destroyed_while_it_is_opened_again(void **state)
{
    CK_RV result = CKR_GENERAL_ERROR;
    pthread_t thread;

    (void)state;
    shared = data_key();
    close_by(shared);
    answering(works);
    assert_int_equal(asked(), 2);
    fake_delay(fake, FAKE_UNWRAP, 1000);
    age_leases(2 * SECOND);
    assert_int_equal(pthread_create(&thread, NULL, use_once, &result), 0);
    for (int64_t began = clock_now(); asked() < 3 && clock_now() - began < PATIENCE;) {
        pass_time(5);
    }
    assert_rv(CALL(destroy_object, shared), CKR_OK);
    pthread_join(thread, NULL);
    assert_int_equal(asked(), 3);
    assert_true(result == CKR_OK || result == CKR_KEY_HANDLE_INVALID);
    assert_rv(use(shared), CKR_KEY_HANDLE_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_service(test_a_key_closes_moves_and_opens_under_many_threads),
        with_token(test_others_go_on_while_one_asks),
        with_service(test_all_wait_where_it_is_too_long_ago),
        with_token(test_all_share_an_attempt_to_open),
        with_token(test_a_key_is_destroyed_while_it_is_checked),
        with_token(test_its_session_is_closed_while_it_is_checked),
        with_token(test_it_is_destroyed_while_it_is_opened_again),
    };

    return cmocka_run_group_tests_name("leases and threads", tests, NULL, NULL);
}
