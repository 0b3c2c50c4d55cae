/* Keys: what the service computes is true cryptography, under the attributes of the key. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static void check_unwrap(const char *name, const char *alg, const char *hash)
{
    char *key OWNED(owned_free) = text("/keys/%s", name),
              *path OWNED(owned_free) = text("/keys/%s/unwrapkey", name);
    unsigned char blob[512], plain[512];
    size_t size = wrap_here(key, hash, blob), plain_size = sizeof plain;

    assert_true(use_key(path, alg, blob, size, plain, &plain_size));
    assert_int_equal(plain_size, sizeof data_key);
    assert_memory_equal(plain, data_key, sizeof data_key);
}

static void test_what_is_wrapped_here_opens_there(void **state)
{
    (void)state;
    check_unwrap("kek", "RSA-OAEP", "SHA1");
    check_unwrap("kek", "RSA-OAEP-256", "SHA256");
    check_unwrap("kek", "RSA1_5", NULL);
}

static void test_larger_keys(void **state)
{
    unsigned char blob[512];

    (void)state;
    check_unwrap("kek-3072", "RSA-OAEP-256", "SHA256");
    check_unwrap("kek-4096", "RSA-OAEP", "SHA1");
    assert_int_equal(wrap_here("/keys/kek-3072", "SHA1", blob), 384);
    assert_int_equal(wrap_here("/keys/kek-4096", "SHA1", blob), 512);
}

static void check_there_and_back(const char *there, const char *back, const char *alg)
{
    unsigned char blob[512], plain[512];
    size_t size = sizeof blob, plain_size = sizeof plain;

    assert_true(use_key(there, alg, data_key, sizeof data_key, blob, &size));
    assert_int_equal(size, 256);
    assert_true(use_key(back, alg, blob, size, plain, &plain_size));
    assert_int_equal(plain_size, sizeof data_key);
    assert_memory_equal(plain, data_key, sizeof data_key);
}

static void test_wrap_and_encrypt(void **state)
{
    (void)state;
    check_there_and_back("/keys/kek/wrapkey", "/keys/kek/unwrapkey", "RSA-OAEP");
    check_there_and_back("/keys/kek/encrypt", "/keys/kek/decrypt", "RSA-OAEP-256");
    check_there_and_back("/keys/kek/wrapkey", "/keys/kek/decrypt", "RSA1_5");
}

static void test_paths_have_no_case_and_may_have_an_empty_version(void **state)
{
    (void)state;
    check_there_and_back("/KEYS/KeK/wrapKey", "/keys/kek//UNWRAPKEY", "RSA-OAEP");
}

/* 400 BadParameter, whatever is wrong with it. */
static void check_bad(const char *path, const char *alg, const void *in, size_t size)
{
    char *value OWNED(owned_free) = base64url(in, size);
    char *body OWNED(owned_free) = text("{\"alg\":\"%s\",\"value\":\"%s\"}", alg, value);
    struct reply reply ENDS(reply_done) = vault("POST", path, body);

    assert_int_equal(reply.status, 400);
    assert_string_equal(reply_text(&reply, "error.code"), "BadParameter");
}

static void test_bad_blobs(void **state)
{
    unsigned char blob[512];
    size_t size = wrap_here("/keys/kek", "SHA1", blob);

    (void)state;
    check_bad("/keys/kek/unwrapkey", "RSA-OAEP-256", blob, size);
    check_bad("/keys/kek/unwrapkey", "RSA-OAEP", blob, size - 1);
    check_bad("/keys/kek-3072/unwrapkey", "RSA-OAEP", blob, size);
    check_bad("/keys/kek/unwrapkey", "RSA1_5", blob, size);
    blob[100] ^= 1;
    check_bad("/keys/kek/unwrapkey", "RSA-OAEP", blob, size);
    check_bad("/keys/kek/unwrapkey", "RSA-OAEP", blob, 0);
}

