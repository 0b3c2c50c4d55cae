/* Key material of the tests. */
#include "tests/standin/test_material.h"
#include "tests/standin/test_client.h"
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

static EVP_PKEY *the_rsa_key;

EVP_PKEY *rsa_key(void)
{
    if (the_rsa_key == NULL) {
        the_rsa_key = need(EVP_RSA_gen(2048));
    }
    return the_rsa_key;
}

void forget_rsa_key(void)
{
    EVP_PKEY_free(the_rsa_key);
    the_rsa_key = NULL;
}

EVP_PKEY *ec_key(const char *group)
{
    return need(EVP_EC_gen(group));
}

static void add_number(cJSON *jwk, const char *name, EVP_PKEY *key, const char *parameter, int size,
                       bool zero)
{
    BIGNUM *number = NULL;
    unsigned char bytes[600] = {0};
    char *encoded OWNED(owned_free) = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(key, parameter, &number), 1);
    size = (size == 0 ? BN_num_bytes(number) : size) + (zero ? 1 : 0);
    BN_bn2binpad(number, bytes, size);
    BN_free(number);
    encoded = base64url(bytes, (size_t)size);
    cJSON_AddStringToObject(jwk, name, encoded);
}

static void add_rsa(cJSON *jwk, EVP_PKEY *key, bool zeros)
{
    static const char *const names[][2] = {
        {"d", OSSL_PKEY_PARAM_RSA_D},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
        {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
        {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}};

    add_number(jwk, "n", key, OSSL_PKEY_PARAM_RSA_N, 0, zeros);
    add_number(jwk, "e", key, OSSL_PKEY_PARAM_RSA_E, 0, zeros);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        add_number(jwk, names[i][0], key, names[i][1], 0, false);
    }
}

static void add_ec(cJSON *jwk, EVP_PKEY *key, bool zeros)
{
    int field = (EVP_PKEY_get_bits(key) + 7) / 8;

    add_number(jwk, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, field, zeros);
    add_number(jwk, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, field, zeros);
    add_number(jwk, "d", key, OSSL_PKEY_PARAM_PRIV_KEY, field, false);
}

char *jwk_of(EVP_PKEY *key, const char *kty, bool zeros, const char *more)
{
    cJSON *jwk OWNED(owned_json) = need(cJSON_Parse(more)), *whole OWNED(owned_json) = cJSON_CreateObject();

    cJSON_AddStringToObject(jwk, "kty", kty);
    if (EVP_PKEY_is_a(key, "RSA")) {
        add_rsa(jwk, key, zeros);
    } else {
        add_ec(jwk, key, zeros);
    }
    cJSON_AddItemToObject(whole, "key", cJSON_Duplicate(jwk, true));
    return need(cJSON_PrintUnformatted(whole));
}

/* --- Transfer blobs --- */

struct blob pkcs8_of(EVP_PKEY *key)
{
    PKCS8_PRIV_KEY_INFO *info = need(EVP_PKEY2PKCS8(key));
    unsigned char *der = NULL;
    int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);

    PKCS8_PRIV_KEY_INFO_free(info);
    assert_true(size > 0);
    return (struct blob){der, (size_t)size};
}

/* RFC 5649, under the key that wrap_here wraps. */
static size_t wrap_target(const struct blob *target, unsigned char *out)
{
    EVP_CIPHER_CTX *context = need(EVP_CIPHER_CTX_new());
    int size, last;

    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_256_wrap_pad(), NULL, data_key, NULL), 1);
    assert_int_equal(EVP_EncryptUpdate(context, out, &size, target->data, (int)target->size), 1);
    assert_int_equal(EVP_EncryptFinal_ex(context, out + size, &last), 1);
    EVP_CIPHER_CTX_free(context);
    return (size_t)(size + last);
}

static char *base64(const char *plain)
{
    size_t size = strlen(plain);
    char *encoded = need(malloc(size / 3 * 4 + 5));

    EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)plain, (int)size);
    return encoded;
}

char *transfer_blob(const char *kek_path, const struct blob *target, enum spoil how)
{
    struct reply kek ENDS(reply_done) = vault("GET", kek_path, NULL);
    unsigned char both[4096];
    size_t first = wrap_here(kek_path, "SHA1", both), size = first + wrap_target(target, both + first);
    char *ciphertext OWNED(owned_free) = NULL, *file OWNED(owned_free) = NULL;

    if (how == SPOIL_FIRST_HALF || how == SPOIL_SECOND_HALF) {
        both[how == SPOIL_FIRST_HALF ? 10 : first + 10] ^= 1;
    }
    ciphertext = base64url(both, how == SPOIL_CUT ? first : size);
    file = text("{\"schema_version\":\"%s\",\"header\":{\"kid\":\"%s\",\"alg\":\"dir\",\"enc\":\"%s\"},"
                "\"ciphertext\":\"%s\",\"generator\":\"a test\"}",
                how == SPOIL_SCHEMA ? "2.0.0" : "1.0.0", reply_text(&kek, "key.kid"),
                how == SPOIL_ENC ? "RSA_AES_KEY_WRAP_256" : "CKM_RSA_AES_KEY_WRAP", ciphertext);
    return base64(file);
}
