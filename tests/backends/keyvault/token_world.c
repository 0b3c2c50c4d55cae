/* An identity and whom it asks. */
#include "tests/backends/keyvault/token_world.h"
#include "backends/base/log.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void serve(void *arg, const struct https_request *request, struct https_reply *reply)
{
    struct token_world *world = arg;

    strncpy(world->path, request->path, sizeof world->path - 1);
    if (request->body.size < sizeof world->form) {
        memcpy(world->form, request->body.data, request->body.size);
        world->form[request->body.size] = 0;
    }
    world->was_form = strcmp(request->method, "POST") == 0 &&
                      https_has_header(request, "Content-Type: application/x-www-form-urlencoded");
    if (world->fails != 0) {
        world->fails--;
        strcpy(world->failed_form, world->form);
        https_say(reply, 503, "retry-after-ms: 1\r\n", "");
        return;
    }
    reply->act = world->act;
    https_say(reply, world->status, world->headers, world->body);
}

void token_world_open(struct token_world *world, const struct identity_kind *kind,
                      const struct identity_options *who)
{
    struct identity_options options = *who;

    if (world->identity != NULL) {
        world->identity->ops->free(world->identity);
        world->identity = NULL;
    }
    options.about = "test";
    options.http = world->http;
    assert_int_equal(kind->open(&options, &world->identity), CKR_OK);
}

struct token_world *token_world_new(const struct identity_kind *kind, const struct identity_options *who)
{
    struct token_world *world = calloc(1, sizeof *world);
    struct http_options options = {.about = "test", .connect_timeout = 2000, .connection_age = 600000};
    char choice[300];

    snprintf(world->log, sizeof world->log, "%s", test_file("log", ""));
    snprintf(choice, sizeof choice, "debug file:%s", world->log);
    assert_int_equal(log_configure(choice), CKR_OK);
    world->server = https_server_start("127.0.0.1", serve, world);
    assert_non_null(world->server);
    options.ca_file = https_server_ca(world->server);
    world->scope = (struct token_scope){.authority = https_server_url(world->server),
                                        .tenant = "my-tenant",
                                        .audience = "https://vault.azure.net"};
    world->token.limit = TOKEN_LIMIT;
    world->status = 200;
    world->body = "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"abc.def\"}";
    assert_int_equal(http_client_new(&options, &world->http), CKR_OK);
    token_world_open(world, kind, who);
    return world;
}

void token_world_free(struct token_world *world)
{
    world->identity->ops->free(world->identity);
    http_client_free(world->http);
    https_server_stop(world->server);
    buffer_free(&world->token);
    free(world);
    assert_int_equal(log_configure("error stderr"), CKR_OK);
}

bool token_world_fetch(struct token_world *world, int64_t milliseconds)
{
    buffer_clear(&world->token);
    return world->identity->ops->fetch(world->identity, &world->scope, deadline_in(milliseconds),
                                       &world->token, &world->lifetime, &world->failure);
}

void token_world_expect_failure(struct token_world *world, CK_RV rv, const char *words)
{
    assert_false(token_world_fetch(world, 5000));
    if (strstr(world->failure.said, words) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", words, world->failure.said);
    }
    assert_int_equal(world->failure.rv, rv);
    assert_int_equal(world->failure.verdict != VERDICT_UNREACHABLE, rv == CKR_USER_NOT_LOGGED_IN);
}

void token_world_expect_failure_unasked(struct token_world *world, CK_RV rv, const char *words)
{
    unsigned before = https_server_requests(world->server);

    token_world_expect_failure(world, rv, words);
    assert_int_equal(https_server_requests(world->server), before);
}

static char decoded(const char **at)
{
    char hex[3] = "";

    if (**at != '%') {
        return *(*at)++;
    }
    memcpy(hex, *at + 1, 2);
    *at += 3;
    return (char)strtol(hex, NULL, 16);
}

char *token_world_field(const struct token_world *world, const char *name)
{
    size_t length = strlen(name);
    const char *at = world->form;
    char *value = calloc(1, strlen(world->form) + 1), *to = value;

    while (strncmp(at, name, length) != 0 || at[length] != '=') {
        at += strcspn(at, "&");
        if (*at++ == 0) {
            free(value);
            return NULL;
        }
    }
    at += length + 1;
    while (*at != 0 && *at != '&') {
        *to++ = decoded(&at);
    }
    return value;
}

const char *token_world_log(const struct token_world *world)
{
    static char text[64 * 1024];
    FILE *file = fopen(world->log, "r");

    text[file == NULL ? 0 : fread(text, 1, sizeof text - 1, file)] = 0;
    if (file != NULL) {
        fclose(file);
    }
    return text;
}
