/* A server that answers by its paths, and a client beside it: for the tests of http.c. */
#ifndef BYOK_TESTS_HTTP_WORLD_H
#define BYOK_TESTS_HTTP_WORLD_H

#include "backends/keyvault/http.h"
#include "tests/backends/keyvault/https_server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct http_world {
    struct https_server *server;
    struct http_client *client;
    struct http_reply reply;
    char url[256];
};

/* Answers "/ok", "/echo", "/stall" and so on, each as it is called. */
void http_world_serve(void *arg, const struct https_request *request, struct https_reply *reply);

/* Another client, to be freed. */
struct http_client *http_world_client(const char *ca_file);

/* A request for that path of the server; and one exchange of it. */
struct http_request http_world_get(struct http_world *world, const char *path);
struct http_reply *http_world_ask(struct http_world *world, const char *path, int64_t milliseconds);

int http_world_set_up(void **state);
int http_world_tear_down(void **state);
#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, http_world_set_up, http_world_tear_down)

/* What main() returns: runs them, with SSLKEYLOGFILE set and no proxy. */
int http_world_run(const struct CMUnitTest *tests, size_t count);
#define run_http_tests(tests) http_world_run(tests, sizeof(tests) / sizeof(tests)[0])

#endif
