/* Private keys to import, where the recorded ones were not kept. */
#include "tests/standin/text.h"
#include "tests/truth/replay.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

/* size 0: as long as it is. */
static void add_number(cJSON *jwk, const char *name, const EVP_PKEY *key, const char *parameter, size_t size)
{
    unsigned char bytes[512];
    BIGNUM *number = NULL;
    char *value ENDED_BY(free_text) = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(key, parameter, &number), 1);
    size = size == 0 ? (size_t)BN_num_bytes(number) : size;
    assert_true(BN_bn2binpad(number, bytes, (int)size) >= 0);
    value = base64url(bytes, size);
    cJSON_AddStringToObject(jwk, name, value);
    BN_clear_free(number);
}

static void add_rsa(cJSON *jwk)
{
    static const char *const members[][2] = {
        {"n", OSSL_PKEY_PARAM_RSA_N},          {"e", OSSL_PKEY_PARAM_RSA_E},
        {"d", OSSL_PKEY_PARAM_RSA_D},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
        {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
        {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}};
    EVP_PKEY *key = EVP_RSA_gen(2048);

    assert_non_null(key);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        add_number(jwk, members[i][0], key, members[i][1], 0);
    }
    EVP_PKEY_free(key);
}

/* As long as the recorded number was, which may have begun with zeros. */
static size_t length_like(const cJSON *recorded, const char *name, size_t least)
{
    size_t size = (size_t)base64url_octets(text_at(recorded, name));

    return size < least ? least : size;
}

static void add_ec(cJSON *jwk, const cJSON *recorded)
{
    const char *crv = text_at(recorded, "crv");
    EVP_PKEY *key = EVP_EC_gen(strcmp(crv, "P-256K") == 0 ? "secp256k1" : crv);
    size_t size;

    assert_non_null(key);
    size = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
    cJSON_AddStringToObject(jwk, "crv", crv);
    add_number(jwk, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, length_like(recorded, "x", size));
    add_number(jwk, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, length_like(recorded, "y", size));
    add_number(jwk, "d", key, OSSL_PKEY_PARAM_PRIV_KEY, size);
    EVP_PKEY_free(key);
}

cJSON *replay_private_key(const cJSON *recorded)
{
    cJSON *jwk = cJSON_CreateObject();

    if (item_at(recorded, "n") != NULL) {
        add_rsa(jwk);
    } else {
        add_ec(jwk, recorded);
    }
    return jwk;
}
