/*
 * The web servers: one for each service, a thread for each connection, so that a request that waits holds up
 * nobody else. Counts and faults are applied here; what is left is handed to the service.
 */
#ifndef STANDIN_SERVER_H
#define STANDIN_SERVER_H

#include "tests/standin/answer.h"
#include "tests/standin/standin.h"
#include "tests/standin/tls.h"

struct server;

/* What a service does. Called by many threads at once, without the lock. */
struct server_kind {
    enum service service;
    enum operation (*operation)(const char *method, const char *path);
    /* The headers that every answer has, of a fault too. */
    void (*headers)(struct standin *standin, const struct request *request, struct answer *answer);
    void (*answer)(struct standin *standin, const struct request *request, struct answer *answer);
    bool without_date; /* no Date header */
};

/* On a free port of 127.0.0.1. tls: borrowed; NULL: plain HTTP. NULL: it could not listen. */
struct server *server_start(struct standin *standin, const struct server_kind *kind,
                            const struct certificates *tls);
unsigned server_port(const struct server *server);
/* Ends all connections, those that wait too. NULL is fine. */
void server_stop(struct server *server);

#endif
