/*
 * CKM_RSA_AES_KEY_WRAP, and private keys as what is wrapped: under a key of the service and under keys that
 * live here.
 */
#include "tests/pkcs11/soft/soft_test.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

static unsigned char blob[8192], value[4200];
static CK_ULONG blob_size;
static CK_RSA_PKCS_OAEP_PARAMS sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0},
                               sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static struct rsa_aes_key_wrap_params parameter = {256, &sha256};
static CK_MECHANISM rsa_aes = {CKM_RSA_AES_KEY_WRAP, &parameter, sizeof parameter};
static CK_MECHANISM kwp = {CKM_AES_KEY_WRAP_KWP, NULL, 0}, key_wrap = {CKM_AES_KEY_WRAP, NULL, 0};

static CK_OBJECT_HANDLE public_kek(void)
{
    return the(CKO_PUBLIC_KEY, "kek");
}

static CK_OBJECT_HANDLE private_kek(void)
{
    return the(CKO_PRIVATE_KEY, "kek");
}

static CK_OBJECT_HANDLE generic_key(CK_ULONG size)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               {CKA_VALUE, value, size},
                               ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    CK_OBJECT_HANDLE key = 0;

    for (CK_ULONG i = 0; i < size; i++) {
        value[i] = (unsigned char)(i * 11 + size);
    }
    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
    return key;
}

static CK_RV wrap(CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE key)
{
    blob_size = sizeof blob;
    return CALL(wrap_key, &rsa_aes, kek, key, blob, &blob_size);
}

static CK_RV open_as(CK_KEY_TYPE *type, CK_OBJECT_HANDLE kek, CK_ULONG size, CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), {CKA_KEY_TYPE, type, sizeof *type},
                               ATTRIBUTE(CKA_SENSITIVE, no),       ATTRIBUTE(CKA_EXTRACTABLE, yes),
                               ATTRIBUTE(CKA_UNWRAP, yes),         ATTRIBUTE(CKA_WRAP, yes)};

    return CALL(unwrap_key, &rsa_aes, kek, blob, size, template, COUNT(template), ret_key);
}

static void assert_opens(CK_ULONG length)
{
    unsigned char back[4200];
    CK_OBJECT_HANDLE key;

    assert_rv(open_as(&generic_type, private_kek(), blob_size, &key), CKR_OK);
    assert_int_equal(read_value(key, back, sizeof back), length);
    assert_memory_equal(back, value, length);
    assert_rv(CALL(destroy_object, key), CKR_OK);
}

static void test_keys_of_every_size(void **state)
{
    static const CK_ULONG lengths[] = {1, 7, 8, 16, 24, 32, 64, 191, 4096}, bits[] = {128, 192, 256};

    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        parameter.aes_bits = bits[i % 3];
        parameter.oaep = i % 2 == 0 ? &sha256 : &sha1;
        assert_rv(wrap(public_kek(), generic_key(lengths[i])), CKR_OK);
        assert_int_equal(blob_size, 256 + (lengths[i] + 7) / 8 * 8 + 8);
        assert_opens(lengths[i]);
    }
    parameter.aes_bits = 256;
    parameter.oaep = &sha256;
}

/* What the standard says stands in a blob: an AES key under OAEP, and under it the key as RFC 5649 wraps it. */
static void test_the_two_halves_open_one_after_the_other(void **state)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    CK_ATTRIBUTE middle_template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                                      ATTRIBUTE(CKA_UNWRAP, yes)};
    CK_OBJECT_HANDLE middle, key;
    unsigned char back[100];

    (void)state;
    assert_rv(wrap(public_kek(), generic_key(50)), CKR_OK);
    assert_rv(CALL(unwrap_key, &oaep_sha256, private_kek(), blob, 256, middle_template, 3, &middle), CKR_OK);
    assert_rv(CALL(unwrap_key, &kwp, middle, blob + 256, blob_size - 256, template, 4, &key), CKR_OK);
    assert_int_equal(read_value(key, back, sizeof back), 50);
    assert_memory_equal(back, value, 50);
}

