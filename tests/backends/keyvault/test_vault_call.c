/* Refused tokens: tenants that the vault tells, claims that it wants, and how often it is asked for that. */
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/vault_call.h"
#include "tests/backends/keyvault/https_server.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* base64 of {"a":1}: what the vault wants in a token */
#define CLAIMS                                                                                               \
    "WWW-Authenticate: Bearer realm=\"\", authorization_uri=\"https://login.windows.net/common/oauth2/"      \
    "authorize\", error=\"insufficient_claims\", claims=\"eyJhIjoxfQ==\"\r\n"

enum { MOST_STEPS = 8, MOST_ASKED = 64 };

struct asked {
    char method[8], path[128], bearer[32];
    size_t size;
};

struct world {
    struct https_server *server;
    struct place place;
    struct http_client *http;
    struct endpoint *endpoint;
    struct token_cache *tokens;
    struct sign_in *sign_in;
    struct vault_client client;
    struct service_answer answer;
    char log[128];
    /* What the vault says, one step for each request, the last again and again; 0: an unwrapped key. */
    struct {
        unsigned status;
        const char *headers, *body;
    } steps[MOST_STEPS];
    unsigned step_count;
    bool insists; /* without a token: 401 that tells tenant "t1", whatever the steps are */
    struct asked asked[MOST_ASKED];
    atomic_uint asked_count, token_count;
    char token_path[128], token_form[1024];
    char told[256];
};

static void serve_token(struct world *world, const struct https_request *request, struct https_reply *reply)
{
    char body[128];

    world->token_count++;
    snprintf(world->token_path, sizeof world->token_path, "%s", request->path);
    snprintf(world->token_form, sizeof world->token_form, "%.*s", (int)request->body.size,
             (const char *)request->body.data);
    snprintf(body, sizeof body, "{\"access_token\":\"%.*s-T%u\",\"expires_in\":3599}",
             (int)strcspn(request->path + 1, "/"), request->path + 1, world->token_count);
    https_say(reply, 200, NULL, body);
}

static void note_request(struct world *world, const struct https_request *request)
{
    const char *bearer = strcasestr(request->headers, "\r\nAuthorization: Bearer ");
    struct asked *asked = &world->asked[world->asked_count++ % MOST_ASKED];

    snprintf(asked->method, sizeof asked->method, "%s", request->method);
    snprintf(asked->path, sizeof asked->path, "%s", request->path);
    snprintf(asked->bearer, sizeof asked->bearer, "%.*s",
             bearer == NULL ? 0 : (int)strcspn(bearer + 24, "\r"), bearer == NULL ? "" : bearer + 24);
    asked->size = request->body.size;
}

static void serve(void *arg, const struct https_request *request, struct https_reply *reply)
{
    struct world *world = arg;
    char body[256];
    unsigned step;

    if (strstr(request->path, "/oauth2/") != NULL) {
        serve_token(world, request, reply);
        return;
    }
    note_request(world, request);
    if (world->insists && strcasestr(request->headers, "\r\nAuthorization:") == NULL) {
        https_say(reply, 401, world->told, "");
        return;
    }
    step = world->asked_count <= world->step_count ? world->asked_count - 1 : world->step_count - 1;
    if (world->step_count == 0 || world->steps[step].status == 0) {
        snprintf(
            body, sizeof body,
            "{\"kid\":\"https://127.0.0.1:%u/keys/kek/0123456789abcdef0123456789abcdef\",\"value\":\"AAAA\"}",
            https_server_port(world->server));
        https_say(reply, 200, NULL, body);
        return;
    }
    https_say(reply, world->steps[step].status, world->steps[step].headers, world->steps[step].body);
}

/* The challenge of a vault in this tenant, as a header. */
static const char *tell(struct world *world, const char *tenant)
{
    snprintf(world->told, sizeof world->told,
             "WWW-Authenticate: Bearer authorization=\"%s/%s\", resource=\"https://vault.azure.net\"\r\n",
             https_server_url(world->server), tenant);
    return world->told;
}

static void say(struct world *world, unsigned status, const char *headers, const char *body)
{
    world->steps[world->step_count].status = status;
    world->steps[world->step_count].headers = headers;
    world->steps[world->step_count++].body = body;
}

static void open_log(struct world *world)
{
    char choice[160];

    snprintf(world->log, sizeof world->log, "%s", test_file("log", ""));
    snprintf(choice, sizeof choice, "warning file:%s", world->log);
    assert_int_equal(log_configure(choice), CKR_OK);
}

