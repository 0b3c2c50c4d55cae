/* C_Verify under the public part of keys of the service, and what is no signature. */
#include "tests/pkcs11/soft/sign_test.h"
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

enum { BLOCK = 256, DIGEST_INFO = 51 };

static unsigned char data[1000] = "what was signed", signature[MOST_SIGNATURE];
static CK_ULONG size;

static struct bytes whole(void)
{
    return bytes_of(data, sizeof data);
}

static void test_what_was_signed_is_accepted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HASHING_WAYS; i++) {
        CK_MECHANISM mechanism = hashing_ways[i].mechanism;
        CK_OBJECT_HANDLE key = verifier(hashing_ways[i].key);

        assert_rv(sign_with(&mechanism, signer(hashing_ways[i].key), whole(), signature, &size), CKR_OK);
        assert_rv(verify_with(&mechanism, key, whole(), bytes_of(signature, size)), CKR_OK);
        data[3] ^= 1;
        assert_rv(verify_with(&mechanism, key, whole(), bytes_of(signature, size)), CKR_SIGNATURE_INVALID);
        data[3] ^= 1;
        signature[size / 2] ^= 1;
        assert_rv(verify_with(&mechanism, key, whole(), bytes_of(signature, size)), CKR_SIGNATURE_INVALID);
        assert_rv(verify_with(&mechanism, key, whole(), bytes_of(signature, size - 1)),
                  CKR_SIGNATURE_LEN_RANGE);
        assert_rv(verify_with(&mechanism, key, whole(), bytes_of(signature, size + 1)),
                  CKR_SIGNATURE_LEN_RANGE);
        assert_rv(verify_with(&mechanism, key, whole(), bytes_of(signature, 0)), CKR_SIGNATURE_LEN_RANGE);
    }
    assert_int_equal(fake_count(fake, FAKE_SIGN), HASHING_WAYS);
    assert_int_equal(fake_count(fake, FAKE_GET), 4); /* once for each key */
}

static void test_digests_of_the_application_are_verified(void **state)
{
    unsigned char info[128], digest[LONGEST_HASH];
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    struct bytes input = bytes_of(info, digest_info_of(HASH_SHA256, whole(), info));

    (void)state;
    assert_rv(sign_with(&pkcs1, signer("kek"), input, signature, &size), CKR_OK);
    assert_rv(verify_with(&pkcs1, verifier("kek"), input, bytes_of(signature, size)), CKR_OK);
    info[50] ^= 1;
    assert_rv(verify_with(&pkcs1, verifier("kek"), input, bytes_of(signature, size)), CKR_SIGNATURE_INVALID);
    assert_rv(verify_with(&pkcs1, verifier("kek"), bytes_of(data, 246), bytes_of(signature, size)),
              CKR_DATA_LEN_RANGE);
    input = digest_of(HASH_SHA256, whole(), digest);
    assert_rv(sign_with(&pss[0], signer("kek"), input, signature, &size), CKR_OK);
    assert_rv(verify_with(&pss[0], verifier("kek"), input, bytes_of(signature, size)), CKR_OK);
    assert_rv(verify_with(&pss[1], verifier("kek"), input, bytes_of(signature, size)), CKR_DATA_LEN_RANGE);
    assert_rv(sign_with(&ecdsa, signer("p384"), input, signature, &size), CKR_OK);
    assert_rv(verify_with(&ecdsa, verifier("p384"), input, bytes_of(signature, size)), CKR_OK);
    assert_rv(verify_with(&ecdsa, verifier("p384"), bytes_of(digest, 0), bytes_of(signature, size)),
              CKR_DATA_LEN_RANGE);
}

static void test_parts_are_verified(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[5].mechanism;

    (void)state;
    assert_rv(sign_with(&mechanism, signer("kek"), whole(), signature, &size), CKR_OK);
    for (unsigned good = 0; good < 2; good++) {
        assert_rv(CALL(verify_init, &mechanism, verifier("kek")), CKR_OK);
        assert_rv(CALL(verify_update, data, 999), CKR_OK);
        assert_rv(CALL(verify, data, 1, signature, size), CKR_OPERATION_NOT_INITIALIZED);
        assert_rv(CALL(verify_update, data + 999, good), CKR_OK);
        assert_rv(CALL(verify_final, signature, size), good ? CKR_OK : CKR_SIGNATURE_INVALID);
        assert_rv(CALL(verify_final, signature, size), CKR_OPERATION_NOT_INITIALIZED);
    }
}