static void test_each_wrap_has_an_aes_key_of_its_own(void **state)
{
    unsigned char first[64];
    CK_OBJECT_HANDLE key = generic_key(32);

    (void)state;
    assert_rv(wrap(public_kek(), key), CKR_OK);
    memcpy(first, blob + 256, 40);
    assert_rv(wrap(public_kek(), key), CKR_OK);
    assert_memory_not_equal(first, blob + 256, 40);
}

static void test_size_queries_cost_nothing(void **state)
{
    CK_OBJECT_HANDLE kek = public_kek(), key = generic_key(50);
    CK_ULONG size = (CK_ULONG)-5;

    (void)state;
    assert_rv(CALL(wrap_key, &rsa_aes, kek, key, NULL, &size), CKR_OK);
    assert_int_equal(size, 512 + 64);
    assert_int_equal(fake_count_all(fake), 0);
    assert_rv(wrap(kek, key), CKR_OK);
    assert_rv(CALL(wrap_key, &rsa_aes, kek, key, NULL, &size), CKR_OK);
    assert_int_equal(size, 256 + 64);
    size--;
    assert_rv(CALL(wrap_key, &rsa_aes, kek, key, blob, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, 256 + 64);
    assert_int_equal(fake_count_all(fake), 1);
}

static void test_a_buffer_that_turns_out_too_short(void **state)
{
    CK_ULONG size = 300;

    (void)state;
    assert_rv(CALL(wrap_key, &rsa_aes, public_kek(), generic_key(50), blob, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, 256 + 64);
}

/* A blob that another client made, for a token that knows nothing of the key yet. */
static void foreign_blob(CK_ULONG length)
{
    struct buffer first = BUFFER_INIT(512);
    static const char middle[] = "0123456789abcdef0123456789abcdef";
    CK_OBJECT_HANDLE key = generic_key(length);
    CK_ULONG second = sizeof blob;

    fake_encrypt(fake, "kek", RSA_PADDING_OAEP_SHA256, bytes_of(middle, 32), &first);
    memcpy(blob, first.data, first.size);
    second -= first.size;
    assert_rv(CALL(wrap_key, &kwp, aes_key(middle, 32), key, blob + first.size, &second), CKR_OK);
    blob_size = first.size + second;
    buffer_free(&first);
}

static void test_an_aes_key_costs_one_request(void **state)
{
    CK_OBJECT_HANDLE key;

    (void)state;
    foreign_blob(32);
    assert_rv(open_as(&aes_type, private_kek(), blob_size, &key), CKR_OK);
    assert_int_equal(fake_count_all(fake), 1);
}

static void test_where_the_cut_is_not_known_the_key_is_asked_for(void **state)
{
    (void)state;
    foreign_blob(600);
    assert_opens(600);
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
    assert_int_equal(fake_count(fake, FAKE_UNWRAP), 1);
}

static void test_without_get_each_cut_is_tried(void **state)
{
    (void)state;
    fake_add(fake, "kek", 3072);
    fake_rule(fake, FAKE_GET, fake_refused);
    foreign_blob(600);
    assert_opens(600);
    assert_int_equal(fake_count(fake, FAKE_UNWRAP), 2);
    assert_opens(600);
    assert_int_equal(fake_count(fake, FAKE_UNWRAP), 3); /* its size is known by now */
}

/* Neither the code nor the requests tell which half was bad. */
static void test_check_26_the_halves_fail_alike(void **state)
{
    static const CK_ULONG places[] = {0, 128, 255, 256, 270, 295};
    CK_OBJECT_HANDLE kek = private_kek(), key;
    unsigned before;

    (void)state;
    assert_rv(wrap(public_kek(), generic_key(32)), CKR_OK);
    for (size_t i = 0; i < COUNT(places); i++) {
        before = fake_count_all(fake);
        blob[places[i]] ^= 1;
        assert_rv(open_as(&generic_type, kek, blob_size, &key), CKR_WRAPPED_KEY_INVALID);
        assert_int_equal(fake_count_all(fake), before + 1);
        blob[places[i]] ^= 1;
    }
    before = fake_count_all(fake);
    assert_rv(open_as(&aes_type, kek, blob_size, &key), CKR_OK);
    parameter.aes_bits = 128; /* not what is in the middle */
    assert_rv(open_as(&aes_type, kek, blob_size, &key), CKR_WRAPPED_KEY_INVALID);
    parameter.aes_bits = 256;
    assert_int_equal(fake_count_all(fake), before + 2);
}

static void test_blobs_that_cannot_be_cut_cost_nothing(void **state)
{
    static const CK_ULONG sizes[] = {0, 1, 255, 256, 264, 256 + 23, 256 + 25};
    CK_OBJECT_HANDLE kek = private_kek(), key;

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_rv(open_as(&aes_type, kek, sizes[i], &key), CKR_WRAPPED_KEY_INVALID);
    }
    assert_int_equal(fake_count(fake, FAKE_UNWRAP), 0);
}

static void test_refusals_keep_their_codes(void **state)
{
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(wrap(public_kek(), generic_key(32)), CKR_OK);
    fake_rule(fake, FAKE_UNWRAP, fake_refused);
    assert_rv(open_as(&aes_type, private_kek(), blob_size, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake_rule(fake, FAKE_UNWRAP, fake_unreachable);
    assert_rv(open_as(&aes_type, private_kek(), blob_size, &key), CKR_DEVICE_ERROR);
}

static void test_bad_parameters(void **state)
{
    struct rsa_aes_key_wrap_params none = {256, NULL}, bits = {255, &sha256}, zero = {0, &sha256};
    CK_RSA_PKCS_OAEP_PARAMS labelled = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, value, 4};
    struct rsa_aes_key_wrap_params label = {256, &labelled};
    struct rsa_aes_key_wrap_params *wrong[] = {&none, &bits, &zero, &label};
    CK_OBJECT_HANDLE kek = public_kek(), key = generic_key(32);
    CK_MECHANISM mechanism = {CKM_RSA_AES_KEY_WRAP, NULL, sizeof none};

    (void)state;
    blob_size = sizeof blob;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        mechanism.pParameter = wrong[i];
        assert_rv(CALL(wrap_key, &mechanism, kek, key, blob, &blob_size), CKR_MECHANISM_PARAM_INVALID);
    }
    mechanism.pParameter = NULL;
    assert_rv(CALL(wrap_key, &mechanism, kek, key, blob, &blob_size), CKR_MECHANISM_PARAM_INVALID);
    mechanism.pParameter = &parameter;
    mechanism.ulParameterLen--;
    assert_rv(CALL(wrap_key, &mechanism, kek, key, blob, &blob_size), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(fake_count_all(fake), 0);
}

/* Private keys */

static CK_KEY_TYPE ec_type = CKK_EC;

/* PrivateKeyInfo of a fresh key, as a generic secret that can be wrapped. */
static CK_OBJECT_HANDLE as_secret(EVP_PKEY *pkey)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    unsigned char *der = NULL;
    int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               {CKA_VALUE, der, (CK_ULONG)size},
                               ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    CK_OBJECT_HANDLE key = 0;

    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    return key;
}

static CK_RV open_private(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE kek, CK_KEY_TYPE *type,
                          CK_BBOOL *extractable, CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, private_class),
                               {CKA_KEY_TYPE, type, sizeof *type},
                               {CKA_EXTRACTABLE, extractable, 1},
                               ATTRIBUTE(CKA_DECRYPT, yes),
                               ATTRIBUTE(CKA_UNWRAP, yes)};

    return CALL(unwrap_key, mechanism, kek, blob, blob_size, template, *type == CKK_RSA ? 5 : 3, ret_key);
}

