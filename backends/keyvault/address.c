/* Kinds of addresses. */
#include "backends/keyvault/address.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* RFC 1918 and RFC 4193: where the name of a vault with a private endpoint leads. */
const char *address_kind(const char *address)
{
    unsigned a = 0, b = 0;

    if (address[0] == 0) {
        return "an unknown address";
    }
    if (strncasecmp(address, "fc", 2) == 0 || strncasecmp(address, "fd", 2) == 0) {
        return "a private address";
    }
    if (sscanf(address, "%3u.%3u.", &a, &b) == 2 &&
        (a == 10 || (a == 172 && b >= 16 && b <= 31) || (a == 192 && b == 168))) {
        return "a private address";
    }
    return a == 127 || strcmp(address, "::1") == 0 ? "this machine" : "a public address";
}
