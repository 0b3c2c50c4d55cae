/* Import: what comes in is what works there, and what is no key is refused. */
#include "tests/standin/test_material.h"
#include "tests/standin/test_standin.h"
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

/* The name is free. */
static void clear(const char *name)
{
    char *key OWNED(owned_free) = text("/keys/%s", name),
              *deleted OWNED(owned_free) = text("/deletedkeys/%s", name);

    ignore(vault("DELETE", key, NULL));
    ignore(vault("DELETE", deleted, NULL));
}

static struct reply import(const char *query, EVP_PKEY *key, const char *kty, bool zeros, const char *more)
{
    char *body OWNED(owned_free) = jwk_of(key, kty, zeros, more);
    char *path OWNED(owned_free) = text("/keys/brought%s", query);

    clear("brought");
    return vault("PUT", path, body);
}

/* --- JSON Web Keys --- */

static void test_an_rsa_key_opens_what_its_public_half_closed(void **state)
{
    struct reply reply ENDS(reply_done) = import("", rsa_key(), "RSA", false, "{}");
    unsigned char blob[512], plain[512];
    size_t size = sizeof blob, plain_size = sizeof plain;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, rsa_key(), NULL);

    (void)state;
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_text(&reply, "key.kty"), "RSA");
    assert_int_equal(cJSON_GetArraySize(reply_item(&reply, "key.key_ops")), 6);
    EVP_PKEY_encrypt_init(context);
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING);
    assert_int_equal(EVP_PKEY_encrypt(context, blob, &size, data_key, sizeof data_key), 1);
    EVP_PKEY_CTX_free(context);
    assert_true(use_key("/keys/brought/unwrapkey", "RSA-OAEP", blob, size, plain, &plain_size));
    assert_memory_equal(plain, data_key, sizeof data_key);
}

static void test_hsm_and_uses_of_an_import(void **state)
{
    char *jwk OWNED(owned_free) = jwk_of(rsa_key(), "RSA", false, "{\"key_ops\":[\"encrypt\"]}");
    char *body OWNED(owned_free) = text("{\"Hsm\":true,\"tags\":{\"a\":\"b\"},%s", jwk + 1);
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    clear("brought");
    reply = vault("PUT", "/keys/brought", body);
    assert_string_equal(reply_text(&reply, "key.kty"), "RSA-HSM");
    assert_string_equal(reply_text(&reply, "key.key_ops.0"), "encrypt");
    assert_int_equal(cJSON_GetArraySize(reply_item(&reply, "key.key_ops")), 1);
    assert_string_equal(reply_text(&reply, "tags.a"), "b");
}

static void check_curve(const char *group, const char *crv, const char *alg, size_t digest_size)
{
    EVP_PKEY *key = ec_key(group);
    char *more OWNED(owned_free) = text("{\"crv\":\"%s\"}", crv);
    struct reply reply ENDS(reply_done) = import("", key, "EC", false, more);
    unsigned char digest[64] = {1}, signature[256];
    size_t size = sizeof signature;

    EVP_PKEY_free(key);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_text(&reply, "key.crv"), crv);
    assert_true(use_key("/keys/brought/sign", alg, digest, digest_size, signature, &size));
    assert_int_equal(size, digest_size == 64 ? 132 : 2 * digest_size);
}

static void test_curves(void **state)
{
    (void)state;
    check_curve("P-256", "P-256", "ES256", 32);
    check_curve("P-384", "P-384", "ES384", 48);
    check_curve("P-521", "P-521", "ES512", 64);
    check_curve("secp256k1", "P-256K", "ES256K", 32);
}

