/*
 * The listening socket of a server. A thread of its own accepts; what a fault says of a connection happens
 * here, before any TLS, and all other connections are handed on.
 */
#ifndef STANDIN_DOOR_H
#define STANDIN_DOOR_H

#include "tests/standin/tls.h"
#include <cjson/cJSON.h>
#include <netinet/in.h>

struct door;

/* What stands behind it. Called by the door's thread alone. */
struct door_user {
    void *argument;
    /* The fault that meets this connection, from cJSON's malloc; NULL: none. */
    cJSON *(*fault)(void *argument);
    /* Takes the socket. */
    void (*enter)(void *argument, int socket, const struct sockaddr_in *from, enum tls_profile profile);
};

/* On a free port of 127.0.0.1. NULL: it could not listen. */
struct door *door_open(const struct door_user *user, unsigned *ret_port);
/* Nobody enters afterwards; those that were held up are gone. NULL is fine. */
void door_close(struct door *door);

#endif
