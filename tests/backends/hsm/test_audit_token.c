/* The token above an HSM's that records: which calls are uses of a key, and what cannot be kept from the records. */
#include "tests/backends/hsm/fake_bench.h"

#include "backends/audit/audit_record.h"
#include "tests/backends/audit/audit_test.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { KEY = 5, ROOM = 64, THREADS = 4, ROUNDS = 30 };

#define TO_FILE "audit-file = \"%s/audit\"\n"
#define KEY_URI "pkcs11:token=first;id=%01%AB;object=big%0Akey"

static struct token_session *session;
static CK_MECHANISM mechanism = {CKM_AES_CBC, NULL, 0};
static CK_BYTE data[8] = "data", out[ROOM];
static CK_ULONG out_size;

static const char *audit_path(void)
{
    return bench_path("audit");
}

static void open_with(const char *records, const char *options)
{
    audit_begin(bench.folder, records);
    bench_open(fake_uri("token=one", ""), NULL, options);
    session = bench_session(bench.token[0]);
}

static int set_up(void **state)
{
    if (fake_set_up(state) != 0) {
        return -1;
    }
    fake->literal = true;
    fake->key.bits = 2048;
    fake->key.on_token = true;
    mechanism.mechanism = CKM_AES_CBC;
    out_size = sizeof out;
    return 0;
}

static int tear_down(void **state)
{
    bench_close_session(session);
    audit_forget();
    return fake_tear_down(state);
}

/* --- What is a use --- */

#define SESSION(verb, ...) session->ops->verb(session __VA_OPT__(, ) __VA_ARGS__)
#define OUT                out, &out_size

static CK_RV do_wrap(void)
{
    return SESSION(wrap_key, &mechanism, KEY, 6, OUT);
}

static CK_RV do_unwrap(void)
{
    CK_OBJECT_HANDLE key = 0;

    return SESSION(unwrap_key, &mechanism, KEY, data, sizeof data, NULL, 0, &key);
}

static CK_RV do_derive(void)
{
    CK_OBJECT_HANDLE key = 0;

    return SESSION(derive_key, &mechanism, KEY, NULL, 0, &key);
}

