/*
 * Mechanisms that SoftHSM lacks and the HSM token makes of its others. What they wrap is opened by OpenSSL alone,
 * with the test's own RSA key, and what OpenSSL wraps is opened by them.
 */
#include "backends/base/scope.h"
#include "tests/backends/hsm/softhsm_bench.h"
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

enum { RSA_SIZE = 256, BLOB_MOST = 4096, AES_SIZE = 32, GENERIC_SIZE = 24 };

static EVP_PKEY *kek, *other; /* of all tests */
static struct token_session *session;
static CK_OBJECT_HANDLE kek_public, kek_private;

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY, public_class = CKO_PUBLIC_KEY,
                       private_class = CKO_PRIVATE_KEY;
static CK_KEY_TYPE aes_type = CKK_AES, generic_type = CKK_GENERIC_SECRET, rsa_type = CKK_RSA;

static CK_RSA_PKCS_OAEP_PARAMS oaep = {
    .hashAlg = CKM_SHA_1, .mgf = CKG_MGF1_SHA1, .source = CKZ_DATA_SPECIFIED};
static struct rsa_aes_key_wrap_params rsa_aes = {256, &oaep};
static CK_MECHANISM composed = {CKM_RSA_AES_KEY_WRAP, &rsa_aes, sizeof rsa_aes};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* A number of an RSA key, in *to. */
static CK_ATTRIBUTE number(EVP_PKEY *key, CK_ATTRIBUTE_TYPE type, const char *name, CK_BYTE *to)
{
    BIGNUM *value = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &value), 1);
    CK_ULONG size = (CK_ULONG)BN_bn2bin(value, to);

    BN_clear_free(value);
    return (CK_ATTRIBUTE){type, to, size};
}

static CK_OBJECT_HANDLE import_public(EVP_PKEY *key)
{
    CK_BYTE numbers[2][RSA_SIZE];
    CK_OBJECT_HANDLE object = 0;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &public_class, sizeof public_class},
        {CKA_KEY_TYPE, &rsa_type, sizeof rsa_type},
        {CKA_TOKEN, &no, 1},
        {CKA_WRAP, &yes, 1},
        number(key, CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N, numbers[0]),
        number(key, CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E, numbers[1]),
    };

    assert_rv(session->ops->create_object(session, template, COUNT(template), &object), CKR_OK);
    return object;
}

static CK_OBJECT_HANDLE import_private(EVP_PKEY *key)
{
    CK_BYTE numbers[8][RSA_SIZE];
    CK_OBJECT_HANDLE object = 0;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &private_class, sizeof private_class},
        {CKA_KEY_TYPE, &rsa_type, sizeof rsa_type},
        {CKA_TOKEN, &no, 1},
        {CKA_UNWRAP, &yes, 1},
        {CKA_EXTRACTABLE, &yes, 1},
        {CKA_SENSITIVE, &no, 1},
        number(key, CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N, numbers[0]),
        number(key, CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E, numbers[1]),
        number(key, CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D, numbers[2]),
        number(key, CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1, numbers[3]),
        number(key, CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2, numbers[4]),
        number(key, CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1, numbers[5]),
        number(key, CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2, numbers[6]),
        number(key, CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, numbers[7]),
    };

    assert_rv(session->ops->create_object(session, template, COUNT(template), &object), CKR_OK);
    return object;
}

static CK_OBJECT_HANDLE import_secret(CK_KEY_TYPE *type, CK_BYTE *value, CK_ULONG size, CK_BBOOL *extractable)
{
    CK_OBJECT_HANDLE object = 0;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &secret_class, sizeof secret_class},
        {CKA_KEY_TYPE, type, sizeof *type},
        {CKA_TOKEN, &no, 1},
        {CKA_SENSITIVE, &no, 1},
        {CKA_EXTRACTABLE, extractable, 1},
        {CKA_WRAP, &yes, 1},
        {CKA_UNWRAP, &yes, 1},
        {CKA_VALUE, value, size},
    };

    assert_rv(session->ops->create_object(session, template, COUNT(template), &object), CKR_OK);
    return object;
}

