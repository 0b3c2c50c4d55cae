/* What each refusal means for each verb. */
#include "backends/keyvault/vault_error.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const enum vault_verb all[] = {VAULT_LIST,           VAULT_GET,     VAULT_WRAP,
                                      VAULT_UNWRAP,         VAULT_ENCRYPT, VAULT_DECRYPT,
                                      VAULT_SIGN,           VAULT_RANDOM,  VAULT_LIST_CERTIFICATES,
                                      VAULT_GET_CERTIFICATE};

static struct vault_ruling judge(enum vault_verb verb, unsigned status, const char *code, const char *inner)
{
    struct vault_error error = {.code = ""};

    snprintf(error.code, sizeof error.code, "%s", code == NULL ? "" : code);
    snprintf(error.inner, sizeof error.inner, "%s", inner == NULL ? "" : inner);
    return vault_error_judge(verb, status, code == NULL ? NULL : &error);
}

static void expect(enum vault_verb verb, unsigned status, const char *code, const char *inner,
                   enum service_verdict verdict, CK_RV rv)
{
    struct vault_ruling ruling = judge(verb, status, code, inner);

    assert_int_equal(ruling.verdict, verdict);
    assert_int_equal(ruling.rv, rv);
}

static void expect_all(unsigned status, const char *code, const char *inner, enum service_verdict verdict,
                       CK_RV rv)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        expect(all[i], status, code, inner, verdict, rv);
    }
}

static void test_bad_blob(void **state)
{
    (void)state;
    expect(VAULT_UNWRAP, 400, "BadParameter", NULL, VERDICT_BAD_BLOB, CKR_WRAPPED_KEY_INVALID);
    expect(VAULT_DECRYPT, 400, "BadParameter", NULL, VERDICT_BAD_BLOB, CKR_ENCRYPTED_DATA_INVALID);
    expect(VAULT_UNWRAP, 400, "Other", "Inner", VERDICT_BAD_BLOB, CKR_WRAPPED_KEY_INVALID);
}

