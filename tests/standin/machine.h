/*
 * The token endpoints that a machine has, over plain HTTP: IMDS of a virtual machine, App Service and
 * Container Apps, Azure Arc. Each has its own rules and its own port.
 */
#ifndef STANDIN_MACHINE_H
#define STANDIN_MACHINE_H

#include "tests/standin/server.h"

extern const struct server_kind imds_service, app_service, arc_service;

/* Shared by them. */

/* Where they all refuse: a request that came through a proxy. True: a 400 was given. */
bool machine_refuse_proxied(const struct request *request, struct answer *answer);
/* {"error","error_description"}. Takes the description. */
void machine_refuse(struct answer *answer, unsigned status, const char *error, char *description);

/* A query parameter and the field of an identity that it names. */
enum identity_field { FIELD_CLIENT_ID, FIELD_OBJECT_ID, FIELD_RESOURCE_ID };
struct identity_selector {
    const char *parameter; /* NULL ends a list */
    enum identity_field field;
};

/* The identity that the request names, else the one that is meant when none is named. With the lock. NULL:
 * there is none, or it is not clear which. */
const struct caller *machine_identity(const struct standin *standin, const struct request *request,
                                      const struct identity_selector *selectors);

/* What a token answer has in all of them: access_token, expires_on (text), resource, token_type. With the
 * lock. NULL: nobody knows the resource. ret_expires_on: seconds since 1970. */
cJSON *machine_token(const struct standin *standin, const struct caller *caller, const char *resource,
                     long *ret_expires_on);

/* For server_kind. */
enum operation machine_operation(const char *method, const char *path);

/* arc.c: forgets its secrets and removes their files. */
void arc_done(struct standin *standin);

#endif
