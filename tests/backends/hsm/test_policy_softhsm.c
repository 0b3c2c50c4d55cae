/* The policy above SoftHSM: real keys of both sizes, composed mechanisms, many threads. */
#include "tests/backends/hsm/softhsm_bench.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 60, BLOB_ROOM = 1024, DEK_SIZE = 32 };

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static struct {
    CK_ULONG aes_bits;
    CK_RSA_PKCS_OAEP_PARAMS *oaep;
} halves = {256, &sha1};
static CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &sha1, sizeof sha1};
static CK_MECHANISM rsa_aes = {CKM_RSA_AES_KEY_WRAP, &halves, sizeof halves};
static CK_MECHANISM pkcs1 = {CKM_RSA_PKCS, NULL, 0};
static struct token_session *session;

static void open_with(const char *options)
{
    session = softhsm_open(options);
}

static int tear_down(void **state)
{
    bench_close_session(session);
    return softhsm_tear_down(state);
}

/* The pair in the token has 2048 bits. */
static CK_OBJECT_HANDLE kek(CK_OBJECT_CLASS class)
{
    return bench_kek(session, class);
}

static CK_OBJECT_HANDLE new_dek(void)
{
    CK_ULONG size = DEK_SIZE;
    CK_MECHANISM generation = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE template[] = {{CKA_VALUE_LEN, &size, sizeof size},
                               {CKA_TOKEN, &no, 1},
                               {CKA_EXTRACTABLE, &yes, 1},
                               {CKA_SENSITIVE, &no, 1}};
    CK_OBJECT_HANDLE key = 0;

    assert_rv(session->ops->generate_key(session, &generation, template, 4, &key), CKR_OK);
    return key;
}

static void new_pair(struct token_session *in, CK_ULONG bits, CK_OBJECT_HANDLE *ret_public,
                     CK_OBJECT_HANDLE *ret_private)
{
    CK_MECHANISM generation = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_BYTE exponent[] = {1, 0, 1};
    CK_ATTRIBUTE public[] = {{CKA_MODULUS_BITS, &bits, sizeof bits},
                             {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent},
                             {CKA_WRAP, &yes, 1},
                             {CKA_ENCRYPT, &yes, 1}};
    CK_ATTRIBUTE private[] = {{CKA_UNWRAP, &yes, 1}, {CKA_DECRYPT, &yes, 1}, {CKA_SIGN, &yes, 1}};

    assert_rv(in->ops->generate_key_pair(in, &generation, public, 4, private, 3, ret_public, ret_private),
              CKR_OK);
}

static CK_RV wrap(CK_MECHANISM *how, CK_OBJECT_HANDLE with, CK_BYTE *blob, CK_ULONG *size)
{
    *size = BLOB_ROOM;
    return session->ops->wrap_key(session, how, with, new_dek(), blob, size);
}

static CK_RV unwrap(CK_MECHANISM *how, CK_OBJECT_HANDLE with, CK_BYTE *blob, CK_ULONG size)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_OBJECT_HANDLE key;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_TOKEN, &no, 1}};

    return session->ops->unwrap_key(session, how, with, blob, size, template, 3, &key);
}

