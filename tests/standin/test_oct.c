/* Keys of octets: AES and HMAC by the service are AES and HMAC. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <string.h>

/* Test data of RFC 3394, 4.6: a key of 256 bits wrapped under one of 256. */
static const char rfc_kek[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
static const char rfc_key[] = "ABEiM0RVZneImaq7zN3u_wABAgMEBQYHCAkKCwwNDg8";
static const char rfc_wrapped[] = "KMn0BMS4EPTLzLNc-4f4Jj9XhuLYDtMmy8fw5xqZ9Dv7mIubegLdIQ";

static void import_oct(const char *name, const char *k)
{
    char *path OWNED(owned_free) = text("/keys/%s", name),
               *deleted OWNED(owned_free) = text("/deletedkeys/%s", name);
    char *body OWNED(owned_free) = text("{\"key\":{\"kty\":\"oct-HSM\",\"k\":\"%s\"}}", k);
    struct reply reply ENDS(reply_done) = {0};

    ignore(mhsm("DELETE", path, NULL));
    ignore(mhsm("DELETE", deleted, NULL));
    reply = mhsm("PUT", path, body);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_text(&reply, "key.kty"), "oct-HSM");
}

static struct reply use(const char *verb, const char *alg, const char *value, const char *more)
{
    char *path OWNED(owned_free) = text("/keys/octets/%s", verb);
    char *body OWNED(owned_free) = text("{\"alg\":\"%s\",\"value\":\"%s\"%s}", alg, value, more);

    return mhsm("POST", path, body);
}

static void test_key_wrap_is_of_the_rfc(void **state)
{
    static const char *const names[] = {"A256KW", "CKM_AES_KEY_WRAP"};

    (void)state;
    import_oct("octets", rfc_kek);
    for (size_t i = 0; i < 2; i++) {
        struct reply wrapped ENDS(reply_done) = use("wrapkey", names[i], rfc_key, "");
        struct reply opened ENDS(reply_done) = use("unwrapkey", names[i], rfc_wrapped, "");

        assert_string_equal(reply_text(&wrapped, "value"), rfc_wrapped);
        assert_string_equal(reply_text(&opened, "value"), rfc_key);
    }
}

static void test_key_wrap_refuses(void **state)
{
    (void)state;
    import_oct("octets", rfc_kek);
    expect_refusal(use("wrapkey", "A256KW", "AQID", ""), 400, "BadParameter", "");
    expect_refusal(use("wrapkey", "A128KW", rfc_key, ""), 400, "BadParameter", "");
    expect_refusal(use("encrypt", "A256KW", rfc_key, ""), 400, "BadParameter", "");
    expect_refusal(use("unwrapkey", "A256KW", rfc_key, ""), 400, "BadParameter", "");
    expect_refusal(use("wrapkey", "RSA-OAEP", rfc_key, ""), 400, "BadParameter", "");
}

static void test_padded_key_wrap_takes_any_length(void **state)
{
    struct reply wrapped ENDS(reply_done) = {0}, opened ENDS(reply_done) = {0};

    (void)state;
    import_oct("octets", rfc_kek);
    wrapped = use("wrapkey", "CKM_AES_KEY_WRAP_PAD", "AQID", "");
    assert_int_equal(strlen(reply_text(&wrapped, "value")), 22); /* 16 octets */
    opened = use("unwrapkey", "CKM_AES_KEY_WRAP_PAD", reply_text(&wrapped, "value"), "");
    assert_string_equal(reply_text(&opened, "value"), "AQID");
    expect_refusal(use("unwrapkey", "CKM_AES_KEY_WRAP", reply_text(&wrapped, "value"), ""), 400,
                   "BadParameter", "");
}

