/* The vault's REST service. */
#ifndef STANDIN_VAULT_H
#define STANDIN_VAULT_H

#include "tests/standin/server.h"

extern const struct server_kind vault_service;

#endif
