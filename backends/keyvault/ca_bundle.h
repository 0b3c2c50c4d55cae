/*
 * A PEM bundle of CA certificates, of which each is parsed when it is first looked for: OpenSSL takes 0.3 ms to
 * parse one, a system's bundle has 150, and a connection needs one or two.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_CA_BUNDLE_H
#define BYOK_BACKENDS_KEYVAULT_CA_BUNDLE_H

#include "backends/base/buffer.h"
#include <openssl/x509.h>

/*
 * Adds the bundle to what the store looks in; nothing of `pem` is lent. How many certificates it has: none is no
 * error. CKR_HOST_MEMORY. To be called inside libcurl_enter(), one thread alone; the store may then be used by
 * all.
 */
MUST_USE CK_RV ca_bundle_add(X509_STORE *store, struct bytes pem, size_t *ret_count);

#endif
