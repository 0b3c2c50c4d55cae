/*
 * Check 33: signatures that are nearly right. Whoever has the private key can put any block under it, so these
 * are what a forger of a small exponent, of short padding or of another DER would reach.
 */
#include "tests/pkcs11/soft/checks/checks.h"
#include "tests/pkcs11/soft/sign_test.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

enum { BLOCK = 256, INFO = 51, HASH = 32 };

static const unsigned char text[] = "what was signed";
static EVP_PKEY *small; /* with the exponent 3, imported as a session's public key */
static CK_MECHANISM sha256_rsa = {CKM_SHA256_RSA_PKCS, NULL, 0};

static EVP_PKEY *make_small(void)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *three = BN_new();
    EVP_PKEY *key = NULL;

    assert_true(BN_set_word(three, 3) == 1 && EVP_PKEY_keygen_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_keygen_bits(context, BLOCK * 8) == 1 &&
                EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, three) == 1 &&
                EVP_PKEY_generate(context, &key) == 1);
    BN_free(three);
    EVP_PKEY_CTX_free(context);
    return key;
}

static int begin(void **state)
{
    small = make_small();
    return sign_setup(state);
}

static int end(void **state)
{
    EVP_PKEY_free(small);
    return soft_end(state);
}

static CK_OBJECT_HANDLE import(EVP_PKEY *pkey)
{
    unsigned char modulus[BLOCK], exponent[] = {3};
    BIGNUM *n = NULL;
    CK_ATTRIBUTE list[] = {ATTRIBUTE(CKA_CLASS, public_class),
                           ATTRIBUTE(CKA_KEY_TYPE, rsa_type),
                           {CKA_MODULUS, modulus, sizeof modulus},
                           ATTRIBUTE(CKA_PUBLIC_EXPONENT, exponent),
                           ATTRIBUTE(CKA_VERIFY, yes)};
    CK_OBJECT_HANDLE key = 0;

    assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    assert_int_equal(BN_bn2bin(n, modulus), BLOCK);
    BN_free(n);
    assert_rv(CALL(create_object, list, COUNT(list), &key), CKR_OK);
    return key;
}

/* The block to the power of the private exponent. */
static void put_under(EVP_PKEY *pkey, const unsigned char block[BLOCK], unsigned char signature[BLOCK])
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
    size_t size = BLOCK;

    assert_true(EVP_PKEY_sign_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) == 1 &&
                EVP_PKEY_sign(context, signature, &size, block, BLOCK) == 1);
    EVP_PKEY_CTX_free(context);
}

/* RFC 8017, 9.2: 00 01 FF... 00 and what follows, up to the end of the block. */
static void pad(struct bytes info, unsigned char block[BLOCK])
{
    memset(block, 0xff, BLOCK);
    block[0] = 0;
    block[1] = 1;
    block[BLOCK - info.size - 1] = 0;
    memcpy(block + BLOCK - info.size, info.data, info.size);
}

static void info_of(unsigned char info[128])
{
    assert_int_equal(digest_info_of(HASH_SHA256, bytes_of(text, sizeof text), info), INFO);
}

/* No parameters where NULL should stand. */
static void without_null(unsigned char block[BLOCK])
{
    unsigned char info[128];

    info_of(info);
    info[1] -= 2;
    info[3] -= 2;
    memmove(info + 15, info + 17, INFO - 17);
    pad(bytes_of(info, INFO - 2), block);
}

/* A length in two bytes where one would do. */
static void with_long_length(unsigned char block[BLOCK])
{
    unsigned char info[128];

    info_of(info);
    memmove(info + 2, info + 1, INFO - 1);
    info[1] = 0x81;
    pad(bytes_of(info, INFO + 1), block);
}

/* Short padding, and room behind the digest for what makes it a cube. */
static void with_rubbish_behind(unsigned char block[BLOCK])
{
    unsigned char info[128];

    info_of(info);
    memset(block, 0x5a, BLOCK);
    memcpy(block, "\0\1\377\377\377\377\377\377\377\377", 11);
    memcpy(block + 11, info, INFO);
}

