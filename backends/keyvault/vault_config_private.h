/* What the files of vault_config share. */
#ifndef BYOK_BACKENDS_KEYVAULT_VAULT_CONFIG_PRIVATE_H
#define BYOK_BACKENDS_KEYVAULT_VAULT_CONFIG_PRIVATE_H

#include "backends/keyvault/vault_config.h"

/* `keys`, `versions` and `older`; the vault's place and address are known. */
MUST_USE CK_RV vault_config_read_keys(const struct settings *section, struct vault_config *config);

#endif
