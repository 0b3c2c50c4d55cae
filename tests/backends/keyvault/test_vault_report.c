/*
 * Every refusal that the service is known for, as a call sees it: CK_RV, verdict, the status for
 * ulDeviceError, and one line in the log with the operator's next step. The bodies are of the service's
 * shape, in words of our own.
 */
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/vault_report.h"
#include "tests/backends/keyvault/https_server.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct world {
    struct https_server *server;
    struct place place;
    struct http_client *http;
    struct endpoint *endpoint;
    struct token_cache *tokens;
    struct identity identity;
    struct vault_client client;
    struct service_answer answer;
    char log[128];
    const struct row *row;
};

/* Where wrapping and unwrapping differ, the second and third value are theirs. */
struct row {
    unsigned status;
    const char *code, *message, *inner; /* code NULL: message is the whole body */
    enum service_verdict verdict;
    CK_RV rv, wrap, unwrap;
    const char *words[4];
};

#define ALL(rv) rv, rv, rv
/* As long as a role assignment's true one, which is cut, so that the advice is not. */
#define FIFTY "01234567890123456789012345678901234567890123456789"
#define LONG  "not authorized to perform it\\r\\n" FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY

static const struct row rows[] = {
    {400,
     "BadParameter",
     "Something has an invalid value",
     "",
     VERDICT_BAD_REQUEST,
     CKR_FUNCTION_FAILED,
     CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
     CKR_WRAPPED_KEY_INVALID,
     {"400 BadParameter"}},
    {400,
     NULL,
     "<html>Bad Request</html>",
     "",
     VERDICT_UNREACHABLE,
     ALL(CKR_DEVICE_ERROR),
     {"400 without the service's own words"}},
    {401,
     "Unauthorized",
     "AKV10022: the audience",
     "",
     VERDICT_NO_ACCESS,
     ALL(CKR_USER_NOT_LOGGED_IN),
     {"AKV10022", "check tenant, authority and audience"}},
    {401,
     "Unauthorized",
     "AKV10032: the issuer",
     "",
     VERDICT_NO_ACCESS,
     ALL(CKR_USER_NOT_LOGGED_IN),
     {"AKV10032", "its tenant is 72f988bf", "check tenant"}},
    {401,
     NULL,
     "",
     "",
     VERDICT_NO_ACCESS,
     ALL(CKR_USER_NOT_LOGGED_IN),
     {"401 without the service's own words", "its tenant is 72f988bf"}},
    {403,
     "Forbidden",
     "has no permission",
     "ForbiddenByPolicy",
     VERDICT_REFUSED,
     ALL(CKR_KEY_FUNCTION_NOT_PERMITTED),
     {"it takes the permission", "Grant the caller", "Crypto Service Encryption User", "Contributor"}},
    {403,
     "Forbidden",
     "not authorized to perform",
     "ForbiddenByRbac",
     VERDICT_REFUSED,
     ALL(CKR_KEY_FUNCTION_NOT_PERMITTED),
     {"as a role's action keys/", "Crypto User", "takes minutes"}},
    {403,
     "Forbidden",
     "to the first party",
     "AccessDenied",
     VERDICT_REFUSED,
     ALL(CKR_KEY_FUNCTION_NOT_PERMITTED),
     {"it takes the permission"}},
    {403,
     "AccessDenied",
     "of a Managed HSM",
     "",
     VERDICT_REFUSED,
     ALL(CKR_KEY_FUNCTION_NOT_PERMITTED),
     {"it takes the permission", "Managed HSM Crypto User"}},
    {403,
     "Forbidden",
     "not of this address.\\r\\nClient address: 192.0.2.10\\r\\nCaller: x",
     "ForbiddenByFirewall",
     VERDICT_UNREACHABLE,
     ALL(CKR_DEVICE_ERROR),
     {"it saw 192.0.2.10", "led to 127.0.0.1, this machine", "firewall refuses"}},
    {403,
     "Forbidden",
     "not of this address",
     "ForbiddenByFirewall",
     VERDICT_UNREACHABLE,
     ALL(CKR_DEVICE_ERROR),
     {"its name led to 127.0.0.1", "firewall refuses"}},
    {403,
     "Forbidden",
     "public access is off",
     "ForbiddenByConnection",
     VERDICT_UNREACHABLE,
     ALL(CKR_DEVICE_ERROR),
     {"its name led to 127.0.0.1, this machine", "private address"}},
    {403,
     "Forbidden",
     "it is disabled",
     "KeyDisabled",
     VERDICT_DISABLED,
     ALL(CKR_KEY_FUNCTION_NOT_PERMITTED),
     {"KeyDisabled", "its owner can enable it"}},
    {403,
     "Forbidden",
     "is not permitted",
     "KeyOperationForbidden",
     VERDICT_REFUSED,
     ALL(CKR_KEY_FUNCTION_NOT_PERMITTED),
     {"key_ops"}},
    {403, "Forbidden", "for a reason", "", VERDICT_UNREACHABLE, ALL(CKR_DEVICE_ERROR), {"dates"}},
    {403, NULL, "<html>no</html>", "", VERDICT_UNREACHABLE, ALL(CKR_DEVICE_ERROR), {"proxy or firewall"}},
    {404,
     "KeyNotFound",
     "is not there",
     "",
     VERDICT_GONE,
     CKR_KEY_HANDLE_INVALID,
     CKR_WRAPPING_KEY_HANDLE_INVALID,
     CKR_UNWRAPPING_KEY_HANDLE_INVALID,
     {"404 KeyNotFound", "soft delete"}},
    {404, NULL, "<html>", "", VERDICT_UNREACHABLE, ALL(CKR_DEVICE_ERROR), {"check `vault`"}},
    {409,
     "Conflict",
     "it is being deleted",
     "ObjectIsBeingDeleted",
     VERDICT_UNREACHABLE,
     ALL(CKR_DEVICE_ERROR),
     {"409 Conflict ObjectIsBeingDeleted"}},
    {429,
     "Throttled",
     "Too many. Reason: VaultRequestTypeLimitReached",
     "",
     VERDICT_UNREACHABLE,
     ALL(CKR_DEVICE_ERROR),
     {"429 Throttled", "VaultRequestTypeLimitReached", "fewer"}},
    {404,
     "ResourceNotFound",
     "is not here",
     "",
     VERDICT_UNREACHABLE,
     ALL(CKR_DEVICE_ERROR),
     {"404 ResourceNotFound", "check `vault`"}},
    {301, NULL, "", "", VERDICT_UNREACHABLE, ALL(CKR_DEVICE_ERROR), {"301", "not followed"}},
    {302, NULL, "", "", VERDICT_UNREACHABLE, ALL(CKR_DEVICE_ERROR), {"302", "not followed"}},
    {304, NULL, "", "", VERDICT_UNREACHABLE, ALL(CKR_DEVICE_ERROR), {"304", "not followed"}},
    {307, NULL, "<html>", "", VERDICT_UNREACHABLE, ALL(CKR_DEVICE_ERROR), {"307", "not followed"}},
    {308, NULL, "<html>", "", VERDICT_UNREACHABLE, ALL(CKR_DEVICE_ERROR), {"308", "not followed"}},
    {400,
     "NotSupported",
     "it cannot",
     "",
     VERDICT_BAD_REQUEST,
     CKR_FUNCTION_FAILED,
     CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
     CKR_WRAPPED_KEY_INVALID,
     {"400 NotSupported"}},
    {401,
     "Unauthorized",
     "AKV10046: the key of the signature",
     "",
     VERDICT_NO_ACCESS,
     ALL(CKR_USER_NOT_LOGGED_IN),
     {"AKV10046", "check tenant"}},
    {403,
     "Forbidden",
     "a secret of that name",
     "SecretDisabled",
     VERDICT_UNREACHABLE,
     ALL(CKR_DEVICE_ERROR),
     {"403 Forbidden SecretDisabled"}},
    {408, NULL, "", "", VERDICT_UNREACHABLE, ALL(CKR_DEVICE_ERROR), {"408"}},
    {500,
     "InternalServerError",
     "it broke",
     "",
     VERDICT_UNREACHABLE,
     ALL(CKR_DEVICE_ERROR),
     {"500", "health"}},
    {503, NULL, "<html>later</html>", "", VERDICT_UNREACHABLE, ALL(CKR_DEVICE_ERROR), {"503", "Try again"}},
};