/* The rubbish inside of the parameters, as long as there is room. */
static void with_rubbish_within(unsigned char block[BLOCK])
{
    enum { MORE = BLOCK - 11 - INFO - 4 };
    unsigned char info[128], longer[BLOCK];

    info_of(info);
    memset(longer, 0x5a, sizeof longer);
    memcpy(longer, (unsigned char[]){0x30, 0x81, INFO - 2 + 2 + MORE, 0x30, 0x81, 13 + MORE}, 6);
    memcpy(longer + 6, info + 4, 11);
    longer[17] = 0x04;
    longer[18] = MORE;
    memcpy(longer + 19 + MORE, info + 17, INFO - 17);
    pad(bytes_of(longer, 19 + MORE + INFO - 17), block);
}

static void good_block(unsigned char block[BLOCK])
{
    unsigned char info[128];

    info_of(info);
    pad(bytes_of(info, INFO), block);
}

static void of_type_2(unsigned char block[BLOCK])
{
    good_block(block);
    block[1] = 2;
}

static void with_other_padding(unsigned char block[BLOCK])
{
    good_block(block);
    block[100] = 0xfe;
}

static void with_a_first_byte(unsigned char block[BLOCK])
{
    good_block(block);
    block[0] = 1;
}

static void without_padding(unsigned char block[BLOCK])
{
    memset(block, 0, BLOCK);
    block[1] = 1;
    info_of(block + 3);
    memset(block + 3 + INFO, 0, BLOCK - 3 - INFO);
}

/* Under CKM_SHA256_RSA_PKCS and under CKM_RSA_PKCS. */
static void assert_verify(CK_OBJECT_HANDLE key, struct bytes signature, CK_RV expected)
{
    unsigned char info[128];

    info_of(info);
    assert_rv(verify_with(&sha256_rsa, key, bytes_of(text, sizeof text), signature), expected);
    assert_rv(verify_with(&pkcs1, key, bytes_of(info, INFO), signature), expected);
}

static void check_33_blocks_that_are_nearly_right(void **state)
{
    static void (*const blocks[])(unsigned char block[BLOCK]) = {
        without_null, with_long_length, with_rubbish_behind, with_rubbish_within,
        of_type_2,    without_padding,  with_a_first_byte,   with_other_padding};
    EVP_PKEY *pairs[] = {small, fake_pair(fake, "kek")};
    const CK_OBJECT_HANDLE keys[] = {import(small), verifier("kek")};
    unsigned char block[BLOCK], signature[BLOCK];

    (void)state;
    for (size_t k = 0; k < COUNT(keys); k++) {
        good_block(block);
        put_under(pairs[k], block, signature);
        assert_verify(keys[k], bytes_of(signature, BLOCK), CKR_OK);
        for (size_t i = 0; i < COUNT(blocks); i++) {
            blocks[i](block);
            put_under(pairs[k], block, signature);
            assert_verify(keys[k], bytes_of(signature, BLOCK), CKR_SIGNATURE_INVALID);
        }
    }
}

static void check_33_numbers_that_are_no_signature(void **state)
{
    const CK_OBJECT_HANDLE keys[] = {import(small), verifier("kek")};
    static const unsigned char values[] = {0, 1, 0xff};
    unsigned char signature[BLOCK + 1] = {0};

    (void)state;
    for (size_t k = 0; k < COUNT(keys); k++) {
        for (size_t i = 0; i < COUNT(values); i++) {
            memset(signature, values[i] == 0xff ? 0xff : 0, BLOCK);
            signature[BLOCK - 1] = values[i];
            assert_verify(keys[k], bytes_of(signature, BLOCK), CKR_SIGNATURE_INVALID);
        }
    }
    assert_verify(keys[0], bytes_of(signature, BLOCK - 1), CKR_SIGNATURE_LEN_RANGE);
    assert_verify(keys[0], bytes_of(signature, BLOCK + 1), CKR_SIGNATURE_LEN_RANGE);
    assert_verify(keys[0], bytes_of(signature, 0), CKR_SIGNATURE_LEN_RANGE);
}

