/* A server that answers by its paths, and a client beside it. */
#include "tests/backends/keyvault/http_world.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void http_world_serve(void *arg, const struct https_request *request, struct https_reply *reply)
{
    const char *path = request->path;

    (void)arg;
    if (strcmp(path, "/ok") == 0) {
        https_say(reply, 200, "x-ms-request-id: abc-1\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\n",
                  "{\"a\":1}");
    } else if (strcmp(path, "/echo") == 0) {
        buffer_append(&reply->body, request->body.data, request->body.size) == CKR_OK ? (void)0 : abort();
    } else if (strcmp(path, "/headers") == 0) {
        https_say(reply, 200, NULL, request->headers);
    } else if (strcmp(path, "/stall") == 0) {
        reply->act = HTTPS_STALL;
    } else if (strcmp(path, "/cut") == 0) {
        reply->act = HTTPS_CUT;
    } else if (strcmp(path, "/close") == 0) {
        reply->act = HTTPS_CLOSE;
    } else if (strcmp(path, "/half") == 0) {
        https_say(reply, 200, NULL, "{\"value\":\"0123456789\"}");
        reply->act = HTTPS_HALF;
    } else if (strcmp(path, "/html") == 0) {
        https_say(reply, 400, "Content-Type: text/html\r\n", "<!DOCTYPE html><html></html>");
    } else if (strcmp(path, "/raw") == 0) {
        https_say(reply, 0, NULL, "SSH-2.0-OpenSSH_9.2\r\n");
        reply->act = HTTPS_RAW;
    } else if (strcmp(path, "/large") == 0) {
        assert_int_equal(buffer_resize(&reply->body, 100 * 1024), CKR_OK);
    } else if (strcmp(path, "/redirect") == 0) {
        https_say(reply, 302, "Location: /ok\r\n", "");
    }
}

struct http_client *http_world_client(const char *ca_file)
{
    struct http_options options = {
        .about = "test", .ca_file = ca_file, .connect_timeout = 2000, .connection_age = 600000};
    struct http_client *client;

    assert_int_equal(http_client_new(&options, &client), CKR_OK);
    return client;
}

int http_world_set_up(void **state)
{
    struct http_world *world = calloc(1, sizeof *world);

    world->server = https_server_start("127.0.0.1", http_world_serve, NULL);
    world->client = http_world_client(https_server_ca(world->server));
    http_reply_init(&world->reply);
    *state = world;
    return 0;
}

int http_world_tear_down(void **state)
{
    struct http_world *world = *state;

    http_reply_done(&world->reply);
    http_client_free(world->client);
    https_server_stop(world->server);
    free(world);
    return 0;
}

struct http_request http_world_get(struct http_world *world, const char *path)
{
    snprintf(world->url, sizeof world->url, "%s%s", https_server_url(world->server), path);
    return (struct http_request){.url = world->url, .limit = HTTP_ANSWER_LIMIT};
}

struct http_reply *http_world_ask(struct http_world *world, const char *path, int64_t milliseconds)
{
    struct http_request request = http_world_get(world, path);

    http_exchange(world->client, &request, deadline_in(milliseconds), &world->reply);
    return &world->reply;
}

int http_world_run(const struct CMUnitTest *tests, size_t count)
{
    char key_log[128];
    int failed;

    snprintf(key_log, sizeof key_log, "%s/keylog", test_folder());
    setenv("SSLKEYLOGFILE", key_log, 1);
    setenv("NO_PROXY", "*", 1);
    signal(SIGPIPE, SIG_IGN); /* for the server; each test of ours looks at the mask */
    failed = _cmocka_run_group_tests("http", tests, count, NULL, NULL);
    test_folder_remove();
    return failed;
}