/* The RSA pair "pair": its private half as a key that lives here, and PrivateKeyInfo in blob's way. */
static CK_OBJECT_HANDLE local_private(EVP_PKEY *pair, CK_BBOOL *extractable)
{
    CK_OBJECT_HANDLE key;

    assert_rv(wrap(public_kek(), as_secret(pair)), CKR_OK);
    assert_rv(open_private(&rsa_aes, private_kek(), &rsa_type, extractable, &key), CKR_OK);
    return key;
}

static CK_OBJECT_HANDLE local_public(EVP_PKEY *pair)
{
    unsigned char exponent[] = {1, 0, 1}, modulus[512];
    BIGNUM *n = NULL;
    CK_OBJECT_HANDLE key = 0;

    assert_int_equal(EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_N, &n), 1);

    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, public_class),
                               ATTRIBUTE(CKA_KEY_TYPE, rsa_type),
                               {CKA_MODULUS, modulus, (CK_ULONG)BN_bn2bin(n, modulus)},
                               ATTRIBUTE(CKA_PUBLIC_EXPONENT, exponent),
                               ATTRIBUTE(CKA_WRAP, yes),
                               ATTRIBUTE(CKA_ENCRYPT, yes)};

    BN_free(n);
    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
    return key;
}

static void test_private_keys_go_round(void **state)
{
    EVP_PKEY *pairs[] = {EVP_RSA_gen(2048), EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_EC_gen("P-521")};
    CK_OBJECT_HANDLE aes = aes_key("0123456789abcdef", 16), key, again;

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        CK_KEY_TYPE *type = i == 0 ? &rsa_type : &ec_type;

        assert_rv(wrap(public_kek(), as_secret(pairs[i])), CKR_OK);
        assert_rv(open_private(&rsa_aes, private_kek(), type, &yes, &key), CKR_OK);
        assert_rv(wrap(public_kek(), key), CKR_OK);
        assert_rv(open_private(&rsa_aes, private_kek(), type, &yes, &again), CKR_OK);
        blob_size = sizeof blob;
        assert_rv(CALL(wrap_key, &kwp, aes, again, blob, &blob_size), CKR_OK);
        assert_rv(open_private(&kwp, aes, type, &no, &again), CKR_OK);
        assert_rv(wrap(public_kek(), again), CKR_KEY_UNEXTRACTABLE);
        EVP_PKEY_free(pairs[i]);
    }
}

