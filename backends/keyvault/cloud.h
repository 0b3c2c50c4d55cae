/* The clouds: what a vault's host ends with, who signs its callers in, and for whom a token is. */
#ifndef BYOK_BACKENDS_KEYVAULT_CLOUD_H
#define BYOK_BACKENDS_KEYVAULT_CLOUD_H

#include "backends/keyvault/key_id.h"

struct cloud {
    const char *suffix; /* of the vault's host, with its dot */
    bool managed_hsm;
    const char *authority; /* both without a slash at the end */
    const char *audience;
};

/* Whether this host signs the callers of that cloud's vaults in, by its name of today or an older one. */
bool cloud_signs_in(const struct cloud *cloud, const char *host);

/* The vault's cloud; a loopback counts as the public one's. NULL: none that is known. */
const struct cloud *cloud_of(const struct place *vault);
/* Whether tokens for this audience are for Managed HSMs of some cloud. */
bool cloud_audience_is_managed_hsm(const char *audience);
/* The public cloud, for what is not known to be elsewhere. */
const struct cloud *cloud_public(void);

#endif
