/*
 * A small proxy on the loopback for the tests of this folder: CONNECT over HTTP, and SOCKS 5 with names. It
 * notes who was asked for, refuses on demand, and can fall silent: what comes is then read and goes nowhere,
 * as behind a peer that has gone without a word.
 */
#ifndef BYOK_TESTS_PROXY_SERVER_H
#define BYOK_TESTS_PROXY_SERVER_H

#include <stdbool.h>

struct proxy_server;

/* NULL where it cannot be started. */
struct proxy_server *proxy_server_start(void);
void proxy_server_stop(struct proxy_server *proxy);

unsigned proxy_server_port(const struct proxy_server *proxy);
/* From now on CONNECT gets this status; 0: it goes through. */
void proxy_server_refuse(struct proxy_server *proxy, unsigned status);
/* From now on CONNECT without this gets 407: the base64 of USER:PASSWORD; NULL: anybody may. */
void proxy_server_demand(struct proxy_server *proxy, const char *credentials);
/* Everything that is open now is silent for ever. */
void proxy_server_fall_silent(struct proxy_server *proxy);

/* How often it was asked for a way, and what for the last time: HOST:PORT, and all that CONNECT said. */
unsigned proxy_server_count(struct proxy_server *proxy);
const char *proxy_server_target(struct proxy_server *proxy);
const char *proxy_server_head(struct proxy_server *proxy);

#endif
