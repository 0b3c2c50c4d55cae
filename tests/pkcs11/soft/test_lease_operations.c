/* Operations in progress whose key is closed: by another call, by themselves, by time; and what a lease keeps. */
#include "pkcs11/soft/soft.h"

#include "tests/pkcs11/soft/lease_test.h"

static unsigned char iv[16] = {1}, text[64] = {2}, out[256];

static void begin_cbc(CK_OBJECT_HANDLE key)
{
    CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, 16};
    CK_ULONG size = sizeof out;

    assert_rv(CALL(encrypt_init, &cbc, key), CKR_OK);
    assert_rv(CALL(encrypt_update, text, 20, out, &size), CKR_OK);
}

/* In a session of its own, for the first is in the middle of something. */
static void close_beside(CK_OBJECT_HANDLE key, CK_RV wanted)
{
    struct token_session *other = NULL, *first = session;

    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &other), CKR_OK);
    session = other;
    answering(disabled);
    make_check_due();
    assert_rv(use(key), wanted);
    session = first;
    assert_rv(token->ops->close_session(other), CKR_OK);
}

static void test_an_operation_in_progress_is_cancelled(void **state)
{
    CK_ULONG size = sizeof out;
    CK_OBJECT_HANDLE key = data_key();
    CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, 16};

    (void)state;
    begin_cbc(key);
    close_beside(key, CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(encrypt_update, text, 20, out, &size), CKR_FUNCTION_CANCELED);
    assert_rv(CALL(encrypt_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(encrypt_init, &cbc, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_others_are_not(void **state)
{
    CK_ULONG size = sizeof out;
    CK_OBJECT_HANDLE key = data_key(), other = aes_key("0123456789abcdef", 16);

    (void)state;
    begin_cbc(other);
    close_beside(key, CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(encrypt_update, text, 20, out, &size), CKR_OK);
    assert_rv(CALL(encrypt_final, out, &size), CKR_OK);
}

static void test_it_stays_cancelled_when_the_key_opens_again(void **state)
{
    CK_ULONG size = sizeof out;
    CK_OBJECT_HANDLE key = data_key();
    struct token_session *other = NULL;

    (void)state;
    begin_cbc(key);
    close_beside(key, CKR_KEY_FUNCTION_NOT_PERMITTED);
    answering(works);
    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &other), CKR_OK);
    while (use_in(other, key) != CKR_OK) {
        pass_time(20);
    }
    assert_rv(CALL(encrypt_final, out, &size), CKR_FUNCTION_CANCELED);
    begin_cbc(key);
    size = sizeof out;
    assert_rv(CALL(encrypt_final, out, &size), CKR_OK);
    assert_rv(token->ops->close_session(other), CKR_OK);
}

static void test_a_new_one_may_begin_where_one_was_cancelled(void **state)
{
    CK_OBJECT_HANDLE key = data_key(), other = aes_key("0123456789abcdef", 16);

    (void)state;
    begin_cbc(key);
    close_beside(key, CKR_KEY_FUNCTION_NOT_PERMITTED);
    begin_cbc(other);
}

/* The call that finds out by itself. */
static void test_the_operation_that_asks_is_cancelled(void **state)
{
    CK_ULONG size = sizeof out;
    CK_OBJECT_HANDLE key = data_key();

    (void)state;
    begin_cbc(key);
    answering(disabled);
    make_check_due();
    assert_rv(CALL(encrypt_final, out, &size), CKR_FUNCTION_CANCELED);
}

static void test_hmac_is_cancelled(void **state)
{
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_OBJECT_HANDLE key = leased_mac_key(), aes = data_key();
    CK_ULONG size = sizeof out;

    (void)state;
    assert_rv(CALL(sign_init, &hmac, key), CKR_OK);
    assert_rv(CALL(sign_update, text, 20), CKR_OK);
    assert_rv(CALL(verify_init, &hmac, key), CKR_OK);
    close_beside(aes, CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(sign_final, out, &size), CKR_FUNCTION_CANCELED);
    assert_rv(CALL(verify_update, text, 20), CKR_FUNCTION_CANCELED);
    assert_rv(CALL(sign_init, &hmac, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(sign_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
}

static void test_messages_are_cancelled(void **state)
{
    unsigned char tag[16];
    struct gcm_message_params parameter = {iv, 12, 0, CKG_NO_GENERATE, tag, 128};
    CK_MECHANISM gcm = {CKM_AES_GCM, NULL, 0};
    CK_OBJECT_HANDLE key = data_key();
    CK_ULONG size = sizeof out;

    (void)state;
    assert_rv(CALL(message_encrypt_init, &gcm, key), CKR_OK);
    assert_rv(CALL(encrypt_message, &parameter, sizeof parameter, NULL, 0, text, 20, out, &size), CKR_OK);
    close_beside(key, CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(encrypt_message, &parameter, sizeof parameter, NULL, 0, text, 20, out, &size),
              CKR_FUNCTION_CANCELED);
    assert_rv(CALL(message_encrypt_final), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(message_encrypt_init, &gcm, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/* --- In an idle process --- */

/* Nobody asks; what the next call finds is closed, whatever it is. */
static void test_any_call_closes_what_has_ended(void **state)
{
    CK_SESSION_INFO info;
    CK_OBJECT_HANDLE key;
    struct soft_token *soft;
    unsigned before;

    (void)state;
    soft_open("    lease-check = 200ms\n    lease = 500ms");
    key = data_key();
    soft = (struct soft_token *)token;
    begin_cbc(key);
    pass_time(520);
    before = asked();
    assert_int_equal(atomic_load(&soft->leases.closed), 0);
    assert_rv(CALL(get_session_info, &info), CKR_OK);
    assert_int_equal(atomic_load(&soft->leases.closed), 1);
    assert_int_equal(asked(), before);
    assert_true(((struct soft_session *)session)->encrypting.use.cancelled);
    assert_rv(use(key), CKR_OK); /* and is opened by the next use */
    assert_true(asked() > before);
}

/* --- What is kept --- */

static const struct opener *proof(void)
{
    return ((struct soft_token *)token)->leases.leases->proof;
}

static void test_the_last_key_takes_the_blob_with_it(void **state)
{
    CK_OBJECT_HANDLE key = data_key(), copy;

    (void)state;
    assert_rv(CALL(copy_object, key, NULL, 0, &copy), CKR_OK);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    assert_non_null(proof());
    assert_rv(CALL(destroy_object, copy), CKR_OK);
    assert_null(proof());
    key = data_key();
    age_leases(5 * MINUTE);
    assert_rv(use(key), CKR_OK); /* and the next brings its own, to be checked with */
    assert_int_equal(asked(), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_an_operation_in_progress_is_cancelled),
        with_token(test_others_are_not),
        with_token(test_it_stays_cancelled_when_the_key_opens_again),
        with_token(test_a_new_one_may_begin_where_one_was_cancelled),
        with_token(test_the_operation_that_asks_is_cancelled),
        with_token(test_hmac_is_cancelled),
        with_token(test_messages_are_cancelled),
        with_service(test_any_call_closes_what_has_ended),
        with_token(test_the_last_key_takes_the_blob_with_it),
    };

    return cmocka_run_group_tests_name("closed in the middle", tests, NULL, NULL);
}
