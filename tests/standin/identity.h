/* The identity service: tokens for applications, and the documents in which it describes itself. */
#ifndef STANDIN_IDENTITY_H
#define STANDIN_IDENTITY_H

#include "tests/standin/server.h"

extern const struct server_kind identity_service;

/*
 * A token may be asked for it: a service of some cloud,
 * whatever slashes follow, or settings.audience. With the lock.
 */
bool identity_knows(const struct standin *standin, const char *resource);

/* discovery.c. False: the path is none of its documents; no answer was given. */
bool discovery_answer(struct standin *standin, const struct request *request, struct answer *answer);

#endif