static void test_needless_zeros_come_back_from_old_versions(void **state)
{
    struct reply old ENDS(reply_done) = import("?api-version=7.0", rsa_key(), "RSA", true, "{}");
    struct reply newer ENDS(reply_done) = {0}, kept ENDS(reply_done) = {0};

    (void)state;
    assert_int_equal(strlen(reply_text(&old, "key.n")), 343);
    newer = vault("GET", "/keys/brought", NULL);
    assert_int_equal(strlen(reply_text(&newer, "key.n")), 342);
    assert_string_equal(reply_text(&newer, "key.e"), "AQAB");
    control("/settings", "{\"keep_leading_zeros\":true}");
    kept = vault("GET", "/keys/brought", NULL);
    control("/settings", "{\"keep_leading_zeros\":false}");
    assert_int_equal(strlen(reply_text(&kept, "key.n")), 343);
}

static void check_spoiled(const char *kty, EVP_PKEY *key, const char *more, const char *member,
                          const char *value)
{
    char *body OWNED(owned_free) = jwk_of(key, kty, false, more), *spoiled OWNED(owned_free) = NULL;
    cJSON *json OWNED(owned_json) = cJSON_Parse(body);
    cJSON *jwk = cJSON_GetObjectItem(json, "key");

    cJSON_DeleteItemFromObject(jwk, member);
    if (value != NULL) {
        cJSON_AddStringToObject(jwk, member, value);
    }
    spoiled = cJSON_PrintUnformatted(json);
    expect_refusal(vault("PUT", "/keys/refused", spoiled), 400, "BadParameter", "");
}

static void test_what_is_no_key_is_refused(void **state)
{
    EVP_PKEY *ec = ec_key("P-256");

    (void)state;
    check_spoiled("RSA", rsa_key(), "{}", "kty", NULL);
    check_spoiled("RSA", rsa_key(), "{}", "kty", "EC");
    check_spoiled("RSA", rsa_key(), "{}", "kty", "DSA");
    check_spoiled("RSA", rsa_key(), "{}", "d", NULL);
    check_spoiled("RSA", rsa_key(), "{}", "p", NULL);
    check_spoiled("RSA", rsa_key(), "{}", "n", "AQ");
    check_spoiled("RSA", rsa_key(), "{}", "q", "not base64url!");
    check_spoiled("RSA", rsa_key(), "{\"key_ops\":[\"fly\"]}", "none", NULL);
    check_spoiled("EC", ec, "{\"crv\":\"P-256\"}", "x", "AQ");
    check_spoiled("EC", ec, "{\"crv\":\"P-256\"}", "d", "AQ");
    check_spoiled("EC", ec, "{\"crv\":\"P-384\"}", "none", NULL);
    check_spoiled("EC", ec, "{\"crv\":\"P-256\",\"key_ops\":[\"wrapKey\"]}", "none", NULL);
    EVP_PKEY_free(ec);
    expect_refusal(
        vault("PUT", "/keys/refused", "{\"key\":{\"kty\":\"oct\",\"k\":\"AQEBAQEBAQEBAQEBAQEBAQ\"}}"), 400,
        "BadParameter", "");
    expect_refusal(vault("GET", "/keys/refused", NULL), 404, "KeyNotFound", "");
}

/* --- Transfer blobs --- */

static const char kek[] = "{\"kty\":\"RSA-HSM\",\"key_ops\":[\"import\"]}";

static char *import_body(const char *kty, const char *crv, const char *blob)
{
    return text("{\"key\":{\"kty\":\"%s\",%s%s%s\"key_hsm\":\"%s\"}}", kty,
                crv[0] == '\0' ? "" : "\"crv\":\"", crv, crv[0] == '\0' ? "" : "\",", blob);
}

static struct reply bring(const char *kty, const char *crv, const struct blob *target, enum spoil how)
{
    char *blob OWNED(owned_free) = transfer_blob("/keys/exchange", target, how);
    char *body OWNED(owned_free) = import_body(kty, crv, blob);

    clear("brought");
    return vault("PUT", "/keys/brought", body);
}