static void expect_log(const struct world *world, const char *words)
{
    static char text[8192];
    FILE *file = fopen(world->log, "r");

    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    if (strstr(text, words) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", words, text);
    }
}

static void open_client(struct world *world)
{
    struct http_options options = {.about = "test",
                                   .ca_file = https_server_ca(world->server),
                                   .connect_timeout = 2000,
                                   .connection_age = 600000};
    struct identity_options who = {.about = "test", .client_id = "app"};
    struct identity *identity;

    assert_int_equal(http_client_new(&options, &world->http), CKR_OK);
    who.http = world->http;
    who.client_secret_file = test_file("secret", "s3cr3t");
    assert_int_equal(client_secret_kind.open(&who, &identity), CKR_OK);
    assert_int_equal(
        endpoint_new(&(struct endpoint_options){.about = "test", .http = world->http}, &world->endpoint),
        CKR_OK);
    assert_int_equal(token_cache_new("test", identity, &world->tokens), CKR_OK);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    const char *rest;

    world->server = https_server_start("127.0.0.1", serve, world);
    assert_true(place_parse(https_server_url(world->server), &world->place, &rest));
    open_client(world);
    world->client = (struct vault_client){
        .about = "test",
        .vault = &world->place,
        .url = https_server_url(world->server),
        .api_version = "7.6",
        .endpoint = world->endpoint,
        .tokens = world->tokens,
        .scope = {https_server_url(world->server), "t0", "https://vault.azure.net", NULL}};
    open_log(world);
    *state = world;
    return 0;
}

/* The tenant is not in the configuration. */
static int set_up_open(void **state)
{
    struct world *world;
    struct sign_in_options options;

    (void)set_up(state);
    world = *state;
    options = (struct sign_in_options){.about = "test",
                                       .vault = &world->place,
                                       .authority = https_server_url(world->server),
                                       .audience = "https://vault.azure.net"};
    assert_int_equal(sign_in_new(&options, &world->sign_in), CKR_OK);
    world->client.sign_in = world->sign_in;
    world->insists = true;
    (void)tell(world, "t1");
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    assert_int_equal(log_configure("error stderr"), CKR_OK);
    token_cache_free(world->tokens);
    sign_in_free(world->sign_in);
    endpoint_free(world->endpoint);
    http_client_free(world->http);
    https_server_stop(world->server);
    free(world);
    return 0;
}

static CK_RV unwrap(const struct vault_client *client, struct service_answer *ret_answer)
{
    static const struct key_ref kek = {"kek", NULL};
    static const unsigned char blob[256] = {1};
    struct secret plain SCOPED(secret_free) = SECRET_INIT;

    return vault_client_open(client, VAULT_UNWRAP, &kek, RSA_PADDING_OAEP_SHA256, bytes_of(blob, sizeof blob),
                             deadline_in(8000), &plain, ret_answer);
}

static void expect(struct world *world, CK_RV expected, unsigned requests, unsigned tokens)
{
    assert_int_equal(unwrap(&world->client, &world->answer), expected);
    assert_int_equal(world->asked_count, requests);
    assert_int_equal(world->answer.tries, requests);
    assert_int_equal(world->token_count, tokens);
}

/* --- A tenant that is told --- */

static void test_first_request_has_neither_token_nor_body(void **state)
{
    struct world *world = *state;

    expect(world, CKR_OK, 2, 1);
    assert_string_equal(world->asked[0].method, "POST");
    assert_string_equal(world->asked[0].path, "/keys/kek/unwrapkey?api-version=7.6");
    assert_string_equal(world->asked[0].bearer, "");
    assert_int_equal(world->asked[0].size, 0);
    assert_string_equal(world->asked[1].bearer, "t1-T1");
    assert_true(world->asked[1].size > 300);
    assert_string_equal(world->token_path, "/t1/oauth2/v2.0/token");
    assert_int_equal(unwrap(&world->client, &world->answer), CKR_OK);
    assert_int_equal(world->asked_count, 3);
}

static void test_tenant_of_the_configuration_is_not_asked_for(void **state)
{
    struct world *world = *state;

    expect(world, CKR_OK, 1, 1);
    assert_string_equal(world->asked[0].bearer, "t0-T1");
}