static int set_up(void **state)
{
    if (softhsm_set_up(state) != 0) {
        return -1;
    }
    session = softhsm_open(NULL);
    kek_public = import_public(kek);
    kek_private = import_private(kek);
    return 0;
}

static int tear_down(void **state)
{
    bench_close_session(session);
    return softhsm_tear_down(state);
}

/* All secret keys of the token and of this session. */
static CK_ULONG count_secret_keys(void)
{
    CK_OBJECT_HANDLE found[64];
    CK_ATTRIBUTE template = {CKA_CLASS, &secret_class, sizeof secret_class};
    CK_ULONG count = 0;

    assert_rv(session->ops->find_objects_init(session, &template, 1), CKR_OK);
    assert_rv(session->ops->find_objects(session, found, COUNT(found), &count), CKR_OK);
    assert_rv(session->ops->find_objects_final(session), CKR_OK);
    return count;
}

static size_t openssl_oaep(EVP_PKEY *key, bool open, const CK_BYTE *in, size_t size, CK_BYTE *out)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    size_t out_size = RSA_SIZE;
    int done;

    if (open) {
        assert_int_equal(EVP_PKEY_decrypt_init(context), 1);
    } else {
        assert_int_equal(EVP_PKEY_encrypt_init(context), 1);
    }
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING), 1);
    done = open ? EVP_PKEY_decrypt(context, out, &out_size, in, size)
                : EVP_PKEY_encrypt(context, out, &out_size, in, size);
    assert_int_equal(done, 1);
    EVP_PKEY_CTX_free(context);
    return out_size;
}

static size_t openssl_rfc5649(bool open, const CK_BYTE *aes, size_t aes_size, const CK_BYTE *in, size_t size,
                              CK_BYTE *out)
{
    char name[32];
    int out_size = 0;

    snprintf(name, sizeof name, "AES-%zu-WRAP-PAD", aes_size * 8);
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

    assert_non_null(cipher);
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    assert_int_equal(EVP_CipherInit_ex2(context, cipher, aes, NULL, !open, NULL), 1);
    assert_int_equal(EVP_CipherUpdate(context, out, &out_size, in, (int)size), 1);
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(cipher);
    return (size_t)out_size;
}

static size_t openssl_opens(const CK_BYTE *blob, size_t size, size_t aes_size, CK_BYTE *out)
{
    CK_BYTE aes[RSA_SIZE];

    assert_int_equal(openssl_oaep(kek, true, blob, RSA_SIZE, aes), aes_size);
    return openssl_rfc5649(true, aes, aes_size, blob + RSA_SIZE, size - RSA_SIZE, out);
}

static size_t openssl_wraps(const CK_BYTE *key, size_t size, CK_BYTE *out)
{
    CK_BYTE aes[AES_SIZE];

    RAND_bytes(aes, sizeof aes);
    assert_int_equal(openssl_oaep(kek, false, aes, sizeof aes, out), RSA_SIZE);
    return RSA_SIZE + openssl_rfc5649(false, aes, sizeof aes, key, size, out + RSA_SIZE);
}

static CK_ULONG wrap(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE by, CK_OBJECT_HANDLE key, CK_BYTE *blob)
{
    CK_ULONG size = BLOB_MOST;

    assert_rv(session->ops->wrap_key(session, mechanism, by, key, blob, &size), CKR_OK);
    return size;
}

static CK_RV unwrap_secret(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE by, CK_KEY_TYPE *type, CK_BYTE *blob,
                           CK_ULONG size, CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &secret_class, sizeof secret_class},
        {CKA_KEY_TYPE, type, sizeof *type},
        {CKA_TOKEN, &no, 1},
        {CKA_SENSITIVE, &no, 1},
        {CKA_EXTRACTABLE, &yes, 1},
    };

    return session->ops->unwrap_key(session, mechanism, by, blob, size, template, COUNT(template), ret_key);
}

static void assert_value(CK_OBJECT_HANDLE key, const CK_BYTE *value, CK_ULONG size)
{
    CK_BYTE read[BLOB_MOST];
    CK_ATTRIBUTE attribute = {CKA_VALUE, read, sizeof read};

    assert_rv(session->ops->get_attribute_value(session, key, &attribute, 1), CKR_OK);
    assert_int_equal(attribute.ulValueLen, size);
    assert_memory_equal(read, value, size);
}

