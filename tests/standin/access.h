/*
 * Who is let in: tokens, permissions, and how a service says no. Vault and Managed HSM share it.
 *
 * Threads: takes the lock of struct standin itself.
 */
#ifndef STANDIN_ACCESS_H
#define STANDIN_ACCESS_H

#include "tests/standin/vault_call.h"

/* False: an answer was given. */
bool access_let_in(const struct call *call);

#endif
