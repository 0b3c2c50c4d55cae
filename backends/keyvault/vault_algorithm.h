/* What the service calls the algorithms (PROTOCOL of the service: JSON Web Algorithms, and names of its own). */
#ifndef BYOK_BACKENDS_KEYVAULT_VAULT_ALGORITHM_H
#define BYOK_BACKENDS_KEYVAULT_VAULT_ALGORITHM_H

#include "backends/key_service.h"

const char *vault_algorithm_of_padding(enum rsa_padding padding);
const char *vault_algorithm_of_signature(enum signature_algorithm algorithm);
/* `bits` of the key: 128, 192 or 256. Where the name says nothing of them they are not looked at. */
const char *vault_algorithm_of_aes(enum aes_algorithm algorithm, unsigned bits);
/* Whether the name differs from size to size. */
bool vault_algorithm_tells_bits(enum aes_algorithm algorithm);

/* Whether this api-version knows it: "7.6", "7.6-preview.1", "2026-04-01". */
bool vault_algorithm_known(enum aes_algorithm algorithm, const char *api_version);

#endif