static void test_private_keys_of_another_type_are_bad_blobs(void **state)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(wrap(public_kek(), as_secret(pair)), CKR_OK);
    assert_rv(open_private(&rsa_aes, private_kek(), &rsa_type, &yes, &key), CKR_WRAPPED_KEY_INVALID);
    assert_rv(wrap(public_kek(), generic_key(100)), CKR_OK); /* no PrivateKeyInfo */
    assert_rv(open_private(&rsa_aes, private_kek(), &ec_type, &yes, &key), CKR_WRAPPED_KEY_INVALID);
    EVP_PKEY_free(pair);
}

static void test_rsa_alone_takes_no_private_keys(void **state)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    CK_OBJECT_HANDLE key, opened;

    (void)state;
    assert_rv(wrap(public_kek(), as_secret(pair)), CKR_OK);
    assert_rv(open_private(&rsa_aes, private_kek(), &ec_type, &yes, &key), CKR_OK);
    blob_size = sizeof blob;
    assert_rv(CALL(wrap_key, &oaep_sha256, public_kek(), key, blob, &blob_size), CKR_KEY_NOT_WRAPPABLE);
    blob_size = 256;
    assert_rv(open_private(&oaep_sha256, private_kek(), &ec_type, &yes, &opened), CKR_TEMPLATE_INCONSISTENT);
    EVP_PKEY_free(pair);
}

static void test_key_pairs_that_live_here_wrap_and_open(void **state)
{
    CK_MECHANISM *ways[] = {&oaep_sha1, &oaep_sha256, &pkcs1, &rsa_aes};
    EVP_PKEY *pair = EVP_RSA_gen(3072);
    CK_OBJECT_HANDLE private = local_private(pair, &no), public = local_public(pair), key = generic_key(40),
                     opened;
    unsigned char back[64];
    unsigned before = fake_count_all(fake);

    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        CK_ULONG wanted = 384 + (ways[i] == &rsa_aes ? 48 : 0);
        CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                                   ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, yes)};

        assert_rv(CALL(wrap_key, ways[i], public, key, NULL, &blob_size), CKR_OK);
        assert_int_equal(blob_size, wanted);
        assert_rv(CALL(wrap_key, ways[i], public, key, blob, &blob_size), CKR_OK);
        assert_rv(CALL(unwrap_key, ways[i], private, blob, wanted, template, 4, &opened), CKR_OK);
        assert_int_equal(read_value(opened, back, sizeof back), 40);
        assert_memory_equal(back, value, 40);
        blob[7] ^= 1;
        assert_rv(CALL(unwrap_key, ways[i], private, blob, wanted, template, 4, &opened),
                  CKR_WRAPPED_KEY_INVALID);
        assert_rv(CALL(unwrap_key, ways[i], private, blob, wanted - 1, template, 4, &opened),
                  CKR_WRAPPED_KEY_INVALID);
    }
    assert_int_equal(fake_count_all(fake), before);
    EVP_PKEY_free(pair);
}