static void test_bad_request_without_blob(void **state)
{
    (void)state;
    expect(VAULT_WRAP, 400, "BadParameter", NULL, VERDICT_BAD_REQUEST, CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
    expect(VAULT_ENCRYPT, 400, "BadParameter", NULL, VERDICT_BAD_REQUEST, CKR_FUNCTION_FAILED);
    expect(VAULT_GET, 400, "BadParameter", NULL, VERDICT_BAD_REQUEST, CKR_FUNCTION_FAILED);
    expect(VAULT_LIST, 400, "BadParameter", NULL, VERDICT_BAD_REQUEST, CKR_FUNCTION_FAILED);
    expect(VAULT_SIGN, 400, "BadParameter", NULL, VERDICT_BAD_REQUEST, CKR_FUNCTION_FAILED);
    expect(VAULT_RANDOM, 400, "BadParameter", NULL, VERDICT_BAD_REQUEST, CKR_FUNCTION_FAILED);
    expect(VAULT_LIST_CERTIFICATES, 400, "BadParameter", NULL, VERDICT_BAD_REQUEST, CKR_FUNCTION_FAILED);
    expect(VAULT_GET_CERTIFICATE, 400, "BadParameter", NULL, VERDICT_BAD_REQUEST, CKR_FUNCTION_FAILED);
}

static void test_unauthorized(void **state)
{
    (void)state;
    expect_all(401, "Unauthorized", NULL, VERDICT_NO_ACCESS, CKR_USER_NOT_LOGGED_IN);
    expect_all(401, NULL, NULL, VERDICT_NO_ACCESS, CKR_USER_NOT_LOGGED_IN);
}

static void test_refusals_to_use_the_key(void **state)
{
    (void)state;
    expect_all(403, "Forbidden", "KeyDisabled", VERDICT_DISABLED, CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect_all(403, "Forbidden", "KeyOperationForbidden", VERDICT_REFUSED, CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect_all(403, "Forbidden", "ForbiddenByPolicy", VERDICT_REFUSED, CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect_all(403, "Forbidden", "ForbiddenByRbac", VERDICT_REFUSED, CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect_all(403, "Forbidden", "AccessDenied", VERDICT_REFUSED, CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect_all(403, "AccessDenied", NULL, VERDICT_REFUSED, CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/* Which of them another version of the key may not share. */
static void test_what_is_refused_to_the_version_is_told(void **state)
{
    (void)state;
    assert_true(judge(VAULT_UNWRAP, 403, "Forbidden", "KeyOperationForbidden").of_version);
    assert_false(judge(VAULT_UNWRAP, 403, "Forbidden", "ForbiddenByPolicy").of_version);
    assert_false(judge(VAULT_UNWRAP, 403, "Forbidden", "ForbiddenByRbac").of_version);
    assert_false(judge(VAULT_UNWRAP, 403, "Forbidden", "AccessDenied").of_version);
    assert_false(judge(VAULT_UNWRAP, 400, "BadParameter", NULL).of_version);
}

static void test_refusals_by_the_network(void **state)
{
    (void)state;
    expect_all(403, "Forbidden", "ForbiddenByFirewall", VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
    expect_all(403, "Forbidden", "ForbiddenByConnection", VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
}

static void test_forbidden_without_a_known_code(void **state)
{
    (void)state;
    expect_all(403, "Forbidden", NULL, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
    expect_all(403, "Forbidden", "Something", VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
    expect_all(403, NULL, NULL, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
}

static void test_key_gone(void **state)
{
    (void)state;
    expect(VAULT_WRAP, 404, "KeyNotFound", NULL, VERDICT_GONE, CKR_WRAPPING_KEY_HANDLE_INVALID);
    expect(VAULT_UNWRAP, 404, "KeyNotFound", NULL, VERDICT_GONE, CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    expect(VAULT_ENCRYPT, 404, "KeyNotFound", NULL, VERDICT_GONE, CKR_KEY_HANDLE_INVALID);
    expect(VAULT_DECRYPT, 404, "KeyNotFound", NULL, VERDICT_GONE, CKR_KEY_HANDLE_INVALID);
    expect(VAULT_GET, 404, "KeyNotFound", NULL, VERDICT_GONE, CKR_KEY_HANDLE_INVALID);
    expect(VAULT_SIGN, 404, "KeyNotFound", NULL, VERDICT_GONE, CKR_KEY_HANDLE_INVALID);
}

static void test_certificate_gone(void **state)
{
    (void)state;
    expect(VAULT_GET_CERTIFICATE, 404, "CertificateNotFound", NULL, VERDICT_GONE, CKR_OBJECT_HANDLE_INVALID);
    expect(VAULT_GET_CERTIFICATE, 404, "KeyNotFound", NULL, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
    expect(VAULT_GET, 404, "CertificateNotFound", NULL, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
}

/* There is nothing that could be gone. */
static void test_lists_and_random_bytes_not_found(void **state)
{
    static const enum vault_verb verbs[] = {VAULT_LIST, VAULT_LIST_CERTIFICATES, VAULT_RANDOM};

    (void)state;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        expect(verbs[i], 404, "KeyNotFound", NULL, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
        expect(verbs[i], 404, "CertificateNotFound", NULL, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
        assert_non_null(strstr(judge(verbs[i], 404, "KeyNotFound", NULL).advice, "check `vault`"));
    }
}

static void test_not_found_by_somebody_else(void **state)
{
    (void)state;
    expect_all(404, NULL, NULL, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
    expect_all(404, "ResourceNotFound", NULL, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
}

/* A proxy's page is not the service's word on a blob, and must not make anybody throw the blob away. */
static void test_bad_request_by_somebody_else(void **state)
{
    (void)state;
    expect_all(400, NULL, NULL, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
}

static void test_everything_else(void **state)
{
    static const unsigned statuses[] = {201, 204, 302, 402, 405, 408, 409, 418, 429, 500, 502, 503, 504, 599};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        expect_all(statuses[i], "Throttled", NULL, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
        expect_all(statuses[i], NULL, NULL, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
    }
}

static void test_codes_count_only_with_their_status(void **state)
{
    (void)state;
    expect_all(500, "Forbidden", "KeyDisabled", VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
    expect_all(403, "KeyNotFound", NULL, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR);
}

static void test_redirects(void **state)
{
    static const unsigned statuses[] = {301, 302, 307, 308};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        assert_non_null(strstr(judge(VAULT_UNWRAP, statuses[i], NULL, NULL).advice, "not followed"));
    }
    assert_null(strstr(judge(VAULT_UNWRAP, 503, NULL, NULL).advice, "not followed"));
}

static const char *grant(enum vault_verb verb, const char *inner)
{
    return judge(verb, 403, "Forbidden", inner).advice;
}

/* Roles that give keys give neither certificates nor random bytes. */
static void test_roles(void **state)
{
    static const char *const codes[] = {"ForbiddenByPolicy", "ForbiddenByRbac", "AccessDenied"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_non_null(strstr(grant(VAULT_SIGN, codes[i]), "Key Vault Crypto User"));
        assert_non_null(strstr(grant(VAULT_RANDOM, codes[i]), "Managed HSM Crypto User"));
        assert_null(strstr(grant(VAULT_RANDOM, codes[i]), "Key Vault"));
        assert_non_null(strstr(grant(VAULT_LIST_CERTIFICATES, codes[i]), "Key Vault Certificate User"));
        assert_non_null(strstr(grant(VAULT_GET_CERTIFICATE, codes[i]), "on certificates"));
        assert_null(strstr(grant(VAULT_GET_CERTIFICATE, codes[i]), "Crypto"));
    }
}

static void test_advice(void **state)
{
    (void)state;
    assert_non_null(strstr(judge(VAULT_UNWRAP, 403, "Forbidden", "ForbiddenByRbac").advice, "Contributor"));
    assert_non_null(strstr(judge(VAULT_UNWRAP, 403, "Forbidden", "KeyDisabled").advice, "disabled"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_blob),
        cmocka_unit_test(test_bad_request_without_blob),
        cmocka_unit_test(test_unauthorized),
        cmocka_unit_test(test_refusals_to_use_the_key),
        cmocka_unit_test(test_what_is_refused_to_the_version_is_told),
        cmocka_unit_test(test_refusals_by_the_network),
        cmocka_unit_test(test_forbidden_without_a_known_code),
        cmocka_unit_test(test_key_gone),
        cmocka_unit_test(test_certificate_gone),
        cmocka_unit_test(test_lists_and_random_bytes_not_found),
        cmocka_unit_test(test_not_found_by_somebody_else),
        cmocka_unit_test(test_bad_request_by_somebody_else),
        cmocka_unit_test(test_everything_else),
        cmocka_unit_test(test_codes_count_only_with_their_status),
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_advice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