/* What is answered from memory is that blob under that key and algorithm, and nothing else. */
static void test_what_opens_once_opens_nothing_else(void **state)
{
    unsigned char blob[512];
    size_t size = wrap_here("/keys/kek", "SHA256", blob);

    (void)state;
    control("/settings", "{\"opens_once\":true}");
    for (int i = 0; i < 2; i++) {
        unsigned char plain[512];
        size_t plain_size = sizeof plain;

        assert_true(use_key("/keys/kek/unwrapkey", "RSA-OAEP-256", blob, size, plain, &plain_size));
        assert_int_equal(plain_size, sizeof data_key);
        assert_memory_equal(plain, data_key, sizeof data_key);
    }
    for (int i = 0; i < 2; i++) {
        check_there_and_back("/keys/kek/wrapkey", "/keys/kek/unwrapkey", "RSA-OAEP");
        check_bad("/keys/kek/unwrapkey", "RSA-OAEP", blob, size);
        check_bad("/keys/kek-3072/unwrapkey", "RSA-OAEP-256", blob, size);
    }
    blob[100] ^= 1;
    check_bad("/keys/kek/unwrapkey", "RSA-OAEP-256", blob, size);
    control("/settings", "{\"opens_once\":false}");
}

static void test_bad_requests(void **state)
{
    static const unsigned char long_key[215];
    struct reply reply ENDS(reply_done) = vault("POST", "/keys/kek/wrapkey", "not json");
    struct reply padded ENDS(reply_done) =
        vault("POST", "/keys/kek/wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"AQ==\"}");

    (void)state;
    assert_int_equal(reply.status, 400);
    assert_int_equal(padded.status, 400);
    check_bad("/keys/kek/wrapkey", "A256KW", data_key, sizeof data_key);
    check_bad("/keys/kek/wrapkey", "RS256", data_key, sizeof data_key);
    check_bad("/keys/kek/wrapkey", "RSA-OAEP", long_key, sizeof long_key);
}

static void check_signature(const char *key, const char *alg, size_t digest_size, size_t signature_size)
{
    char *sign OWNED(owned_free) = text("/keys/%s/sign", key),
               *verify OWNED(owned_free) = text("/keys/%s/verify", key);
    unsigned char digest[64] = {7}, signature[512];
    size_t size = sizeof signature;
    char *encoded OWNED(owned_free) = base64url(digest, digest_size), *value OWNED(owned_free) = NULL;
    char *body OWNED(owned_free) = NULL;

    assert_true(use_key(sign, alg, digest, digest_size, signature, &size));
    assert_int_equal(size, signature_size);
    for (int bad = 0; bad < 2; bad++) {
        signature[5] ^= (unsigned char)bad;
        free(value);
        free(body);
        value = base64url(signature, size);
        body = text("{\"alg\":\"%s\",\"digest\":\"%s\",\"value\":\"%s\"}", alg, encoded, value);
        struct reply reply ENDS(reply_done) = vault("POST", verify, body);
        assert_int_equal(reply.status, 200);
        assert_int_equal(cJSON_IsTrue(reply_item(&reply, "value")), !bad);
    }
}

static void test_signatures(void **state)
{
    (void)state;
    check_signature("kek", "RS256", 32, 256);
    check_signature("kek", "RS512", 64, 256);
    check_signature("kek", "PS384", 48, 256);
    check_signature("signer", "ES256", 32, 64);
    check_bad("/keys/kek/sign", "RS256", data_key, 31);
    check_bad("/keys/kek/sign", "ES256", data_key, 32);
    check_bad("/keys/signer/sign", "RS256", data_key, 32);
}

static void check_refused(const char *path, const char *inner)
{
    struct reply reply ENDS(reply_done) = vault("POST", path, "{\"alg\":\"RSA-OAEP\",\"value\":\"AQ\"}");

    assert_int_equal(reply.status, 403);
    assert_string_equal(reply_text(&reply, "error.code"), "Forbidden");
    assert_string_equal(reply_text(&reply, "error.innererror.code"), inner);
}