static void test_key_pairs_that_live_here_encrypt_and_decrypt(void **state)
{
    EVP_PKEY *pair = EVP_RSA_gen(2048);
    CK_OBJECT_HANDLE private = local_private(pair, &no), public = local_public(pair);
    CK_ULONG size = sizeof blob, got = 30;
    unsigned char back[64];
    unsigned before = fake_count_all(fake);

    (void)state;
    assert_rv(CALL(encrypt_init, &oaep_sha256, public), CKR_OK);
    memcpy(back, "thirty-one bytes of plaintext..", 31);
    assert_rv(CALL(encrypt, back, 31, blob, &size), CKR_OK);
    assert_int_equal(size, 256);
    assert_rv(CALL(decrypt_init, &oaep_sha256, private), CKR_OK);
    assert_rv(CALL(decrypt, blob, size, back, &got), CKR_BUFFER_TOO_SMALL);
    assert_rv(CALL(decrypt, blob, size, back, &got), CKR_OK);
    assert_int_equal(got, 31);
    assert_memory_equal(back, "thirty-one bytes of plaintext..", 31);
    blob[0] ^= 1;
    assert_rv(CALL(decrypt_init, &oaep_sha256, private), CKR_OK);
    assert_rv(CALL(decrypt, blob, size, back, &got), CKR_ENCRYPTED_DATA_INVALID);
    assert_rv(CALL(encrypt_init, &oaep_sha256, private), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(encrypt_init, &kwp, public), CKR_MECHANISM_INVALID);
    assert_int_equal(fake_count_all(fake), before);
    EVP_PKEY_free(pair);
}

static void test_small_keys_are_refused(void **state)
{
    EVP_PKEY *pair = EVP_RSA_gen(1024);
    CK_OBJECT_HANDLE public = local_public(pair);

    (void)state;
    assert_rv(wrap(public, generic_key(16)), CKR_WRAPPING_KEY_SIZE_RANGE);
    assert_rv(CALL(encrypt_init, &oaep_sha1, public), CKR_KEY_SIZE_RANGE);
    EVP_PKEY_free(pair);
}

static void test_check_19_the_usage_must_allow_it(void **state)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    CK_OBJECT_HANDLE aes = aes_key("0123456789abcdef", 16), key = generic_key(16), ec, opened;

    (void)state;
    blob_size = sizeof blob;
    assert_rv(CALL(wrap_key, &kwp, key, aes, blob, &blob_size), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
    assert_rv(wrap(aes, key), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
    assert_rv(wrap(public_kek(), as_secret(pair)), CKR_OK);
    assert_rv(open_private(&rsa_aes, private_kek(), &ec_type, &yes, &ec), CKR_OK);
    assert_rv(open_as(&aes_type, ec, blob_size, &opened), CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(wrap_key, &key_wrap, public_kek(), key, blob, &blob_size),
              CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
    EVP_PKEY_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_keys_of_every_size),
        with_token(test_the_two_halves_open_one_after_the_other),
        with_token(test_each_wrap_has_an_aes_key_of_its_own),
        with_token(test_size_queries_cost_nothing),
        with_token(test_a_buffer_that_turns_out_too_short),
        with_token(test_an_aes_key_costs_one_request),
        with_token(test_where_the_cut_is_not_known_the_key_is_asked_for),
        with_token(test_without_get_each_cut_is_tried),
        with_token(test_check_26_the_halves_fail_alike),
        with_token(test_blobs_that_cannot_be_cut_cost_nothing),
        with_token(test_refusals_keep_their_codes),
        with_token(test_bad_parameters),
        with_token(test_private_keys_go_round),
        with_token(test_private_keys_of_another_type_are_bad_blobs),
        with_token(test_rsa_alone_takes_no_private_keys),
        with_token(test_key_pairs_that_live_here_wrap_and_open),
        with_token(test_key_pairs_that_live_here_encrypt_and_decrypt),
        with_token(test_small_keys_are_refused),
        with_token(test_check_19_the_usage_must_allow_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
