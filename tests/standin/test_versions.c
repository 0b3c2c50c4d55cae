/* Certificates and secrets, and what an api-version has or lacks. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

/* --- Certificates --- */

static void make_managed(const char *more)
{
    char *body OWNED(owned_free) = text("{\"kty\":\"EC\",\"managed\":true%s}", more);

    control("/keys/site", body);
}

static X509 *certificate_in(const struct reply *reply)
{
    const char *cer = reply_text(reply, "cer");
    unsigned char *der OWNED(owned_free) = need(calloc(1, strlen(cer) + 1));
    const unsigned char *at = der;
    int size = EVP_DecodeBlock(der, (const unsigned char *)cer, (int)strlen(cer));

    return d2i_X509(NULL, &at, size);
}

static void test_a_certificate_signs_itself_and_names_the_key(void **state)
{
    struct reply reply ENDS(reply_done) = {0}, key ENDS(reply_done) = {0};
    X509 *certificate;

    (void)state;
    make_managed("");
    reply = vault("GET", "/certificates/site", NULL);
    key = vault("GET", "/keys/site", NULL);
    assert_int_equal(reply.status, 200);
    certificate = certificate_in(&reply);
    assert_non_null(certificate);
    assert_int_equal(X509_verify(certificate, X509_get0_pubkey(certificate)), 1);
    X509_free(certificate);
    assert_string_equal(reply_text(&reply, "kid"), reply_text(&key, "key.kid"));
    assert_string_equal(reply_text(&reply, "policy.x509_props.subject"), "CN=site");
    assert_int_equal(strlen(reply_text(&reply, "x5t")), 27);
}

static void test_it_is_the_same_each_time(void **state)
{
    struct reply one ENDS(reply_done) = {0}, other ENDS(reply_done) = {0}, version ENDS(reply_done) = {0};
    char *path OWNED(owned_free) = NULL;

    (void)state;
    make_managed("");
    one = vault("GET", "/certificates/site", NULL);
    other = vault("GET", "/certificates/site", NULL);
    path = text("/certificates/site/%s", strrchr(reply_text(&one, "id"), '/') + 1);
    version = vault("GET", path, NULL);
    assert_string_equal(one.body, other.body);
    assert_string_equal(one.body, version.body);
}

static void test_certificates_are_listed(void **state)
{
    struct reply reply ENDS(reply_done) = {0}, all ENDS(reply_done) = {0}, versions ENDS(reply_done) = {0};

    (void)state;
    make_managed("");
    reply = vault("GET", "/certificates/site", NULL);
    all = vault("GET", "/certificates", NULL);
    versions = vault("GET", "/certificates/site/versions", NULL);
    assert_int_equal(cJSON_GetArraySize(reply_item(&all, "value")), 1);
    assert_string_equal(reply_text(&all, "value.0.x5t"), reply_text(&reply, "x5t"));
    assert_string_equal(reply_text(&versions, "value.0.id"), reply_text(&reply, "id"));
    assert_true(cJSON_IsNull(reply_item(&all, "nextLink")));
}

static void test_a_managed_key_says_so(void **state)
{
    struct reply managed ENDS(reply_done) = {0}, plain ENDS(reply_done) = vault("GET", "/keys/kek", NULL);

    (void)state;
    make_managed("");
    managed = vault("GET", "/keys/site", NULL);
    assert_true(cJSON_IsTrue(reply_item(&managed, "managed")));
    assert_non_null(reply_item(&managed, "tags"));
    assert_non_null(reply_item(&managed, "attributes.exp"));
    assert_null(reply_item(&managed, "attributes.exportable"));
    assert_null(reply_item(&plain, "managed"));
}

static void test_a_plain_key_has_no_certificate(void **state)
{
    (void)state;
    expect_refusal(vault("GET", "/certificates/kek", NULL), 404, "CertificateNotFound", "");
    expect_refusal(vault("GET", "/certificates/nobody", NULL), 404, "CertificateNotFound", "");
}

static void test_an_oct_key_backs_no_certificate(void **state)
{
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    make_managed("");
    expect_refusal(vault("POST", "/keys/site/create?api-version=2026-04-01", "{\"kty\":\"oct-HSM\"}"), 400,
                   "BadParameter", "");
    control("/keys/octet-site", "{\"kty\":\"oct-HSM\",\"managed\":true}");
    reply = vault("GET", "/certificates/octet-site", NULL);
    assert_string_equal(reply_text(&reply, "cer"), "");
    control("/keys/octet-site", "{\"deleted\":true}");
}

