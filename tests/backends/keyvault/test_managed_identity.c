/* The services of a machine: which is asked, how, and what their answers mean. */
#include "backends/base/base64url.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/identity/managed_identity.h"
#include "tests/backends/keyvault/https_server.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ID "11111111-2222-3333-4444-555555555555"
#define RESOURCE_ID                                                                                          \
    "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
#define SECRET "Se+cret/0f~the==environment"
#define KEY    "b64+key/of_the~machine=="
#define GOOD                                                                                                 \
    "{\"access_token\":\"abc.def\",\"expires_in\":\"85770\",\"resource\":\"r\",\"token_type\":\"Bearer\"}"
#define NO_IDENTITY "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}"

static const char *const variables[] = {
    "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT",       "IMDS_ENDPOINT",
    "MSI_ENDPOINT",      "MSI_SECRET",      "AZURE_POD_IDENTITY_AUTHORITY_HOST"};

/* What one request is answered with. */
struct answer {
    enum https_act act;
    unsigned status;
    const char *headers, *body;
};

struct world {
    struct https_server *server;
    struct http_client *http;
    struct identity *identity;
    struct identity_options options;
    struct managed_places places;
    struct token_scope scope;
    struct buffer token;
    int64_t lifetime;
    struct identity_failure failure;
    struct answer answers[4]; /* in turn; the last one again and again */
    unsigned answer_count;
    char path[1024], headers[8192]; /* of the last request */
};

static void serve(void *arg, const struct https_request *request, struct https_reply *reply)
{
    struct world *world = arg;
    unsigned number = request->number < world->answer_count ? request->number : world->answer_count;
    const struct answer *answer = &world->answers[number - 1];

    snprintf(world->path, sizeof world->path, "%s %s", request->method, request->path);
    snprintf(world->headers, sizeof world->headers, "%s", request->headers);
    reply->act = answer->act;
    https_say(reply, answer->status, answer->headers, answer->body);
}

static void forget_environment(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        unsetenv(variables[i]);
    }
}

static int set_up(void **state)
{
    static char keys[128];
    struct world *world = calloc(1, sizeof *world);
    struct http_options options = {
        .about = "test", .proxy = "http://127.0.0.1:1", .connect_timeout = 2000, .connection_age = 600000};

    forget_environment();
    world->server = https_server_start("127.0.0.1", serve, world);
    options.ca_file = https_server_ca(world->server);
    world->scope = (struct token_scope){.audience = "https://vault.azure.net"};
    world->token.limit = TOKEN_LIMIT;
    world->answers[0] = (struct answer){HTTPS_ANSWER, 200, NULL, GOOD};
    world->answer_count = 1;
    snprintf(keys, sizeof keys, "%s/keys", test_folder());
    mkdir(keys, 0700);
    world->places = (struct managed_places){keys, "/nonexistent/himds"};
    world->options.about = "test";
    *state = world;
    assert_int_equal(http_client_new(&options, &world->http), CKR_OK);
    world->options.http = world->http;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char command[256];

    if (world->identity != NULL) {
        world->identity->ops->free(world->identity);
    }
    http_client_free(world->http);
    https_server_stop(world->server);
    buffer_free(&world->token);
    snprintf(command, sizeof command, "rm -rf %s/keys", test_folder());
    assert_int_equal(system(command), 0);
    forget_environment();
    free(world);
    return 0;
}

/* --- On each kind of machine --- */

static void set_url(const struct world *world, const char *variable, const char *path)
{
    char url[256];

    snprintf(url, sizeof url, "%s%s", https_server_url(world->server), path);
    setenv(variable, url, 1);
}

static void on_a_virtual_machine(const struct world *world)
{
    set_url(world, "AZURE_POD_IDENTITY_AUTHORITY_HOST", "/");
}

static void in_app_service(const struct world *world)
{
    set_url(world, "IDENTITY_ENDPOINT", "/msi/token");
    setenv("IDENTITY_HEADER", SECRET, 1);
}

static void in_machine_learning(const struct world *world)
{
    set_url(world, "MSI_ENDPOINT", "/MSI/token/?x=y");
    setenv("MSI_SECRET", SECRET, 1);
}