/* Encrypts and decrypts with what came back. */
static void check_cipher(const char *alg, const char *value, const char *more)
{
    struct reply sealed ENDS(reply_done) = use("encrypt", alg, value, more);
    char *parts OWNED(owned_free) = NULL;
    struct reply opened ENDS(reply_done) = {0};

    assert_int_equal(sealed.status, 200);
    assert_true(strlen(reply_text(&sealed, "iv")) > 0);
    parts = text(",\"iv\":\"%s\",\"tag\":\"%s\",\"aad\":\"%s\"", reply_text(&sealed, "iv"),
                 reply_text(&sealed, "tag"), reply_text(&sealed, "aad"));
    opened = use("decrypt", alg, reply_text(&sealed, "value"), parts);
    assert_string_equal(reply_text(&opened, "value"), value);
    assert_null(reply_item(&opened, "iv"));
}

static void test_ciphers(void **state)
{
    static const char iv[] = ",\"iv\":\"MDEyMzQ1Njc4OUFCQ0RFRg\"";

    (void)state;
    import_oct("octets", rfc_kek);
    check_cipher("A256CBCPAD", "cGxhaW50ZXh0", iv);
    check_cipher("A256CBC", rfc_key, iv);
    check_cipher("A256GCM", "cGxhaW50ZXh0", "");
    check_cipher("A256GCM", "cGxhaW50ZXh0", ",\"aad\":\"AQID\"");
    import_oct("octets", "AAECAwQFBgcICQoLDA0ODw");
    check_cipher("A128CBCPAD", "cGxhaW50ZXh0", iv);
    check_cipher("A128GCM", "cGxhaW50ZXh0", "");
}

static void test_ciphers_refuse(void **state)
{
    struct reply sealed ENDS(reply_done) = {0};
    char *parts OWNED(owned_free) = NULL;

    (void)state;
    import_oct("octets", rfc_kek);
    expect_refusal(use("encrypt", "A256CBC", "cGxhaW50ZXh0", ",\"iv\":\"MDEyMzQ1Njc4OUFCQ0RFRg\""), 400,
                   "BadParameter", "");
    expect_refusal(use("encrypt", "A256CBCPAD", "cGxhaW50ZXh0", ""), 400, "BadParameter", "");
    expect_refusal(use("encrypt", "A128GCM", "cGxhaW50ZXh0", ""), 400, "BadParameter", "");
    expect_refusal(use("wrapkey", "A256GCM", "cGxhaW50ZXh0", ""), 400, "BadParameter", "");
    sealed = use("encrypt", "A256GCM", "cGxhaW50ZXh0", ",\"aad\":\"AQID\"");
    parts = text(",\"iv\":\"%s\",\"tag\":\"%s\",\"aad\":\"AQIE\"", reply_text(&sealed, "iv"),
                 reply_text(&sealed, "tag"));
    expect_refusal(use("decrypt", "A256GCM", reply_text(&sealed, "value"), parts), 400, "BadParameter", "");
}

static void test_macs(void **state)
{
    struct reply made ENDS(reply_done) = {0}, good ENDS(reply_done) = {0}, bad ENDS(reply_done) = {0};
    char *verify OWNED(owned_free) = NULL;

    (void)state;
    import_oct("octets", rfc_kek);
    made = use("sign", "HS256", rfc_key, "");
    /* HMAC-SHA-256 of the one under the other, by another implementation */
    assert_string_equal(reply_text(&made, "value"), "WcGJakNKItiVAjfMvsJAtS7Cudm_MJes4TE62yrWVUA");
    verify = text(",\"digest\":\"%s\"", rfc_key);
    good = use("verify", "HS256", reply_text(&made, "value"), verify);
    bad = use("verify", "HS256", rfc_key, verify);
    assert_true(cJSON_IsTrue(reply_item(&good, "value")));
    assert_true(cJSON_IsFalse(reply_item(&bad, "value")));
    expect_refusal(use("sign", "HS256", "AQID", ""), 400, "BadParameter", "");
    expect_refusal(use("sign", "RS256", rfc_key, ""), 400, "BadParameter", "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_key_wrap_is_of_the_rfc),
    cmocka_unit_test(test_key_wrap_refuses),
    cmocka_unit_test(test_padded_key_wrap_takes_any_length),
    cmocka_unit_test(test_ciphers),
    cmocka_unit_test(test_ciphers_refuse),
    cmocka_unit_test(test_macs),
};
const struct test_list oct_tests = TEST_LIST(tests);
