/* Examining a section with `backend = keyvault`. */
#ifndef BYOK_BACKENDS_KEYVAULT_VAULT_DIAGNOSE_H
#define BYOK_BACKENDS_KEYVAULT_VAULT_DIAGNOSE_H

#include "backends/backend.h"

/*
 * backend_kind.diagnose: the way to the vault, who we are to it, then each key that is configured (or some of
 * those that are listed) and each permission. What it leaves there are lines in the vault's log: random bytes
 * are wrapped and unwrapped again, a random digest is signed.
 */
void vault_diagnose(const struct settings *section, struct diagnosis *diagnosis);

#endif
