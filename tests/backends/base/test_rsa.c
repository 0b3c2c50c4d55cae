#include "backends/base/libcrypto.h"
#include "tests/backends/base/rsa_test.h"
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>

static EVP_PKEY *private_key; /* 2048 bits, made in set_up */
static struct rsa_public *public_key;

static int make_keys(void **state)
{
    unsigned char n[256], e[3];

    test_begin(state);
    private_key = EVP_RSA_gen(2048);
    assert_non_null(private_key);
    assert_int_equal(rsa_public_new(number_of(private_key, "n", n, sizeof n),
                                    number_of(private_key, "e", e, sizeof e), &public_key),
                     CKR_OK);
    return 0;
}

static int free_keys(void **state)
{
    rsa_public_free(public_key);
    EVP_PKEY_free(private_key);
    return test_end(state);
}

static void test_openssl_opens_what_was_sealed(void **state)
{
    unsigned char plain[256] = {1, 2, 3};
    int padding;

    (void)state;
    for (padding = RSA_PADDING_OAEP_SHA1; padding <= RSA_PADDING_PKCS1; padding++) {
        size_t sizes[] = {0, 1, 16, 32, expected[padding].longest}, at;

        for (at = 0; at < sizeof sizes / sizeof sizes[0]; at++) {
            assert_round_trip(private_key, public_key, (enum rsa_padding)padding, bytes_of(plain, sizes[at]));
        }
        assert_round_trip(private_key, public_key, (enum rsa_padding)padding, bytes_of(NULL, 0));
    }
}

static void test_one_padding_does_not_open_another(void **state)
{
    struct buffer blob = BUFFER_INIT(256);
    unsigned char back[2048];

    (void)state;
    assert_int_equal(rsa_encrypt(public_key, RSA_PADDING_OAEP_SHA1, bytes_of("key", 3), &blob), CKR_OK);
    assert_int_equal(decrypt(private_key, RSA_PADDING_OAEP_SHA256, buffer_bytes(&blob), back), -1);
    buffer_free(&blob);
}

static void test_too_long_a_plaintext(void **state)
{
    unsigned char plain[256] = {0};
    struct buffer blob = BUFFER_INIT(512);
    int padding;

    (void)state;
    for (padding = RSA_PADDING_OAEP_SHA1; padding <= RSA_PADDING_PKCS1; padding++) {
        assert_int_equal(rsa_longest_plaintext(2048, (enum rsa_padding)padding), expected[padding].longest);
        assert_int_equal(rsa_encrypt(public_key, (enum rsa_padding)padding,
                                     bytes_of(plain, expected[padding].longest + 1), &blob),
                         CKR_DATA_LEN_RANGE);
        assert_int_equal(blob.size, 0);
    }
    assert_int_equal(rsa_longest_plaintext(512, RSA_PADDING_OAEP_SHA256), 0);
    buffer_free(&blob);
}

static void test_appends_within_the_limit(void **state)
{
    struct buffer blob = BUFFER_INIT(260), small = BUFFER_INIT(255);

    (void)state;
    assert_int_equal(buffer_append_text(&blob, "with"), CKR_OK);
    assert_int_equal(rsa_encrypt(public_key, RSA_PADDING_PKCS1, bytes_of("key", 3), &blob), CKR_OK);
    assert_int_equal(blob.size, 260);
    assert_memory_equal(blob.data, "with", 4);
    assert_int_equal(rsa_encrypt(public_key, RSA_PADDING_PKCS1, bytes_of("key", 3), &small),
                     CKR_DATA_LEN_RANGE);
    buffer_free(&blob);
    buffer_free(&small);
}

static void test_numbers_are_minimal(void **state)
{
    unsigned char n[260] = {0}, e[8] = {0};
    struct rsa_public *key SCOPED(rsa_public_free_scoped) = NULL;
    struct bytes modulus = number_of(private_key, "n", n, sizeof n);

    (void)state;
    assert_int_equal(rsa_public_new(modulus, number_of(private_key, "e", e, sizeof e), &key), CKR_OK);
    assert_int_equal(rsa_public_bits(key), 2048);
    assert_int_equal(rsa_public_modulus(key).size, 256);
    assert_memory_equal(rsa_public_modulus(key).data, n + 4, 256);
    assert_true(bytes_equal(rsa_public_exponent(key), bytes_of("\1\0\1", 3)));
}

