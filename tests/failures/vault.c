/* A vault that is down, refuses, answers nonsense, too much, or slowly. The HSM goes on. */
#include "tests/failures/failures.h"
#include <string.h>
#include <unistd.h>

/* Milliseconds: for each call, and what a machine under load may add; the default would be 30 s. */
enum { TIMEOUT = 3000, A_LITTLE = 4000 };

static CK_BYTE blob[BLOB_MOST];
static CK_ULONG blob_size;

/* A blob to open, then both tokens, the vault with little time for each call; the fault comes last. */
static void begin(const char *fault)
{
    blob_size = blob_of_vault(blob);
    start_well(hsm_section(NULL, NULL), vault_section("identity =", "timeout = 3s\n    identity ="));
    if (fault != NULL) {
        control("PUT", "/faults", fault);
    }
}

/* This code, one line with these words, not beyond the deadline, and the HSM does not notice. */
static void assert_fails(CK_RV rv, const char *words)
{
    assert_rv(open_in(VAULT, blob, blob_size), rv);
    assert_in_range(elapsed(), 0, TIMEOUT + A_LITTLE);
    assert_one_complaint(words);
    assert_works(HSM);
}

static void test_a_vault_that_is_down(void **state)
{
    CK_TOKEN_INFO info;
    CK_SESSION_HANDLE session;

    (void)state;
    begin(NULL);
    p11->C_Finalize(NULL);
    start_well(hsm_section(NULL, NULL),
               vault_section(getenv("VAULT_URL"), "https://localhost:1\"\n    timeout = \"3s"));
    assert_rv(p11->C_GetTokenInfo(VAULT, &info), CKR_OK);
    assert_rv(open_session(VAULT, &session), CKR_OK);
    assert_fails(CKR_DEVICE_ERROR, "https://localhost:1");
}

static void test_a_vault_with_a_certificate_of_somebody_else(void **state)
{
    (void)state;
    begin(NULL);
    p11->C_Finalize(NULL);
    start_well(hsm_section(NULL, NULL), vault_section("ca-file", "timeout = 3s #"));
    assert_fails(CKR_DEVICE_ERROR, "ca-file");
}

static void test_an_identity_service_that_is_down(void **state)
{
    (void)state;
    begin(NULL);
    p11->C_Finalize(NULL);
    start_well(hsm_section(NULL, NULL),
               vault_section(getenv("IDENTITY_URL"), "https://localhost:1\"\n    timeout = \"3s"));
    assert_fails(CKR_DEVICE_ERROR, "https://localhost:1");
}

static void test_a_secret_that_is_wrong(void **state)
{
    (void)state;
    begin(NULL);
    p11->C_Finalize(NULL);
    start_well(hsm_section(NULL, NULL), vault_section("client-secret\"", "ca.pem\""));
    assert_fails(CKR_USER_NOT_LOGGED_IN, "the client secret is wrong");
}

static void test_a_secret_that_is_missing(void **state)
{
    (void)state;
    begin(NULL);
    p11->C_Finalize(NULL);
    start_well(hsm_section(NULL, NULL), vault_section("client-secret\"", "no-secret\""));
    assert_rv(open_in(VAULT, blob, blob_size), CKR_USER_NOT_LOGGED_IN);
    assert_true(log_has("no-secret")); /* the file's own line; that of the call comes after it */
    assert_in_range(complaints(), 1, 2);
    assert_works(HSM);
}

static void test_a_caller_without_the_permission(void **state)
{
    char path[256];

    (void)state;
    begin(NULL);
    snprintf(path, sizeof path, "/callers/%s/permissions", getenv("CLIENT_ID"));
    control("PUT", path, "[\"list\",\"wrapKey\"]");
    assert_fails(CKR_KEY_FUNCTION_NOT_PERMITTED, "unwrapKey");
    control("PUT", path, "[\"list\",\"get\",\"wrapKey\",\"unwrapKey\",\"encrypt\",\"decrypt\"]");
    assert_rv(open_in(VAULT, blob, blob_size), CKR_OK);
}