static void test_verification_ends_whatever_comes(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[0].mechanism;

    (void)state;
    assert_rv(verify_with(&mechanism, verifier("kek"), whole(), bytes_of(signature, 3)),
              CKR_SIGNATURE_LEN_RANGE);
    assert_rv(CALL(verify, data, 1, signature, 256), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(verify_init, &mechanism, verifier("kek")), CKR_OK);
    assert_rv(CALL(verify, data, 1, NULL, 256), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(verify, data, 1, signature, 256), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(verify_init, &mechanism, verifier("kek")), CKR_OK);
    assert_rv(CALL(verify, NULL, 1, signature, 256), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(verify_update, data, 1), CKR_OPERATION_NOT_INITIALIZED);
}

static void test_without_the_public_part_nothing_is_verified(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[0].mechanism;

    (void)state;
    fake_rule(fake, FAKE_GET, fake_refused);
    assert_rv(sign_with(&mechanism, signer("kek"), whole(), signature, &size), CKR_OK);
    assert_rv(verify_with(&mechanism, verifier("kek"), whole(), bytes_of(signature, size)),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
}

static void test_a_file_tells_the_public_part(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[0].mechanism;
    char path[128], options[160];
    FILE *file;

    (void)state;
    snprintf(path, sizeof path, "%s/kek.pem", soft_folder());
    file = fopen(path, "w");
    assert_int_equal(PEM_write_PUBKEY(file, fake_pair(fake, "kek")), 1);
    fclose(file);
    fake_rule(fake, FAKE_GET, fake_refused);
    snprintf(options, sizeof options, "public-keys = \"%s\"", soft_folder());
    soft_open(options);
    assert_rv(sign_with(&mechanism, signer("kek"), whole(), signature, &size), CKR_OK);
    assert_rv(verify_with(&mechanism, verifier("kek"), whole(), bytes_of(signature, size)), CKR_OK);
    data[0] ^= 1;
    assert_rv(verify_with(&mechanism, verifier("kek"), whole(), bytes_of(signature, size)),
              CKR_SIGNATURE_INVALID);
}

/* The block as a number to the private exponent: whatever it holds. */
static void sign_raw(const unsigned char block[BLOCK])
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(fake_pair(fake, "kek"), NULL);
    size_t length = sizeof signature;

    assert_int_equal(EVP_PKEY_sign_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING), 1);
    assert_int_equal(EVP_PKEY_sign(context, signature, &length, block, BLOCK), 1);
    EVP_PKEY_CTX_free(context);
    size = length;
}

/* EMSA-PKCS1-v1_5 (RFC 8017, 9.2) with SHA-256, and one thing changed. */
static void make_block(unsigned change, unsigned char block[BLOCK])
{
    unsigned char info[128];
    size_t length = digest_info_of(HASH_SHA256, whole(), info), at = BLOCK - length;

    memset(block, 0xff, BLOCK);
    block[0] = 0;
    block[1] = 1;
    block[at - 1] = 0;
    memcpy(block + at, info, length);
    switch (change) {
    case 1: /* eight bytes of padding, and bytes of the attacker's after the digest (e = 3) */
        memset(block + 2, 0xff, 8);
        block[10] = 0;
        memcpy(block + 11, info, length);
        memset(block + 11 + length, 0x55, BLOCK - 11 - length);
        break;
    case 2: /* seven bytes of padding */
        block[9] = 0;
        break;
    case 3: /* the type of encryption */
        block[1] = 2;
        break;
    case 4: /* no type */
        block[1] = 0;
        break;
    case 5: /* padding with another byte in it */
        block[100] = 0xfe;
        break;
    case 6: /* no zero before the DigestInfo */
        block[at - 1] = 0xff;
        break;
    case 7: /* no NULL parameters */
        block[at] = 0xff;
        block[at - 1] = 0xff;
        memset(block + 2, 0xff, at + 2);
        block[at + 1] = 0;
        memcpy(block + at + 2, "\x30\x2f\x30\x0b", 4);
        memcpy(block + at + 6, info + 4, 11);
        memcpy(block + at + 17, info + 17, 34);
        break;
    case 8: /* another hash's name */
        block[at + 14] = 2;
        break;
    case 9: /* a longer form of a length */
        memset(block + 2, 0xff, at - 2);
        block[at - 2] = 0;
        memcpy(block + at - 1, "\x30\x81\x31", 3);
        memcpy(block + at + 2, info + 2, length - 2);
        break;
    case 10: /* the digest alone */
        memset(block + 2, 0xff, BLOCK - 35);
        block[BLOCK - 33] = 0;
        break;
    case 11: /* another digest */
        block[BLOCK - 1] ^= 1;
        break;
    default:
        break;
    }
}

