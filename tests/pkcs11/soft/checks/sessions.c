/* Checks 29 to 31: what ends with a session and with a login, on a token that needs none. */
#include "tests/pkcs11/soft/checks/checks.h"
#include <string.h>

static unsigned char iv[16], out[600];
static CK_GCM_PARAMS gcm_parameters = {iv, 12, 96, NULL, 0, 128};
static CK_MECHANISM gcm = {CKM_AES_GCM, &gcm_parameters, sizeof gcm_parameters};

/* A handle that is no longer one, at every function that takes one. */
static void assert_dead(CK_OBJECT_HANDLE stale)
{
    CK_OBJECT_HANDLE made, public = the(CKO_PUBLIC_KEY, "kek");
    CK_ULONG size = sizeof out;
    CK_ATTRIBUTE label = {CKA_LABEL, NULL, 0};

    assert_rv(CALL(get_attribute_value, stale, &label, 1), CKR_OBJECT_HANDLE_INVALID);
    assert_rv(CALL(set_attribute_value, stale, &label, 1), CKR_OBJECT_HANDLE_INVALID);
    assert_rv(CALL(copy_object, stale, NULL, 0, &made), CKR_OBJECT_HANDLE_INVALID);
    assert_rv(CALL(get_object_size, stale, &size), CKR_OBJECT_HANDLE_INVALID);
    assert_rv(CALL(destroy_object, stale), CKR_OBJECT_HANDLE_INVALID);
    assert_rv(CALL(encrypt_init, &gcm, stale), CKR_KEY_HANDLE_INVALID);
    assert_rv(CALL(decrypt_init, &gcm, stale), CKR_KEY_HANDLE_INVALID);
    assert_rv(wrap_under(stale, &oaep_sha1, out, &size), CKR_WRAPPING_KEY_HANDLE_INVALID);
    size = sizeof out;
    assert_rv(CALL(wrap_key, &oaep_sha1, public, stale, out, &size), CKR_KEY_HANDLE_INVALID);
    assert_rv(unwrap_under(stale, &oaep_sha1, out, 256, &made), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
}

static void check_29_keys_end_with_their_session(void **state)
{
    struct token_session *first = session;
    CK_OBJECT_HANDLE key = aes_key(DATA_KEY, 32), found[4];
    CK_ATTRIBUTE secret[] = {ATTRIBUTE(CKA_CLASS, secret_class)};

    (void)state;
    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    assert_int_equal(find(secret, 1, found, 4), 1); /* others see it */
    assert_rv(token->ops->close_session(first), CKR_OK);
    assert_int_equal(find(secret, 1, found, 4), 0);
    assert_dead(key);
}

static void check_29_a_destroyed_key_is_dead(void **state)
{
    CK_OBJECT_HANDLE key = aes_key(DATA_KEY, 32);

    (void)state;
    assert_rv(CALL(destroy_object, key), CKR_OK);
    assert_dead(key);
}

static int order(const void *a, const void *b)
{
    const CK_OBJECT_HANDLE *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static void check_29_no_handle_is_given_twice(void **state)
{
    enum { TIMES = 3000 };
    static CK_OBJECT_HANDLE seen[TIMES];

    (void)state;
    for (int i = 0; i < TIMES; i++) {
        seen[i] = aes_key(DATA_KEY, 16);
        assert_rv(CALL(destroy_object, seen[i]), CKR_OK);
    }
    qsort(seen, TIMES, sizeof *seen, order);
    for (int i = 1; i < TIMES; i++) {
        assert_true(seen[i] != seen[i - 1]);
    }
}

static CK_RV log_in(CK_USER_TYPE user)
{
    static CK_BYTE pin[] = "1234";

    return CALL(login, user, pin, 4);
}

/* Whatever was running: a find too. */
static void check_29_logout_ends_what_is_running(void **state)
{
    CK_OBJECT_HANDLE key = aes_key(DATA_KEY, 32), found;
    CK_ULONG size = sizeof out, count;

    (void)state;
    assert_rv(log_in(CKU_USER), CKR_OK);
    assert_rv(CALL(encrypt_init, &gcm, key), CKR_OK);
    assert_rv(CALL(decrypt_init, &gcm, key), CKR_OK);
    assert_rv(CALL(encrypt_update, iv, 16, out, &size), CKR_OK);
    assert_rv(CALL(find_objects_init, NULL, 0), CKR_OK);
    assert_rv(CALL(logout), CKR_OK);
    assert_rv(CALL(encrypt_final, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(decrypt, out, 32, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(find_objects, &found, 1, &count), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(logout), CKR_USER_NOT_LOGGED_IN);
}

/* In the other sessions of the token as well. */
static void check_29_logout_ends_it_in_every_session(void **state)
{
    struct token_session *first = session, *second;
    CK_OBJECT_HANDLE key = aes_key(DATA_KEY, 32);
    CK_ULONG size = sizeof out;

    (void)state;
    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &second), CKR_OK);
    assert_rv(log_in(CKU_USER), CKR_OK);
    assert_rv(CALL(encrypt_init, &gcm, key), CKR_OK);
    session = second;
    assert_rv(CALL(logout), CKR_OK);
    session = first;
    assert_rv(CALL(encrypt, iv, 16, out, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(token->ops->close_session(second), CKR_OK);
}

static void check_30_no_login_is_asked_for(void **state)
{
    CK_TOKEN_INFO info;

    (void)state;
    print_message("# check 30 does not apply: the token needs no login, and its private objects are seen\n");
    assert_rv(token->ops->get_token_info(token, &info), CKR_OK);
    assert_int_equal(info.flags & CKF_LOGIN_REQUIRED, 0);
    assert_int_equal(count_of(CKO_PRIVATE_KEY, "kek"), 1);
    assert_true(flag_of(the(CKO_PRIVATE_KEY, "kek"), CKA_PRIVATE));
    assert_rv(log_in(CKU_USER), CKR_OK);
    assert_rv(CALL(logout), CKR_OK);
    assert_int_equal(count_of(CKO_PRIVATE_KEY, "kek"), 1);
}

static void check_30_nobody_is_the_security_officer(void **state)
{
    (void)state;
    assert_rv(log_in(CKU_SO), CKR_USER_TYPE_INVALID);
    assert_rv(log_in(7), CKR_USER_TYPE_INVALID);
    assert_rv(log_in(CKU_USER), CKR_OK); /* that changed nothing */
}

static void check_31_no_key_asks_for_a_login_of_its_own(void **state)
{
    CK_SESSION_INFO before, after;

    (void)state;
    assert_false(flag_of(the(CKO_PRIVATE_KEY, "kek"), CKA_ALWAYS_AUTHENTICATE));
    assert_rv(token->ops->get_session_info(session, &before), CKR_OK);
    assert_rv(log_in(CKU_CONTEXT_SPECIFIC), CKR_OK); /* clients do it anyway; it grants nothing */
    assert_rv(token->ops->get_session_info(session, &after), CKR_OK);
    assert_int_equal(after.state, before.state);
    assert_rv(CALL(logout), CKR_USER_NOT_LOGGED_IN);
}

static const struct CMUnitTest tests[] = {
    with_token(check_29_keys_end_with_their_session),
    with_token(check_29_a_destroyed_key_is_dead),
    with_token(check_29_no_handle_is_given_twice),
    with_token(check_29_logout_ends_what_is_running),
    with_token(check_29_logout_ends_it_in_every_session),
    with_token(check_30_no_login_is_asked_for),
    with_token(check_30_nobody_is_the_security_officer),
    with_token(check_31_no_key_asks_for_a_login_of_its_own),
};

const struct room session_room = ROOM(tests);
