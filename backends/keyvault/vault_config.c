/* The options of `backend = keyvault`. */
#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/option_text.h"
#include "backends/keyvault/vault_config_private.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SECOND = 1000, HOUR = 60 * 60 * SECOND };

static const char *const versions_words[] = {"as-given", "latest", NULL};

const struct setting_option vault_options[] = {
    {.name = "vault", .type = SETTING_TEXT},
    {.name = "keys", .type = SETTING_LIST},
    {.name = "versions", .type = SETTING_WORD, .preset = "as-given", .words = versions_words},
    {.name = "older", .type = SETTING_LIST},
    {.name = "identity", .type = SETTING_WORD, .words = identity_words},
    {.name = "tenant", .type = SETTING_TEXT},
    {.name = "client-id", .type = SETTING_TEXT},
    {.name = "client-secret-file", .type = SETTING_PATH},
    {.name = "client-certificate-file", .type = SETTING_PATH},
    {.name = "client-certificate-key", .type = SETTING_TEXT},
    {.name = "federated-token-file", .type = SETTING_PATH},
    {.name = "token-file", .type = SETTING_PATH},
    {.name = "authority", .type = SETTING_TEXT},
    {.name = "audience", .type = SETTING_TEXT},
    {.name = "verify-challenge", .type = SETTING_YES_NO, .preset = "yes"},
    {.name = "ca-file", .type = SETTING_PATH},
    {.name = "proxy", .type = SETTING_TEXT},
    {.name = "api-version", .type = SETTING_TEXT, .preset = "7.6"},
    {.name = "timeout", .type = SETTING_DURATION, .preset = "30s", .least = 100, .most = HOUR},
    {.name = "connect-timeout", .type = SETTING_DURATION, .preset = "5s", .least = 100, .most = HOUR},
    {.name = "connection-age", .type = SETTING_DURATION, .preset = "10m", .least = SECOND, .most = 24 * HOUR},
};

static CK_RV read_vault(const struct settings *section, struct vault_config *config)
{
    const char *text;
    CK_RV rv = option_require(section, "vault", "the vault's address, https://NAME.vault.azure.net", &text);

    return rv == CKR_OK ? option_read_url(section, "vault", text, "https://contoso.vault.azure.net",
                                          &config->vault, &config->url)
                        : rv;
}

/* A scheme that libcurl knows, perhaps USER:PASSWORD@, a host and a port (libcurl would presume 1080). */
static bool is_proxy(const char *text)
{
    static const char *const schemes[] = {"http://", "https://", "socks5://", "socks5h://"};
    const char *host = NULL, *at, *port;

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (strncasecmp(text, schemes[i], strlen(schemes[i])) == 0) {
            host = text + strlen(schemes[i]);
        }
    }
    if (host == NULL) {
        return false;
    }
    at = strrchr(host, '@');
    host = at == NULL ? host : at + 1;
    port = strrchr(host, ':');
    if (port == NULL || port == host || strpbrk(text, " \t\r\n") != NULL) {
        return false;
    }
    return port[1] != 0 && strlen(port + 1) <= 5 && port[1 + strspn(port + 1, "0123456789")] == 0 &&
           memchr(host, '/', (size_t)(port - host)) == NULL;
}

/* What is refused is not repeated: it may hold a password. */
static CK_RV read_proxy(const struct settings *section, struct vault_config *config)
{
    const char *text = settings_text(section, "proxy");

    if (text == NULL) {
        return CKR_OK;
    }
    if (strcmp(text, "none") == 0) {
        return option_copy("", &config->proxy);
    }
    if (!is_proxy(text)) {
        return settings_refuse(section, "proxy",
                               "proxy is not understood; it looks like \"http://proxy.example:3128\", also "
                               "with https, socks5 or socks5h, or USER:PASSWORD@ before the host; \"none\": "
                               "never a proxy");
    }
    return option_copy(text, &config->proxy);
}

static CK_RV read_network(const struct settings *section, struct vault_config *config)
{
    const char *version = settings_text(section, "api-version"), *ca_file = settings_text(section, "ca-file");
    CK_RV rv;

    if (version[0] < '0' || version[0] > '9' ||
        version[strspn(version, "0123456789abcdefghijklmnopqrstuvwxyz.-")] != 0) {
        return settings_refuse(section, "api-version", "api-version = \"%s\" is not understood; 7.6 is usual",
                               version);
    }
    rv = option_copy(version, &config->api_version);
    if (rv == CKR_OK && ca_file != NULL) {
        rv = option_copy(ca_file, &config->ca_file);
    }
    if (rv == CKR_OK) {
        rv = read_proxy(section, config);
    }
    config->timeout = settings_milliseconds(section, "timeout");
    config->connect_timeout = settings_milliseconds(section, "connect-timeout");
    config->connection_age = settings_milliseconds(section, "connection-age");
    return rv;
}

CK_RV vault_config_read(const struct settings *section, struct vault_config *ret_config)
{
    const char *title = settings_title(section);
    const struct cloud *cloud = NULL;
    CK_RV rv;

    memset(ret_config, 0, sizeof *ret_config);
    rv = option_copy(title == NULL ? "" : title, &ret_config->about);
    if (rv == CKR_OK) {
        rv = read_vault(section, ret_config);
    }
    if (rv == CKR_OK) {
        rv = vault_config_read_keys(section, ret_config);
    }
    if (rv == CKR_OK) {
        cloud = cloud_of(&ret_config->vault);
        rv = identity_config_read(section, cloud, &ret_config->identity);
    }
    if (rv == CKR_OK) { /* by an address that tells nothing, tokens are for what stands there */
        ret_config->managed_hsm = (cloud != NULL && cloud->managed_hsm) ||
                                  cloud_audience_is_managed_hsm(ret_config->identity.audience);
    }
    return rv == CKR_OK ? read_network(section, ret_config) : rv;
}

void vault_config_done(struct vault_config *config)
{
    free(config->about);
    identity_config_done(&config->identity);
    free(config->url);
    free(config->keys);
    free(config->older);
    free(config->ca_file);
    free(config->api_version);
    wipe_free_text(config->proxy);
    memset(config, 0, sizeof *config);
}
