/* The table of clouds. */
#include "backends/keyvault/cloud.h"
#include <string.h>

static const struct cloud clouds[] = {
    {".vault.azure.net", false, "https://login.microsoftonline.com", "https://vault.azure.net"},
    {".managedhsm.azure.net", true, "https://login.microsoftonline.com", "https://managedhsm.azure.net"},
    {".vault.azure.cn", false, "https://login.chinacloudapi.cn", "https://vault.azure.cn"},
    {".managedhsm.azure.cn", true, "https://login.chinacloudapi.cn", "https://managedhsm.azure.cn"},
    {".vault.usgovcloudapi.net", false, "https://login.microsoftonline.us",
     "https://vault.usgovcloudapi.net"},
    {".managedhsm.usgovcloudapi.net", true, "https://login.microsoftonline.us",
     "https://managedhsm.usgovcloudapi.net"},
    {".vault.microsoftazure.de", false, "https://login.microsoftonline.de",
     "https://vault.microsoftazure.de"},
};

/* By what the cloud's authority is called today. */
static const struct {
    const char *authority, *host;
} other_names[] = {
    {"https://login.microsoftonline.com", "login.windows.net"},
    {"https://login.microsoftonline.com", "login.microsoft.com"},
    {"https://login.microsoftonline.com", "sts.windows.net"},
    {"https://login.chinacloudapi.cn", "login.partner.microsoftonline.cn"},
    {"https://login.microsoftonline.us", "login-us.microsoftonline.com"},
};

bool cloud_signs_in(const struct cloud *cloud, const char *host)
{
    if (strcmp(cloud->authority + strlen("https://"), host) == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof other_names / sizeof other_names[0]; i++) {
        if (strcmp(other_names[i].authority, cloud->authority) == 0 &&
            strcmp(other_names[i].host, host) == 0) {
            return true;
        }
    }
    return false;
}

const struct cloud *cloud_public(void)
{
    return &clouds[0];
}

const struct cloud *cloud_of(const struct place *vault)
{
    size_t length = strlen(vault->host);

    for (size_t i = 0; i < sizeof clouds / sizeof clouds[0]; i++) {
        size_t suffix = strlen(clouds[i].suffix);

        if (length > suffix && strcmp(vault->host + length - suffix, clouds[i].suffix) == 0) {
            return &clouds[i];
        }
    }
    return place_is_loopback(vault) ? cloud_public() : NULL;
}

bool cloud_audience_is_managed_hsm(const char *audience)
{
    for (size_t i = 0; i < sizeof clouds / sizeof clouds[0]; i++) {
        if (strcmp(clouds[i].audience, audience) == 0) {
            return clouds[i].managed_hsm;
        }
    }
    return false;
}