static void test_a_key_that_is_disabled_and_comes_back(void **state)
{
    (void)state;
    begin(NULL);
    control("PUT", "/keys/kek", "{\"enabled\":false}");
    assert_fails(CKR_KEY_FUNCTION_NOT_PERMITTED, "disabled");
    control("PUT", "/keys/kek", "{\"enabled\":true}");
    assert_rv(open_in(VAULT, blob, blob_size), CKR_OK);
}

static void test_a_key_that_is_gone(void **state)
{
    (void)state;
    begin(NULL);
    control("PUT", "/keys/kek", "{\"deleted\":true}");
    assert_rv(open_in(VAULT, blob, blob_size), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    assert_int_equal(complaints(), 2);
    assert_true(log_has("unwrapKey with key kek in "));
    assert_true(log_has("list versions of key kek in "));
    assert_true(log_has("404 KeyNotFound"));
    assert_true(log_has("soft delete")); /* how it may come back */
    forget_log();
    control("PUT", "/keys/kek", "{\"deleted\":false}");
    assert_rv(open_in(VAULT, blob, blob_size), CKR_OK);
}

static void test_html_instead_of_an_answer(void **state)
{
    (void)state;
    begin("[{\"html\":true,\"status\":200,\"match\":{\"op\":\"unwrapkey\"}}]");
    assert_fails(CKR_DEVICE_ERROR, "not what the service answers");
}

static void test_html_of_a_gateway(void **state)
{
    (void)state;
    begin("[{\"html\":true,\"match\":{\"op\":\"unwrapkey\"}}]");
    assert_fails(CKR_DEVICE_ERROR, "502");
}

static void test_html_from_the_identity_service(void **state)
{
    (void)state;
    begin("[{\"html\":true,\"status\":200,\"match\":{\"op\":\"token\"}}]");
    assert_fails(CKR_DEVICE_ERROR, "token");
}

static void test_an_empty_answer(void **state)
{
    (void)state;
    begin("[{\"status\":200,\"body\":\"\",\"match\":{\"op\":\"unwrapkey\"}}]");
    assert_fails(CKR_DEVICE_ERROR, "kek");
}

static void test_half_an_answer(void **state)
{
    (void)state;
    begin("[{\"truncated\":true,\"match\":{\"op\":\"unwrapkey\"}}]");
    assert_fails(CKR_DEVICE_ERROR, "kek");
}

static void test_too_much_of_an_answer(void **state)
{
    (void)state;
    begin("[{\"oversize\":true,\"match\":{\"op\":\"unwrapkey\"}}]");
    assert_fails(CKR_DEVICE_ERROR, "kek");
}

static void test_an_answer_of_no_key(void **state)
{
    (void)state;
    begin("[{\"status\":200,\"body\":{\"value\":7},\"match\":{\"op\":\"unwrapkey\"}}]");
    assert_fails(CKR_DEVICE_ERROR, "kek");
}

static void test_an_error_without_the_services_own_words(void **state)
{
    (void)state;
    begin("[{\"status\":403,\"body\":\"no\",\"match\":{\"op\":\"unwrapkey\"}}]");
    assert_fails(CKR_DEVICE_ERROR, "403");
}

static void test_a_vault_that_never_answers(void **state)
{
    (void)state;
    begin("[{\"stall\":true,\"match\":{\"op\":\"unwrapkey\"}}]");
    assert_fails(CKR_DEVICE_ERROR, "kek");
    assert_true(elapsed() >= TIMEOUT - 100);
}

static void test_a_vault_that_is_only_slow(void **state)
{
    (void)state;
    begin("[{\"delay_ms\":400,\"match\":{\"op\":\"unwrapkey\"}}]");
    assert_rv(open_in(VAULT, blob, blob_size), CKR_OK);
    assert_true(elapsed() >= 400);
    assert_int_equal(complaints(), 0);
}

static void test_a_connection_that_is_cut_once(void **state)
{
    (void)state;
    begin("[{\"cut\":true,\"times\":1,\"match\":{\"op\":\"unwrapkey\"}}]");
    p11->C_Finalize(NULL);
    start_well(hsm_section(NULL, NULL), vault_section("identity =", "timeout = 5s\n    identity ="));
    assert_rv(open_in(VAULT, blob, blob_size), CKR_OK);
    assert_works(HSM);
}

static void test_a_vault_that_is_busy_once(void **state)
{
    (void)state;
    begin("[{\"status\":429,\"retry_after\":\"1\",\"times\":1,\"match\":{\"op\":\"unwrapkey\"}}]");
    p11->C_Finalize(NULL);
    start_well(hsm_section(NULL, NULL), vault_section("identity =", "timeout = 5s\n    identity ="));
    assert_rv(open_in(VAULT, blob, blob_size), CKR_OK);
    assert_in_range(elapsed(), 900, 5000 + A_LITTLE);
}

/* A wait that would end beyond the deadline is not begun. */
static void test_a_vault_that_is_busy_for_long(void **state)
{
    (void)state;
    begin("[{\"status\":429,\"retry_after\":\"300\",\"match\":{\"op\":\"unwrapkey\"}}]");
    p11->C_Finalize(NULL);
    start_well(hsm_section(NULL, NULL), vault_section("identity =", "timeout = 20s\n    identity ="));
    assert_rv(open_in(VAULT, blob, blob_size), CKR_DEVICE_ERROR);
    assert_in_range(elapsed(), 0, A_LITTLE);
    assert_one_complaint("429");
    assert_works(HSM);
}

static void test_a_vault_that_has_an_error(void **state)
{
    (void)state;
    begin("[{\"status\":500,\"match\":{\"op\":\"unwrapkey\"}}]");
    assert_fails(CKR_DEVICE_ERROR, "500");
}

/* --- Who refuses, in the log and in ulDeviceError --- */

static CK_OBJECT_HANDLE find_kek(CK_SESSION_HANDLE session)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG count = 0;

    assert_rv(p11->C_FindObjectsInit(session, template, 2), CKR_OK);
    assert_rv(p11->C_FindObjects(session, &key, 1, &count), CKR_OK);
    assert_rv(p11->C_FindObjectsFinal(session), CKR_OK);
    assert_int_equal(count, 1);
    return key;
}

