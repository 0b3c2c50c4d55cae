/* What kind of network an IP address is of, in words. */
#ifndef BYOK_BACKENDS_KEYVAULT_ADDRESS_H
#define BYOK_BACKENDS_KEYVAULT_ADDRESS_H

/* "a private address", "a public address", "this machine"; `address` is numeric, "": "an unknown address". */
const char *address_kind(const char *address);

#endif
