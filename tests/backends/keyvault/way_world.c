/* What the tests of the way have in common. */
#include "tests/backends/keyvault/way_world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void serve(void *arg, const struct https_request *request, struct https_reply *reply)
{
    struct way_world *world = arg;

    if (world->stalls && request->connection <= world->answered_on) {
        reply->act = HTTPS_STALL;
        return;
    }
    world->answered_on = request->connection;
    usleep(world->slow * 1000);
    https_say(reply, 200, NULL, "{}");
}

static const char *with_port(struct way_world *world, const char *proxy)
{
    const char *port = strstr(proxy, "%u");

    snprintf(world->proxy_url, sizeof world->proxy_url, "%.*s", port == NULL ? 99 : (int)(port - proxy),
             proxy);
    if (port != NULL) {
        sprintf(world->proxy_url + strlen(world->proxy_url), "%u", proxy_server_port(world->proxy));
    }
    return world->proxy_url;
}

void way_world_open(struct way_world *world, const char *proxy, int64_t age)
{
    struct http_options options = {.about = "test",
                                   .ca_file = https_server_ca(world->server),
                                   .proxy = proxy == NULL ? NULL : with_port(world, proxy),
                                   .connect_timeout = 2000,
                                   .connection_age = age};
    struct endpoint_options place = {.about = "test"};

    http_client_free(world->client);
    endpoint_free(world->endpoint);
    if (http_client_new(&options, &world->client) != CKR_OK) {
        abort();
    }
    place.http = world->client;
    if (endpoint_new(&place, &world->endpoint) != CKR_OK) {
        abort();
    }
}

struct way_world *way_world_new(void)
{
    struct way_world *world = calloc(1, sizeof *world);

    world->server = https_server_start("127.0.0.1", serve, world);
    world->proxy = proxy_server_start();
    http_reply_init(&world->reply);
    way_world_open(world, "", 600000);
    return world;
}

void way_world_free(struct way_world *world)
{
    http_reply_done(&world->reply);
    endpoint_free(world->endpoint);
    http_client_free(world->client);
    proxy_server_stop(world->proxy);
    https_server_stop(world->server);
    free(world);
}

struct http_reply *way_world_ask(struct way_world *world, int64_t milliseconds)
{
    struct http_request request = {
        .url = https_server_url(world->server), .bearer = "the.token", .limit = HTTP_ANSWER_LIMIT};

    http_exchange(world->client, &request, deadline_in(milliseconds), &world->reply);
    return &world->reply;
}
