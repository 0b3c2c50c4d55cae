/*
 * A certificate and its private key out of one file, PEM or PKCS#12 as its content says. Certificates of a
 * chain may stand beside it: ours is the one that the key belongs to.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_IDENTITY_CREDENTIAL_H
#define BYOK_BACKENDS_KEYVAULT_IDENTITY_CREDENTIAL_H

#include "backends/keyvault/identity/identity.h"
#include <openssl/x509.h>

struct credential {
    X509 *certificate;
    EVP_PKEY *key; /* RSA; NULL: the file holds none */
};

struct credential_file {
    const char *what; /* what named it, for the words */
    struct bytes content;
    const char *password; /* NULL: none */
    bool key_elsewhere;   /* a key in it is not looked for; ours is the first certificate */
};

/* On failure false, and ret_failure has the words. */
bool credential_read(const struct credential_file *file, struct credential *ret_credential,
                     struct identity_failure *ret_failure);
void credential_done(struct credential *credential);

#endif
