/* A machine whose own services give tokens. */
#include "tests/backends/keyvault/machine_world.h"
#include "backends/base/log.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const variables[] = {
    "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT",       "IMDS_ENDPOINT",
    "MSI_ENDPOINT",      "MSI_SECRET",      "AZURE_POD_IDENTITY_AUTHORITY_HOST"};

static void serve(void *arg, const struct https_request *request, struct https_reply *reply)
{
    struct machine_world *world = arg;
    unsigned number = request->number < world->answer_count ? request->number : world->answer_count;
    const struct machine_answer *answer = &world->answers[number - 1];

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

int machine_set_up(void **state)
{
    static char keys[128];
    struct machine_world *world = calloc(1, sizeof *world);
    struct http_options options = {
        .about = "test", .proxy = "http://127.0.0.1:1", .connect_timeout = 2000, .connection_age = 600000};

    forget_environment();
    world->server = https_server_start("127.0.0.1", serve, world);
    options.ca_file = https_server_ca(world->server);
    world->scope = (struct token_scope){.audience = "https://vault.azure.net"};
    world->token.limit = TOKEN_LIMIT;
    world->answers[0] = (struct machine_answer){HTTPS_ANSWER, 200, NULL, GOOD};
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

int machine_tear_down(void **state)
{
    struct machine_world *world = *state;
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

void set_url(const struct machine_world *world, const char *variable, const char *path)
{
    char url[256];

    snprintf(url, sizeof url, "%s%s", https_server_url(world->server), path);
    setenv(variable, url, 1);
}

void on_a_virtual_machine(const struct machine_world *world)
{
    set_url(world, "AZURE_POD_IDENTITY_AUTHORITY_HOST", "/");
}

void in_app_service(const struct machine_world *world)
{
    set_url(world, "IDENTITY_ENDPOINT", "/msi/token");
    setenv("IDENTITY_HEADER", SECRET, 1);
}

void in_machine_learning(const struct machine_world *world)
{
    set_url(world, "MSI_ENDPOINT", "/MSI/token/?x=y");
    setenv("MSI_SECRET", SECRET, 1);
}

void on_arc(const struct machine_world *world)
{
    set_url(world, "IDENTITY_ENDPOINT", "/metadata/identity/oauth2/token");
    setenv("IMDS_ENDPOINT", "http://127.0.0.1:40342", 1);
}

bool fetch(struct machine_world *world, int64_t milliseconds)
{
    if (world->identity == NULL) {
        assert_int_equal(managed_identity_open_at(&world->options, &world->places, &world->identity), CKR_OK);
    }
    buffer_clear(&world->token);
    return world->identity->ops->fetch(world->identity, &world->scope, deadline_in(milliseconds),
                                       &world->token, &world->lifetime, &world->failure);
}

void expect_token(struct machine_world *world)
{
    if (!fetch(world, 10000)) {
        fail_msg("%s", world->failure.said);
    }
    assert_string_equal(buffer_text(&world->token), "abc.def");
}

void expect_failure(struct machine_world *world, CK_RV rv, const char *words)
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

void answer_with(struct machine_world *world, unsigned status, const char *headers, const char *body)
{
    world->answers[0] = (struct machine_answer){HTTPS_ANSWER, status, headers, body};
}

bool was_sent(const struct machine_world *world, const char *line)
{
    const struct https_request request = {.headers = world->headers};

    return https_has_header(&request, line);
}

const char *machine_log_path(void)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/log", test_folder());
    return path;
}

int machine_run(const struct CMUnitTest *tests, size_t count)
{
    char log[160];
    int failed;

    setenv("NO_PROXY", "*", 1);
    signal(SIGPIPE, SIG_IGN);
    snprintf(log, sizeof log, "debug:file:%s", machine_log_path());
    setenv("BYOK_PKCS11_LOG", log, 1);
    if (log_configure("error") != CKR_OK) {
        return 1;
    }
    failed = _cmocka_run_group_tests("managed identities", tests, count, NULL, NULL);
    test_folder_remove();
    return failed;
}