/* A time to wait that nobody has, so that each answer is the last one. */
static void serve(void *arg, const struct https_request *request, struct https_reply *reply)
{
    const struct world *world = arg;
    const struct row *row = world->row;
    char body[1024];

    (void)request;
    if (row->code == NULL) {
        snprintf(body, sizeof body, "%s", row->message);
    } else {
        snprintf(body, sizeof body,
                 "{\"error\":{\"code\":\"%s\",\"message\":\"%s\",\"innererror\":{\"code\":\"%s\"}}}",
                 row->code, row->message, row->inner);
    }
    https_say(reply, row->status,
              "Retry-After: 600\r\nx-ms-request-id: their-id\r\nLocation: https://elsewhere.example/\r\n"
              "WWW-Authenticate: Bearer authorization=\"https://login.windows.net/72f988bf\", "
              "resource=\"https://vault.azure.net\"\r\n",
              body);
}

static bool fetch(struct identity *identity, const struct token_scope *scope, struct deadline deadline,
                  struct buffer *ret_token, int64_t *ret_lifetime, struct identity_failure *ret_failure)
{
    (void)identity, (void)scope, (void)deadline, (void)ret_failure;
    *ret_lifetime = 3600000;
    return buffer_append_text(ret_token, "s3cr3t-token") == CKR_OK;
}

