/* Bad blobs under RSAES-PKCS1-v1_5 are limited to ten a second for each key; nothing else is slowed. */
#include "backends/base/log.h"
#include "pkcs11/soft/failure_limit.h"
#include "tests/pkcs11/soft/soft_test.h"
#include <stdio.h>
#include <string.h>

static unsigned char bad[256]; /* larger than every modulus */
static unsigned char good[512];

static CK_OBJECT_HANDLE private_kek(void)
{
    return the(CKO_PRIVATE_KEY, "kek");
}

static CK_RV unwrap_bad(CK_MECHANISM *mechanism, const char *name, CK_ULONG size)
{
    CK_OBJECT_HANDLE key;

    memset(bad, 0xff, sizeof bad);
    return unwrap_under(the(CKO_PRIVATE_KEY, name), mechanism, bad, size, &key);
}

static CK_RV decrypt_bad(CK_MECHANISM *mechanism)
{
    unsigned char back[256];
    CK_ULONG got = sizeof back;

    memset(bad, 0xff, sizeof bad);
    assert_rv(CALL(decrypt_init, mechanism, private_kek()), CKR_OK);
    return CALL(decrypt, bad, sizeof bad, back, &got);
}

static void fail_under(CK_MECHANISM *mechanism, int times)
{
    for (int i = 0; i < times; i++) {
        assert_rv(unwrap_bad(mechanism, "kek", 256), CKR_WRAPPED_KEY_INVALID);
    }
}

static void make_good(void)
{
    struct buffer made = BUFFER_INIT(512);

    fake_encrypt(fake, "kek", RSA_PADDING_PKCS1, bytes_of_text("0123456789abcdef"), &made);
    memcpy(good, made.data, made.size);
    buffer_free(&made);
}

static CK_RV unwrap_good(void)
{
    CK_OBJECT_HANDLE key;

    return unwrap_under(private_kek(), &pkcs1, good, 256, &key);
}

static void test_the_eleventh_unwrap_of_a_bad_blob_waits(void **state)
{
    int64_t began = clock_now(), ten;

    (void)state;
    fail_under(&pkcs1, 10);
    ten = clock_now() - began;
    fail_under(&pkcs1, 1);
    assert_in_range(ten, 0, 800);
    assert_in_range(clock_now() - began, 1000, 1900);
    assert_int_equal(fake_count(fake, FAKE_UNWRAP), 11);
}

static void test_the_eleventh_decrypt_of_a_bad_blob_waits(void **state)
{
    int64_t began = clock_now();

    (void)state;
    fail_under(&pkcs1, 5); /* they count together */
    for (int i = 0; i < 6; i++) {
        assert_rv(decrypt_bad(&pkcs1), CKR_ENCRYPTED_DATA_INVALID);
    }
    assert_in_range(clock_now() - began, 1000, 1900);
}

static void test_bad_blobs_under_oaep_do_not_wait(void **state)
{
    int64_t began;

    (void)state;
    fail_under(&pkcs1, 10);
    began = clock_now();
    fail_under(&oaep_sha256, 11);
    assert_rv(decrypt_bad(&oaep_sha1), CKR_ENCRYPTED_DATA_INVALID);
    assert_in_range(clock_now() - began, 0, 500);
}

static void test_another_key_does_not_wait(void **state)
{
    int64_t began;

    (void)state;
    fake_add(fake, "other", 2048);
    assert_int_equal(count_of(CKO_PRIVATE_KEY, "other"), 1);
    fail_under(&pkcs1, 10);
    began = clock_now();
    assert_rv(unwrap_bad(&pkcs1, "other", 256), CKR_WRAPPED_KEY_INVALID);
    assert_in_range(clock_now() - began, 0, 500);
}

static void test_good_blobs_are_neither_counted_nor_refused(void **state)
{
    int64_t began;

    (void)state;
    make_good();
    began = clock_now();
    for (int i = 0; i < 20; i++) {
        assert_rv(unwrap_good(), CKR_OK);
    }
    fail_under(&pkcs1, 9);
    assert_rv(unwrap_good(), CKR_OK);
    assert_in_range(clock_now() - began, 0, 800);
    fail_under(&pkcs1, 1);
    assert_rv(unwrap_good(), CKR_OK); /* after the wait */
    assert_in_range(clock_now() - began, 900, 1900);
}

static void test_a_length_that_is_no_block_is_not_counted(void **state)
{
    int64_t began = clock_now();

    (void)state;
    for (int i = 0; i < 30; i++) {
        assert_rv(unwrap_bad(&pkcs1, "kek", 255), CKR_WRAPPED_KEY_INVALID);
    }
    assert_int_equal(fake_count_all(fake), 0);
    fail_under(&pkcs1, 10);
    assert_in_range(clock_now() - began, 0, 800);
}