static void test_secrets(void **state)
{
    (void)state;
    make_managed(",\"enabled\":false");
    expect_refusal(vault("GET", "/secrets/site", NULL), 403, "Forbidden", "SecretDisabled");
    make_managed(",\"enabled\":true");
    expect_refusal(vault("GET", "/secrets/site", NULL), 404, "SecretNotFound", "");
    expect_refusal(vault("GET", "/secrets/nobody", NULL), 404, "SecretNotFound", "");
}

/* --- Versions --- */

static bool tells(const char *version, const char *attribute)
{
    char *path OWNED(owned_free) = text("/keys/kek?api-version=%s", version);
    char *item OWNED(owned_free) = text("attributes.%s", attribute);
    struct reply reply ENDS(reply_done) = vault("GET", path, NULL);

    assert_int_equal(reply.status, 200);
    return reply_item(&reply, item) != NULL;
}

static void check_since(const char *attribute, const char *before, const char *since)
{
    assert_false(tells(before, attribute));
    assert_true(tells(since, attribute));
    assert_true(tells("2026-04-01", attribute));
}

static void test_attributes_by_version(void **state)
{
    (void)state;
    check_since("recoveryLevel", "2015-06-01", "2016-10-01");
    check_since("recoverableDays", "7.0", "7.1");
    check_since("exportable", "7.2", "7.3");
    check_since("hsmPlatform", "7.4", "7.5");
    check_since("key_size", "2025-07-01", "2026-04-01");
    assert_false(tells("7.3-preview", "exportable"));
}

static void check_operation_since(const char *method, const char *path, const char *before, const char *since)
{
    char *early OWNED(owned_free) = text("%s?api-version=%s", path, before);
    char *late OWNED(owned_free) = text("%s?api-version=%s", path, since);
    struct reply reply ENDS(reply_done) = vault(method, late, "{}");

    expect_refusal(vault(method, early, "{}"), 404, "NotFound", "");
    assert_string_not_equal(reply_text(&reply, "error.code"), "NotFound");
}

static void test_operations_by_version(void **state)
{
    (void)state;
    check_operation_since("GET", "/deletedkeys", "2015-06-01", "2016-10-01");
    check_operation_since("POST", "/keys/signer/rotate", "7.2", "7.3");
    check_operation_since("GET", "/keys/kek/rotationpolicy", "7.2", "7.3");
    check_operation_since("POST", "/keys/kek/release", "7.2", "7.3");
    check_operation_since("GET", "/keys/kek/attestation", "7.5", "7.6");
}

static void check_algorithm_since(const char *key, const char *verb, const char *alg, const char *before,
                                  const char *since)
{
    static const char *const sizes = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    char *early OWNED(owned_free) = text("/keys/%s/%s?api-version=%s", key, verb, before);
    char *late OWNED(owned_free) = text("/keys/%s/%s?api-version=%s", key, verb, since);
    char *body OWNED(owned_free) = text("{\"alg\":\"%s\",\"value\":\"%s\"}", alg, sizes);
    struct reply reply ENDS(reply_done) = mhsm("POST", late, body);

    assert_int_equal(reply.status, 200);
    expect_refusal(mhsm("POST", early, body), 400, "BadParameter", "");
}

static void test_algorithms_by_version(void **state)
{
    (void)state;
    make_mhsm_key("octets", "{\"kty\":\"oct\"}");
    check_algorithm_since("octets", "wrapkey", "CKM_AES_KEY_WRAP", "7.5", "7.6");
    check_algorithm_since("octets", "wrapkey", "CKM_AES_KEY_WRAP_PAD", "7.5", "7.6");
    check_algorithm_since("octets", "sign", "HS256", "7.5", "7.6");
    check_algorithm_since("octets", "wrapkey", "A256KW", "7.1", "7.2");
}

static void test_octets_in_a_vault_are_new(void **state)
{
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    expect_refusal(vault("POST", "/keys/octets/create?api-version=7.6", "{\"kty\":\"oct-HSM\"}"), 400,
                   "BadParameter", "");
    reply = vault("POST", "/keys/octets/create?api-version=2026-04-01", "{\"kty\":\"oct-HSM\"}");
    assert_int_equal(reply.status, 200);
}

static void check_secure(const char *alg, long status)
{
    char *body OWNED(owned_free) = text("{\"alg\":\"%s\"}", alg);
    struct reply reply ENDS(reply_done) =
        mhsm("POST", "/keys/octets/securewrapkey?api-version=2026-04-01", body);

    assert_int_equal(reply.status, status);
}