/* One line with these words, and the status of a refusal; of a success neither. */
static void assert_no_signature(CK_RV rv, CK_ULONG status, const char *words)
{
    CK_MECHANISM rs256 = {CKM_SHA256_RSA_PKCS, NULL, 0};
    CK_BYTE data[3] = {1}, signature[BLOB_MOST];
    CK_ULONG size = sizeof signature;
    CK_SESSION_HANDLE session;
    CK_SESSION_INFO info;

    assert_rv(open_session(VAULT, &session), CKR_OK);
    assert_rv(p11->C_SignInit(session, &rs256, find_kek(session)), CKR_OK);
    assert_rv(p11->C_Sign(session, data, sizeof data, signature, &size), rv);
    assert_rv(p11->C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.ulDeviceError, status);
    if (rv != CKR_OK) {
        assert_one_complaint(words);
    }
    forget_log();
    p11->C_CloseSession(session);
}

static void test_a_caller_who_may_not_sign(void **state)
{
    char path[256];

    (void)state;
    begin(NULL);
    snprintf(path, sizeof path, "/callers/%s/permissions", getenv("CLIENT_ID"));
    control("PUT", path, "[\"list\",\"get\",\"wrapKey\",\"unwrapKey\"]");
    assert_no_signature(CKR_KEY_FUNCTION_NOT_PERMITTED, 403,
                        "it takes the permission sign, as a role's action keys/sign");
    assert_works(HSM);
    control("PUT", path, "[\"list\",\"get\",\"wrapKey\",\"unwrapKey\",\"encrypt\",\"decrypt\",\"sign\"]");
    assert_no_signature(CKR_OK, 0, "");
}