static void test_a_transfer_blob_is_opened(void **state)
{
    struct blob target OWNED(owned_blob) = pkcs8_of(rsa_key());
    struct reply reply ENDS(reply_done) = {0};
    BIGNUM *n = NULL;
    unsigned char bytes[256];
    char *expected OWNED(owned_free) = NULL;

    (void)state;
    make_vault_key("exchange", kek);
    reply = bring("RSA-HSM", "", &target, SPOIL_NOTHING);
    assert_int_equal(reply.status, 200);
    EVP_PKEY_get_bn_param(rsa_key(), "n", &n);
    BN_bn2binpad(n, bytes, 256);
    BN_free(n);
    expected = base64url(bytes, sizeof bytes);
    assert_string_equal(reply_text(&reply, "key.n"), expected);
    assert_string_equal(reply_text(&reply, "key.kty"), "RSA-HSM");
}

static void test_an_ec_target(void **state)
{
    EVP_PKEY *key = ec_key("P-384");
    struct blob target OWNED(owned_blob) = pkcs8_of(key);
    struct reply reply ENDS(reply_done) = {0}, wrong ENDS(reply_done) = {0};

    (void)state;
    EVP_PKEY_free(key);
    make_vault_key("exchange", kek);
    reply = bring("EC-HSM", "P-384", &target, SPOIL_NOTHING);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_text(&reply, "key.crv"), "P-384");
    wrong = bring("EC-HSM", "P-256", &target, SPOIL_NOTHING);
    assert_int_equal(wrong.status, 400);
    expect_refusal(bring("RSA-HSM", "", &target, SPOIL_NOTHING), 400, "BadParameter", "");
}

static void test_a_spoiled_blob_is_refused(void **state)
{
    struct blob target OWNED(owned_blob) = pkcs8_of(rsa_key());

    (void)state;
    make_vault_key("exchange", kek);
    for (enum spoil how = SPOIL_FIRST_HALF; how <= SPOIL_CUT; how++) {
        expect_refusal(bring("RSA-HSM", "", &target, how), 400, "BadParameter", "");
    }
    expect_refusal(vault("PUT", "/keys/refused", "{\"key\":{\"kty\":\"RSA-HSM\",\"key_hsm\":\"AQID\"}}"), 400,
                   "BadParameter", "");
}

static void test_only_a_key_for_import_opens_it(void **state)
{
    struct blob target OWNED(owned_blob) = pkcs8_of(rsa_key());

    (void)state;
    make_vault_key("exchange", "{\"kty\":\"RSA-HSM\"}");
    expect_refusal(bring("RSA-HSM", "", &target, SPOIL_NOTHING), 403, "Forbidden", "KeyOperationForbidden");
}

static void test_import_excludes_every_other_use(void **state)
{
    (void)state;
    expect_refusal(
        vault("POST", "/keys/refused/create", "{\"kty\":\"RSA-HSM\",\"key_ops\":[\"import\",\"wrapKey\"]}"),
        400, "BadParameter", "");
    expect_refusal(vault("POST", "/keys/refused/create", "{\"kty\":\"RSA\",\"key_ops\":[\"import\"]}"), 400,
                   "BadParameter", "");
    make_vault_key("exchange", kek);
    expect_refusal(vault("POST", "/keys/exchange/wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"AQ\"}"), 403,
                   "Forbidden", "KeyOperationForbidden");
}

static int forget(void **state)
{
    (void)state;
    forget_rsa_key();
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_an_rsa_key_opens_what_its_public_half_closed),
    cmocka_unit_test(test_hsm_and_uses_of_an_import),
    cmocka_unit_test(test_curves),
    cmocka_unit_test(test_needless_zeros_come_back_from_old_versions),
    cmocka_unit_test(test_what_is_no_key_is_refused),
    cmocka_unit_test(test_a_transfer_blob_is_opened),
    cmocka_unit_test(test_an_ec_target),
    cmocka_unit_test(test_a_spoiled_blob_is_refused),
    cmocka_unit_test(test_only_a_key_for_import_opens_it),
    cmocka_unit_test_teardown(test_import_excludes_every_other_use, forget),
};
const struct test_list import_tests = TEST_LIST(tests);
