/* Signatures and hashes by OpenSSL in our own context. */
#include "backends/base/ec.h"
#include "backends/base/libcrypto.h"
#include "backends/base/rsa.h"
#include "backends/base/scope.h"
#include "backends/base/signature.h"
#include "tests/backends/base/base_test.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <pthread.h>

static EVP_PKEY *rsa, *ec[EC_CURVES];
static unsigned char digest[LONGEST_HASH] = "a digest, of whatever length is wanted";

static int make_keys(void **state)
{
    static const char *const names[EC_CURVES] = {"P-256", "P-384", "P-521"};

    rsa = EVP_RSA_gen(2048);
    for (int curve = 0; curve < EC_CURVES; curve++) {
        ec[curve] = EVP_EC_gen(names[curve]);
    }
    return test_begin(state);
}

static int free_keys(void **state)
{
    EVP_PKEY_free(rsa);
    for (int curve = 0; curve < EC_CURVES; curve++) {
        EVP_PKEY_free(ec[curve]);
    }
    return test_end(state);
}

static struct bytes of(size_t size)
{
    return bytes_of(digest, size);
}

/* A signature of the first `size` bytes is good, and one of others is not. */
static void check_round_trip(EVP_PKEY *key, struct signature_way how, size_t size, size_t expected)
{
    struct buffer made SCOPED(buffer_free) = BUFFER_INIT(512);

    assert_int_equal(signature_make(key, how, of(size), &made), CKR_OK);
    assert_int_equal(made.size, expected);
    assert_int_equal(signature_size(key), expected);
    assert_int_equal(signature_check(key, how, of(size), buffer_bytes(&made)), CKR_OK);
    digest[0] ^= 1;
    assert_int_equal(signature_check(key, how, of(size), buffer_bytes(&made)), CKR_SIGNATURE_INVALID);
    digest[0] ^= 1;
    made.data[made.size - 1] ^= 1;
    assert_int_equal(signature_check(key, how, of(size), buffer_bytes(&made)), CKR_SIGNATURE_INVALID);
    assert_int_equal(signature_check(key, how, of(size), bytes_of(made.data, made.size - 1)),
                     CKR_SIGNATURE_LEN_RANGE);
    assert_int_equal(ERR_peek_error(), 0); /* the host's queue is as it was */
}

static void test_rsa_signs_and_checks(void **state)
{
    (void)state;
    for (enum hash hash = HASH_SHA256; hash <= HASH_SHA512; hash++) {
        check_round_trip(rsa, (struct signature_way){SIGNATURE_PKCS1, hash}, hash_size(hash), 256);
        check_round_trip(rsa, (struct signature_way){SIGNATURE_PSS, hash}, hash_size(hash), 256);
    }
    check_round_trip(rsa, (struct signature_way){SIGNATURE_PKCS1, HASH_NONE}, 51, 256);
}

static void test_ecdsa_signs_and_checks(void **state)
{
    static const size_t sizes[] = {1, 20, 32, 48, 64};

    (void)state;
    for (enum ec_curve curve = EC_P256; curve < EC_CURVES; curve++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            check_round_trip(ec[curve], (struct signature_way){SIGNATURE_ECDSA, HASH_NONE}, sizes[i],
                             2 * ec_curve_size(curve));
        }
    }
}

/* One in 128 signatures has a number that is shorter than a coordinate. */
static void test_short_numbers_keep_their_zeros(void **state)
{
    const struct signature_way how = {SIGNATURE_ECDSA, HASH_NONE};
    struct buffer made SCOPED(buffer_free) = BUFFER_INIT(512);
    int seen = 0;

    (void)state;
    for (int i = 0; i < 5000 && seen < 2; i++) {
        assert_int_equal(signature_make(ec[EC_P256], how, of(32), &made), CKR_OK);
        assert_int_equal(made.size, 64);
        if (made.data[0] == 0 || made.data[32] == 0) {
            assert_int_equal(signature_check(ec[EC_P256], how, of(32), buffer_bytes(&made)), CKR_OK);
            seen++;
        }
    }
    assert_int_equal(seen, 2);
}

static void test_a_key_of_another_kind_signs_nothing(void **state)
{
    struct buffer made SCOPED(buffer_free) = BUFFER_INIT(512);

    (void)state;
    assert_int_equal(
        signature_make(ec[EC_P256], (struct signature_way){SIGNATURE_PSS, HASH_SHA256}, of(32), &made),
        CKR_FUNCTION_FAILED);
    assert_int_equal(signature_make(rsa, (struct signature_way){SIGNATURE_PSS, HASH_SHA256}, of(31), &made),
                     CKR_FUNCTION_FAILED);
    assert_int_equal(made.size, 0);
    assert_int_equal(ERR_peek_error(), 0);
}