static void on_arc(const struct world *world)
{
    set_url(world, "IDENTITY_ENDPOINT", "/metadata/identity/oauth2/token");
    setenv("IMDS_ENDPOINT", "http://127.0.0.1:40342", 1);
}

static bool fetch(struct world *world, int64_t milliseconds)
{
    if (world->identity == NULL) {
        assert_int_equal(managed_identity_open_at(&world->options, &world->places, &world->identity), CKR_OK);
    }
    buffer_clear(&world->token);
    return world->identity->ops->fetch(world->identity, &world->scope, deadline_in(milliseconds),
                                       &world->token, &world->lifetime, &world->failure);
}

static void expect_token(struct world *world)
{
    if (!fetch(world, 10000)) {
        fail_msg("%s", world->failure.said);
    }
    assert_string_equal(buffer_text(&world->token), "abc.def");
}

static void expect_failure(struct world *world, CK_RV rv, const char *words)
{
    assert_false(fetch(world, 3000));
    if (world->failure.rv != rv || strstr(world->failure.said, words) == NULL) {
        fail_msg("\"%s\" is not in \"%s\" (0x%lx)", words, world->failure.said, world->failure.rv);
    }
    assert_int_equal(world->failure.verdict,
                     rv == CKR_USER_NOT_LOGGED_IN ? VERDICT_NO_ACCESS : VERDICT_UNREACHABLE);
    assert_int_equal(world->token.size, 0);
    assert_null(strstr(world->failure.said, SECRET));
    assert_null(strstr(world->failure.said, KEY));
}

static void answer_with(struct world *world, unsigned status, const char *headers, const char *body)
{
    world->answers[0] = (struct answer){HTTPS_ANSWER, status, headers, body};
}

static bool was_sent(const struct world *world, const char *line)
{
    const struct https_request request = {.headers = world->headers};

    return https_has_header(&request, line);
}

/* --- IMDS --- */

static void test_metadata_service(void **state)
{
    struct world *world = *state;

    on_a_virtual_machine(world);
    expect_token(world);
    assert_int_equal(world->lifetime, 85770000);
    assert_string_equal(world->path, "GET /metadata/identity/oauth2/token?api-version=2018-02-01"
                                     "&resource=https%3A%2F%2Fvault.azure.net");
    assert_true(was_sent(world, "Metadata: true"));
    assert_null(strcasestr(world->headers, "x-identity-header"));
}

static void test_user_assigned_by_client_id(void **state)
{
    struct world *world = *state;

    on_a_virtual_machine(world);
    world->options.client_id = ID;
    expect_token(world);
    assert_non_null(strstr(world->path, "&client_id=" ID));
}

static void test_user_assigned_by_resource_id(void **state)
{
    struct world *world = *state;

    on_a_virtual_machine(world);
    world->options.client_id = RESOURCE_ID;
    expect_token(world);
    assert_non_null(strstr(world->path, "&msi_res_id=%2Fsubscriptions%2Fs%2Fresourcegroups%2F"));
    assert_null(strstr(world->path, "client_id"));
}

/* A proxy would ask from its own machine. */
static void test_no_proxy_is_asked(void **state)
{
    struct world *world = *state;

    on_a_virtual_machine(world);
    unsetenv("NO_PROXY");
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    expect_token(world);
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    setenv("NO_PROXY", "*", 1);
}

static void test_update_is_waited_for(void **state)
{
    struct world *world = *state;

    on_a_virtual_machine(world);
    world->answers[0] = (struct answer){HTTPS_ANSWER, 404, "Retry-After: 0\r\n", ""};
    world->answers[1] = (struct answer){HTTPS_ANSWER, 410, "Retry-After: 0\r\n", ""};
    world->answers[2] = (struct answer){HTTPS_ANSWER, 429, "Retry-After: 0\r\n", ""};
    world->answers[3] = (struct answer){HTTPS_ANSWER, 200, NULL, GOOD};
    world->answer_count = 4;
    expect_token(world);
    assert_int_equal(https_server_requests(world->server), 4);
}

static void test_update_without_end(void **state)
{
    struct world *world = *state;

    on_a_virtual_machine(world);
    answer_with(world, 410, "Retry-After: 70\r\n", "");
    expect_failure(world, CKR_DEVICE_ERROR, "being updated");
}