static void test_signing_with_a_key_that_may_not(void **state)
{
    (void)state;
    begin("[{\"status\":403,\"inner\":\"KeyDisabled\",\"match\":{\"op\":\"sign\"}}]");
    assert_no_signature(CKR_KEY_FUNCTION_NOT_PERMITTED, 403, "its owner can enable it");
    control("PUT", "/faults",
            "[{\"status\":403,\"inner\":\"KeyOperationForbidden\",\"match\":{\"op\":\"sign\"}}]");
    assert_no_signature(CKR_KEY_FUNCTION_NOT_PERMITTED, 403, "key_ops");
    control("PUT", "/faults", "[{\"status\":404,\"match\":{\"op\":\"sign\"}}]");
    assert_no_signature(CKR_KEY_HANDLE_INVALID, 404, "soft delete");
    control("PUT", "/faults", "[{\"status\":400,\"match\":{\"op\":\"sign\"}}]");
    assert_no_signature(CKR_FUNCTION_FAILED, 400, "another type, curve or size");
}

static void test_a_firewall_and_a_private_link(void **state)
{
    (void)state;
    begin("[{\"refusal\":\"private-link\",\"match\":{\"op\":\"sign\"}}]");
    assert_no_signature(CKR_DEVICE_ERROR, 403, "its name must resolve to a private address");
    control("PUT", "/faults",
            "[{\"status\":403,\"inner\":\"ForbiddenByFirewall\",\"match\":{\"op\":\"sign\"}}]");
    assert_no_signature(CKR_DEVICE_ERROR, 403, "its name led to 127.0.0.1, this machine");
}

static void test_an_answer_that_sends_us_elsewhere(void **state)
{
    (void)state;
    begin("[{\"redirect\":\"https://localhost:1/\",\"match\":{\"op\":\"sign\"}}]");
    assert_no_signature(CKR_DEVICE_ERROR, 302, "not followed");
}

/* No certificates are shown then, and the log says what it takes; all else goes on. */
static void test_a_caller_who_may_not_list_certificates(void **state)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE found;
    CK_ULONG count = 1;

    (void)state;
    start_well(hsm_section(NULL, NULL), vault_section("identity =", "certificates = vault\n    identity ="));
    control("PUT", "/faults",
            "[{\"status\":403,\"inner\":\"ForbiddenByPolicy\",\"match\":{\"op\":\"listcertificates\"}}]");
    assert_rv(open_session(VAULT, &session), CKR_OK);
    assert_rv(p11->C_FindObjectsInit(session, &template, 1), CKR_OK);
    assert_rv(p11->C_FindObjects(session, &found, 1, &count), CKR_OK);
    assert_rv(p11->C_FindObjectsFinal(session), CKR_OK);
    assert_int_equal(count, 0);
    assert_true(log_has("it takes the permission list on certificates"));
    assert_true(log_has("Key Vault Certificate User"));
    assert_works(VAULT);
    assert_works(HSM);
}

static const struct CMUnitTest tests[] = {
    with_module(test_a_vault_that_is_down),
    with_module(test_a_vault_with_a_certificate_of_somebody_else),
    with_module(test_an_identity_service_that_is_down),
    with_module(test_a_secret_that_is_wrong),
    with_module(test_a_secret_that_is_missing),
    with_module(test_a_caller_without_the_permission),
    with_module(test_a_key_that_is_disabled_and_comes_back),
    with_module(test_a_key_that_is_gone),
    with_module(test_html_instead_of_an_answer),
    with_module(test_html_of_a_gateway),
    with_module(test_html_from_the_identity_service),
    with_module(test_an_empty_answer),
    with_module(test_half_an_answer),
    with_module(test_too_much_of_an_answer),
    with_module(test_an_answer_of_no_key),
    with_module(test_an_error_without_the_services_own_words),
    with_module(test_a_vault_that_never_answers),
    with_module(test_a_vault_that_is_only_slow),
    with_module(test_a_connection_that_is_cut_once),
    with_module(test_a_vault_that_is_busy_once),
    with_module(test_a_vault_that_is_busy_for_long),
    with_module(test_a_vault_that_has_an_error),
    with_module(test_a_caller_who_may_not_sign),
    with_module(test_signing_with_a_key_that_may_not),
    with_module(test_a_firewall_and_a_private_link),
    with_module(test_an_answer_that_sends_us_elsewhere),
    with_module(test_a_caller_who_may_not_list_certificates),
};

const struct room vault_room = ROOM(tests);
