/* A section of the configuration, checked and taken apart: everything of a vault but its connections. */
#ifndef BYOK_BACKENDS_KEYVAULT_VAULT_CONFIG_H
#define BYOK_BACKENDS_KEYVAULT_VAULT_CONFIG_H

#include "backends/key_service.h"
#include "backends/keyvault/identity/identity_config.h"
#include "backends/keyvault/key_id.h"

enum { VAULT_OPTION_COUNT = 21 };
extern const struct setting_option vault_options[VAULT_OPTION_COUNT];

struct vault_config {
    char *about; /* the token's label */
    struct place vault;
    bool managed_hsm;
    char *url; /* https://HOST[:PORT] */
    struct key_id *keys; /* their names and versions; `versions = latest` leaves them without versions */
    size_t key_count;
    struct key_id *older; /* with versions: those that `latest` took from `keys`, then those of the option */
    size_t older_count;
    struct identity_config identity;
    char *ca_file, *api_version;
    char *proxy; /* URL, with a password perhaps; "": never one; NULL: as the environment says */
    int64_t timeout, connect_timeout, connection_age; /* milliseconds */
};

/*
 * Reads no file and asks nobody. What is wrong is refused with its line in the file. ret_config is filled in
 * from the beginning: vault_config_done() it whatever comes back.
 */
MUST_USE CK_RV vault_config_read(const struct settings *section, struct vault_config *ret_config);
void vault_config_done(struct vault_config *config);

#endif
