/* Import: a JSON Web Key, or a transfer blob, becomes a version. */
#include "tests/standin/vault_call.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

static const char bad_value[] = "Property  has invalid value\r\n";

void material_done(struct material *material)
{
    EVP_PKEY_free(material->key);
    owned_blob(&material->secret);
}

/* --- JSON Web Keys to OpenSSL's --- */

/* The numbers of a key while it is put together. */
struct numbers {
    OSSL_PARAM_BLD *builder;
    unsigned count;
    BIGNUM *number[8];
};

static void numbers_done(struct numbers *numbers)
{
    OSSL_PARAM_BLD_free(numbers->builder);
    while (numbers->count > 0) {
        BN_clear_free(numbers->number[--numbers->count]);
    }
}

static void free_params(OSSL_PARAM **params)
{
    OSSL_PARAM_free(*params);
}

static void free_context(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

/* False: it is not there, or no base64url. */
static bool add_number(struct numbers *numbers, const cJSON *jwk, const char *name, const char *parameter)
{
    const char *encoded = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(jwk, name));
    struct blob bytes OWNED(owned_blob) = {NULL, 0};
    BIGNUM *number;

    if (encoded == NULL || !base64url_decode(encoded, &bytes)) {
        return false;
    }
    number = need(BN_bin2bn(bytes.data, (int)bytes.size, NULL));
    numbers->number[numbers->count++] = number;
    return OSSL_PARAM_BLD_push_BN(numbers->builder, parameter, number) == 1;
}

static EVP_PKEY *build(const char *type, struct numbers *numbers)
{
    OSSL_PARAM *params OWNED(free_params) = OSSL_PARAM_BLD_to_param(numbers->builder);
    EVP_PKEY_CTX *context OWNED(free_context) = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1) {
        return NULL;
    }
    return key;
}

/*
 * d from the primes, to where it belongs;
 * the service takes one that is sent and wrong. False: e has no inverse.
 */
static bool add_private_exponent(struct numbers *numbers)
{
    const BIGNUM *e = numbers->number[1], *p = numbers->number[2], *q = numbers->number[3];
    BN_CTX *context = need(BN_CTX_new());
    BIGNUM *p1 = need(BN_dup(p)), *q1 = need(BN_dup(q)), *product = need(BN_new()), *d;

    BN_sub_word(p1, 1);
    BN_sub_word(q1, 1);
    BN_mul(product, p1, q1, context);
    d = BN_mod_inverse(NULL, e, product, context);
    BN_clear_free(p1);
    BN_clear_free(q1);
    BN_clear_free(product);
    BN_CTX_free(context);
    if (d == NULL) {
        return false;
    }
    numbers->number[numbers->count++] = d;
    return OSSL_PARAM_BLD_push_BN(numbers->builder, OSSL_PKEY_PARAM_RSA_D, d) == 1;
}

/* NULL: it is none. */
static EVP_PKEY *read_rsa(const cJSON *jwk)
{
    static const char *const names[][2] = {{"n", OSSL_PKEY_PARAM_RSA_N},
                                           {"e", OSSL_PKEY_PARAM_RSA_E},
                                           {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
                                           {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},
                                           {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
                                           {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},
                                           {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}};
    struct numbers numbers OWNED(numbers_done) = {.builder = need(OSSL_PARAM_BLD_new())};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!add_number(&numbers, jwk, names[i][0], names[i][1])) {
            return NULL;
        }
    }
    return cJSON_HasObjectItem(jwk, "d") && add_private_exponent(&numbers) ? build("RSA", &numbers) : NULL;
}

/* 4, x, y: as OpenSSL takes a point. False: x or y is not there. */
static bool read_point(const cJSON *jwk, size_t field, struct blob *ret_point)
{
    static const char *const names[] = {"x", "y"};
    struct blob point = {need(calloc(2, field + 1)), 2 * field + 1};

    point.data[0] = POINT_CONVERSION_UNCOMPRESSED;
    for (size_t i = 0; i < 2; i++) {
        const char *encoded = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(jwk, names[i]));
        struct blob bytes OWNED(owned_blob) = {NULL, 0};
        const unsigned char *from;

        if (encoded == NULL || !base64url_decode(encoded, &bytes)) {
            free(point.data);
            return false;
        }
        from = bytes.data;
        for (; bytes.size > field && *from == 0; bytes.size--) {
            from++;
        }
        if (bytes.size > field) {
            free(point.data);
            return false;
        }
        memcpy(point.data + 1 + i * field + (field - bytes.size), from, bytes.size);
    }
    *ret_point = point;
    return true;
}