static void check_33_malformed_padding_is_no_signature(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[0].mechanism;
    unsigned char block[BLOCK], info[128];
    struct bytes input = bytes_of(info, digest_info_of(HASH_SHA256, whole(), info));

    (void)state;
    assert_int_equal(input.size, DIGEST_INFO);
    for (unsigned change = 0; change < 12; change++) {
        CK_RV expected = change == 0 ? CKR_OK : CKR_SIGNATURE_INVALID;

        make_block(change, block);
        sign_raw(block);
        assert_rv(verify_with(&mechanism, verifier("kek"), whole(), bytes_of(signature, size)), expected);
        assert_rv(verify_with(&pkcs1, verifier("kek"), input, bytes_of(signature, size)), expected);
    }
}

static BIGNUM *modulus(void)
{
    BIGNUM *n = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(fake_pair(fake, "kek"), OSSL_PKEY_PARAM_RSA_N, &n), 1);
    return n;
}

static void check_33_numbers_outside_the_modulus_are_no_signature(void **state)
{
    CK_MECHANISM mechanism = hashing_ways[0].mechanism;
    BIGNUM *n = modulus(), *s;
    unsigned char wrong[BLOCK];

    (void)state;
    for (unsigned i = 0; i < 256; i++) { /* until s + n is as long as n */
        data[999] = (unsigned char)i;
        assert_rv(sign_with(&mechanism, signer("kek"), whole(), signature, &size), CKR_OK);
        s = BN_bin2bn(signature, (int)size, NULL);
        assert_int_equal(BN_add(s, s, n), 1);
        if (BN_num_bits(s) == 2048) {
            BN_bn2binpad(s, wrong, BLOCK);
            BN_free(s);
            assert_rv(verify_with(&mechanism, verifier("kek"), whole(), bytes_of(signature, BLOCK)), CKR_OK);
            assert_rv(verify_with(&mechanism, verifier("kek"), whole(), bytes_of(wrong, BLOCK)),
                      CKR_SIGNATURE_INVALID);
            break;
        }
        BN_free(s);
    }
    BN_bn2binpad(n, wrong, BLOCK);
    assert_rv(verify_with(&mechanism, verifier("kek"), whole(), bytes_of(wrong, BLOCK)),
              CKR_SIGNATURE_INVALID);
    memset(wrong, 0, BLOCK);
    assert_rv(verify_with(&mechanism, verifier("kek"), whole(), bytes_of(wrong, BLOCK)),
              CKR_SIGNATURE_INVALID);
    wrong[BLOCK - 1] = 1;
    assert_rv(verify_with(&mechanism, verifier("kek"), whole(), bytes_of(wrong, BLOCK)),
              CKR_SIGNATURE_INVALID);
    BN_free(n);
}

/* By the private key itself, with a salt and an MGF of the test's choice. */
static void sign_pss(int salt, const EVP_MD *mgf)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(fake_pair(fake, "kek"), NULL);
    unsigned char digest[LONGEST_HASH];
    size_t length = sizeof signature;
    struct bytes input = digest_of(HASH_SHA256, whole(), digest);

    assert_int_equal(EVP_PKEY_sign_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(context, mgf), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt), 1);
    assert_int_equal(EVP_PKEY_sign(context, signature, &length, input.data, input.size), 1);
    EVP_PKEY_CTX_free(context);
    size = length;
}