static void free_nothing(struct identity *identity)
{
    (void)identity;
}

static const struct identity_ops ops = {.fetch = fetch, .free = free_nothing};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct http_options options = {.about = "test", .connect_timeout = 2000, .connection_age = 600000};
    const char *rest;

    world->server = https_server_start("127.0.0.1", serve, world);
    options.ca_file = https_server_ca(world->server);
    assert_true(place_parse(https_server_url(world->server), &world->place, &rest));
    assert_int_equal(http_client_new(&options, &world->http), CKR_OK);
    world->identity.ops = &ops;
    assert_int_equal(token_cache_new("test", &world->identity, &world->tokens), CKR_OK);
    world->client =
        (struct vault_client){.about = "test",
                              .vault = &world->place,
                              .url = https_server_url(world->server),
                              .api_version = "7.6",
                              .tokens = world->tokens,
                              .scope = {"https://login.example", "t", "https://vault.azure.net", NULL}};
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    assert_int_equal(log_configure("error stderr"), CKR_OK);
    token_cache_free(world->tokens);
    http_client_free(world->http);
    https_server_stop(world->server);
    free(world);
    return 0;
}

static bool see(void *arg, struct key_info *info)
{
    (void)arg, (void)info;
    return true;
}

static bool see_name(void *arg, const char *name)
{
    (void)arg, (void)name;
    return true;
}

static CK_RV take_certificate(void *arg, const struct certificate_info *certificate)
{
    (void)arg, (void)certificate;
    return CKR_OK;
}

static CK_RV call_other(struct world *world, enum vault_verb verb, struct deadline deadline)
{
    static const struct key_ref kek = {"kek", NULL};
    struct buffer signature SCOPED(buffer_free) = BUFFER_INIT(512);
    unsigned char data[32] = {1};

    switch (verb) {
    case VAULT_SIGN:
        return vault_client_sign(&world->client, &kek, SIGNATURE_RS256, bytes_of(data, 32), deadline,
                                 &signature, &world->answer);
    case VAULT_RANDOM:
        return vault_client_random(&world->client, data, sizeof data, deadline, &world->answer);
    case VAULT_LIST_CERTIFICATES:
        return vault_client_each_certificate(&world->client, deadline, see_name, NULL, &world->answer);
    default:
        return vault_client_certificate(&world->client, "kek", deadline, take_certificate, NULL,
                                        &world->answer);
    }
}