static void test_no_identity(void **state)
{
    struct world *world = *state;

    on_a_virtual_machine(world);
    answer_with(world, 400, NULL, NO_IDENTITY);
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "no identity is assigned to this machine");
    assert_int_equal(https_server_requests(world->server), 1);
}

static void test_no_such_identity(void **state)
{
    struct world *world = *state;

    on_a_virtual_machine(world);
    world->options.client_id = ID;
    answer_with(world, 400, NULL, NO_IDENTITY);
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "knows no identity " ID);
}

static void test_unknown_audience(void **state)
{
    struct world *world = *state;

    on_a_virtual_machine(world);
    answer_with(world, 400, NULL,
                "{\"error\":\"invalid_resource\",\"error_description\":\"AADSTS500011: " SECRET "\"}");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "invalid_resource");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "audience");
}

/* What the machine's service repeats of the directory's. */
static void test_the_directory_knows_it_no_longer(void **state)
{
    struct world *world = *state;

    on_a_virtual_machine(world);
    answer_with(world, 400, NULL,
                "{\"error\":\"unauthorized_client\",\"error_description\":\"AADSTS700016: " SECRET "\"}");
    assert_false(fetch(world, 3000));
    assert_int_equal(world->failure.rv, CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(world->failure.verdict, VERDICT_NO_CALLER);
    assert_non_null(strstr(world->failure.said, "AADSTS700016"));
    assert_null(strstr(world->failure.said, SECRET));
}

static void test_a_proxy_answers(void **state)
{
    struct world *world = *state;

    on_a_virtual_machine(world);
    answer_with(world, 403, NULL, "<html>blocked</html>");
    expect_failure(world, CKR_DEVICE_ERROR, "proxy");
}

static void test_answers_without_a_token(void **state)
{
    static const struct answer answers[] = {
        {HTTPS_ANSWER, 200, NULL, ""},
        {HTTPS_ANSWER, 200, NULL, "<html>sign in</html>"},
        {HTTPS_ANSWER, 200, NULL, "{\"access_token\":\"x\"}"},
        {HTTPS_ANSWER, 302, "Location: https://127.0.0.1:1/\r\n", ""},
        {HTTPS_ANSWER, 405, NULL, ""},
        {HTTPS_RAW, 0, NULL, "garbage\r\n\r\n"},
    };
    struct world *world = *state;

    on_a_virtual_machine(world);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        world->answers[0] = answers[i];
        expect_failure(world, CKR_DEVICE_ERROR, "");
    }
}

static void test_too_large_an_answer(void **state)
{
    struct world *world = *state;
    char *body SCOPED(scope_free) = malloc(100001);

    memset(body, ' ', 100000);
    body[100000] = 0;
    on_a_virtual_machine(world);
    answer_with(world, 200, NULL, body);
    expect_failure(world, CKR_DEVICE_ERROR, "too large");
}

static void test_token_that_has_ended(void **state)
{
    struct world *world = *state;

    on_a_virtual_machine(world);
    answer_with(world, 200, NULL, "{\"access_token\":\"x\",\"expires_on\":\"1500000000\"}");
    expect_failure(world, CKR_DEVICE_ERROR, "clock");
}

/* The end is on the service's clock, and so is what it is compared to. */
static void test_end_is_by_the_services_clock(void **state)
{
    struct world *world = *state;

    on_a_virtual_machine(world);
    answer_with(world, 200, "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n",
                "{\"access_token\":\"abc.def\",\"expires_on\":\"1700000100\"}");
    expect_token(world);
    assert_int_equal(world->lifetime, 100000);
}

static void test_stall(void **state)
{
    struct world *world = *state;

    on_a_virtual_machine(world);
    world->answers[0].act = HTTPS_STALL;
    assert_false(fetch(world, 300));
    assert_int_equal(world->failure.rv, CKR_DEVICE_ERROR);
}

static void test_nobody_there(void **state)
{
    struct world *world = *state;

    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1", 1);
    expect_failure(world, CKR_DEVICE_ERROR, "is this a machine with a managed identity?");
}

/* --- App Service, and before it --- */