static void test_failures_of_the_service_are_not_counted(void **state)
{
    int64_t began = clock_now();

    (void)state;
    fake_rule(fake, FAKE_UNWRAP, fake_unreachable);
    for (int i = 0; i < 11; i++) {
        assert_rv(unwrap_bad(&pkcs1, "kek", 256), CKR_DEVICE_ERROR);
    }
    assert_in_range(clock_now() - began, 0, 800);
    assert_int_equal(fake_count(fake, FAKE_UNWRAP), 11);
}

/* Else its pace would tell that the padding was right. */
static void test_a_payload_that_is_no_key_is_counted(void **state)
{
    struct buffer made = BUFFER_INIT(512);
    int64_t began = clock_now();
    CK_OBJECT_HANDLE key;

    (void)state;
    fake_encrypt(fake, "kek", RSA_PADDING_PKCS1, bytes_of_text("fifteen bytes.."), &made);
    for (int i = 0; i < 11; i++) {
        assert_rv(unwrap_under(private_kek(), &pkcs1, made.data, made.size, &key), CKR_WRAPPED_KEY_INVALID);
    }
    buffer_free(&made);
    assert_in_range(clock_now() - began, 1000, 1900);
}

static int lines_about_the_limit(const char *path)
{
    char line[512];
    FILE *file = fopen(path, "r");
    int count = 0;

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        count += strstr(line, "warning soft: key kek: too many bad ciphertexts") != NULL;
    }
    assert_int_equal(fclose(file), 0);
    return count;
}

static void test_a_wait_beyond_the_timeout_is_a_device_error(void **state)
{
    char path[128], to[160];
    int64_t began;

    (void)state;
    snprintf(path, sizeof path, "%s/log", soft_folder());
    snprintf(to, sizeof to, "warning file:%s", path);
    fake->timeout = 300;
    fail_under(&pkcs1, 10);
    assert_rv(log_configure(to), CKR_OK);
    began = clock_now();
    assert_rv(unwrap_bad(&pkcs1, "kek", 256), CKR_DEVICE_ERROR);
    assert_in_range(clock_now() - began, 0, 250);
    assert_int_equal(lines_about_the_limit(path), 1);
    assert_rv(log_configure("warning syslog"), CKR_OK);
    assert_int_equal(fake_count(fake, FAKE_UNWRAP), 10);
    make_good();
    fake->timeout = 2000;
    assert_rv(unwrap_good(), CKR_OK);
}

static void test_failures_at_once_are_paid_for_afterwards(void **state)
{
    struct failure_limit limit = {0};

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(failure_limit_wait(&limit, 5000), 0);
        failure_limit_note(&limit, 5000);
    }
    assert_int_equal(failure_limit_wait(&limit, 5000), 1000);
    assert_int_equal(failure_limit_wait(&limit, 5999), 1);
    assert_int_equal(failure_limit_wait(&limit, 6000), 0);
    for (int i = 0; i < 20; i++) { /* threads that asked before the first had failed */
        failure_limit_note(&limit, 5000);
    }
    assert_int_equal(failure_limit_wait(&limit, 6000), 2000);
    assert_int_equal(failure_limit_wait(&limit, 8000), 0);
}

/* The same by heart: the last ten times as they were. */
static void test_it_is_ten_in_any_second(void **state)
{
    static const int64_t pauses[] = {0, 0, 1, 60, 99, 130, 300, 999, 1000, 1001, 70000, 5000000000};
    struct failure_limit limit = {0};
    int64_t last[MOST_FAILURES] = {0}, now = 5000, wait;

    (void)state;
    srand(1);
    for (unsigned i = 0; i < 20000; i++) {
        int64_t *oldest = &last[i % MOST_FAILURES];

        now += pauses[(unsigned)rand() % (i % 100 < 60 ? 4 : sizeof pauses / sizeof pauses[0])];
        wait = *oldest != 0 && *oldest + FAILURE_SPAN > now ? *oldest + FAILURE_SPAN - now : 0;
        assert_int_equal(failure_limit_wait(&limit, now), wait);
        *oldest = now + wait;
        failure_limit_note(&limit, now);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_the_eleventh_unwrap_of_a_bad_blob_waits),
        with_token(test_the_eleventh_decrypt_of_a_bad_blob_waits),
        with_token(test_bad_blobs_under_oaep_do_not_wait),
        with_token(test_another_key_does_not_wait),
        with_token(test_good_blobs_are_neither_counted_nor_refused),
        with_token(test_a_length_that_is_no_block_is_not_counted),
        with_token(test_failures_of_the_service_are_not_counted),
        with_token(test_a_payload_that_is_no_key_is_counted),
        with_token(test_a_wait_beyond_the_timeout_is_a_device_error),
        cmocka_unit_test(test_failures_at_once_are_paid_for_afterwards),
        cmocka_unit_test(test_it_is_ten_in_any_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
