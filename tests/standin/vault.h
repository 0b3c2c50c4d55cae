/* The REST services of the vault and the Managed HSM. */
#ifndef STANDIN_VAULT_H
#define STANDIN_VAULT_H

#include "tests/standin/server.h"

extern const struct server_kind vault_service, mhsm_service;

#endif
