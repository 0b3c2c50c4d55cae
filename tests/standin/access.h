/*
 * Who is let in: network, tokens, quota, permissions. Vault and Managed HSM share it.
 *
 * Threads: takes the lock of struct standin itself.
 */
#ifndef STANDIN_ACCESS_H
#define STANDIN_ACCESS_H

#include "tests/standin/vault_call.h"

/* False: an answer was given. */
bool access_let_in(struct call *call);

#endif
