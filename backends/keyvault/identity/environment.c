/*
 * identity = environment: the variables of the Azure SDKs' EnvironmentCredential choose one of the others.
 * They are looked at once, when the module is initialised; nothing is probed. Tenant, client ID and authority
 * are completed with the configuration (identity_config.c).
 */
#include "backends/base/settings.h"
#include "backends/keyvault/identity/identity_kinds.h"

/* A variable that is set to nothing is not set. */
static const char *variable(const char *name)
{
    const char *text = settings_environment(name);

    return text == NULL || *text == 0 ? NULL : text;
}

static CK_RV environment_open(const struct identity_options *options, struct identity **ret_identity)
{
    struct identity_options chosen = *options;

    chosen.from_environment = true;
    chosen.client_secret = variable("AZURE_CLIENT_SECRET");
    chosen.client_certificate_file = variable("AZURE_CLIENT_CERTIFICATE_PATH");
    chosen.client_certificate_password = variable("AZURE_CLIENT_CERTIFICATE_PASSWORD");
    if (chosen.client_secret != NULL) {
        return client_secret_kind.open(&chosen, ret_identity);
    }
    if (chosen.client_certificate_file != NULL) {
        return client_certificate_kind.open(&chosen, ret_identity);
    }
    chosen.problem = "neither $AZURE_CLIENT_SECRET nor $AZURE_CLIENT_CERTIFICATE_PATH is set";
    return absent_kind.open(&chosen, ret_identity);
}

const struct identity_kind environment_kind = {.open = environment_open, .asks_tenant = true};