static void test_info_is_the_same_key(void **state)
{
    struct bytes info = rsa_public_info(public_key);
    const unsigned char *at = info.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)info.size);

    (void)state;
    assert_non_null(key);
    assert_ptr_equal(at, info.data + info.size);
    assert_int_equal(EVP_PKEY_eq(key, private_key), 1);
    EVP_PKEY_free(key);
}

/* Read and written again by OpenSSL it is the same, and the numbers stand where they are said to. */
static void check_info(size_t n_size, unsigned char highest, size_t e_size)
{
    unsigned char n[2048], e[8];
    struct rsa_public *key SCOPED(rsa_public_free_scoped) = NULL;
    EVP_PKEY *read SCOPED(EVP_PKEY_free_scoped) = NULL;
    unsigned char *written = NULL;
    const unsigned char *at;
    struct bytes info;

    memset(n, 0xa5, sizeof n);
    memset(e, 0x8f, sizeof e);
    n[0] = highest;
    assert_int_equal(rsa_public_new(bytes_of(n, n_size), bytes_of(e, e_size), &key), CKR_OK);
    info = rsa_public_info(key);
    at = info.data;
    read = d2i_PUBKEY(NULL, &at, (long)info.size);
    assert_non_null(read);
    assert_ptr_equal(at, info.data + info.size);
    assert_int_equal(i2d_PUBKEY(read, &written), (int)info.size);
    assert_memory_equal(written, info.data, info.size);
    OPENSSL_free(written);
    assert_true(bytes_equal(rsa_public_modulus(key), bytes_of(n, n_size)));
    assert_true(bytes_equal(rsa_public_exponent(key), bytes_of(e, e_size)));
}

static void test_info_of_any_size(void **state)
{
    static const size_t sizes[] = {64,  96,  97,  100, 120, 127, 128, 129, 200,
                                   229, 230, 255, 256, 257, 384, 512, 2048};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t e_size = 1; e_size <= 8; e_size++) {
            check_info(sizes[i], 0xff, e_size);
            check_info(sizes[i], 0x80, e_size);
        }
    }
    check_info(65, 0x01, 3);
    check_info(257, 0x7f, 3);
}

static void assert_refused(const void *n, size_t n_size, const void *e, size_t e_size)
{
    struct rsa_public *key = NULL;

    assert_int_equal(rsa_public_new(bytes_of(n, n_size), bytes_of(e, e_size), &key), CKR_DATA_INVALID);
    assert_null(key);
}

static void test_hostile_numbers_are_refused(void **state)
{
    static unsigned char huge[2049];
    unsigned char n[256], even[256];

    (void)state;
    memcpy(n, rsa_public_modulus(public_key).data, 256);
    memcpy(even, n, 256);
    even[255] &= 0xfe;
    memset(huge, 0xff, sizeof huge);
    assert_refused(NULL, 0, "\1\0\1", 3);
    assert_refused("\0", 1, "\1\0\1", 3);
    assert_refused("\1", 1, "\1\0\1", 3);
    assert_refused(n + 200, 56, "\1\0\1", 3); /* fewer than 512 bits */
    assert_refused(even, 256, "\1\0\1", 3);
    assert_refused(huge, 2049, "\1\0\1", 3);
    assert_refused(n, 256, NULL, 0);
    assert_refused(n, 256, "\0\0", 2);
    assert_refused(n, 256, "\1", 1);
    assert_refused(n, 256, "\2", 1);
    assert_refused(n, 256, "\1\0\0", 3);
    assert_refused(n, 256, "\1\0\0\0\0\0\0\0\1", 9);
}