static void test_aes_key_is_opened_by_openssl(void **state)
{
    CK_BYTE value[AES_SIZE], blob[BLOB_MOST], out[BLOB_MOST];

    (void)state;
    RAND_bytes(value, sizeof value);
    for (CK_ULONG bits = 128; bits <= 256; bits += 64) {
        rsa_aes.aes_bits = bits;
        CK_ULONG size = wrap(&composed, kek_public, import_secret(&aes_type, value, AES_SIZE, &yes), blob);

        assert_int_equal(size, RSA_SIZE + AES_SIZE + 8);
        assert_int_equal(openssl_opens(blob, size, bits / 8, out), AES_SIZE);
        assert_memory_equal(out, value, AES_SIZE);
    }
}

static void test_generic_key_is_opened_by_openssl(void **state)
{
    CK_BYTE value[GENERIC_SIZE], blob[BLOB_MOST], out[BLOB_MOST];

    (void)state;
    RAND_bytes(value, sizeof value);
    CK_OBJECT_HANDLE key = import_secret(&generic_type, value, sizeof value, &yes);
    CK_ULONG size = wrap(&composed, kek_public, key, blob);

    assert_int_equal(openssl_opens(blob, size, AES_SIZE, out), GENERIC_SIZE);
    assert_memory_equal(out, value, GENERIC_SIZE);
}

static void test_rsa_key_is_opened_by_openssl(void **state)
{
    CK_BYTE blob[BLOB_MOST], out[BLOB_MOST];
    const unsigned char *at = out;

    (void)state;
    CK_ULONG size = wrap(&composed, kek_public, import_private(other), blob);
    size_t opened = openssl_opens(blob, size, AES_SIZE, out);
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)opened);

    assert_non_null(key);
    assert_int_equal(EVP_PKEY_eq(key, other), 1);
    EVP_PKEY_free(key);
}

static void check_secret_from_openssl(CK_KEY_TYPE *type, CK_ULONG value_size)
{
    CK_BYTE value[AES_SIZE], blob[BLOB_MOST];
    CK_OBJECT_HANDLE key = 0;

    RAND_bytes(value, sizeof value);
    size_t size = openssl_wraps(value, value_size, blob);

    assert_rv(unwrap_secret(&composed, kek_private, type, blob, size, &key), CKR_OK);
    assert_value(key, value, value_size);
}

static void test_aes_key_of_openssl_is_opened(void **state)
{
    (void)state;
    check_secret_from_openssl(&aes_type, AES_SIZE);
    check_secret_from_openssl(&aes_type, 16);
}

static void test_generic_key_of_openssl_is_opened(void **state)
{
    (void)state;
    check_secret_from_openssl(&generic_type, GENERIC_SIZE);
}

static void test_rsa_key_of_openssl_is_opened(void **state)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(other);
    CK_BYTE blob[BLOB_MOST], modulus[RSA_SIZE], read[RSA_SIZE];
    unsigned char *der = NULL;
    CK_OBJECT_HANDLE key = 0;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &private_class, sizeof private_class},
                               {CKA_KEY_TYPE, &rsa_type, sizeof rsa_type},
                               {CKA_TOKEN, &no, 1}};
    CK_ATTRIBUTE attribute = {CKA_MODULUS, read, sizeof read};

    (void)state;
    int der_size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    size_t size = openssl_wraps(der, (size_t)der_size, blob);

    assert_rv(session->ops->unwrap_key(session, &composed, kek_private, blob, size, template, 3, &key),
              CKR_OK);
    assert_rv(session->ops->get_attribute_value(session, key, &attribute, 1), CKR_OK);
    number(other, CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N, modulus);
    assert_memory_equal(read, modulus, RSA_SIZE);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
}

