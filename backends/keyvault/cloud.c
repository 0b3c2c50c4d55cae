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
