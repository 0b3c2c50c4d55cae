/*
 * Every refusal that the service is known for, as a call sees it: CK_RV, verdict, the status for
 * ulDeviceError, and one line in the log with the operator's next step. The bodies are of the service's
 * shape, in words of our own.
 */
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/vault_client.h"
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
    {302, NULL, "", "", VERDICT_UNREACHABLE, ALL(CKR_DEVICE_ERROR), {"302", "not followed"}},
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

static CK_RV call(struct world *world, enum vault_verb verb)
{
    static const struct key_ref kek = {"kek", NULL};
    static const unsigned char data[256] = {1};
    struct buffer blob SCOPED(buffer_free) = BUFFER_INIT(512);
    struct secret plain SCOPED(secret_free) = SECRET_INIT;
    struct deadline deadline = deadline_in(5000);
    struct key_info info;

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

static void check_rows(struct world *world, enum vault_verb verb, const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CK_RV rv = verb == VAULT_WRAP ? rows[i].wrap : verb == VAULT_UNWRAP ? rows[i].unwrap : rows[i].rv;
        enum service_verdict verdict = rows[i].verdict;

        if (verdict == VERDICT_BAD_REQUEST && (verb == VAULT_UNWRAP || verb == VAULT_DECRYPT)) {
            verdict = VERDICT_BAD_BLOB;
            rv = verb == VAULT_DECRYPT ? CKR_ENCRYPTED_DATA_INVALID : rv;
        }
        if (verdict == VERDICT_GONE && verb == VAULT_LIST) {
            continue; /* there is no key that could be gone: test_vault_error.c */
        }
        check_row(world, &rows[i], verb, name, rv, verdict);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
#define REPORT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        REPORT_TEST(test_unwrap),  REPORT_TEST(test_wrap), REPORT_TEST(test_decrypt),
        REPORT_TEST(test_encrypt), REPORT_TEST(test_get),  REPORT_TEST(test_list),
    };
    int failed;

    setenv("NO_PROXY", "*", 1);
    unsetenv("BYOK_PKCS11_LOG");
    signal(SIGPIPE, SIG_IGN);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_folder_remove();
    return failed;
}
