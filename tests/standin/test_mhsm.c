/* The Managed HSM: where it differs from a vault. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <string.h>

static void test_its_keys_are_its_own(void **state)
{
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    make_mhsm_key("alone", "{\"kty\":\"EC\"}");
    reply = mhsm("GET", "/keys/alone", NULL);
    assert_int_equal(reply.status, 200);
    expect_refusal(vault("GET", "/keys/alone", NULL), 404, "KeyNotFound", "");
}

static void check_kty(const char *kty, const char *expected)
{
    char *body OWNED(owned_free) = text("{\"kty\":\"%s\"}", kty);
    struct reply reply ENDS(reply_done) = {0};

    make_mhsm_key("typed", body);
    reply = mhsm("GET", "/keys/typed", NULL);
    assert_string_equal(reply_text(&reply, "key.kty"), expected);
}

static void test_all_its_keys_are_of_the_hsm(void **state)
{
    (void)state;
    check_kty("EC", "EC-HSM");
    check_kty("RSA", "RSA-HSM");
    check_kty("oct", "oct-HSM");
    check_kty("oct-HSM", "oct-HSM");
    expect_refusal(mhsm("POST", "/keys/typed/create", "{\"kty\":\"DSA\"}"), 400, "BadParameter", "");
}

static void test_an_oct_key_tells_nothing_of_itself(void **state)
{
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    make_mhsm_key("secret", "{\"kty\":\"oct\",\"key_size\":128}");
    reply = mhsm("GET", "/keys/secret", NULL);
    assert_null(reply_item(&reply, "key.k"));
    assert_null(reply_item(&reply, "key.n"));
    expect_refusal(mhsm("POST", "/keys/secret/create", "{\"kty\":\"oct\",\"key_size\":64}"), 400,
                   "BadParameter", "");
}

static void test_answers_repeat_algorithm_and_key(void **state)
{
    struct reply wrapped ENDS(reply_done) =
        mhsm("POST", "/keys/kek/wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"AQ\"}");
    char *body OWNED(owned_free) =
        text("{\"alg\":\"RSA-OAEP\",\"value\":\"%s\"}", reply_text(&wrapped, "value"));
    struct reply opened ENDS(reply_done) = mhsm("POST", "/keys/kek/unwrapkey", body);

    (void)state;
    assert_string_equal(reply_text(&wrapped, "alg"), "RSA-OAEP");
    assert_non_null(strstr(reply_text(&wrapped, "kid"), "/keys/kek/"));
    assert_string_equal(reply_text(&opened, "alg"), "RSA-OAEP");
    assert_string_equal(reply_text(&opened, "value"), "AQ");
}

static void test_a_verdict_names_the_key(void **state)
{
    static const char digest[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    char *sign OWNED(owned_free) = text("{\"alg\":\"ES256\",\"value\":\"%s\"}", digest);
    struct reply made ENDS(reply_done) = mhsm("POST", "/keys/signer/sign", sign);
    char *verify OWNED(owned_free) =
        text("{\"alg\":\"ES256\",\"digest\":\"%s\",\"value\":\"%s\"}", digest, reply_text(&made, "value"));
    struct reply verdict ENDS(reply_done) = mhsm("POST", "/keys/signer/verify", verify);

    (void)state;
    assert_true(cJSON_IsTrue(reply_item(&verdict, "value")));
    assert_string_equal(reply_text(&verdict, "kid"), reply_text(&made, "kid"));
    assert_string_equal(reply_text(&verdict, "alg"), "ES256");
}

static void check_words(struct reply reply, const char *begin)
{
    struct reply ended ENDS(reply_done) = reply;
    const char *words = reply_text(&ended, "error.message");
    char *end OWNED(owned_free) = text("(Activity ID: %s)", reply_header(&ended, "x-ms-request-id"));

    assert_int_equal(strncmp(words, begin, strlen(begin)), 0);
    assert_string_equal(words + strlen(words) - strlen(end), end);
}

static void test_refusals_end_in_their_activity(void **state)
{
    char *missing OWNED(owned_free) = text("Key not found: %s/keys/nobody ", standin.mhsm_url);
    char *undeleted OWNED(owned_free) = text("Key not found: %s/deletedkeys/nobody ", standin.mhsm_url);

    (void)state;
    check_words(mhsm("GET", "/keys/nobody", NULL), missing);
    check_words(mhsm("GET", "/deletedkeys/nobody", NULL), undeleted);
    check_words(mhsm("GET", "/keys/bad%21name", NULL), "Invalid key identifier or name ");
    check_words(mhsm("PUT", "/keys/empty", "{\"key\":{}}"), "JSON Web Key: kty is missing ");
}

static void test_its_headers_are_its_own(void **state)
{
    struct reply good ENDS(reply_done) = mhsm("GET", "/keys/kek", NULL);
    struct reply made ENDS(reply_done) =
        mhsm("POST", "/keys/kek/wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"AQ\"}");
    struct reply bad ENDS(reply_done) = mhsm("GET", "/keys/nobody", NULL);

    (void)state;
    assert_non_null(reply_header(&good, "x-ms-server-latency"));
    assert_non_null(reply_header(&good, "x-ms-build-version"));
    assert_non_null(reply_header(&good, "x-ms-keyvault-region"));
    assert_null(reply_header(&good, "x-ms-keyvault-service-version"));
    assert_null(reply_header(&good, "Date"));
    assert_null(reply_header(&made, "x-ms-build-version"));
    assert_null(reply_header(&bad, "x-ms-keyvault-region"));
    assert_non_null(reply_header(&bad, "x-ms-server-latency"));
}

static void test_links_name_neither_version_nor_port_and_work(void **state)
{
    struct reply first ENDS(reply_done) = mhsm("GET", "/keys?maxresults=1&api-version=7.4", NULL);
    struct reply second ENDS(reply_done) = {0}, all ENDS(reply_done) = mhsm("GET", "/keys", NULL);
    const char *link = reply_text(&first, "nextLink");

    (void)state;
    assert_int_equal(strncmp(link, standin.mhsm_url, strlen(standin.mhsm_url)), 0);
    assert_null(strstr(link, "api-version"));
    second = mhsm("GET", link + strlen(standin.mhsm_url), NULL);
    assert_int_equal(second.status, 200);
    assert_int_equal(cJSON_GetArraySize(reply_item(&second, "value")), 1);
    assert_string_not_equal(reply_text(&second, "value.0.kid"), reply_text(&first, "value.0.kid"));
    assert_null(reply_item(&all, "nextLink"));
}

static void test_random_octets(void **state)
{
    struct reply one ENDS(reply_done) = mhsm("POST", "/rng", "{\"count\":128}");
    struct reply other ENDS(reply_done) = mhsm("POST", "//rng", "{\"count\":128}");

    (void)state;
    assert_int_equal(strlen(reply_text(&one, "value")), 171);
    assert_string_not_equal(reply_text(&one, "value"), reply_text(&other, "value"));
    expect_refusal(mhsm("POST", "/rng", "{\"count\":0}"), 400, "BadParameter", "");
    expect_refusal(mhsm("POST", "/rng", "{\"count\":129}"), 400, "BadParameter", "");
    expect_refusal(mhsm("POST", "/rng", "{}"), 400, "BadParameter", "");
    expect_refusal(vault("POST", "/rng", "{\"count\":1}"), 404, "NotFound", "");
}

static void test_a_hundred_versions_are_all(void **state)
{
    char *answer OWNED(owned_free) = NULL;

    (void)state;
    answer = standin_control(&standin, "PUT", "/mhsm/keys/many", "{\"kty\":\"EC-HSM\",\"versions\":99}");
    for (int i = 0; i < 2; i++) {
        struct reply reply ENDS(reply_done) = mhsm("POST", "/keys/many/rotate", NULL);

        assert_int_equal(reply.status, i == 0 ? 200 : 400);
    }
    expect_refusal(mhsm("POST", "/keys/many/create", "{\"kty\":\"EC\"}"), 400, "BadParameter", "");
}

static void test_neither_certificates_nor_secrets(void **state)
{
    (void)state;
    expect_refusal(mhsm("GET", "/certificates", NULL), 404, "NotFound", "");
    expect_refusal(mhsm("GET", "/secrets/any", NULL), 404, "NotFound", "");
}

static void test_faults_and_counts_know_it(void **state)
{
    struct reply met ENDS(reply_done) = {0}, spared ENDS(reply_done) = {0};
    char *cleared OWNED(owned_free) = NULL;
    long before = standin_count(&standin, "mhsm");

    (void)state;
    control("/faults", "[{\"match\":{\"server\":\"mhsm\"},\"status\":503}]");
    met = mhsm("GET", "/keys/kek", NULL);
    spared = vault("GET", "/keys/kek", NULL);
    cleared = standin_control(&standin, "DELETE", "/faults", NULL);
    assert_int_equal(met.status, 503);
    assert_int_equal(spared.status, 200);
    assert_int_equal(standin_count(&standin, "mhsm"), before + 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_its_keys_are_its_own),
    cmocka_unit_test(test_all_its_keys_are_of_the_hsm),
    cmocka_unit_test(test_an_oct_key_tells_nothing_of_itself),
    cmocka_unit_test(test_answers_repeat_algorithm_and_key),
    cmocka_unit_test(test_a_verdict_names_the_key),
    cmocka_unit_test(test_refusals_end_in_their_activity),
    cmocka_unit_test(test_its_headers_are_its_own),
    cmocka_unit_test(test_links_name_neither_version_nor_port_and_work),
    cmocka_unit_test(test_random_octets),
    cmocka_unit_test(test_a_hundred_versions_are_all),
    cmocka_unit_test(test_neither_certificates_nor_secrets),
    cmocka_unit_test(test_faults_and_counts_know_it),
};
const struct test_list mhsm_tests = TEST_LIST(tests);