static EVP_PKEY *read_ec(const cJSON *jwk)
{
    static const struct {
        const char *crv, *group;
        size_t field;
    } curves[] = {{"P-256", "prime256v1", 32},
                  {"P-384", "secp384r1", 48},
                  {"P-521", "secp521r1", 66},
                  {"P-256K", "secp256k1", 32}};
    struct numbers numbers OWNED(numbers_done) = {.builder = need(OSSL_PARAM_BLD_new())};
    const char *crv = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(jwk, "crv"));
    struct blob point OWNED(owned_blob) = {NULL, 0};
    size_t i = 0;

    while (i < sizeof curves / sizeof *curves && !same_text(curves[i].crv, crv)) {
        i++;
    }
    if (i == sizeof curves / sizeof *curves || !read_point(jwk, curves[i].field, &point) ||
        OSSL_PARAM_BLD_push_utf8_string(numbers.builder, OSSL_PKEY_PARAM_GROUP_NAME, curves[i].group, 0) !=
            1 ||
        OSSL_PARAM_BLD_push_octet_string(numbers.builder, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.size) !=
            1 ||
        !add_number(&numbers, jwk, "d", OSSL_PKEY_PARAM_PRIV_KEY)) {
        return NULL;
    }
    return build("EC", &numbers);
}

/* A pair whose halves do not belong together would compute nonsense later. */
static bool is_whole(EVP_PKEY *key)
{
    EVP_PKEY_CTX *context OWNED(free_context) = need(EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL));

    return EVP_PKEY_pairwise_check(context) == 1;
}

static bool read_jwk(const cJSON *jwk, const char *kty, struct material *ret_material)
{
    const char *k = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(jwk, "k"));

    if (strncmp(kty, "oct", 3) == 0) {
        return k != NULL && base64url_decode(k, &ret_material->secret);
    }
    ret_material->key = strncmp(kty, "RSA", 3) == 0 ? read_rsa(jwk) : read_ec(jwk);
    return ret_material->key != NULL && is_whole(ret_material->key);
}

/* --- The request --- */

/* The type it will have. From malloc; NULL: a 400 was given. */
static char *read_kty(struct call *call, const cJSON *jwk)
{
    const char *kty = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(jwk, "kty"));
    bool hsm = is_mhsm(call) || cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(call->body, "Hsm"));

    if (kty == NULL) {
        call_bad_parameter(call, is_mhsm(call) ? "JSON Web Key: kty is missing"
                                               : "The property \"key\" must be a valid JsonWebKey object.");
        return NULL;
    }
    return hsm && strstr(kty, "-HSM") == NULL ? text("%s-HSM", kty) : text("%s", kty);
}

/* False: an answer was given. */
static bool read_material(struct call *call, const cJSON *jwk, const char *kty, struct material *ret_material)
{
    const char *key_hsm = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(jwk, "key_hsm"));

    if (key_hsm != NULL) {
        return byok_open(call, key_hsm, strncmp(kty, "oct", 3) == 0, ret_material);
    }
    if (!read_jwk(jwk, kty, ret_material)) {
        call_bad_parameter(call, bad_value);
        return false;
    }
    return true;
}

/* False: a 400 was given. */
static bool read_kind(struct call *call, const cJSON *jwk, const char *kty, const struct material *material,
                      struct key_kind *ret_kind)
{
    const char *crv = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(jwk, "crv"));
    struct key_kind kind, allowed;

    if (!key_kind_of(kty, material->key, &material->secret, &kind) ||
        !call_kind(call, kty, kind.bits, kind.crv[0] == '\0' ? NULL : kind.crv, &allowed) ||
        (key_kind_is_ec(&kind) && crv != NULL && strcmp(crv, kind.crv) != 0)) {
        call_bad_parameter(call, bad_value);
        return false;
    }
    *ret_kind = kind;
    return true;
}

/* The public numbers as they came; NULL: there are none. */
static cJSON *sent_numbers(const cJSON *jwk)
{
    static const char *const names[] = {"n", "e", "crv", "x", "y"};
    cJSON *sent = need(cJSON_CreateObject());

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(jwk, names[i]);

        if (item != NULL) {
            cJSON_AddItemToObject(sent, names[i], need(cJSON_Duplicate(item, true)));
        }
    }
    if (cJSON_HasObjectItem(jwk, "key_hsm")) {
        cJSON_Delete(sent);
        return NULL;
    }
    return sent;
}

/* With the lock; takes the material. */
static struct snapshot add_imported(struct call *call, const struct key_kind *kind, const cJSON *jwk,
                                    struct material *material)
{
    struct keypair *pair = keypair_of(material->key, material->key == NULL ? &material->secret : NULL);
    struct key *key = key_add_pair(call->keys, call->route.name, kind, pair);

    *material = (struct material){0};
    key->newest->sent = sent_numbers(jwk);
    return call_settle_new(call, key);
}

void vault_import(struct call *call)
{
    const cJSON *jwk = cJSON_GetObjectItemCaseSensitive(call->body, "key");
    struct material material OWNED(material_done) = {0};
    struct snapshot shot OWNED(snapshot_done) = {.pair = NULL};
    char *kty OWNED(owned_free) = read_kty(call, jwk);
    struct key_kind kind;

    if (kty == NULL || !read_material(call, jwk, kty, &material) ||
        !read_kind(call, jwk, kty, &material, &kind)) {
        return;
    }
    {
        LOCKED(call->standin);
        if (!call_judge_new(call, &kind)) {
            return;
        }
        shot = add_imported(call, &kind, jwk, &material);
    }
    answer_bundle(call, &shot);
}
