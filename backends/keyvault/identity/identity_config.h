/*
 * Who we are to a vault, as the configuration says it: which kind of identity, and what each kind needs, may
 * have and must not have.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_IDENTITY_IDENTITY_CONFIG_H
#define BYOK_BACKENDS_KEYVAULT_IDENTITY_IDENTITY_CONFIG_H

#include "backends/base/settings.h"
#include "backends/keyvault/cloud.h"
#include "backends/keyvault/identity/identity.h"

struct identity_config {
    const struct identity_kind *kind;
    char *problem; /* why nobody can be signed in, though the configuration is right; NULL: none */
    char *tenant;  /* NULL: none was named; where kind->asks_tenant, the vault tells it */
    char *client_id, *client_secret_file, *client_certificate_file, *client_certificate_key;
    char *federated_token_file, *token_file;
    char *authority, *audience; /* never NULL */
    bool verify_challenge;
};

/*
 * Reads the section, and for the kinds that say so the environment; no file, and asks nobody. `cloud` is the
 * vault's, NULL: unknown. What is wrong in the file is refused with its line; what the environment lacks is
 * told when a token is needed, since it must not take the other tokens away. ret_config is filled in from the
 * beginning: identity_config_done() it whatever comes back.
 */
MUST_USE CK_RV identity_config_read(const struct settings *section, const struct cloud *cloud,
                                    struct identity_config *ret_config);
void identity_config_done(struct identity_config *config);

/* The identity that it describes. CKR_HOST_MEMORY. */
MUST_USE CK_RV identity_config_open(const struct identity_config *config, const char *about,
                                    struct http_client *http, struct identity **ret_identity);

#endif