static void check_33_pss_of_another_form_is_no_signature(void **state)
{
    static const int salts[] = {0, 20, 31, 33, 222};
    CK_MECHANISM mechanism = hashing_ways[3].mechanism;

    (void)state;
    sign_pss(32, EVP_sha256());
    assert_rv(verify_with(&mechanism, verifier("kek"), whole(), bytes_of(signature, size)), CKR_OK);
    for (size_t i = 0; i < COUNT(salts); i++) {
        sign_pss(salts[i], EVP_sha256());
        assert_rv(verify_with(&mechanism, verifier("kek"), whole(), bytes_of(signature, size)),
                  CKR_SIGNATURE_INVALID);
    }
    sign_pss(32, EVP_sha1());
    assert_rv(verify_with(&mechanism, verifier("kek"), whole(), bytes_of(signature, size)),
              CKR_SIGNATURE_INVALID);
}

static void check_33_ecdsa_takes_numbers_of_the_order_alone(void **state)
{
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    unsigned char good[64], wrong[64];
    static const unsigned char order[32] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                            0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

    (void)state;
    assert_rv(sign_with(&mechanism, signer("p256"), whole(), signature, &size), CKR_OK);
    memcpy(good, signature, 64);
    assert_rv(verify_with(&mechanism, verifier("p256"), whole(), bytes_of(good, 64)), CKR_OK);
    for (unsigned half = 0; half < 2; half++) {
        memcpy(wrong, good, 64);
        memset(wrong + 32 * half, 0, 32);
        assert_rv(verify_with(&mechanism, verifier("p256"), whole(), bytes_of(wrong, 64)),
                  CKR_SIGNATURE_INVALID);
        memcpy(wrong + 32 * half, order, 32);
        assert_rv(verify_with(&mechanism, verifier("p256"), whole(), bytes_of(wrong, 64)),
                  CKR_SIGNATURE_INVALID);
        memset(wrong + 32 * half, 0xff, 32);
        assert_rv(verify_with(&mechanism, verifier("p256"), whole(), bytes_of(wrong, 64)),
                  CKR_SIGNATURE_INVALID);
    }
    memset(wrong, 0, 64);
    assert_rv(verify_with(&mechanism, verifier("p256"), whole(), bytes_of(wrong, 64)), CKR_SIGNATURE_INVALID);
    memcpy(wrong, good + 32, 32);
    memcpy(wrong + 32, good, 32);
    assert_rv(verify_with(&mechanism, verifier("p256"), whole(), bytes_of(wrong, 64)), CKR_SIGNATURE_INVALID);
}

static void test_another_key_verifies_nothing(void **state)
{
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    unsigned char newer[MOST_SIGNATURE];

    (void)state;
    assert_rv(sign_with(&mechanism, signer("p256"), whole(), signature, &size), CKR_OK);
    fake_add(fake, "p256", 256);
    assert_rv(sign_with(&mechanism, signer("p256"), whole(), newer, &size), CKR_OK);
    assert_rv(verify_with(&mechanism, verifier("p256"), whole(), bytes_of(signature, size)),
              CKR_SIGNATURE_INVALID);
    assert_rv(verify_with(&mechanism, verifier("p256"), whole(), bytes_of(newer, size)), CKR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_signers(test_what_was_signed_is_accepted),
        with_signers(test_digests_of_the_application_are_verified),
        with_signers(test_parts_are_verified),
        with_signers(test_verification_ends_whatever_comes),
        with_signers(test_without_the_public_part_nothing_is_verified),
        with_service(test_a_file_tells_the_public_part),
        with_signers(check_33_malformed_padding_is_no_signature),
        with_signers(check_33_numbers_outside_the_modulus_are_no_signature),
        with_signers(check_33_pss_of_another_form_is_no_signature),
        with_signers(check_33_ecdsa_takes_numbers_of_the_order_alone),
        with_signers(test_another_key_verifies_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