static size_t sign_pss(EVP_PKEY *pkey, const EVP_MD *hash, const EVP_MD *mgf, int salt,
                       unsigned char *signature)
{
    unsigned char digest[64];
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
    size_t size = BLOCK;

    assert_int_equal(EVP_Digest(text, sizeof text, digest, NULL, hash, NULL), 1);
    assert_true(EVP_PKEY_sign_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(context, hash) == 1 &&
                EVP_PKEY_CTX_set_rsa_mgf1_md(context, mgf) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt) == 1 &&
                EVP_PKEY_sign(context, signature, &size, digest, (size_t)EVP_MD_get_size(hash)) == 1);
    EVP_PKEY_CTX_free(context);
    return size;
}

/* What the parameter says is what is checked: no salt of another length, no other MGF. */
static void check_33_pss_of_another_form(void **state)
{
    CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS_PSS, pss[0].pParameter, pss[0].ulParameterLen};
    const struct {
        const EVP_MD *hash, *mgf;
        int salt;
        CK_RV rv;
    } rows[] = {{EVP_sha256(), EVP_sha256(), 32, CKR_OK},
                {EVP_sha256(), EVP_sha256(), 0, CKR_SIGNATURE_INVALID},
                {EVP_sha256(), EVP_sha256(), 31, CKR_SIGNATURE_INVALID},
                {EVP_sha256(), EVP_sha256(), 222, CKR_SIGNATURE_INVALID},
                {EVP_sha256(), EVP_sha1(), 32, CKR_SIGNATURE_INVALID},
                {EVP_sha384(), EVP_sha384(), 48, CKR_SIGNATURE_INVALID}};
    unsigned char signature[BLOCK];
    CK_OBJECT_HANDLE key = verifier("kek");

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        sign_pss(fake_pair(fake, "kek"), rows[i].hash, rows[i].mgf, rows[i].salt, signature);
        assert_rv(verify_with(&mechanism, key, bytes_of(text, sizeof text), bytes_of(signature, BLOCK)),
                  rows[i].rv);
    }
}

/* FIPS 186-5, 6.4.2, step 1: r and s between 1 and n - 1. */
static void check_33_ecdsa_numbers_out_of_range(void **state)
{
    static const unsigned char order[HASH] = {
        0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    CK_OBJECT_HANDLE key = verifier("p256");
    unsigned char good[MOST_SIGNATURE], bad[2 * HASH + 1];
    struct bytes signed_text = bytes_of(text, sizeof text);
    CK_ULONG size;

    (void)state;
    assert_rv(sign_with(&mechanism, signer("p256"), signed_text, good, &size), CKR_OK);
    assert_int_equal(size, 2 * HASH);
    assert_rv(verify_with(&mechanism, key, signed_text, bytes_of(good, size)), CKR_OK);
    for (int half = 0; half < 2; half++) {
        for (int way = 0; way < 4; way++) {
            memcpy(bad, good, size);
            memset(bad + half * HASH, way == 3 ? 0xff : 0, HASH);
            bad[half * HASH + HASH - 1] = way == 1 ? 1 : bad[half * HASH + HASH - 1];
            if (way == 2) {
                memcpy(bad + half * HASH, order, HASH);
            }
            assert_rv(verify_with(&mechanism, key, signed_text, bytes_of(bad, size)), CKR_SIGNATURE_INVALID);
        }
    }
    memset(bad, 0, sizeof bad);
    assert_rv(verify_with(&mechanism, key, signed_text, bytes_of(bad, size)), CKR_SIGNATURE_INVALID);
    assert_rv(verify_with(&mechanism, key, signed_text, bytes_of(bad, size + 1)), CKR_SIGNATURE_LEN_RANGE);
    assert_rv(verify_with(&mechanism, key, signed_text, bytes_of(bad, size - 2)), CKR_SIGNATURE_LEN_RANGE);
}

#define forged(test) cmocka_unit_test_setup_teardown(test, begin, end)
static const struct CMUnitTest tests[] = {
    forged(check_33_blocks_that_are_nearly_right),
    forged(check_33_numbers_that_are_no_signature),
    forged(check_33_pss_of_another_form),
    forged(check_33_ecdsa_numbers_out_of_range),
};

const struct room forgery_room = ROOM(tests);