static void test_the_small_key_protects_and_opens_nothing(void **state)
{
    CK_BYTE blob[BLOB_ROOM];
    CK_ULONG size;

    (void)state;
    open_with("min-rsa-bits = 3072");
    assert_rv(wrap(&oaep, kek(CKO_PUBLIC_KEY), blob, &size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(unwrap(&oaep, kek(CKO_PRIVATE_KEY), blob, 256), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(session->ops->encrypt_init(session, &pkcs1, kek(CKO_PUBLIC_KEY)),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(session->ops->decrypt_init(session, &pkcs1, kek(CKO_PRIVATE_KEY)),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(session->ops->sign_init(session, &pkcs1, kek(CKO_PRIVATE_KEY)), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(wrap(&rsa_aes, kek(CKO_PUBLIC_KEY), blob, &size), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void test_a_key_of_the_least_size_does(void **state)
{
    CK_BYTE blob[BLOB_ROOM];
    CK_ULONG size;

    (void)state;
    open_with("min-rsa-bits = 2048");
    assert_rv(wrap(&oaep, kek(CKO_PUBLIC_KEY), blob, &size), CKR_OK);
    assert_rv(unwrap(&oaep, kek(CKO_PRIVATE_KEY), blob, size), CKR_OK);
    assert_rv(unwrap(&oaep, kek(CKO_PRIVATE_KEY), blob, size), CKR_OK);
}

static void test_a_large_pair_of_the_session_does(void **state)
{
    CK_BYTE blob[BLOB_ROOM];
    CK_OBJECT_HANDLE public, private;
    CK_ULONG size;

    (void)state;
    open_with("min-rsa-bits = 3072");
    new_pair(session, 3072, &public, &private);
    assert_rv(wrap(&oaep, public, blob, &size), CKR_OK);
    assert_int_equal(size, 3072 / 8);
    assert_rv(unwrap(&oaep, private, blob, size), CKR_OK);
}

static void test_a_composed_mechanism_uses_parts_that_are_not_listed(void **state)
{
    CK_BYTE blob[BLOB_ROOM];
    CK_ULONG size;

    (void)state;
    open_with("mechanisms = {\"CKM_RSA_AES_KEY_WRAP\", \"CKM_AES_KEY_GEN\"}");
    assert_rv(wrap(&rsa_aes, kek(CKO_PUBLIC_KEY), blob, &size), CKR_OK);
    assert_rv(unwrap(&rsa_aes, kek(CKO_PRIVATE_KEY), blob, size), CKR_OK);
    assert_rv(wrap(&oaep, kek(CKO_PUBLIC_KEY), blob, &size), CKR_MECHANISM_INVALID);
    assert_rv(unwrap(&oaep, kek(CKO_PRIVATE_KEY), blob, 256), CKR_MECHANISM_INVALID);
}

static void test_a_composed_mechanism_can_be_left_out(void **state)
{
    CK_MECHANISM_INFO info;
    CK_MECHANISM_TYPE list[2];
    CK_BYTE blob[BLOB_ROOM];
    CK_ULONG size, count = 2;

    (void)state;
    open_with("mechanisms = {\"CKM_RSA_PKCS_OAEP\", \"CKM_AES_KEY_GEN\"}");
    assert_rv(wrap(&rsa_aes, kek(CKO_PUBLIC_KEY), blob, &size), CKR_MECHANISM_INVALID);
    assert_rv(wrap(&oaep, kek(CKO_PUBLIC_KEY), blob, &size), CKR_OK);
    assert_rv(bench.token[0]->ops->get_mechanism_info(bench.token[0], CKM_RSA_AES_KEY_WRAP, &info),
              CKR_MECHANISM_INVALID);
    assert_rv(bench.token[0]->ops->get_mechanism_list(bench.token[0], list, &count), CKR_OK);
    assert_int_equal(count, 2);
}

static atomic_uint wrong;

/* Small pairs come and go, and their handles are nobody's afterwards. */
static void *come_and_go(void *unused)
{
    struct token_session *own = bench_session(bench.token[0]);
    CK_OBJECT_HANDLE public, private;

    (void)unused;
    for (int i = 0; i < ROUNDS / 10; i++) {
        new_pair(own, 1024, &public, &private);
        wrong += own->ops->encrypt_init(own, &pkcs1, public) != CKR_KEY_FUNCTION_NOT_PERMITTED;
        wrong += own->ops->destroy_object(own, public) != CKR_OK;
        wrong += own->ops->encrypt_init(own, &pkcs1, public) != CKR_KEY_HANDLE_INVALID;
        wrong += own->ops->destroy_object(own, private) != CKR_OK;
    }
    bench_close_session(own);
    return NULL;
}

static void *use_the_large(void *handle)
{
    struct token_session *own = bench_session(bench.token[0]);
    CK_BYTE out[BLOB_ROOM], in[] = "data";

    for (int i = 0; i < ROUNDS; i++) {
        CK_ULONG size = sizeof out;

        wrong += own->ops->encrypt_init(own, &pkcs1, *(CK_OBJECT_HANDLE *)handle) != CKR_OK;
        wrong += own->ops->encrypt(own, in, sizeof in, out, &size) != CKR_OK;
    }
    bench_close_session(own);
    return NULL;
}

static void test_many_threads(void **state)
{
    pthread_t threads[2 * THREADS];
    CK_OBJECT_HANDLE large;

    (void)state;
    open_with("min-rsa-bits = 2048");
    large = kek(CKO_PUBLIC_KEY);
    for (int i = 0; i < 2 * THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, i % 2 == 0 ? come_and_go : use_the_large, &large),
                         0);
    }
    for (int i = 0; i < 2 * THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, softhsm_set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_small_key_protects_and_opens_nothing),
        TEST(test_a_key_of_the_least_size_does),
        TEST(test_a_large_pair_of_the_session_does),
        TEST(test_a_composed_mechanism_uses_parts_that_are_not_listed),
        TEST(test_a_composed_mechanism_can_be_left_out),
        TEST(test_many_threads),
    };

    return cmocka_run_group_tests(tests, softhsm_make, softhsm_remove);
}
