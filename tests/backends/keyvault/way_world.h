/* A server, a proxy, and a client with an endpoint between them: for the tests of the way. */
#ifndef BYOK_TESTS_WAY_WORLD_H
#define BYOK_TESTS_WAY_WORLD_H

#include "backends/keyvault/endpoint.h"
#include "tests/backends/keyvault/https_server.h"
#include "tests/backends/keyvault/proxy_server.h"
#include <stdatomic.h>

struct way_world {
    struct https_server *server;
    struct proxy_server *proxy;
    struct http_client *client;
    struct endpoint *endpoint;
    struct http_reply reply;
    char proxy_url[128];
    atomic_bool stalls; /* on connections that it has answered on before */
    atomic_uint slow;   /* milliseconds before an answer */
    unsigned answered_on;
};

/* Its client asks no proxy. */
struct way_world *way_world_new(void);
void way_world_free(struct way_world *world);
/* Another client: `proxy` as in struct http_options; "%u" in it becomes the world's proxy's port. */
void way_world_open(struct way_world *world, const char *proxy, int64_t age);

/* One exchange, with a token. */
struct http_reply *way_world_ask(struct way_world *world, int64_t milliseconds);

#endif