static void test_a_disabled_key_does_nothing_but_is_told(void **state)
{
    struct reply reply;

    (void)state;
    control("/keys/off", "{\"enabled\":false}");
    check_refused("/keys/off/wrapkey", "KeyDisabled");
    check_refused("/keys/off/unwrapkey", "KeyDisabled");
    reply = vault("GET", "/keys/off", NULL);
    assert_int_equal(reply.status, 200);
    assert_true(cJSON_IsFalse(reply_item(&reply, "attributes.enabled")));
    reply_done(&reply);
    control("/keys/off", "{\"enabled\":true}");
    check_there_and_back("/keys/off/wrapkey", "/keys/off/unwrapkey", "RSA-OAEP");
}

static void test_out_of_time_a_key_opens_and_does_not_close(void **state)
{
    unsigned char blob[512], plain[512];
    size_t size, plain_size = sizeof plain;

    (void)state;
    control("/keys/old", "{\"exp\":1000000000}");
    size = wrap_here("/keys/old", "SHA1", blob);
    check_refused("/keys/old/wrapkey", "");
    assert_true(use_key("/keys/old/unwrapkey", "RSA-OAEP", blob, size, plain, &plain_size));
    control("/keys/old", "{\"exp\":null,\"nbf\":4000000000}");
    check_refused("/keys/old/encrypt", "");
    control("/keys/old", "{\"nbf\":1000000000,\"exp\":4000000000}");
    check_there_and_back("/keys/old/wrapkey", "/keys/old/unwrapkey", "RSA-OAEP");
}

static void test_key_ops_are_kept_to(void **state)
{
    (void)state;
    control("/keys/opener", "{\"key_ops\":[\"unwrapKey\"]}");
    check_refused("/keys/opener/wrapkey", "KeyOperationForbidden");
    check_refused("/keys/opener/decrypt", "KeyOperationForbidden");
    check_unwrap("opener", "RSA-OAEP", "SHA1");
}

static void test_versions(void **state)
{
    struct reply first ENDS(reply_done) = vault("POST", "/keys/rolling/create", "{\"kty\":\"RSA\"}");
    struct reply second ENDS(reply_done) = vault("POST", "/keys/rolling/create", "{\"kty\":\"RSA\"}");
    struct reply latest ENDS(reply_done) = vault("GET", "/keys/rolling", NULL);
    const char *kid = reply_text(&first, "key.kid");
    char *old_path OWNED(owned_free) = text("%s", strstr(kid, "/keys/"));
    char *unwrap OWNED(owned_free) = text("%s/unwrapkey", old_path);
    unsigned char blob[512], plain[512];
    size_t size = wrap_here(old_path, "SHA1", blob), plain_size = sizeof plain;

    (void)state;
    assert_string_equal(reply_text(&latest, "key.kid"), reply_text(&second, "key.kid"));
    assert_string_not_equal(reply_text(&latest, "key.kid"), kid);
    assert_true(use_key(unwrap, "RSA-OAEP", blob, size, plain, &plain_size));
    check_bad("/keys/rolling/unwrapkey", "RSA-OAEP", blob, size);
}

static void test_the_latest_version_counts_although_disabled(void **state)
{
    (void)state;
    control("/keys/half-off", "{\"versions\":2}");
    control("/keys/half-off", "{\"version\":\"latest\",\"enabled\":false}");
    check_refused("/keys/half-off/wrapkey", "KeyDisabled");
}

static void check_status(const char *method, const char *path, const char *body, long status,
                         const char *code)
{
    struct reply reply ENDS(reply_done) = vault(method, path, body);

    assert_int_equal(reply.status, status);
    assert_string_equal(reply_text(&reply, "error.code"), code);
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    check_status("GET", "/keys/nobody", NULL, 404, "KeyNotFound");
    check_status("GET", "/keys/kek/0123456789abcdef0123456789abcdef", NULL, 404, "KeyNotFound");
    check_status("POST", "/keys/nobody/wrapkey", "{}", 404, "KeyNotFound");
    check_status("GET", "/secrets", NULL, 404, "NotFound");
    check_status("GET", "/keys/bad_name", NULL, 400, "");
}