static CK_RV call(struct world *world, enum vault_verb verb)
{
    static const struct key_ref kek = {"kek", NULL};
    static const unsigned char data[256] = {1};
    struct buffer blob SCOPED(buffer_free) = BUFFER_INIT(512);
    struct secret plain SCOPED(secret_free) = SECRET_INIT;
    struct deadline deadline = deadline_in(5000);
    struct key_info info;

    if (verb >= VAULT_SIGN) {
        return call_other(world, verb, deadline);
    }
    switch (verb) {
    case VAULT_LIST:
        return vault_client_each_key(&world->client, deadline, see, NULL, &world->answer);
    case VAULT_GET:
        return vault_client_get(&world->client, &kek, deadline, &info, &world->answer);
    case VAULT_WRAP:
    case VAULT_ENCRYPT:
        return vault_client_seal(&world->client, verb, &kek, RSA_PADDING_OAEP_SHA1, bytes_of(data, 16),
                                 deadline, &blob, &world->answer);
    default:
        break;
    }
    return vault_client_open(&world->client, verb, &kek, RSA_PADDING_OAEP_SHA1, bytes_of(data, 256), deadline,
                             &plain, &world->answer);
}

static void open_log(struct world *world)
{
    char choice[160];

    snprintf(world->log, sizeof world->log, "%s", test_file("log", ""));
    snprintf(choice, sizeof choice, "warning file:%s", world->log);
    assert_int_equal(log_configure(choice), CKR_OK);
}

/* One line, with all these words and no secret. */
static void check_log(const struct world *world, const char *verb)
{
    static char text[8192];
    FILE *file = fopen(world->log, "r");

    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    assert_non_null(strchr(text, '\n'));
    assert_ptr_equal(strchr(text, '\n'), strrchr(text, '\n'));
    assert_null(strstr(text, "s3cr3t"));
    assert_non_null(strstr(text, verb));
    assert_non_null(strstr(text, https_server_url(world->server)));
    assert_non_null(strstr(text, "their-id"));
    for (int i = 0; i < 4 && world->row->words[i] != NULL; i++) {
        if (strstr(text, world->row->words[i]) == NULL) {
            fail_msg("\"%s\" is not in: %s", world->row->words[i], text);
        }
    }
}

/* Each row at an endpoint of its own: what it learns of one does not stop the next. */
static void check_row(struct world *world, const struct row *row, enum vault_verb verb, const char *name,
                      CK_RV rv, enum service_verdict verdict)
{
    struct endpoint_options options = {.about = "test", .http = world->http};

    world->row = row;
    open_log(world);
    assert_int_equal(endpoint_new(&options, &world->client.endpoint), CKR_OK);
    if (call(world, verb) != rv || world->answer.verdict != verdict) {
        fail_msg("%s, %u %s %s: verdict %d", name, row->status, row->code, row->inner, world->answer.verdict);
    }
    assert_int_equal(world->answer.status, row->status);
    check_log(world, name);
    endpoint_free(world->client.endpoint);
}

/* What a certificate or random bytes take is granted by other roles, in other words: test_vault_error.c. */
static struct row for_verb(const struct row *row, enum vault_verb verb)
{
    struct row own = *row;

    if (row->verdict == VERDICT_REFUSED && verb > VAULT_SIGN && row->words[0] != NULL &&
        strcmp(row->words[0], "key_ops") != 0) {
        own.words[0] = verb == VAULT_RANDOM ? "it takes a role with the action rng/action"
                                            : "on certificates, as a role's action certificates/read";
        own.words[1] = "Management roles such as Contributor";
        own.words[2] = NULL;
    }
    return own;
}

static void check_rows(struct world *world, enum vault_verb verb, const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CK_RV rv = verb == VAULT_WRAP ? rows[i].wrap : verb == VAULT_UNWRAP ? rows[i].unwrap : rows[i].rv;
        enum service_verdict verdict = rows[i].verdict;
        struct row own;

        if (verdict == VERDICT_BAD_REQUEST && (verb == VAULT_UNWRAP || verb == VAULT_DECRYPT)) {
            verdict = VERDICT_BAD_BLOB;
            rv = verb == VAULT_DECRYPT ? CKR_ENCRYPTED_DATA_INVALID : rv;
        }
        if (verdict == VERDICT_GONE && (verb == VAULT_LIST || verb > VAULT_SIGN)) {
            continue; /* there is no key that could be gone: test_vault_error.c */
        }
        own = for_verb(&rows[i], verb);
        check_row(world, &own, verb, name, rv, verdict);
    }
}

static void test_unwrap(void **state)
{
    check_rows(*state, VAULT_UNWRAP, "unwrapKey");
}