static void test_app_service(void **state)
{
    struct world *world = *state;

    in_app_service(world);
    setenv("MSI_ENDPOINT", "http://127.0.0.1:1/MSI/token/", 1); /* both are set there */
    setenv("MSI_SECRET", "other", 1);
    answer_with(world, 200, "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n",
                "{\"access_token\":\"abc.def\",\"expires_on\":\"1700003600\",\"token_type\":\"Bearer\"}");
    expect_token(world);
    assert_int_equal(world->lifetime, 3600000);
    assert_string_equal(world->path,
                        "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net");
    assert_true(was_sent(world, "X-IDENTITY-HEADER: " SECRET));
    assert_null(strcasestr(world->headers, "metadata"));
}

static void test_app_service_user_assigned(void **state)
{
    struct world *world = *state;

    in_app_service(world);
    world->options.client_id = RESOURCE_ID;
    expect_token(world);
    assert_non_null(strstr(world->path, "&mi_res_id=%2Fsubscriptions"));
}

static void test_app_service_refusals(void **state)
{
    struct world *world = *state;

    in_app_service(world);
    answer_with(world, 401, NULL, "");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "refuses the secret that the environment gives");
    answer_with(world, 400, NULL,
                "{\"statusCode\":400,\"message\":\"No User Assigned or Delegated Managed Identity found for "
                "specified ClientId/ResourceId/PrincipalId.\"}");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "no identity is assigned");
    answer_with(world, 404, NULL, "");
    expect_failure(world, CKR_DEVICE_ERROR, "404");
    assert_int_equal(https_server_requests(world->server), 3); /* it is not being updated */
}

static void test_older_service(void **state)
{
    struct world *world = *state;

    in_machine_learning(world);
    world->options.client_id = ID;
    answer_with(world, 200, "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n",
                "{\"access_token\":\"abc.def\",\"expires_on\":\"11/14/2023 11:13:20 PM +00:00\"}");
    expect_token(world);
    assert_int_equal(world->lifetime, 3600000);
    assert_string_equal(world->path, "GET /MSI/token/?x=y&api-version=2017-09-01"
                                     "&resource=https%3A%2F%2Fvault.azure.net&clientid=" ID);
    assert_true(was_sent(world, "secret: " SECRET));
}

static void test_older_service_knows_no_resource_ids(void **state)
{
    struct world *world = *state;

    in_machine_learning(world);
    world->options.client_id = RESOURCE_ID;
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "by its client ID");
    assert_int_equal(https_server_requests(world->server), 0);
}

/* --- Azure Arc --- */

static char arc_challenge[512];

/* The first answer names FOLDER/keys/a.key; the second one is a token. */
static void challenge(struct world *world)
{
    on_arc(world);
    snprintf(arc_challenge, sizeof arc_challenge, "WWW-Authenticate: Basic realm=%s/a.key\r\n",
             world->places.arc_keys);
    world->answers[0] = (struct answer){HTTPS_ANSWER, 401, arc_challenge, ""};
    world->answers[1] = (struct answer){HTTPS_ANSWER, 200, NULL, GOOD};
    world->answer_count = 2;
    (void)test_file("keys/a.key", KEY "\n");
}

static void test_arc(void **state)
{
    struct world *world = *state;

    challenge(world);
    expect_token(world);
    assert_string_equal(world->path, "GET /metadata/identity/oauth2/token?api-version=2019-11-01"
                                     "&resource=https%3A%2F%2Fvault.azure.net");
    assert_true(was_sent(world, "Metadata: true"));
    assert_true(was_sent(world, "Authorization: Basic " KEY));
    assert_int_equal(https_server_requests(world->server), 2);
}

/* Arc's answer could be anybody's who listens in its place. */
static void test_arc_names_another_file(void **state)
{
    struct world *world = *state;

    challenge(world);
    world->answers[0].headers = "WWW-Authenticate: Basic realm=/etc/shadow\r\n";
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "it is not read");
    assert_int_equal(https_server_requests(world->server), 1);
}

static void test_arc_second_refusal_ends_it(void **state)
{
    struct world *world = *state;

    challenge(world);
    world->answer_count = 1;
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "refuses the key");
    assert_int_equal(https_server_requests(world->server), 2);
}

