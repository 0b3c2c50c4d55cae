/* Azure Key Vault and Managed HSM as a key service over REST. */
#ifndef BYOK_BACKENDS_KEYVAULT_KEYVAULT_H
#define BYOK_BACKENDS_KEYVAULT_KEYVAULT_H

#include "backends/backend.h"

/* The kind `backend = keyvault`: opens key services. */
extern const struct backend_kind keyvault_kind;

#endif