/* clang-format off */
#define WHOLE(verb) \
    static CK_RV do_##verb(void) \
    { \
        CK_RV rv = SESSION(verb##_init, &mechanism, KEY); \
\
        return rv == CKR_OK ? SESSION(verb, data, sizeof data, OUT) : rv; \
    }
#define MESSAGE(verb) \
    static CK_RV do_##verb##_message(void) \
    { \
        CK_RV rv = SESSION(message_##verb##_init, &mechanism, KEY); \
\
        return rv == CKR_OK ? SESSION(verb##_message, NULL, 0, NULL, 0, data, sizeof data, OUT) : rv; \
    }
/* clang-format on */
WHOLE(encrypt)
WHOLE(decrypt)
WHOLE(sign)
WHOLE(sign_recover)
MESSAGE(encrypt)
MESSAGE(decrypt)

static CK_RV do_sign_message(void)
{
    CK_RV rv = SESSION(message_sign_init, &mechanism, KEY);

    return rv == CKR_OK ? SESSION(sign_message, NULL, 0, data, sizeof data, OUT) : rv;
}

static CK_RV do_sign_parts(void)
{
    CK_RV rv = SESSION(sign_init, &mechanism, KEY);

    rv = rv == CKR_OK ? SESSION(sign_update, data, sizeof data) : rv;
    return rv == CKR_OK ? SESSION(sign_final, OUT) : rv;
}

static CK_RV do_sign_message_parts(void)
{
    CK_RV rv = SESSION(message_sign_init, &mechanism, KEY);

    rv = rv == CKR_OK ? SESSION(sign_message_begin, NULL, 0) : rv;
    rv = rv == CKR_OK ? SESSION(sign_message_next, NULL, 0, data, sizeof data, NULL, NULL) : rv;
    return rv == CKR_OK ? SESSION(sign_message_next, NULL, 0, data, sizeof data, OUT) : rv;
}

static const struct {
    const char *operation;
    CK_RV (*use)(void);
} uses[] = {
    {"wrap", do_wrap},         {"unwrap", do_unwrap},           {"derive", do_derive},
    {"encrypt", do_encrypt},   {"decrypt", do_decrypt},         {"sign", do_sign},
    {"sign", do_sign_recover}, {"encrypt", do_encrypt_message}, {"decrypt", do_decrypt_message},
    {"sign", do_sign_message}, {"sign", do_sign_parts},         {"sign", do_sign_message_parts},
};

enum { USES = sizeof uses / sizeof uses[0] };

static void expect_line(size_t number, const char *event, const char *operation, const char *result)
{
    cJSON *line = audit_line(audit_path(), number);

    assert_string_equal(audit_member(line, "event"), event);
    assert_string_equal(audit_member(line, "token"), "first");
    assert_string_equal(audit_member(line, "backend"), "hsm");
    assert_string_equal(audit_member(line, "place"), "hsm");
    assert_string_equal(audit_member(line, "operation"), operation);
    assert_string_equal(audit_member(line, "mechanism"), "CKM_AES_CBC");
    assert_string_equal(audit_member(line, "result"), result);
    assert_string_equal(audit_member(line, "key"), KEY_URI);
    cJSON_Delete(line);
}

static void expect_lines(size_t count)
{
    assert_int_equal(audit_line_count(audit_path()), count);
    assert_true(audit_read_path(audit_path()).is_whole);
}

static void test_each_use_is_one_record(void **state)
{
    (void)state;
    open_with(TO_FILE, NULL);
    for (size_t i = 0; i < USES; i++) {
        assert_rv(uses[i].use(), CKR_OK);
        expect_lines(2 + i);
        expect_line(1 + i, "use", uses[i].operation, "CKR_OK");
    }
}

static void test_where_nothing_is_wanted_nothing_stands_above(void **state)
{
    (void)state;
    open_with("# %s\n", NULL);
    assert_string_equal(bench.token[0]->ops->name, "hsm");
    bench_close_session(session);
    bench_close();
    open_with(TO_FILE, NULL);
    assert_string_equal(bench.token[0]->ops->name, "audit");
}

static void test_what_fails_is_recorded_too(void **state)
{
    (void)state;
    open_with(TO_FILE, NULL);
    fake->answer = CKR_DEVICE_ERROR;
    assert_rv(do_unwrap(), CKR_DEVICE_ERROR);
    expect_line(1, "use", "unwrap", "CKR_DEVICE_ERROR");
    expect_lines(2);
}

static void test_a_key_of_a_session_is_not(void **state)
{
    (void)state;
    fake->key.on_token = false;
    open_with(TO_FILE, NULL);
    for (size_t i = 0; i < USES; i++) {
        assert_rv(uses[i].use(), CKR_OK);
    }
    expect_lines(1);
}

static void test_a_key_that_says_nothing_goes_by_its_handle(void **state)
{
    cJSON *line;

    (void)state;
    fake->key.is_gone = true;
    open_with(TO_FILE, NULL);
    assert_rv(do_wrap(), CKR_OK);
    line = audit_line(audit_path(), 1);
    assert_string_equal(audit_member(line, "key"), "handle 0x5");
    cJSON_Delete(line);
}

static void test_checking_and_digesting_are_no_uses(void **state)
{
    CK_OBJECT_HANDLE key = 0, other = 0;

    (void)state;
    open_with(TO_FILE, NULL);
    assert_rv(SESSION(verify_init, &mechanism, KEY), CKR_OK);
    assert_rv(SESSION(verify, data, sizeof data, out, sizeof out), CKR_OK);
    assert_rv(SESSION(verify_recover_init, &mechanism, KEY), CKR_OK);
    assert_rv(SESSION(verify_recover, data, sizeof data, OUT), CKR_OK);
    assert_rv(SESSION(message_verify_init, &mechanism, KEY), CKR_OK);
    assert_rv(SESSION(verify_message, NULL, 0, data, sizeof data, out, sizeof out), CKR_OK);
    assert_rv(SESSION(digest_init, &mechanism), CKR_OK);
    assert_rv(SESSION(digest_key, KEY), CKR_OK);
    assert_rv(SESSION(generate_key, &mechanism, NULL, 0, &key), CKR_OK);
    assert_rv(SESSION(generate_key_pair, &mechanism, NULL, 0, NULL, 0, &key, &other), CKR_OK);
    expect_lines(1);
}

static void test_a_question_for_the_size_is_no_use(void **state)
{
    (void)state;
    open_with(TO_FILE, NULL);
    assert_rv(SESSION(wrap_key, &mechanism, KEY, 6, NULL, &out_size), CKR_OK);
    assert_rv(SESSION(decrypt_init, &mechanism, KEY), CKR_OK);
    assert_rv(SESSION(decrypt, data, sizeof data, NULL, &out_size), CKR_OK);
    fake->answer = CKR_BUFFER_TOO_SMALL;
    assert_rv(SESSION(decrypt, data, sizeof data, OUT), CKR_BUFFER_TOO_SMALL);
    expect_lines(1);
    fake->answer = CKR_OK;
    assert_rv(SESSION(decrypt, data, sizeof data, OUT), CKR_OK);
    expect_line(1, "use", "decrypt", "CKR_OK");
    expect_lines(2);
}

/* --- What cannot be kept from the records --- */

/* Not every HSM ends an operation when it refuses the arguments of a call. */
static void test_a_call_that_ends_nothing_hides_nothing(void **state)
{
    (void)state;
    open_with(TO_FILE, NULL);
    assert_rv(SESSION(sign_init, &mechanism, KEY), CKR_OK);
    fake->answer = CKR_ARGUMENTS_BAD;
    assert_rv(SESSION(sign, NULL, 0, OUT), CKR_ARGUMENTS_BAD);
    fake->answer = CKR_OK;
    assert_rv(SESSION(sign, data, sizeof data, OUT), CKR_OK);
    expect_line(1, "use", "sign", "CKR_ARGUMENTS_BAD");
    expect_line(2, "use", "sign", "CKR_OK");
    expect_lines(3);
}

static void test_what_was_not_begun_is_no_use(void **state)
{
    (void)state;
    open_with(TO_FILE, NULL);
    fake->answer = CKR_OPERATION_NOT_INITIALIZED;
    assert_rv(SESSION(decrypt, data, sizeof data, OUT), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(SESSION(decrypt_final, OUT), CKR_OPERATION_NOT_INITIALIZED);
    expect_lines(1);
}

static void test_a_key_that_another_begins_with_is_recorded_no_more(void **state)
{
    (void)state;
    open_with(TO_FILE, NULL);
    assert_rv(SESSION(sign_init, &mechanism, KEY), CKR_OK);
    fake->key.on_token = false;
    assert_rv(SESSION(sign_init, &mechanism, KEY + 1), CKR_OK);
    assert_rv(SESSION(sign, data, sizeof data, OUT), CKR_OK);
    expect_lines(1);
}

static void test_a_state_that_was_saved_is_refused(void **state)
{
    (void)state;
    open_with(TO_FILE, NULL);
    fake->calls = 0;
    assert_rv(SESSION(set_operation_state, data, sizeof data, 0, 0), CKR_SAVED_STATE_INVALID);
    assert_int_equal(fake->calls, 0);
}

static void test_parts_have_begun_before_the_first_gives_anything(void **state)
{
    (void)state;
    open_with(TO_FILE, NULL);
    assert_rv(SESSION(decrypt_init, &mechanism, KEY), CKR_OK);
    assert_rv(SESSION(decrypt_update, data, sizeof data, OUT), CKR_OK);
    expect_line(1, "begun", "decrypt", "");
    assert_rv(SESSION(decrypt_verify_update, data, sizeof data, OUT), CKR_OK);
    assert_rv(SESSION(decrypt_digest_update, data, sizeof data, OUT), CKR_OK);
    expect_lines(2);
    assert_rv(SESSION(decrypt_final, OUT), CKR_OK);
    expect_line(2, "use", "decrypt", "CKR_OK");
    expect_lines(3);
}

/* What is opened takes the place of the ciphertext, as the standard allows. */
static void open_in_place(void)
{
    memset(data, 'p', sizeof data);
}

static void expect_hash(size_t number, const char *of)
{
    char hex[AUDIT_HEX_SIZE];
    cJSON *line = audit_line(audit_path(), number);

    assert_true(audit_hash(bytes_of_text(of), hex));
    assert_string_equal(audit_member(line, "blob_sha256"), hex);
    cJSON_Delete(line);
}

static void test_the_hash_is_never_that_of_what_was_opened(void **state)
{
    CK_ULONG size = sizeof data;

    (void)state;
    open_with(TO_FILE, NULL);
    fake->during = open_in_place;
    assert_rv(SESSION(decrypt_init, &mechanism, KEY), CKR_OK);
    memcpy(data, "ciphered", sizeof data);
    assert_rv(SESSION(decrypt, data, sizeof data, data, &size), CKR_OK);
    expect_hash(1, "ciphered");
    assert_rv(SESSION(message_decrypt_init, &mechanism, KEY), CKR_OK);
    memcpy(data, "ciphered", sizeof data);
    assert_rv(SESSION(decrypt_message, NULL, 0, NULL, 0, data, sizeof data, data, &size), CKR_OK);
    expect_hash(2, "ciphered");
    assert_rv(SESSION(decrypt_init, &mechanism, KEY), CKR_OK);
    for (int i = 0; i < 2; i++) {
        memcpy(data, "ciphered", sizeof data);
        assert_rv(SESSION(decrypt_update, data, sizeof data, data, &size), CKR_OK);
    }
    assert_rv(SESSION(decrypt_final, OUT), CKR_OK);
    expect_hash(4, "cipheredciphered");
    fake->during = NULL;
}

static void test_so_have_those_of_each_message(void **state)
{
    (void)state;
    open_with(TO_FILE, NULL);
    assert_rv(SESSION(message_decrypt_init, &mechanism, KEY), CKR_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_rv(SESSION(decrypt_message_begin, NULL, 0, NULL, 0), CKR_OK);
        assert_rv(SESSION(decrypt_message_next, NULL, 0, data, sizeof data, OUT, 0), CKR_OK);
        expect_line(1 + 2 * i, "begun", "decrypt", "");
        assert_rv(SESSION(decrypt_message_next, NULL, 0, data, sizeof data, OUT, CKF_END_OF_MESSAGE), CKR_OK);
        expect_line(2 + 2 * i, "use", "decrypt", "CKR_OK");
    }
    assert_rv(SESSION(message_decrypt_final), CKR_OK);
    expect_lines(5);
}

/* --- Where it must be recorded and cannot be --- */

static void open_unwritable(void)
{
    open_with("audit-file = /dev/full # %s\naudit-required = yes\n", NULL);
}

static void test_no_use_comes_to_anything_unrecorded(void **state)
{
    static const CK_BYTE zeros[ROOM];

    (void)state;
    open_unwritable();
    for (size_t i = 0; i < USES; i++) {
        memset(out, 'x', sizeof out);
        assert_rv(uses[i].use(), CKR_FUNCTION_FAILED);
        if (uses[i].use != do_unwrap && uses[i].use != do_derive) {
            assert_memory_equal(out, zeros, sizeof out);
        }
    }
}

static void test_no_part_comes_to_anything_unrecorded(void **state)
{
    (void)state;
    open_unwritable();
    assert_rv(SESSION(decrypt_init, &mechanism, KEY), CKR_OK);
    fake->answer = CKR_FUNCTION_NOT_SUPPORTED; /* it does not end it */
    for (int i = 0; i < 3; i++) {
        fake->calls = 0;
        assert_rv(SESSION(decrypt_update, data, sizeof data, OUT), CKR_FUNCTION_FAILED);
        assert_int_equal(fake->calls, 2);
        assert_string_equal(fake->last.name, "C_Decrypt");
    }
}

static void test_keys_that_come_of_it_are_destroyed(void **state)
{
    CK_OBJECT_HANDLE key = 4711;

    (void)state;
    fake->has_keys = true;
    open_unwritable();
    assert_rv(SESSION(derive_key, &mechanism, KEY, NULL, 0, &key), CKR_FUNCTION_FAILED);
    assert_int_equal(key, 4711);
    assert_rv(SESSION(unwrap_key, &mechanism, KEY, data, sizeof data, NULL, 0, &key), CKR_FUNCTION_FAILED);
    assert_int_equal(fake->keys_ever, 2);
    assert_int_equal(fake->keys, 0);
}

/* --- Threads, each with a session of its own --- */

static void *sign_often(void *failures)
{
    struct token_session *own = bench_session(bench.token[0]);

    for (int i = 0; i < ROUNDS; i++) {
        CK_BYTE text[8] = "data", signature[ROOM];
        CK_ULONG size = sizeof signature;
        CK_RV rv = own->ops->sign_init(own, &mechanism, KEY);

        rv = rv == CKR_OK ? own->ops->sign(own, text, sizeof text, signature, &size) : rv;
        atomic_fetch_add((atomic_int *)failures, rv == CKR_OK ? 0 : 1);
    }
    bench_close_session(own);
    return NULL;
}

static void test_no_record_of_many_threads_is_missing(void **state)
{
    pthread_t threads[THREADS];
    atomic_int failures = 0;

    (void)state;
    open_with(TO_FILE, NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, sign_often, &failures), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(failures, 0);
    expect_lines(1 + THREADS * ROUNDS);
}

/* --- The policy stands above it --- */

static void test_what_the_policy_refuses_is_an_event_and_no_use(void **state)
{
    cJSON *line;

    (void)state;
    open_with(TO_FILE, "min-rsa-bits = 3072");
    mechanism.mechanism = CKM_RSA_PKCS;
    for (size_t i = 1; i < 3; i++) {
        assert_rv(do_sign(), CKR_KEY_FUNCTION_NOT_PERMITTED);
        expect_lines(1 + i);
        line = audit_line(audit_path(), i);
        assert_string_equal(audit_member(line, "event"), "refused");
        assert_string_equal(audit_member(line, "token"), "first");
        assert_string_equal(audit_member(line, "backend"), "hsm");
        assert_string_equal(audit_member(line, "key"), KEY_URI);
        assert_string_equal(audit_member(line, "reason"), "min-rsa-bits is 3072, and it has 2048");
        cJSON_Delete(line);
    }
    assert_int_equal(bench_logged("key " KEY_URI " is refused: min-rsa-bits is 3072, and it has 2048"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_each_use_is_one_record),
        TEST(test_where_nothing_is_wanted_nothing_stands_above),
        TEST(test_what_fails_is_recorded_too),
        TEST(test_a_key_of_a_session_is_not),
        TEST(test_a_key_that_says_nothing_goes_by_its_handle),
        TEST(test_checking_and_digesting_are_no_uses),
        TEST(test_a_question_for_the_size_is_no_use),
        TEST(test_a_call_that_ends_nothing_hides_nothing),
        TEST(test_what_was_not_begun_is_no_use),
        TEST(test_a_key_that_another_begins_with_is_recorded_no_more),
        TEST(test_a_state_that_was_saved_is_refused),
        TEST(test_parts_have_begun_before_the_first_gives_anything),
        TEST(test_the_hash_is_never_that_of_what_was_opened),
        TEST(test_so_have_those_of_each_message),
        TEST(test_no_use_comes_to_anything_unrecorded),
        TEST(test_no_part_comes_to_anything_unrecorded),
        TEST(test_keys_that_come_of_it_are_destroyed),
        TEST(test_no_record_of_many_threads_is_missing),
        TEST(test_what_the_policy_refuses_is_an_event_and_no_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