static void test_a_key_that_nobody_sees(void **state)
{
    struct reply reply ENDS(reply_done) =
        vault("POST", "/keys/kek/securewrapkey?api-version=2026-04-01", "{\"alg\":\"RSA-OAEP-256\"}");
    char *body OWNED(owned_free) =
        text("{\"alg\":\"RSA-OAEP-256\",\"value\":\"%s\"}", reply_text(&reply, "value"));
    struct reply opened ENDS(reply_done) = vault("POST", "/keys/kek/unwrapkey", body);

    (void)state;
    assert_string_equal(reply_text(&reply, "alg"), "RSA-OAEP-256");
    assert_int_equal(strlen(reply_text(&opened, "value")), 43);
    make_mhsm_key("octets", "{\"kty\":\"oct\"}");
    check_secure("A256KWPAD", 200);
    check_secure("A256KW", 200);
    check_secure("A256GCM", 400);
    expect_refusal(vault("POST", "/keys/kek/securewrapkey?api-version=2026-04-01", "{\"alg\":\"RSA-OAEP\"}"),
                   400, "BadParameter", "");
    expect_refusal(vault("POST", "/keys/kek/secureunwrapkey?api-version=2026-04-01", "{\"target\":\"t\"}"),
                   403, "Forbidden", "AccessDenied");
    expect_refusal(
        vault("POST", "/keys/kek/securewrapkey?api-version=2025-07-01", "{\"alg\":\"RSA-OAEP-256\"}"), 404,
        "NotFound", "");
}

static void test_times_are_of_this_era(void **state)
{
    (void)state;
    expect_refusal(vault("PATCH", "/keys/kek", "{\"attributes\":{\"exp\":1e300}}"), 400, "BadParameter", "");
    expect_refusal(vault("PATCH", "/keys/kek", "{\"attributes\":{\"nbf\":-1}}"), 400, "BadParameter", "");
    expect_refusal(vault("PATCH", "/keys/kek", "{\"attributes\":{\"nbf\":\"soon\"}}"), 400, "BadParameter",
                   "");
}

static void test_old_words(void **state)
{
    struct reply old ENDS(reply_done) = vault("GET", "/keys/nobody?api-version=7.0", NULL);

    (void)state;
    assert_string_equal(reply_text(&old, "error.message"), "Key not found: nobody");
}

static void test_attestation(void **state)
{
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    make_vault_key("proved", "{\"kty\":\"EC-HSM\"}");
    reply = vault("GET", "/keys/proved/attestation", NULL);
    assert_non_null(reply_item(&reply, "attributes.attestation.publicKeyAttestation"));
    expect_refusal(vault("GET", "/keys/kek/attestation", NULL), 400, "BadParameter", "");
}

/* --- The method, in a header --- */

static struct reply post_as(const char *meant)
{
    char *url OWNED(owned_free) = text("%s/keys/mutable?api-version=7.4", standin.vault_url);
    char *token OWNED(owned_free) = fresh_token(),
                *bearer OWNED(owned_free) = text("Authorization: Bearer %s", token);
    char *method OWNED(owned_free) = text("X-HTTP-METHOD: %s", meant);
    const char *const lines[] = {bearer, method, "Content-Type: application/json", NULL};

    return call_url("POST", url, lines, "{\"tags\":{\"a\":\"b\"}}");
}

static void test_a_method_in_a_header(void **state)
{
    struct reply changed ENDS(reply_done) = {0}, deleted ENDS(reply_done) = {0};

    (void)state;
    make_vault_key("mutable", "{\"kty\":\"EC\"}");
    changed = post_as("PATCH");
    assert_string_equal(reply_text(&changed, "tags.a"), "b");
    expect_refusal(post_as("DANCE"), 404, "NotFound", "");
    deleted = post_as("DELETE");
    assert_non_null(reply_item(&deleted, "recoveryId"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_certificate_signs_itself_and_names_the_key),
    cmocka_unit_test(test_it_is_the_same_each_time),
    cmocka_unit_test(test_certificates_are_listed),
    cmocka_unit_test(test_a_managed_key_says_so),
    cmocka_unit_test(test_a_plain_key_has_no_certificate),
    cmocka_unit_test(test_an_oct_key_backs_no_certificate),
    cmocka_unit_test(test_secrets),
    cmocka_unit_test(test_attributes_by_version),
    cmocka_unit_test(test_operations_by_version),
    cmocka_unit_test(test_algorithms_by_version),
    cmocka_unit_test(test_octets_in_a_vault_are_new),
    cmocka_unit_test(test_a_key_that_nobody_sees),
    cmocka_unit_test(test_times_are_of_this_era),
    cmocka_unit_test(test_old_words),
    cmocka_unit_test(test_attestation),
    cmocka_unit_test(test_a_method_in_a_header),
};
const struct test_list version_tests = TEST_LIST(tests);