static void test_a_deleted_key_is_not_there_until_it_is_back(void **state)
{
    (void)state;
    control("/keys/gone", "{\"deleted\":true}");
    check_status("GET", "/keys/gone", NULL, 404, "KeyNotFound");
    check_status("POST", "/keys/gone/create", "{\"kty\":\"RSA\"}", 409, "Conflict");
    control("/keys/gone", "{\"deleted\":false}");
    check_status("GET", "/keys/gone", NULL, 200, "");
}

static void test_create_tells_what_it_made(void **state)
{
    struct reply reply ENDS(reply_done) =
        vault("POST", "/keys/made/create",
              "{\"kty\":\"RSA\",\"key_size\":3072,\"key_ops\":[\"wrapKey\",\"unwrapKey\"],"
              "\"attributes\":{\"enabled\":false,\"exp\":4000000000},\"tags\":{\"a\":\"b\"}}");

    (void)state;
    assert_int_equal(reply.status, 200);
    assert_int_equal(strlen(reply_text(&reply, "key.n")), 512);
    assert_int_equal(cJSON_GetArraySize(reply_item(&reply, "key.key_ops")), 2);
    assert_true(cJSON_IsFalse(reply_item(&reply, "attributes.enabled")));
    assert_string_equal(reply_text(&reply, "tags.a"), "b");
    check_status("POST", "/keys/made/create", "{\"kty\":\"RSA\",\"key_size\":1024}", 400, "BadParameter");
    check_status("POST", "/keys/made/create", "{}", 400, "BadParameter");
    check_status("POST", "/keys/made-ec/create", "{\"kty\":\"EC\",\"key_ops\":[\"wrapKey\"]}", 400,
                 "BadParameter");
    check_status("GET", "/keys/made-ec", NULL, 404, "KeyNotFound");
}

static void test_update(void **state)
{
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    control("/keys/changing", "{}");
    reply = vault("PATCH", "/keys/changing", "{\"attributes\":{\"enabled\":false}}");
    assert_int_equal(reply.status, 200);
    assert_true(cJSON_IsFalse(reply_item(&reply, "attributes.enabled")));
    check_refused("/keys/changing/unwrapkey", "KeyDisabled");
    check_status("PATCH", "/keys/changing", "{\"attributes\":{\"enabled\":1}}", 400, "BadParameter");
}

static void test_the_platform_is_told_from_7_5_on(void **state)
{
    struct reply now ENDS(reply_done) = vault("GET", "/keys/kek?api-version=7.5", NULL);
    struct reply then ENDS(reply_done) = vault("GET", "/keys/kek?api-version=7.4", NULL);

    (void)state;
    assert_string_equal(reply_text(&now, "attributes.hsmPlatform"), "0");
    assert_int_equal(then.status, 200);
    assert_null(reply_item(&then, "attributes.hsmPlatform"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_what_is_wrapped_here_opens_there),
    cmocka_unit_test(test_larger_keys),
    cmocka_unit_test(test_wrap_and_encrypt),
    cmocka_unit_test(test_paths_have_no_case_and_may_have_an_empty_version),
    cmocka_unit_test(test_bad_blobs),
    cmocka_unit_test(test_what_opens_once_opens_nothing_else),
    cmocka_unit_test(test_bad_requests),
    cmocka_unit_test(test_signatures),
    cmocka_unit_test(test_a_disabled_key_does_nothing_but_is_told),
    cmocka_unit_test(test_out_of_time_a_key_opens_and_does_not_close),
    cmocka_unit_test(test_key_ops_are_kept_to),
    cmocka_unit_test(test_versions),
    cmocka_unit_test(test_the_latest_version_counts_although_disabled),
    cmocka_unit_test(test_what_is_not_there),
    cmocka_unit_test(test_a_deleted_key_is_not_there_until_it_is_back),
    cmocka_unit_test(test_create_tells_what_it_made),
    cmocka_unit_test(test_update),
    cmocka_unit_test(test_the_platform_is_told_from_7_5_on),
};
const struct test_list key_tests = TEST_LIST(tests);