static void test_arc_has_no_user_assigned_identities(void **state)
{
    struct world *world = *state;

    on_arc(world);
    world->options.client_id = ID;
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "remove client-id");
    assert_int_equal(https_server_requests(world->server), 0);
}

static void test_wrong_environment_is_told_when_a_token_is_needed(void **state)
{
    struct world *world = *state;

    setenv("IDENTITY_ENDPOINT", "http://example.org/msi/token", 1);
    setenv("IDENTITY_HEADER", SECRET, 1);
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "IDENTITY_ENDPOINT is set to an address");
}

/* --- Secrets --- */

static const char *log_path(void)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/log", test_folder());
    return path;
}

static void assert_not_logged(const char *log, const char *secret)
{
    struct buffer forms[2] = {BUFFER_INIT(512), BUFFER_INIT(512)};

    assert_int_equal(base64url_encode(bytes_of_text(secret), &forms[0]), CKR_OK);
    for (const char *at = secret; *at != 0; at++) {
        assert_int_equal(buffer_printf(&forms[1], "%02x", *(const unsigned char *)at), CKR_OK);
    }
    assert_null(strstr(log, secret));
    assert_null(strstr(log, buffer_text(&forms[0])));
    assert_null(strcasestr(log, buffer_text(&forms[1])));
    buffer_free(&forms[0]);
    buffer_free(&forms[1]);
}

static void test_no_secret_is_logged(void **state)
{
    struct world *world = *state;
    static char log[65536];
    FILE *file;

    challenge(world);
    expect_token(world);
    world->answer_count = 1;
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "");
    log_error("test", "%s", world->failure.said);
    world->identity->ops->free(world->identity);
    world->identity = NULL;
    in_app_service(world);
    answer_with(world, 401, NULL, SECRET);
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "");
    log_error("test", "%s", world->failure.said);
    file = fopen(log_path(), "r");
    assert_non_null(file);
    log[fread(log, 1, sizeof log - 1, file)] = 0;
    fclose(file);
    assert_non_null(strstr(log, "refuses the secret"));
    assert_not_logged(log, SECRET);
    assert_not_logged(log, KEY);
    assert_not_logged(log, "abc.def");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define MACHINE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        MACHINE_TEST(test_metadata_service),
        MACHINE_TEST(test_user_assigned_by_client_id),
        MACHINE_TEST(test_user_assigned_by_resource_id),
        MACHINE_TEST(test_no_proxy_is_asked),
        MACHINE_TEST(test_update_is_waited_for),
        MACHINE_TEST(test_update_without_end),
        MACHINE_TEST(test_no_identity),
        MACHINE_TEST(test_no_such_identity),
        MACHINE_TEST(test_unknown_audience),
        MACHINE_TEST(test_the_directory_knows_it_no_longer),
        MACHINE_TEST(test_a_proxy_answers),
        MACHINE_TEST(test_answers_without_a_token),
        MACHINE_TEST(test_too_large_an_answer),
        MACHINE_TEST(test_token_that_has_ended),
        MACHINE_TEST(test_end_is_by_the_services_clock),
        MACHINE_TEST(test_stall),
        MACHINE_TEST(test_nobody_there),
        MACHINE_TEST(test_app_service),
        MACHINE_TEST(test_app_service_user_assigned),
        MACHINE_TEST(test_app_service_refusals),
        MACHINE_TEST(test_older_service),
        MACHINE_TEST(test_older_service_knows_no_resource_ids),
        MACHINE_TEST(test_arc),
        MACHINE_TEST(test_arc_names_another_file),
        MACHINE_TEST(test_arc_second_refusal_ends_it),
        MACHINE_TEST(test_arc_has_no_user_assigned_identities),
        MACHINE_TEST(test_wrong_environment_is_told_when_a_token_is_needed),
        MACHINE_TEST(test_no_secret_is_logged),
    };
    char log[160];
    int failed;

    setenv("NO_PROXY", "*", 1);
    signal(SIGPIPE, SIG_IGN);
    snprintf(log, sizeof log, "debug:file:%s", log_path());
    setenv("BYOK_PKCS11_LOG", log, 1);
    if (log_configure("error") != CKR_OK) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_folder_remove();
    return failed;
}
