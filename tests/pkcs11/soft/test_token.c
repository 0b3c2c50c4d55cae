/* Token, slot and session info, mechanisms, login; and many threads in one token. */
#include "tests/pkcs11/soft/soft_test.h"
#include <pthread.h>
#include <string.h>

static void test_infos_cost_nothing(void **state)
{
    CK_TOKEN_INFO info;
    CK_SLOT_INFO slot;

    (void)state;
    assert_rv(token->ops->get_token_info(token, &info), CKR_OK);
    assert_rv(token->ops->get_slot_info(token, &slot), CKR_OK);
    assert_memory_equal(info.label, "soft                            ", 32);
    assert_memory_equal(info.serialNumber, "0123456789abcdef", 16);
    assert_memory_equal(info.model, "fake            ", 16);
    assert_int_equal(info.flags, CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED | CKF_RNG);
    assert_int_equal(info.ulSessionCount, 1);
    assert_int_equal(info.ulRwSessionCount, 1);
    assert_int_equal(slot.flags, CKF_TOKEN_PRESENT);
    assert_true(token->ops->present(token));
    assert_rv(token->ops->poll_event(token), CKR_NO_EVENT);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_every_listed_mechanism_has_its_info(void **state)
{
    CK_MECHANISM_TYPE list[64];
    CK_MECHANISM_INFO info;
    CK_ULONG count = 0, room;

    (void)state;
    assert_rv(token->ops->get_mechanism_list(token, NULL, &count), CKR_OK);
    assert_in_range(count, 1, 64);
    room = count - 1;
    assert_rv(token->ops->get_mechanism_list(token, list, &room), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(room, count);
    assert_rv(token->ops->get_mechanism_list(token, list, &room), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        assert_rv(token->ops->get_mechanism_info(token, list[i], &info), CKR_OK);
        assert_true(info.flags != 0 && info.ulMinKeySize <= info.ulMaxKeySize);
    }
    assert_rv(token->ops->get_mechanism_info(token, CKM_RSA_X_509, &info), CKR_MECHANISM_INVALID);
    assert_rv(token->ops->get_mechanism_list(token, NULL, NULL), CKR_ARGUMENTS_BAD);
}

static CK_STATE state_of(struct token_session *which)
{
    CK_SESSION_INFO info;

    assert_rv(token->ops->get_session_info(which, &info), CKR_OK);
    return info.state;
}

static void test_the_first_login_is_welcome(void **state)
{
    CK_BYTE pin[] = "any";

    (void)state;
    assert_int_equal(state_of(session), CKS_RW_PUBLIC_SESSION);
    assert_rv(CALL(logout), CKR_USER_NOT_LOGGED_IN);
    assert_rv(CALL(login, CKU_USER, pin, 3), CKR_OK);
    assert_int_equal(state_of(session), CKS_RW_USER_FUNCTIONS);
    assert_rv(CALL(login, CKU_USER, pin, 3), CKR_USER_ALREADY_LOGGED_IN);
    assert_rv(CALL(login, CKU_CONTEXT_SPECIFIC, pin, 3), CKR_OK);
    assert_rv(CALL(login, CKU_SO, pin, 3), CKR_USER_TYPE_INVALID);
    assert_rv(CALL(login, CKU_USER, NULL, 3), CKR_ARGUMENTS_BAD);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_logout_ends_operations_and_hides_nothing(void **state)
{
    unsigned char iv[16] = {0};
    CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, 16};
    CK_OBJECT_HANDLE key = aes_key("0123456789abcdef", 16), found;
    unsigned char out[32];
    CK_ULONG size = sizeof out;

    (void)state;
    assert_rv(CALL(login, CKU_USER, NULL, 0), CKR_OK);
    assert_rv(CALL(encrypt_init, &cbc, key), CKR_OK);
    assert_rv(CALL(find_objects_init, NULL, 0), CKR_OK);
    assert_rv(CALL(logout), CKR_OK);
    assert_rv(CALL(encrypt, iv, 1, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(find_objects, &found, 1, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(encrypt_init, &cbc, key), CKR_OK);
    the(CKO_PRIVATE_KEY, "kek");
    assert_rv(CALL(login, CKU_USER, NULL, 0), CKR_OK);
}

static void test_the_login_ends_with_the_last_session(void **state)
{
    (void)state;
    assert_rv(CALL(login, CKU_USER, NULL, 0), CKR_OK);
    assert_rv(token->ops->close_session(session), CKR_OK);
    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    assert_int_equal(state_of(session), CKS_RO_PUBLIC_SESSION);
}

static void test_functions_of_old(void **state)
{
    (void)state;
    assert_rv(CALL(get_function_status), CKR_FUNCTION_NOT_PARALLEL);
    assert_rv(CALL(cancel_function), CKR_FUNCTION_NOT_PARALLEL);
    assert_null(token->ops->init_pin);
}

/* The doors answer CKR_FUNCTION_NOT_SUPPORTED for them. */
static void test_functions_that_no_token_of_this_kind_has(void **state)
{
    (void)state;
    assert_null(token->ops->sign_recover_init);
    assert_null(token->ops->sign_recover);
    assert_null(token->ops->verify_recover_init);
    assert_null(token->ops->verify_recover);
    assert_null(token->ops->digest_encrypt_update);
    assert_null(token->ops->decrypt_digest_update);
    assert_null(token->ops->sign_encrypt_update);
    assert_null(token->ops->decrypt_verify_update);
}

enum { THREADS = 8 };

static CK_OBJECT_HANDLE private_kek, public_kek;

static void run_threads(void *(*work)(void *))
{
    pthread_t thread[THREADS];

    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, work, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;

        assert_int_equal(pthread_join(thread[i], &failed), 0);
        assert_null(failed);
    }
}

static struct token_session *new_session(void)
{
    struct token_session *made = NULL;

    return token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &made) == CKR_OK ? made : NULL;
}

static void *list_all(void *arg)
{
    struct token_session *mine = new_session();
    CK_RV rv = token->ops->find_objects_init(mine, NULL, 0);

    (void)arg;
    token->ops->close_session(mine);
    return rv == CKR_OK ? NULL : token;
}

static void test_many_threads_make_one_listing(void **state)
{
    (void)state;
    fake_delay(fake, FAKE_LIST, 100);
    run_threads(list_all);
    assert_int_equal(fake_count(fake, FAKE_LIST), 1);
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
}

static void *read_modulus(void *arg)
{
    unsigned char modulus[256];
    CK_ATTRIBUTE attribute = {CKA_MODULUS, modulus, sizeof modulus};
    struct token_session *mine = new_session();
    CK_RV rv = token->ops->get_attribute_value(mine, private_kek, &attribute, 1);

    token->ops->close_session(mine);
    return rv == (arg == NULL ? CKR_OK : CKR_DEVICE_ERROR) ? NULL : token;
}

static void test_many_misses_make_one_get(void **state)
{
    (void)state;
    private_kek = the(CKO_PRIVATE_KEY, "kek");
    fake_delay(fake, FAKE_GET, 100);
    run_threads(read_modulus);
    assert_int_equal(fake_count_all(fake), 1);
}

static void *find_out_that_it_is_down(void *arg)
{
    (void)arg;
    return read_modulus(&private_kek);
}

static void test_a_failed_get_fails_for_all_who_waited(void **state)
{
    (void)state;
    private_kek = the(CKO_PRIVATE_KEY, "kek");
    fake_delay(fake, FAKE_GET, 200);
    fake_rule(fake, FAKE_GET, fake_unreachable);
    run_threads(find_out_that_it_is_down);
    assert_int_equal(fake_count_all(fake), 1);
}

static bool work_once(struct token_session *mine)
{
    CK_ULONG length = 16;
    CK_ATTRIBUTE made[] = {ATTRIBUTE(CKA_VALUE_LEN, length), ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    CK_ATTRIBUTE opened[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type)};
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    const struct token_ops *ops = token->ops;
    CK_OBJECT_HANDLE key, again;
    unsigned char blob[512];
    CK_ULONG size = sizeof blob;

    return ops->generate_key(mine, &generate, made, 2, &key) == CKR_OK &&
           ops->wrap_key(mine, &oaep_sha256, public_kek, key, blob, &size) == CKR_OK &&
           ops->unwrap_key(mine, &oaep_sha256, private_kek, blob, size, opened, 2, &again) == CKR_OK &&
           ops->find_objects_init(mine, opened, 2) == CKR_OK && ops->find_objects_final(mine) == CKR_OK &&
           ops->destroy_object(mine, key) == CKR_OK;
}

static void *work(void *arg)
{
    struct token_session *mine = new_session();
    bool well = mine != NULL;

    (void)arg;
    for (int i = 0; well && i < 20; i++) {
        well = work_once(mine);
    }
    token->ops->close_session(mine);
    return well ? NULL : token;
}

static void test_many_threads_wrap_and_open(void **state)
{
    CK_ATTRIBUTE secrets = ATTRIBUTE(CKA_CLASS, secret_class);
    CK_OBJECT_HANDLE found;

    (void)state;
    public_kek = the(CKO_PUBLIC_KEY, "kek");
    private_kek = the(CKO_PRIVATE_KEY, "kek");
    run_threads(work);
    assert_int_equal(find(&secrets, 1, &found, 1), 0);
    assert_in_range(fake_count(fake, FAKE_GET), 0, 1);
    assert_int_equal(fake_count(fake, FAKE_UNWRAP), THREADS * 20);
}

static struct token_session *shared;

static void *share(void *arg)
{
    unsigned char iv[16] = {0}, out[64];
    CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, 16};
    CK_ULONG size;
    CK_RV rv;

    (void)arg;
    for (int i = 0; i < 200; i++) {
        token->ops->encrypt_init(shared, &cbc, private_kek);
        size = sizeof out;
        rv = token->ops->encrypt(shared, iv, 16, out, &size);
        if (rv != CKR_OK && rv != CKR_OPERATION_NOT_INITIALIZED) {
            return token;
        }
    }
    return NULL;
}

static void test_threads_may_share_a_session(void **state)
{
    (void)state;
    shared = session;
    private_kek = aes_key("0123456789abcdef", 16);
    run_threads(share);
}

static void test_a_request_does_not_hold_up_other_sessions(void **state)
{
    struct token_session *other = new_session();
    CK_OBJECT_HANDLE kek = the(CKO_PRIVATE_KEY, "kek");
    CK_ATTRIBUTE label = {CKA_LABEL, NULL, 0};
    pthread_t thread;
    void *failed;
    int64_t began;

    (void)state;
    private_kek = kek;
    fake_delay(fake, FAKE_GET, 500);
    assert_int_equal(pthread_create(&thread, NULL, read_modulus, NULL), 0);
    deadline_sleep(deadline_in(5000), 100);
    began = clock_now();
    assert_rv(token->ops->get_attribute_value(other, kek, &label, 1), CKR_OK);
    assert_true(clock_now() - began < 300);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    token->ops->close_session(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_infos_cost_nothing),
        with_token(test_every_listed_mechanism_has_its_info),
        with_token(test_the_first_login_is_welcome),
        with_token(test_logout_ends_operations_and_hides_nothing),
        with_token(test_the_login_ends_with_the_last_session),
        with_token(test_functions_of_old),
        with_token(test_functions_that_no_token_of_this_kind_has),
        with_token(test_many_threads_make_one_listing),
        with_token(test_many_misses_make_one_get),
        with_token(test_a_failed_get_fails_for_all_who_waited),
        with_token(test_many_threads_wrap_and_open),
        with_token(test_threads_may_share_a_session),
        with_token(test_a_request_does_not_hold_up_other_sessions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
