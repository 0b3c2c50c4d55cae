/* The identity service: tokens for client credentials, POST /TENANT/oauth2/v2.0/token. */
#ifndef STANDIN_IDENTITY_H
#define STANDIN_IDENTITY_H

#include "tests/standin/server.h"

extern const struct server_kind identity_service;

#endif