static void test_no_secret_for_a_stranger(void **state)
{
    struct world *world = *state;

    snprintf(world->told, sizeof world->told,
             "WWW-Authenticate: Bearer authorization=\"https://evil.example/t\"\r\n");
    expect(world, CKR_USER_NOT_LOGGED_IN, 1, 0);
    assert_int_equal(world->answer.verdict, VERDICT_NO_ACCESS);
    assert_int_equal(world->answer.status, 401);
    expect_log(world, "evil.example");
}

static void test_other_answers_than_401(void **state)
{
    struct world *world = *state;

    world->insists = false;
    say(world, 403, NULL,
        "{\"error\":{\"code\":\"Forbidden\",\"message\":\"m\",\"innererror\":{\"code\":\"ForbiddenByFirewall\"}}}");
    expect(world, CKR_DEVICE_ERROR, 1, 0);
    assert_int_equal(world->answer.verdict, VERDICT_UNREACHABLE);
    expect_log(world, "403 Forbidden ForbiddenByFirewall");
    expect_log(world, "firewall refuses");
}

/* A 400 to a request without a body says nothing about the blob. */
static void test_400_without_a_token_is_no_bad_blob(void **state)
{
    struct world *world = *state;

    world->insists = false;
    say(world, 400, NULL, "{\"error\":{\"code\":\"BadParameter\",\"message\":\"m\"}}");
    expect(world, CKR_DEVICE_ERROR, 1, 0);
    assert_int_equal(world->answer.verdict, VERDICT_UNREACHABLE);
}

static void test_200_without_a_token_is_nothing(void **state)
{
    ((struct world *)*state)->insists = false;
    expect(*state, CKR_DEVICE_ERROR, 1, 0);
}

static void test_another_tenant_later(void **state)
{
    struct world *world = *state;
    char moved[256];

    expect(world, CKR_OK, 2, 1);
    snprintf(moved, sizeof moved, "%s", tell(world, "t2"));
    world->asked_count = world->step_count = 0;
    say(world, 401, moved,
        "{\"error\":{\"code\":\"Unauthorized\",\"message\":\"AKV10032: Invalid issuer.\"}}");
    say(world, 0, NULL, "");
    expect(world, CKR_OK, 2, 2);
    assert_string_equal(world->asked[1].bearer, "t2-T2");
}

/* A vault that tells another tenant each time does not keep a call going. */
static void test_another_tenant_each_time(void **state)
{
    struct world *world = *state;
    char second[256], third[256];

    snprintf(second, sizeof second, "%s", tell(world, "t2"));
    snprintf(third, sizeof third, "%s", tell(world, "t3"));
    (void)tell(world, "t1");
    say(world, 401, second, ""); /* the first step goes to the request without a token */
    say(world, 401, second, "");
    say(world, 401, third, "");
    expect(world, CKR_USER_NOT_LOGGED_IN, 3, 2);
    expect_log(world, "its tenant is t3");
}

/* --- A token that is no longer good --- */

static void test_signer_not_known_yet(void **state)
{
    struct world *world = *state;

    say(world, 401, tell(world, "t0"),
        "{\"error\":{\"code\":\"Unauthorized\",\"message\":\"AKV10046: Unable to resolve the key used for signature "
        "validation.\"}}");
    say(world, 0, NULL, "");
    expect(world, CKR_OK, 2, 2);
}

static void test_empty_401_of_a_managed_hsm(void **state)
{
    struct world *world = *state;

    say(world, 401, tell(world, "t0"), "");
    say(world, 0, NULL, "");
    expect(world, CKR_OK, 2, 2);
}

static void test_another_tenant_than_that_of_the_configuration(void **state)
{
    struct world *world = *state;

    say(world, 401, tell(world, "t9"), "");
    expect(world, CKR_USER_NOT_LOGGED_IN, 2, 2);
    assert_string_equal(world->asked[1].bearer, "t0-T2");
    expect_log(world, "its tenant is t9");
}

/* --- Claims --- */

static void test_claims_are_answered(void **state)
{
    struct world *world = *state;

    say(world, 401, CLAIMS, "");
    say(world, 0, NULL, "");
    expect(world, CKR_OK, 2, 2);
    assert_non_null(strstr(world->token_form, "%22a%22%3A1"));
    assert_string_equal(world->asked[1].bearer, "t0-T2");
    assert_int_equal(unwrap(&world->client, &world->answer), CKR_OK);
    assert_int_equal(world->token_count, 2);
}

