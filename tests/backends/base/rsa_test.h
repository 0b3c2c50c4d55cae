/* What the tests of RSA share: opening with OpenSSL what was sealed. Like base_test.h for one program each. */
#ifndef BYOK_TESTS_RSA_TEST_H
#define BYOK_TESTS_RSA_TEST_H

#include "backends/base/rsa.h"
#include "backends/base/scope.h"
#include "tests/backends/base/base_test.h"
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

DEFINE_SCOPED(struct rsa_public, rsa_public_free)
DEFINE_SCOPED(EVP_PKEY, EVP_PKEY_free)

/* The names, as this test understands them: hash of OAEP and of MGF1, NULL for PKCS#1 v1.5. */
static const struct {
    const char *hash;
    size_t longest; /* of 2048 bits */
} expected[] = {[RSA_PADDING_OAEP_SHA1] = {"SHA1", 214},
                [RSA_PADDING_OAEP_SHA256] = {"SHA256", 190},
                [RSA_PADDING_PKCS1] = {NULL, 245}};

/* -1: it does not open. */
TEST_UNUSED static int decrypt(EVP_PKEY *key, enum rsa_padding padding, struct bytes blob,
                               unsigned char *ret_plain)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    const char *hash = expected[padding].hash;
    size_t size = 2048;
    int result;

    assert_int_equal(EVP_PKEY_decrypt_init(context), 1);
    assert_int_equal(
        EVP_PKEY_CTX_set_rsa_padding(context, hash == NULL ? RSA_PKCS1_PADDING : RSA_PKCS1_OAEP_PADDING), 1);
    if (hash != NULL) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md_name(context, hash, NULL), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, hash, NULL), 1);
    }
    result = EVP_PKEY_decrypt(context, ret_plain, &size, blob.data, blob.size) == 1 ? (int)size : -1;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return result;
}

TEST_UNUSED static struct bytes number_of(EVP_PKEY *key, const char *name, unsigned char *room, size_t size)
{
    BIGNUM *number = NULL;
    int length;

    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
    length = BN_bn2binpad(number, room, (int)size);
    BN_free(number);
    return bytes_of(room, length < 0 ? 0 : (size_t)length);
}

TEST_UNUSED static void assert_round_trip(EVP_PKEY *opens, const struct rsa_public *seals,
                                          enum rsa_padding padding, struct bytes plain)
{
    struct buffer blob = BUFFER_INIT(2048);
    unsigned char back[2048];

    assert_int_equal(rsa_encrypt(seals, padding, plain, &blob), CKR_OK);
    assert_int_equal(blob.size, (rsa_public_bits(seals) + 7) / 8);
    assert_int_equal(decrypt(opens, padding, buffer_bytes(&blob), back), plain.size);
    assert_memory_equal(back, plain.data == NULL ? back : plain.data, plain.size);
    buffer_free(&blob);
}

#endif