static void test_size_is_told_before(void **state)
{
    CK_BYTE value[AES_SIZE] = {7}, blob[BLOB_MOST];
    CK_OBJECT_HANDLE key = import_secret(&aes_type, value, sizeof value, &yes);
    CK_ULONG size = 12345, exact;

    (void)state;
    assert_rv(session->ops->wrap_key(session, &composed, kek_public, key, NULL, &size), CKR_OK);
    assert_int_equal(size, RSA_SIZE + AES_SIZE + 8);
    exact = size--;
    assert_rv(session->ops->wrap_key(session, &composed, kek_public, key, blob, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, exact);
    assert_rv(session->ops->wrap_key(session, &composed, kek_public, key, blob, &size), CKR_OK);
    assert_int_equal(size, exact);
    assert_rv(session->ops->wrap_key(session, &composed, kek_public, key, blob, NULL), CKR_ARGUMENTS_BAD);
}

static void test_nothing_temporary_is_left(void **state)
{
    CK_BYTE value[AES_SIZE] = {9}, blob[BLOB_MOST];
    CK_OBJECT_HANDLE key = import_secret(&aes_type, value, sizeof value, &yes), again = 0;
    CK_ULONG before = count_secret_keys();
    CK_ULONG size = wrap(&composed, kek_public, key, blob);

    (void)state;
    assert_int_equal(count_secret_keys(), before);
    assert_rv(unwrap_secret(&composed, kek_private, &aes_type, blob, size, &again), CKR_OK);
    assert_int_equal(count_secret_keys(), before + 1);
}

static void test_nothing_temporary_is_left_of_what_failed(void **state)
{
    CK_BYTE value[AES_SIZE] = {11}, blob[BLOB_MOST];
    CK_OBJECT_HANDLE kept = import_secret(&aes_type, value, sizeof value, &no), key = 0;
    CK_ULONG before = count_secret_keys(), size = BLOB_MOST;

    (void)state;
    assert_rv(session->ops->wrap_key(session, &composed, kek_public, kept, blob, &size),
              CKR_KEY_UNEXTRACTABLE);
    assert_rv(session->ops->wrap_key(session, &composed, kek_public, 0xbad, blob, &size),
              CKR_KEY_HANDLE_INVALID);
    assert_rv(session->ops->wrap_key(session, &composed, 0xbad, kept, blob, &size),
              CKR_WRAPPING_KEY_HANDLE_INVALID);
    size = openssl_wraps(value, sizeof value, blob);
    blob[size - 1] ^= 1;
    assert_rv(unwrap_secret(&composed, kek_private, &aes_type, blob, size, &key), CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(count_secret_keys(), before);
}

static void test_key_that_the_hsm_would_change_is_refused(void **state)
{
    CK_BYTE value[] = {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24}, blob[BLOB_MOST];
    CK_OBJECT_HANDLE key = import_secret(&generic_type, value, sizeof value, &yes);
    CK_ULONG before = count_secret_keys(), size = BLOB_MOST;

    (void)state;
    assert_rv(session->ops->wrap_key(session, &composed, kek_public, key, blob, &size), CKR_KEY_SIZE_RANGE);
    assert_int_equal(count_secret_keys(), before);
    assert_int_equal(bench_logged("a key of 13 bytes as a longer one"), 1);
}

static void test_bad_blobs_have_one_answer(void **state)
{
    CK_BYTE value[AES_SIZE] = {13}, blob[BLOB_MOST];
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG size = openssl_wraps(value, sizeof value, blob);

    (void)state;
    assert_rv(unwrap_secret(&composed, kek_private, &aes_type, blob, size, &key), CKR_OK);
    for (CK_ULONG at = 1; at < size; at += 37) {
        blob[at] ^= 1;
        assert_rv(unwrap_secret(&composed, kek_private, &aes_type, blob, size, &key),
                  CKR_WRAPPED_KEY_INVALID);
        blob[at] ^= 1;
    }
    assert_rv(unwrap_secret(&composed, kek_private, &aes_type, blob, size - 1, &key),
              CKR_WRAPPED_KEY_LEN_RANGE);
    assert_rv(unwrap_secret(&composed, kek_private, &aes_type, blob, RSA_SIZE + 8, &key),
              CKR_WRAPPED_KEY_LEN_RANGE);
    assert_rv(unwrap_secret(&composed, kek_private, &aes_type, blob, 8, &key), CKR_WRAPPED_KEY_LEN_RANGE);
    assert_rv(unwrap_secret(&composed, 0xbad, &aes_type, blob, size, &key),
              CKR_UNWRAPPING_KEY_HANDLE_INVALID);
}

static void check_parameter(CK_MECHANISM bad)
{
    CK_BYTE value[AES_SIZE] = {17}, blob[BLOB_MOST] = {0};
    CK_OBJECT_HANDLE key = import_secret(&aes_type, value, sizeof value, &yes), out;
    CK_ULONG size = BLOB_MOST;

    assert_rv(session->ops->wrap_key(session, &bad, kek_public, key, blob, &size),
              CKR_MECHANISM_PARAM_INVALID);
    assert_rv(unwrap_secret(&bad, kek_private, &aes_type, blob, RSA_SIZE + 40, &out),
              CKR_MECHANISM_PARAM_INVALID);
}

static void test_bad_parameters(void **state)
{
    struct rsa_aes_key_wrap_params odd = {200, &oaep}, none = {256, NULL};

    (void)state;
    check_parameter((CK_MECHANISM){CKM_RSA_AES_KEY_WRAP, NULL, 0});
    check_parameter((CK_MECHANISM){CKM_RSA_AES_KEY_WRAP, &rsa_aes, sizeof rsa_aes - 1});
    check_parameter((CK_MECHANISM){CKM_RSA_AES_KEY_WRAP, &odd, sizeof odd});
    check_parameter((CK_MECHANISM){CKM_RSA_AES_KEY_WRAP, &none, sizeof none});
}

static void test_key_with_a_wrap_template_is_left_to_the_hsm(void **state)
{
    CK_BYTE value[AES_SIZE] = {18}, blob[BLOB_MOST], numbers[2][RSA_SIZE];
    CK_ATTRIBUTE inner = {CKA_KEY_TYPE, &generic_type, sizeof generic_type};
    CK_OBJECT_HANDLE key = import_secret(&aes_type, value, sizeof value, &yes), strict = 0;
    CK_ULONG size = BLOB_MOST;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &public_class, sizeof public_class},
        {CKA_KEY_TYPE, &rsa_type, sizeof rsa_type},
        {CKA_TOKEN, &no, 1},
        {CKA_WRAP, &yes, 1},
        {CKA_WRAP_TEMPLATE, &inner, sizeof inner},
        number(kek, CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N, numbers[0]),
        number(kek, CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E, numbers[1]),
    };

    (void)state;
    assert_rv(session->ops->create_object(session, template, COUNT(template), &strict), CKR_OK);
    assert_rv(session->ops->wrap_key(session, &composed, strict, key, blob, &size), CKR_KEY_NOT_WRAPPABLE);
}