static struct rsa_public *public_half(void)
{
    BIGNUM *n = NULL;
    unsigned char modulus[256], exponent[] = {1, 0, 1};
    struct rsa_public *key = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(rsa, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    BN_bn2binpad(n, modulus, sizeof modulus);
    BN_free(n);
    assert_int_equal(rsa_public_new(bytes_of(modulus, 256), bytes_of(exponent, 3), &key), CKR_OK);
    return key;
}

static void test_a_public_key_of_numbers_verifies(void **state)
{
    struct buffer made SCOPED(buffer_free) = BUFFER_INIT(512);
    struct rsa_public *key = public_half();

    (void)state;
    for (enum hash hash = HASH_SHA256; hash <= HASH_SHA512; hash++) {
        const struct signature_way pkcs1 = {SIGNATURE_PKCS1, hash}, pss = {SIGNATURE_PSS, hash};

        assert_int_equal(signature_make(rsa, pkcs1, of(hash_size(hash)), &made), CKR_OK);
        for (int i = 0; i < 2; i++) { /* the second time with the context that is ready */
            assert_int_equal(rsa_verify(key, pkcs1, of(hash_size(hash)), buffer_bytes(&made)), CKR_OK);
            assert_int_equal(rsa_verify(key, pss, of(hash_size(hash)), buffer_bytes(&made)),
                             CKR_SIGNATURE_INVALID);
        }
        assert_int_equal(rsa_verify(key, pkcs1, of(hash_size(hash)), bytes_of(made.data, 255)),
                         CKR_SIGNATURE_LEN_RANGE);
    }
    rsa_public_free(key);
}

struct shared {
    const struct rsa_public *key;
    struct bytes signature;
};

/* NULL where all went well. */
static void *verify_often(void *arg)
{
    const struct shared *shared = arg;
    const struct signature_way how = {SIGNATURE_PSS, HASH_SHA256};
    CK_RV rv = CKR_OK;

    for (int i = 0; rv == CKR_OK && i < 100; i++) {
        rv = rsa_verify(shared->key, how, of(32), shared->signature);
    }
    return rv == CKR_OK ? NULL : arg;
}

static void test_many_threads_verify_with_one_key(void **state)
{
    struct buffer made SCOPED(buffer_free) = BUFFER_INIT(512);
    struct rsa_public *key = public_half();
    pthread_t threads[8];
    void *result;

    (void)state;
    assert_int_equal(signature_make(rsa, (struct signature_way){SIGNATURE_PSS, HASH_SHA256}, of(32), &made),
                     CKR_OK);
    struct shared shared = {key, buffer_bytes(&made)};

    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, verify_often, &shared), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    rsa_public_free(key);
}

static void test_a_context_hashes_again(void **state)
{
    static const unsigned char abc[] = {0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
                                        0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d};
    unsigned char made[LONGEST_HASH], whole[32];
    EVP_MD_CTX *context = NULL;

    (void)state;
    assert_int_equal(hash_begin(&context, HASH_SHA512), CKR_OK);
    assert_int_equal(hash_add(context, of(64)), CKR_OK); /* left there */
    assert_int_equal(hash_begin(&context, HASH_SHA1), CKR_OK);
    assert_int_equal(hash_add(context, bytes_of("ab", 2)), CKR_OK);
    assert_int_equal(hash_add(context, bytes_of(NULL, 0)), CKR_OK);
    assert_int_equal(hash_add(context, bytes_of("c", 1)), CKR_OK);
    assert_int_equal(hash_end(context, made), CKR_OK);
    assert_memory_equal(made, abc, hash_size(HASH_SHA1));
    assert_int_equal(hash_begin(&context, HASH_SHA256), CKR_OK);
    assert_int_equal(hash_add(context, of(64)), CKR_OK);
    assert_int_equal(hash_end(context, made), CKR_OK);
    assert_int_equal(libcrypto_sha256(of(64), whole), CKR_OK);
    assert_memory_equal(made, whole, 32);
    assert_int_equal(hash_begin(&context, HASH_NONE), CKR_FUNCTION_FAILED);
    EVP_MD_CTX_free(context);
}

static void test_hashes_are_libcryptos(void **state)
{
    (void)state;
    for (enum hash hash = HASH_SHA1; hash < HASHES; hash++) {
        const EVP_MD *function = libcrypto_hash(hash);

        assert_non_null(function);
        assert_int_equal(EVP_MD_get_size(function), hash_size(hash));
        assert_true(EVP_MD_is_a(function, hash_word(hash)));
        assert_ptr_equal(function, libcrypto_hash(hash)); /* fetched once */
    }
    assert_null(libcrypto_hash(HASH_NONE));
    assert_int_equal(hash_size(HASH_NONE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rsa_signs_and_checks),
        cmocka_unit_test(test_ecdsa_signs_and_checks),
        cmocka_unit_test(test_short_numbers_keep_their_zeros),
        cmocka_unit_test(test_a_key_of_another_kind_signs_nothing),
        cmocka_unit_test(test_a_public_key_of_numbers_verifies),
        cmocka_unit_test(test_many_threads_verify_with_one_key),
        cmocka_unit_test(test_a_context_hashes_again),
        cmocka_unit_test(test_hashes_are_libcryptos),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
