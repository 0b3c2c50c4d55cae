/* C_GetOperationState and C_SetOperationState: digests that go on twice, and what has no state to give away. */
#include "pkcs11/soft/digest_state.h"
#include "tests/pkcs11/soft/sign_test.h"
#include <string.h>

static unsigned char text[64] = "the first half, and the second", ticket[64];
static CK_ULONG ticket_size;
static struct token_session *other;

enum { HALF = 15, WHOLE = 30 };

static void begin_half(void)
{
    CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};

    assert_rv(CALL(digest_init, &sha256), CKR_OK);
    assert_rv(CALL(digest_update, text, HALF), CKR_OK);
}

static void save(void)
{
    ticket_size = sizeof ticket;
    assert_rv(CALL(get_operation_state, ticket, &ticket_size), CKR_OK);
}

static CK_RV restore(struct token_session *in)
{
    return token->ops->set_operation_state(in, ticket, ticket_size, 0, 0);
}

/* The digest that goes on in `in` is that of `whole`. */
static void check_end(struct token_session *in, CK_ULONG from, CK_ULONG count)
{
    unsigned char digest[LONGEST_HASH], expected[LONGEST_HASH];
    CK_ULONG size = sizeof digest;

    assert_rv(token->ops->digest_update(in, text + from, count), CKR_OK);
    assert_rv(token->ops->digest_final(in, digest, &size), CKR_OK);
    struct bytes right = digest_of(HASH_SHA256, bytes_of(text, from + count), expected);

    assert_int_equal(size, right.size);
    assert_memory_equal(digest, right.data, size);
}

static int state_setup(void **state)
{
    return sign_setup(state) == 0 &&
                   token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &other) == CKR_OK
               ? 0
               : -1;
}

static int state_end(void **state)
{
    token->ops->close_session(other);
    return soft_end(state);
}

static void test_goes_on_in_two_sessions(void **state)
{
    (void)state;
    begin_half();
    save();
    assert_rv(restore(other), CKR_OK);
    check_end(session, HALF, WHOLE - HALF);
    check_end(other, HALF, 3);
}

static void test_serves_more_than_once(void **state)
{
    (void)state;
    begin_half();
    save();
    check_end(session, HALF, 2);
    for (int i = 0; i < 3; i++) {
        assert_rv(restore(session), CKR_OK);
        check_end(session, HALF, WHOLE - HALF);
    }
}

static void test_takes_the_place_of_what_runs(void **state)
{
    CK_MECHANISM sha1 = {CKM_SHA_1, NULL, 0};

    (void)state;
    begin_half();
    save();
    assert_rv(token->ops->digest_init(other, &sha1), CKR_OK);
    assert_rv(token->ops->digest_update(other, text, 7), CKR_OK);
    assert_rv(restore(other), CKR_OK);
    check_end(other, HALF, WHOLE - HALF);
}

static void test_outlives_its_session(void **state)
{
    struct token_session *short_lived = session;

    (void)state;
    begin_half();
    save();
    assert_rv(token->ops->close_session(short_lived), CKR_OK);
    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    assert_rv(restore(session), CKR_OK);
    check_end(session, HALF, WHOLE - HALF);
}

static void test_sizes(void **state)
{
    (void)state;
    begin_half();
    assert_rv(CALL(get_operation_state, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(get_operation_state, NULL, &ticket_size), CKR_OK);
    assert_int_equal(ticket_size, DIGEST_TICKET);
    ticket_size--;
    assert_rv(CALL(get_operation_state, ticket, &ticket_size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(ticket_size, DIGEST_TICKET);
    assert_rv(CALL(get_operation_state, ticket, &ticket_size), CKR_OK);
    check_end(session, HALF, WHOLE - HALF);
}

static void test_nothing_to_save(void **state)
{
    (void)state;
    ticket_size = sizeof ticket;
    assert_rv(CALL(get_operation_state, ticket, &ticket_size), CKR_OPERATION_NOT_INITIALIZED);
    begin_half();
    check_end(session, HALF, WHOLE - HALF);
    assert_rv(CALL(get_operation_state, ticket, &ticket_size), CKR_OPERATION_NOT_INITIALIZED);
}

static void test_a_signature_is_not_saved(void **state)
{
    CK_MECHANISM sign = {CKM_SHA256_RSA_PKCS, NULL, 0};

    (void)state;
    begin_half();
    assert_rv(CALL(sign_init, &sign, signer("kek")), CKR_OK);
    ticket_size = sizeof ticket;
    assert_rv(CALL(get_operation_state, ticket, &ticket_size), CKR_STATE_UNSAVEABLE);
    check_end(session, HALF, WHOLE - HALF);
    assert_rv(CALL(get_operation_state, ticket, &ticket_size), CKR_STATE_UNSAVEABLE);
}

static void test_unknown_states(void **state)
{
    (void)state;
    begin_half();
    save();
    assert_rv(token->ops->set_operation_state(other, NULL, ticket_size, 0, 0), CKR_ARGUMENTS_BAD);
    assert_rv(token->ops->set_operation_state(other, ticket, ticket_size - 1, 0, 0), CKR_SAVED_STATE_INVALID);
    assert_rv(token->ops->set_operation_state(other, ticket, ticket_size + 1, 0, 0), CKR_SAVED_STATE_INVALID);
    assert_rv(token->ops->set_operation_state(other, ticket, 0, 0, 0), CKR_SAVED_STATE_INVALID);
    assert_rv(token->ops->set_operation_state(other, ticket, ticket_size, 1, 0), CKR_KEY_NOT_NEEDED);
    assert_rv(token->ops->set_operation_state(other, ticket, ticket_size, 0, 1), CKR_KEY_NOT_NEEDED);
    ticket[3] ^= 1;
    assert_rv(restore(other), CKR_SAVED_STATE_INVALID);
    ticket[3] ^= 1;
    assert_rv(restore(other), CKR_OK);
}

/* It ends the operations that began before it. */
static void test_a_logout_ends_it(void **state)
{
    (void)state;
    begin_half();
    save();
    assert_rv(CALL(login, CKU_USER, NULL, 0), CKR_OK);
    assert_rv(CALL(logout), CKR_OK);
    assert_rv(restore(other), CKR_SAVED_STATE_INVALID);
}

static void test_so_many_are_kept(void **state)
{
    unsigned char first[sizeof ticket], second[sizeof ticket];

    (void)state;
    begin_half();
    save();
    memcpy(first, ticket, sizeof first);
    save();
    memcpy(second, ticket, sizeof second);
    for (int i = 0; i < DIGEST_STATES - 1; i++) {
        save();
    }
    assert_rv(restore(other), CKR_OK);
    assert_rv(token->ops->set_operation_state(other, second, ticket_size, 0, 0), CKR_OK);
    assert_rv(token->ops->set_operation_state(other, first, ticket_size, 0, 0), CKR_SAVED_STATE_INVALID);
}

#define with_state(test) cmocka_unit_test_setup_teardown(test, state_setup, state_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_state(test_goes_on_in_two_sessions),
        with_state(test_serves_more_than_once),
        with_state(test_takes_the_place_of_what_runs),
        with_state(test_outlives_its_session),
        with_state(test_sizes),
        with_state(test_nothing_to_save),
        with_state(test_a_signature_is_not_saved),
        with_state(test_unknown_states),
        with_state(test_a_logout_ends_it),
        with_state(test_so_many_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
