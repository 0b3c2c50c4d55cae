/* A vault that says what it is told. */
#include "tests/backends/keyvault/vault_world.h"
#include "backends/base/base64url.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include <signal.h>
#include <stdlib.h>

static void serve_token(struct world *world, struct https_reply *reply)
{
    char body[256];

    world->token_requests++;
    snprintf(body, sizeof body, "{\"access_token\":\"T%u\",\"expires_in\":3599}", world->token_requests);
    https_say(reply, world->token_status, NULL, world->token_body == NULL ? body : world->token_body);
}

static void note_request(struct world *world, const struct https_request *request)
{
    const char *bearer = strcasestr(request->headers, "\r\nAuthorization: Bearer ");

    snprintf(world->method, sizeof world->method, "%s", request->method);
    snprintf(world->path, sizeof world->path, "%s", request->path);
    snprintf(world->body, sizeof world->body, "%.*s", (int)request->body.size,
             (const char *)request->body.data);
    snprintf(world->bearer, sizeof world->bearer, "%.2s", bearer == NULL ? "" : bearer + 24);
}

void world_serve(void *arg, const struct https_request *request, struct https_reply *reply)
{
    struct world *world = arg;
    const struct step *step;

    if (strstr(request->path, "/oauth2/") != NULL) {
        serve_token(world, reply);
        return;
    }
    note_request(world, request);
    step = &world->steps[world->asked < world->step_count ? world->asked : world->step_count - 1];
    world->asked++;
    reply->act = step->act;
    https_say(reply, step->status, step->headers, step->body);
}

struct step *say(struct world *world, unsigned status, const char *format, ...)
{
    struct step *step = &world->steps[world->step_count++];
    va_list arguments;

    step->status = status;
    va_start(arguments, format);
    vsnprintf(step->body, sizeof step->body, format, arguments);
    va_end(arguments);
    return step;
}

void say_refusal(struct world *world, unsigned status, const char *code, const char *inner)
{
    say(world, status,
        "{\"error\":{\"code\":\"%s\",\"message\":\"words of the service\",\"innererror\":{\"code\":\"%s\"}}}",
        code, inner);
}

void say_more(struct world *world, const char *name, const char *version, size_t size, const char *more)
{
    char value[1024] = "";

    memset(value, 'A', (size * 4 + 2) / 3);
    say(world, 200, "{\"kid\":\"https://127.0.0.1:%u/keys/%s/%s\",\"value\":\"%s\"%s}",
        https_server_port(world->server), name, version, value, more);
}

void say_value(struct world *world, const char *name, const char *version, size_t size)
{
    say_more(world, name, version, size, "");
}

static void open_log(struct world *world)
{
    char choice[160];

    snprintf(world->log, sizeof world->log, "%s", test_file("log", ""));
    snprintf(choice, sizeof choice, "warning file:%s", world->log);
    assert_int_equal(log_configure(choice), CKR_OK);
}

const char *log_text(const struct world *world)
{
    static char text[8192];
    FILE *file = fopen(world->log, "r");

    text[file == NULL ? 0 : fread(text, 1, sizeof text - 1, file)] = 0;
    if (file != NULL) {
        fclose(file);
    }
    return text;
}

void expect_log_lines(const struct world *world, unsigned expected)
{
    unsigned lines = 0;

    for (const char *at = log_text(world); *at != 0; at++) {
        lines += *at == '\n';
    }
    if (lines != expected) {
        fail_msg("%u lines instead of %u:\n%s", lines, expected, log_text(world));
    }
}

void expect_log(const struct world *world, const char *words)
{
    if (strstr(log_text(world), words) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", words, log_text(world));
    }
}

int world_set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct http_options options = {.about = "test", .connect_timeout = 2000, .connection_age = 600000};
    struct identity_options who = {.about = "test", .client_id = "app"};
    struct identity *identity;
    const char *rest;

    world->server = https_server_start("127.0.0.1", world_serve, world);
    options.ca_file = https_server_ca(world->server);
    who.client_secret_file = test_file("secret", "s3cr3t");
    world->token_status = 200;
    assert_true(place_parse(https_server_url(world->server), &world->place, &rest));
    assert_int_equal(http_client_new(&options, &world->http), CKR_OK);
    who.http = world->http;
    assert_int_equal(client_secret_kind.open(&who, &identity), CKR_OK);
    assert_int_equal(
        endpoint_new(&(struct endpoint_options){.about = "test", .http = world->http}, &world->endpoint),
        CKR_OK);
    assert_int_equal(token_cache_new("test", identity, &world->tokens), CKR_OK);
    world->client = (struct vault_client){
        .about = "test",
        .vault = &world->place,
        .url = https_server_url(world->server),
        .api_version = "7.6",
        .endpoint = world->endpoint,
        .tokens = world->tokens,
        .scope = {https_server_url(world->server), "tenant", "https://vault.azure.net", NULL}};
    open_log(world);
    *state = world;
    return 0;
}

int world_tear_down(void **state)
{
    struct world *world = *state;

    assert_int_equal(log_configure("error stderr"), CKR_OK);
    token_cache_free(world->tokens);
    endpoint_free(world->endpoint);
    http_client_free(world->http);
    https_server_stop(world->server);
    free(world);
    return 0;
}

void log_all(const struct world *world)
{
    char choice[160];

    snprintf(choice, sizeof choice, "debug file:%s", world->log);
    assert_int_equal(log_configure(choice), CKR_OK);
}

void expect_not_logged(const struct world *world, struct bytes secret)
{
    struct buffer encoded SCOPED(buffer_free) = BUFFER_INIT(1024);
    char hex[3];
    const char *text = log_text(world);

    if (secret.data == NULL || secret.size < 8) {
        fail_msg("nothing is looked for");
        return;
    }
    assert_non_null(strstr(text, " debug "));
    assert_int_equal(base64url_encode(secret, &encoded), CKR_OK);
    assert_null(memmem(text, strlen(text), secret.data, 8));
    assert_null(memmem(text, strlen(text), encoded.data, 10));
    for (int upper = 0; upper < 2; upper++) {
        char digits[17] = "";

        for (size_t i = 0; i < 8; i++) {
            snprintf(hex, sizeof hex, upper ? "%02X" : "%02x", secret.data[i]);
            strcat(digits, hex);
        }
        assert_null(strstr(text, digits));
    }
}

void world_begin(void)
{
    setenv("NO_PROXY", "*", 1);
    unsetenv("BYOK_PKCS11_LOG");
    signal(SIGPIPE, SIG_IGN);
}

int world_end(int failed)
{
    test_folder_remove();
    return failed;
}

/* --- Listings --- */

bool see_name(struct names_seen *seen, const char *name)
{
    seen->count++;
    snprintf(seen->names + strlen(seen->names), sizeof seen->names - strlen(seen->names), "%s ", name);
    return seen->count != seen->enough;
}

void say_page_of(struct world *world, const struct item_words *words, const char *names, const char *next)
{
    struct step *step = say(world, 200, "{\"value\":[");
    unsigned port = https_server_port(world->server);

    for (const char *name = names; *name != 0; name++) {
        sprintf(step->body + strlen(step->body), "%s{\"%s\":\"https://127.0.0.1:%u/%s/%c\"%s}",
                name == names ? "" : ",", words->id, port, words->folder, *name, words->rest);
    }
    if (next == NULL) {
        strcat(step->body, "],\"nextLink\":null}");
    } else {
        sprintf(step->body + strlen(step->body), "],\"nextLink\":\"https://127.0.0.1:%u%s\"}", port, next);
    }
}