static void test_numbers_at_the_bounds_are_accepted(void **state)
{
    static unsigned char n[2048];
    struct rsa_public *key = NULL;

    (void)state;
    memset(n, 0xff, sizeof n);
    assert_int_equal(rsa_public_new(bytes_of(n, 2048), bytes_of("\3", 1), &key), CKR_OK);
    assert_int_equal(rsa_public_bits(key), 16384);
    rsa_public_free(key);
    assert_int_equal(rsa_public_new(bytes_of(n, 64), bytes_of("\1\0\0\0\0\0\0\1", 8), &key), CKR_OK);
    assert_int_equal(rsa_public_bits(key), 512);
    rsa_public_free(key);
    rsa_public_free(NULL);
}

/* Its blocks have no room for OAEP with SHA-256. */
static void test_a_key_too_small_for_its_padding(void **state)
{
    unsigned char n[64];
    struct rsa_public *key SCOPED(rsa_public_free_scoped) = NULL;
    struct buffer blob = BUFFER_INIT(64);

    (void)state;
    memset(n, 0xff, sizeof n);
    assert_int_equal(rsa_public_new(bytes_of(n, 64), bytes_of("\3", 1), &key), CKR_OK);
    assert_int_equal(rsa_encrypt(key, RSA_PADDING_OAEP_SHA256, bytes_of(NULL, 0), &blob), CKR_DATA_LEN_RANGE);
    assert_int_equal(rsa_encrypt(key, RSA_PADDING_OAEP_SHA1, bytes_of("x", 1), &blob), CKR_OK);
    buffer_free(&blob);
}

/* --- PEM --- */

static void pem_of(EVP_PKEY *key, bool certificate, struct buffer *ret_pem)
{
    BIO *to = BIO_new(BIO_s_mem());
    char *data = NULL;
    size_t size;

    if (certificate) {
        X509 *x509 = X509_new();

        assert_int_equal(X509_set_pubkey(x509, key), 1);
        ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
        X509_gmtime_adj(X509_getm_notBefore(x509), 0);
        X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
        assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
        assert_int_equal(PEM_write_bio_X509(to, x509), 1);
        X509_free(x509);
    } else {
        assert_int_equal(PEM_write_bio_PUBKEY(to, key), 1);
    }
    size = (size_t)BIO_get_mem_data(to, &data);
    assert_int_equal(buffer_append(ret_pem, data, size), CKR_OK);
    BIO_free(to);
}

