/* What a key vault is made of, for those that work on it as a whole. */
#ifndef BYOK_BACKENDS_KEYVAULT_KEYVAULT_PRIVATE_H
#define BYOK_BACKENDS_KEYVAULT_KEYVAULT_PRIVATE_H

#include "backends/keyvault/vault_client.h"
#include "backends/keyvault/vault_config.h"

struct keyvault {
    struct key_service service;
    struct vault_config config;
    struct http_client *http;
    struct endpoint *endpoint;
    struct token_cache *tokens;
    struct sign_in *sign_in;    /* NULL: the tenant is known, or nobody needs it */
    struct vault_client client; /* lends all of the above */
};

static inline const struct keyvault *keyvault_of(struct key_service *service)
{
    return (struct keyvault *)service;
}

#endif