static void test_wrap(void **state)
{
    check_rows(*state, VAULT_WRAP, "wrapKey");
}

static void test_decrypt(void **state)
{
    check_rows(*state, VAULT_DECRYPT, "decrypt");
}

static void test_encrypt(void **state)
{
    check_rows(*state, VAULT_ENCRYPT, "encrypt");
}

static void test_get(void **state)
{
    check_rows(*state, VAULT_GET, "get");
}

static void test_list(void **state)
{
    check_rows(*state, VAULT_LIST, "list");
}

static void test_sign(void **state)
{
    check_rows(*state, VAULT_SIGN, "sign with key kek");
}

static void test_random(void **state)
{
    check_rows(*state, VAULT_RANDOM, "rng of random bytes");
}

static void test_list_certificates(void **state)
{
    check_rows(*state, VAULT_LIST_CERTIFICATES, "list certificates");
}

static void test_get_certificate(void **state)
{
    check_rows(*state, VAULT_GET_CERTIFICATE, "get certificate kek");
}

/* --- Where the vault's name led --- */

static void check_address(struct world *world, const char *address, bool proxied, const char *inner,
                          const char *words)
{
    const struct key_ref kek = {"kek", NULL};
    const struct vault_operation operation = {&world->client, VAULT_UNWRAP, &kek, &world->answer};
    const struct vault_error error = {.code = "Forbidden", .message = "not from there"};
    struct http_reply reply = {.status = 403, .proxied = proxied};
    struct vault_error own = error;
    struct vault_ruling ruling;
    char text[4096];
    FILE *file;

    snprintf(own.inner, sizeof own.inner, "%s", inner);
    snprintf(reply.address, sizeof reply.address, "%s", address);
    open_log(world);
    ruling = vault_error_judge(VAULT_UNWRAP, 403, &own);
    vault_report_refusal(&operation, &reply, &own, &ruling);
    file = fopen(world->log, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    if (strstr(text, words) == NULL) {
        fail_msg("%s: \"%s\" is not in: %s", address, words, text);
    }
}

/* A private endpoint that the name does not lead to, or a firewall that sees a private address. */
static void test_addresses(void **state)
{
    static const struct {
        const char *address, *words;
    } all[] = {
        {"10.1.2.3", "10.1.2.3, a private address"},
        {"172.16.0.4", "a private address"},
        {"172.31.255.4", "a private address"},
        {"172.15.0.4", "a public address"},
        {"172.32.0.4", "a public address"},
        {"192.168.1.1", "a private address"},
        {"192.169.1.1", "a public address"},
        {"11.1.2.3", "a public address"},
        {"20.50.1.2", "20.50.1.2, a public address"},
        {"fd00::1", "a private address"},
        {"FC00::1", "a private address"},
        {"2603:1020::5", "a public address"},
        {"127.0.0.1", "this machine"},
        {"::1", "this machine"},
        {"", "its name led to an unknown address"},
    };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        check_address(*state, all[i].address, false, "ForbiddenByConnection", all[i].words);
        check_address(*state, all[i].address, false, "ForbiddenByFirewall", all[i].words);
    }
    check_address(*state, "10.1.2.3", true, "ForbiddenByConnection", "10.1.2.3, a proxy");
    check_address(*state, "20.50.1.2", false, "ForbiddenByConnection", "must resolve to a private address");
    check_address(*state, "20.50.1.2", false, "ForbiddenByFirewall",
                  "firewall refuses this machine's address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define REPORT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        REPORT_TEST(test_unwrap),
        REPORT_TEST(test_wrap),
        REPORT_TEST(test_decrypt),
        REPORT_TEST(test_encrypt),
        REPORT_TEST(test_get),
        REPORT_TEST(test_list),
        REPORT_TEST(test_sign),
        REPORT_TEST(test_random),
        REPORT_TEST(test_list_certificates),
        REPORT_TEST(test_get_certificate),
        REPORT_TEST(test_addresses),
    };
    int failed;

    setenv("NO_PROXY", "*", 1);
    unsetenv("BYOK_PKCS11_LOG");
    signal(SIGPIPE, SIG_IGN);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_folder_remove();
    return failed;
}