static void assert_pem(EVP_PKEY *from, bool certificate, CK_RV wanted)
{
    struct rsa_public *key SCOPED(rsa_public_free_scoped) = NULL;
    struct buffer pem SCOPED(buffer_free) = BUFFER_INIT(16384);

    pem_of(from, certificate, &pem);
    assert_int_equal(rsa_public_from_pem(buffer_bytes(&pem), &key), wanted);
    if (wanted == CKR_OK) {
        assert_true(bytes_equal(rsa_public_info(key), rsa_public_info(public_key)));
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void test_from_public_key_pem(void **state)
{
    (void)state;
    assert_pem(private_key, false, CKR_OK);
}

static void test_from_certificate_pem(void **state)
{
    (void)state;
    assert_pem(private_key, true, CKR_OK);
}

static void test_a_pem_of_another_kind_of_key(void **state)
{
    EVP_PKEY *ec SCOPED(EVP_PKEY_free_scoped) = EVP_EC_gen("P-256");

    (void)state;
    assert_pem(ec, false, CKR_DATA_INVALID);
    assert_pem(ec, true, CKR_DATA_INVALID);
}

static void test_what_is_no_pem(void **state)
{
    static const char encrypted[] =
        "-----BEGIN RSA PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
        "00112233445566778899AABBCCDDEEFF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n-----END RSA PUBLIC KEY-----\n";
    static const char *const wrong[] = {"", "x", "-----BEGIN PUBLIC KEY-----\n",
                                        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
                                        encrypted};
    struct rsa_public *key = NULL;
    size_t at;

    (void)state;
    for (at = 0; at < sizeof wrong / sizeof wrong[0]; at++) {
        assert_int_equal(rsa_public_from_pem(bytes_of_text(wrong[at]), &key), CKR_DATA_INVALID);
        assert_null(key);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

/* --- Threads: one key, its contexts not made yet. --- */

static void *encrypt_often(void *arg)
{
    size_t at, wrong = 0;

    for (at = 0; at < 200; at++) {
        struct buffer blob = BUFFER_INIT(256);

        wrong += rsa_encrypt(arg, (enum rsa_padding)(at % 3), bytes_of("key", 3), &blob) != CKR_OK;
        buffer_free(&blob);
    }
    return (void *)wrong;
}

static void test_threads_share_a_key(void **state)
{
    struct rsa_public *key SCOPED(rsa_public_free_scoped) = NULL;
    pthread_t threads[4];
    size_t at;

    (void)state;
    assert_int_equal(rsa_public_new(rsa_public_modulus(public_key), rsa_public_exponent(public_key), &key),
                     CKR_OK);
    for (at = 0; at < 4; at++) {
        assert_int_equal(pthread_create(&threads[at], NULL, encrypt_often, key), 0);
    }
    for (at = 0; at < 4; at++) {
        void *wrong;

        assert_int_equal(pthread_join(threads[at], &wrong), 0);
        assert_null(wrong);
    }
}

/* --- Exit: some hosts let go of us after OpenSSL has cleaned up. --- */

static int child_after_cleanup(void *arg)
{
    struct buffer blob = BUFFER_INIT(256);
    struct rsa_public *key = NULL;
    unsigned char random[32];
    OSSL_LIB_CTX *before;
    bool fine =
        libcrypto_usable() && rsa_encrypt(arg, RSA_PADDING_PKCS1, bytes_of("key", 3), &blob) == CKR_OK;

    OPENSSL_cleanup();
    fine = fine && !libcrypto_usable() && libcrypto_context() == NULL && libcrypto_enter(&before) != CKR_OK &&
           libcrypto_sha256(bytes_of("abc", 3), random) != CKR_OK && libcrypto_random(random, 32) != CKR_OK;
    buffer_clear(&blob);
    fine = fine && rsa_encrypt(arg, RSA_PADDING_PKCS1, bytes_of("key", 3), &blob) != CKR_OK;
    fine = fine && rsa_public_new(rsa_public_modulus(arg), rsa_public_exponent(arg), &key) == CKR_OK &&
           rsa_encrypt(key, RSA_PADDING_PKCS1, bytes_of("key", 3), &blob) != CKR_OK;
    rsa_public_free(key);
    fine = fine && rsa_public_from_pem(bytes_of("x", 1), &key) != CKR_OK;
    rsa_public_free(arg);
    buffer_free(&blob);
    return fine ? 0 : 1;
}

static void test_after_openssl_has_cleaned_up(void **state)
{
    (void)state;
    assert_int_equal(test_in_child(child_after_cleanup, public_key), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_openssl_opens_what_was_sealed),
        cmocka_unit_test(test_one_padding_does_not_open_another),
        cmocka_unit_test(test_too_long_a_plaintext),
        cmocka_unit_test(test_appends_within_the_limit),
        cmocka_unit_test(test_numbers_are_minimal),
        cmocka_unit_test(test_info_of_any_size),
        cmocka_unit_test(test_info_is_the_same_key),
        cmocka_unit_test(test_hostile_numbers_are_refused),
        cmocka_unit_test(test_numbers_at_the_bounds_are_accepted),
        cmocka_unit_test(test_a_key_too_small_for_its_padding),
        cmocka_unit_test(test_from_public_key_pem),
        cmocka_unit_test(test_from_certificate_pem),
        cmocka_unit_test(test_a_pem_of_another_kind_of_key),
        cmocka_unit_test(test_what_is_no_pem),
        cmocka_unit_test(test_threads_share_a_key),
        cmocka_unit_test(test_after_openssl_has_cleaned_up),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
