#include "backends/base/secret.h"
#include "tests/backends/base/base_test.h"
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

static bool is_zero(const unsigned char *data, size_t size)
{
    size_t at;

    for (at = 0; at < size; at++) {
        if (data[at] != 0) {
            return false;
        }
    }
    return true;
}

static void test_new_is_zero_in_every_size(void **state)
{
    static const size_t sizes[] = {0,    1,    16,   32,   63,   64,     65,     128,
                                   1000, 2048, 2049, 4096, 4097, 100000, 1048576};
    struct secret secrets[sizeof sizes / sizeof sizes[0]];
    size_t at;

    (void)state;
    for (at = 0; at < sizeof sizes / sizeof sizes[0]; at++) {
        assert_int_equal(secret_new(sizes[at], &secrets[at]), CKR_OK);
        assert_non_null(secrets[at].data);
        assert_int_equal(secrets[at].size, sizes[at]);
        assert_true(is_zero(secrets[at].data, sizes[at]));
        memset(secrets[at].data, (int)at + 1, sizes[at]);
    }
    for (at = 0; at < sizeof sizes / sizeof sizes[0]; at++) {
        if (sizes[at] != 0) {
            assert_int_equal(secrets[at].data[0], at + 1);
            assert_int_equal(secrets[at].data[sizes[at] - 1], at + 1);
        }
        secret_free(&secrets[at]);
        assert_null(secrets[at].data);
        assert_int_equal(secrets[at].size, 0);
    }
}

static void test_too_large_is_refused(void **state)
{
    struct secret secret = SECRET_INIT;

    (void)state;
    assert_int_equal(secret_new(1048577, &secret), CKR_HOST_MEMORY);
    assert_null(secret.data);
}

static void test_copy_has_the_bytes(void **state)
{
    struct secret secret;

    (void)state;
    assert_int_equal(secret_copy(bytes_of("0123456789abcdef", 16), &secret), CKR_OK);
    assert_true(bytes_equal_text(secret_bytes(&secret), "0123456789abcdef"));
    secret_free(&secret);
}

static void test_free_of_nothing(void **state)
{
    struct secret secret = SECRET_INIT;

    (void)state;
    secret_free(&secret);
    secret_free(&secret);
}

/* The page stays ours, so it may be looked at afterwards. */
static void test_free_wipes(void **state)
{
    struct secret neighbour, secret;
    const unsigned char *data;

    (void)state;
    assert_int_equal(secret_copy(bytes_of("neighbour", 9), &neighbour), CKR_OK);
    assert_int_equal(secret_copy(bytes_of("0123456789abcdef", 16), &secret), CKR_OK);
    data = secret.data;
    secret_free(&secret);
    assert_true(is_zero(data, 16));
    assert_true(bytes_equal_text(secret_bytes(&neighbour), "neighbour"));
    secret_free(&neighbour);
}

static void test_free_after_shorten_wipes_the_whole(void **state)
{
    struct secret secret;
    const unsigned char *data;

    (void)state;
    assert_int_equal(secret_copy(bytes_of("0123456789abcdef", 16), &secret), CKR_OK);
    secret_shorten(&secret, 4);
    assert_int_equal(secret.size, 4);
    assert_memory_equal(secret.data, "0123", 4);
    assert_true(is_zero(secret.data + 4, 12));
    data = secret.data;
    secret_free(&secret);
    assert_true(is_zero(data, 16));
}

static void test_a_shortened_large_one_goes_as_a_whole(void **state)
{
    struct secret secret;
    unsigned char *data, there;

    (void)state;
    assert_int_equal(secret_new(100000, &secret), CKR_OK);
    data = secret.data;
    secret_shorten(&secret, 10);
    secret_free(&secret);
    assert_int_equal(mincore(data, 1, &there), -1);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(mincore(data + 98304, 1, &there), -1);
}

static void test_blocks_are_used_again(void **state)
{
    struct secret secret;
    const unsigned char *first;
    size_t at;

    (void)state;
    assert_int_equal(secret_new(32, &secret), CKR_OK);
    first = secret.data;
    for (at = 0; at < 1000; at++) {
        secret_free(&secret);
        assert_int_equal(secret_new(32, &secret), CKR_OK);
    }
    assert_ptr_equal(secret.data, first);
    secret_free(&secret);
}

static void test_grows_beyond_one_arena(void **state)
{
    enum { MANY = 5000 };
    static struct secret secrets[MANY];
    size_t at;

    (void)state;
    for (at = 0; at < MANY; at++) {
        assert_int_equal(secret_new(at % 3 == 0 ? 512 : 32, &secrets[at]), CKR_OK);
        memcpy(secrets[at].data, &at, sizeof at);
    }
    for (at = 0; at < MANY; at++) {
        assert_memory_equal(secrets[at].data, &at, sizeof at);
        secret_free(&secrets[at]);
    }
}

/* What smaps says of the mapping: locked, left out of dumps, wiped on fork. */
static void flags_of(const void *address, char ret_flags[512])
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    unsigned long from, to;
    bool inside = false;

    assert_non_null(maps);
    ret_flags[0] = '\0';
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            inside = (uintptr_t)address >= from && (uintptr_t)address < to;
        }
        if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            strcpy(ret_flags, line);
        }
    }
    fclose(maps);
}

