#include "backends/base/libcrypto.h"
#include "tests/backends/base/base_test.h"
#include <openssl/provider.h>
#include <pthread.h>

enum { THREADS = 8 };

static pthread_barrier_t barrier;

static void *get_context(void *arg)
{
    (void)arg;
    pthread_barrier_wait(&barrier);
    return libcrypto_context();
}

/* First of all: nobody has made it yet. */
static void test_threads_get_one_context(void **state)
{
    pthread_t threads[THREADS];
    void *contexts[THREADS];
    size_t at;

    (void)state;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (at = 0; at < THREADS; at++) {
        assert_int_equal(pthread_create(&threads[at], NULL, get_context, NULL), 0);
    }
    for (at = 0; at < THREADS; at++) {
        assert_int_equal(pthread_join(threads[at], &contexts[at]), 0);
        assert_non_null(contexts[at]);
        assert_ptr_equal(contexts[at], contexts[0]);
    }
    pthread_barrier_destroy(&barrier);
    assert_ptr_equal(libcrypto_context(), contexts[0]);
}

static void test_the_context_is_our_own(void **state)
{
    OSSL_LIB_CTX *hosts = OSSL_LIB_CTX_set0_default(NULL);

    (void)state;
    assert_ptr_not_equal(libcrypto_context(), hosts);
    assert_int_equal(OSSL_PROVIDER_available(libcrypto_context(), "default"), 1);
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), hosts);
}

static void test_enter_and_leave(void **state)
{
    OSSL_LIB_CTX *hosts = OSSL_LIB_CTX_set0_default(NULL), *before = NULL, *inner = NULL;

    (void)state;
    assert_int_equal(libcrypto_enter(&before), CKR_OK);
    assert_ptr_equal(before, hosts);
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), libcrypto_context());
    assert_int_equal(libcrypto_enter(&inner), CKR_OK);
    assert_ptr_equal(inner, libcrypto_context());
    libcrypto_leave(inner);
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), libcrypto_context());
    libcrypto_leave(before);
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), hosts);
}

static void test_sha256(void **state)
{
    /* FIPS 180-2, B.1 */
    static const unsigned char expected[32] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
        0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    unsigned char digest[32], empty[32];

    (void)state;
    assert_int_equal(libcrypto_sha256(bytes_of("abc", 3), digest), CKR_OK);
    assert_memory_equal(digest, expected, 32);
    assert_int_equal(libcrypto_sha256(bytes_of(NULL, 0), empty), CKR_OK);
    assert_memory_not_equal(empty, expected, 32);
}

static void test_random_differs(void **state)
{
    unsigned char first[32] = {0}, second[32] = {0};

    (void)state;
    assert_int_equal(libcrypto_random(first, sizeof first), CKR_OK);
    assert_int_equal(libcrypto_random(second, sizeof second), CKR_OK);
    assert_memory_not_equal(first, second, sizeof first);
    assert_int_equal(libcrypto_random(first, 0), CKR_OK);
}

static int child_has_its_own(void *arg)
{
    unsigned char digest[32];

    libcrypto_after_fork();
    if (libcrypto_context() == arg || libcrypto_context() == NULL) {
        return 1;
    }
    return libcrypto_sha256(bytes_of("abc", 3), digest) != CKR_OK;
}

static void test_a_child_has_its_own_context(void **state)
{
    (void)state;
    assert_int_equal(test_in_child(child_has_its_own, libcrypto_context()), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_get_one_context),
        cmocka_unit_test(test_the_context_is_our_own),
        cmocka_unit_test(test_enter_and_leave),
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_random_differs),
        cmocka_unit_test(test_a_child_has_its_own_context),
    };

    return cmocka_run_group_tests(tests, test_begin, test_end);
}