static void test_claims_twice_in_a_row_are_the_callers(void **state)
{
    struct world *world = *state;

    say(world, 401, CLAIMS, "");
    expect(world, CKR_USER_NOT_LOGGED_IN, 2, 2);
    assert_int_equal(world->answer.verdict, VERDICT_NO_ACCESS);
    expect_log(world, "it wants claims");
    expect_log(world, "sign-in log");
}

static void test_challenge_and_claims_in_a_row(void **state)
{
    struct world *world = *state;

    say(world, 401, tell(world, "t0"), "");
    say(world, 401, CLAIMS, "");
    say(world, 0, NULL, "");
    expect(world, CKR_OK, 3, 3);
}

static void test_tenant_and_claims_in_a_row(void **state)
{
    struct world *world = *state;

    say(world, 0, NULL, "");
    say(world, 401, CLAIMS, "");
    say(world, 0, NULL, "");
    expect(world, CKR_OK, 3, 2);
    assert_string_equal(world->asked[2].bearer, "t1-T2");
}

static void test_challenges_for_ever(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < 4; i++) {
        say(world, 401, i % 2 == 0 ? tell(world, "t0") : CLAIMS, "");
    }
    expect(world, CKR_USER_NOT_LOGGED_IN, 3, 3);
}

/* --- Threads --- */

static void *unwrap_in_thread(void *arg)
{
    struct service_answer answer;

    return (void *)(uintptr_t)(unwrap(arg, &answer) == CKR_OK);
}

static void unwrap_in_threads(struct world *world)
{
    pthread_t threads[32];
    void *good;

    for (int i = 0; i < 32; i++) {
        pthread_create(&threads[i], NULL, unwrap_in_thread, &world->client);
    }
    for (int i = 0; i < 32; i++) {
        pthread_join(threads[i], &good);
        assert_non_null(good);
    }
}

static void test_32_threads_ask_for_the_tenant_once(void **state)
{
    struct world *world = *state;

    unwrap_in_threads(world);
    assert_int_equal(world->asked_count, 33);
    assert_int_equal(world->token_count, 1);
}

/* All of the first 32 requests are refused the one token they have: one fetch with claims for all. */
static void serve_claims(void *arg, const struct https_request *request, struct https_reply *reply)
{
    struct world *world = arg;

    if (strstr(request->path, "/oauth2/") == NULL &&
        strstr(request->headers, "Authorization: Bearer t0-T1\r") != NULL) {
        world->asked_count++;
        https_say(reply, 401, CLAIMS, "");
        return;
    }
    serve(arg, request, reply);
}

static void test_32_threads_fetch_one_token_with_claims(void **state)
{
    struct world *world = *state;

    https_server_handle(world->server, serve_claims);
    unwrap_in_threads(world);
    assert_int_equal(world->token_count, 2);
    assert_in_range(world->asked_count, 33, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define OPEN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_open, tear_down)
        OPEN_TEST(test_first_request_has_neither_token_nor_body),
        CALL_TEST(test_tenant_of_the_configuration_is_not_asked_for),
        OPEN_TEST(test_no_secret_for_a_stranger),
        OPEN_TEST(test_other_answers_than_401),
        OPEN_TEST(test_400_without_a_token_is_no_bad_blob),
        OPEN_TEST(test_200_without_a_token_is_nothing),
        OPEN_TEST(test_another_tenant_later),
        OPEN_TEST(test_another_tenant_each_time),
        CALL_TEST(test_signer_not_known_yet),
        CALL_TEST(test_empty_401_of_a_managed_hsm),
        CALL_TEST(test_another_tenant_than_that_of_the_configuration),
        CALL_TEST(test_claims_are_answered),
        CALL_TEST(test_claims_twice_in_a_row_are_the_callers),
        CALL_TEST(test_challenge_and_claims_in_a_row),
        OPEN_TEST(test_tenant_and_claims_in_a_row),
        CALL_TEST(test_challenges_for_ever),
        OPEN_TEST(test_32_threads_ask_for_the_tenant_once),
        CALL_TEST(test_32_threads_fetch_one_token_with_claims),
    };
    int failed;

    setenv("NO_PROXY", "*", 1);
    unsetenv("BYOK_PKCS11_LOG");
    signal(SIGPIPE, SIG_IGN);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_folder_remove();
    return failed;
}