static void test_rfc5649_by_its_other_name(void **state)
{
    CK_BYTE value[AES_SIZE] = {19}, one[BLOB_MOST], two[BLOB_MOST], out[BLOB_MOST];
    CK_OBJECT_HANDLE by = import_secret(&aes_type, value, sizeof value, &yes), again = 0;
    CK_BYTE odd[GENERIC_SIZE] = {23};
    CK_OBJECT_HANDLE key = import_secret(&generic_type, odd, sizeof odd, &yes);
    CK_MECHANISM kwp = {CKM_AES_KEY_WRAP_KWP, NULL, 0}, pad = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
    CK_ULONG size = wrap(&kwp, by, key, one);

    (void)state;
    assert_int_equal(wrap(&pad, by, key, two), size);
    assert_memory_equal(one, two, size);
    assert_int_equal(openssl_rfc5649(true, value, sizeof value, one, size, out), sizeof odd);
    assert_memory_equal(out, odd, sizeof odd);
    assert_rv(unwrap_secret(&kwp, by, &generic_type, one, size, &again), CKR_OK);
    assert_value(again, odd, sizeof odd);
}

static CK_ULONG count_listed(CK_MECHANISM_TYPE type)
{
    CK_MECHANISM_TYPE list[256];
    CK_ULONG count = COUNT(list), found = 0;
    struct token *token = bench.token[0];

    assert_rv(token->ops->get_mechanism_list(token, list, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        found += list[i] == type;
    }
    return found;
}

static void test_mechanisms_are_listed(void **state)
{
    struct token *token = bench.token[0];
    CK_MECHANISM_INFO info, parts;
    CK_MECHANISM_TYPE list[256];
    CK_ULONG count = 0, exact;

    (void)state;
    assert_int_equal(count_listed(CKM_RSA_AES_KEY_WRAP), 1);
    assert_int_equal(count_listed(CKM_AES_KEY_WRAP_KWP), 1);
    assert_int_equal(count_listed(CKM_AES_KEY_WRAP_PAD), 1);
    assert_rv(token->ops->get_mechanism_info(token, CKM_RSA_AES_KEY_WRAP, &info), CKR_OK);
    assert_rv(token->ops->get_mechanism_info(token, CKM_RSA_PKCS_OAEP, &parts), CKR_OK);
    assert_int_equal(info.flags, CKF_WRAP | CKF_UNWRAP);
    assert_int_equal(info.ulMinKeySize, parts.ulMinKeySize);
    assert_int_equal(info.ulMaxKeySize, parts.ulMaxKeySize);
    assert_rv(token->ops->get_mechanism_info(token, CKM_AES_KEY_WRAP_KWP, &info), CKR_OK);
    assert_int_equal(info.flags, CKF_WRAP | CKF_UNWRAP);
    assert_rv(token->ops->get_mechanism_list(token, NULL, &count), CKR_OK);
    exact = count--;
    assert_rv(token->ops->get_mechanism_list(token, list, &count), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(count, exact);
    assert_rv(token->ops->get_mechanism_list(token, list, &count), CKR_OK);
}

/* SoftHSM has no KWP: an operator who says so gets what SoftHSM has, and no more. */
static void test_option_says_which_name_to_take(void **state)
{
    CK_BYTE value[AES_SIZE] = {29}, blob[BLOB_MOST];
    CK_MECHANISM_INFO info;
    CK_ULONG size = BLOB_MOST;

    bench_close_session(session);
    bench_close();
    session = softhsm_open("rfc5649 = kwp");
    (void)state;
    assert_int_equal(count_listed(CKM_RSA_AES_KEY_WRAP), 0);
    assert_int_equal(count_listed(CKM_AES_KEY_WRAP_KWP), 0);
    assert_int_equal(count_listed(CKM_AES_KEY_WRAP_PAD), 1);
    assert_rv(bench.token[0]->ops->get_mechanism_info(bench.token[0], CKM_RSA_AES_KEY_WRAP, &info),
              CKR_MECHANISM_INVALID);
    assert_rv(session->ops->wrap_key(session, &composed, import_public(kek),
                                     import_secret(&aes_type, value, sizeof value, &yes), blob, &size),
              CKR_MECHANISM_INVALID);
    bench_close_session(session);
    bench_close();
    session = softhsm_open("rfc5649 = pad");
    assert_int_equal(count_listed(CKM_RSA_AES_KEY_WRAP), 1);
}

static int make_all(void **state)
{
    kek = EVP_RSA_gen(RSA_SIZE * 8);
    other = EVP_RSA_gen(RSA_SIZE * 8);
    return kek == NULL || other == NULL ? -1 : softhsm_make(state);
}

static int remove_all(void **state)
{
    EVP_PKEY_free(kek);
    EVP_PKEY_free(other);
    return softhsm_remove(state);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_aes_key_is_opened_by_openssl),
        ROW(test_generic_key_is_opened_by_openssl),
        ROW(test_rsa_key_is_opened_by_openssl),
        ROW(test_aes_key_of_openssl_is_opened),
        ROW(test_generic_key_of_openssl_is_opened),
        ROW(test_rsa_key_of_openssl_is_opened),
        ROW(test_size_is_told_before),
        ROW(test_nothing_temporary_is_left),
        ROW(test_nothing_temporary_is_left_of_what_failed),
        ROW(test_key_that_the_hsm_would_change_is_refused),
        ROW(test_bad_blobs_have_one_answer),
        ROW(test_bad_parameters),
        ROW(test_key_with_a_wrap_template_is_left_to_the_hsm),
        ROW(test_rfc5649_by_its_other_name),
        ROW(test_mechanisms_are_listed),
        ROW(test_option_says_which_name_to_take),
    };

    return cmocka_run_group_tests(tests, make_all, remove_all);
}