static void test_pages_are_undumped_and_wiped_on_fork(void **state)
{
    struct secret secret;
    char flags[512];

    (void)state;
    assert_int_equal(secret_new(32, &secret), CKR_OK);
    flags_of(secret.data, flags);
    secret_free(&secret);
    if (flags[0] == '\0') {
        test_skip("the kernel tells no VmFlags");
    }
    assert_text_contains(flags, " dd");
    assert_text_contains(flags, " wf");
}

static void test_pages_are_locked(void **state)
{
    struct secret secret;
    char flags[512];
    bool refused;

    (void)state;
    assert_int_equal(secret_new(5000, &secret), CKR_OK);
    flags_of(secret.data, flags);
    refused = mlock(secret.data, 5000) != 0;
    secret_free(&secret);
    if (refused || flags[0] == '\0' || TEST_SANITIZED != 0) {
        test_skip("memory cannot be locked here, or the kernel tells no VmFlags");
    }
    assert_text_contains(flags, " lo");
}

static int child_finds_nothing(void *arg)
{
    struct secret *parents = arg, own;

    if (!is_zero(parents->data, parents->size)) {
        return 1;
    }
    secret_after_fork();
    if (secret_copy(bytes_of("child", 5), &own) != CKR_OK || own.data == parents->data) {
        return 2;
    }
    secret_free(parents); /* is of no arena of ours */
    if (!bytes_equal_text(secret_bytes(&own), "child")) {
        return 3;
    }
    secret_free(&own);
    return 0;
}

static void test_a_child_starts_empty(void **state)
{
    struct secret secret;

    (void)state;
    assert_int_equal(secret_copy(bytes_of("0123456789abcdef", 16), &secret), CKR_OK);
    assert_int_equal(test_in_child(child_finds_nothing, &secret), 0);
    assert_true(bytes_equal_text(secret_bytes(&secret), "0123456789abcdef"));
    secret_free(&secret);
}

static int child_may_lock_nothing(void *arg)
{
    const struct rlimit none = {0, 0};
    struct secret first, second, large;

    (void)arg;
    secret_after_fork();
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (geteuid() == 0 && setuid(65534) != 0)) {
        return 1;
    }
    return secret_new(32, &first) != CKR_OK || secret_new(32, &second) != CKR_OK ||
           secret_new(100000, &large) != CKR_OK;
}

static void test_a_refused_lock_is_one_warning(void **state)
{
    (void)state;
    if (TEST_SANITIZED != 0) {
        test_skip("the sanitizer's mlock is never refused");
    }
    test_write("log", "", 0666);
    assert_int_equal(chmod(test_directory, 0755), 0);
    assert_int_equal(test_in_child(child_may_lock_nothing, NULL), 0);
    assert_logged("RLIMIT_MEMLOCK");
}

static void *make_and_free(void *arg)
{
    struct secret held[16] = {SECRET_INIT};
    unsigned char mine = (unsigned char)(uintptr_t)arg;
    size_t round, wrong = 0;

    for (round = 0; round < 3000; round++) {
        struct secret *secret = &held[round % 16];

        if (secret->data != NULL) {
            wrong += secret->data[0] != mine || secret->data[secret->size - 1] != mine;
            secret_free(secret);
        }
        wrong += secret_new(1 + round * 7 % 5000, secret) != CKR_OK;
        wrong += !is_zero(secret->data, secret->size);
        memset(secret->data, mine, secret->size);
    }
    for (round = 0; round < 16; round++) {
        secret_free(&held[round]);
    }
    return (void *)wrong;
}

static void test_threads_do_not_meet(void **state)
{
    pthread_t threads[4];
    size_t at;

    (void)state;
    for (at = 0; at < 4; at++) {
        assert_int_equal(pthread_create(&threads[at], NULL, make_and_free, (void *)(at + 1)), 0);
    }
    for (at = 0; at < 4; at++) {
        void *wrong;

        assert_int_equal(pthread_join(threads[at], &wrong), 0);
        assert_null(wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_is_zero_in_every_size),
        cmocka_unit_test(test_too_large_is_refused),
        cmocka_unit_test(test_copy_has_the_bytes),
        cmocka_unit_test(test_free_of_nothing),
        cmocka_unit_test(test_free_wipes),
        cmocka_unit_test(test_free_after_shorten_wipes_the_whole),
        cmocka_unit_test(test_a_shortened_large_one_goes_as_a_whole),
        cmocka_unit_test(test_blocks_are_used_again),
        cmocka_unit_test(test_grows_beyond_one_arena),
        cmocka_unit_test(test_pages_are_undumped_and_wiped_on_fork),
        cmocka_unit_test(test_pages_are_locked),
        cmocka_unit_test(test_a_child_starts_empty),
        cmocka_unit_test(test_a_refused_lock_is_one_warning),
        cmocka_unit_test(test_threads_do_not_meet),
    };

    return cmocka_run_group_tests(tests, test_begin, test_end);
}
