/*
 * Assertions (RFC 7523): a short document that says who we are, signed with the key of a certificate that the
 * tenant knows.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_IDENTITY_ASSERTION_H
#define BYOK_BACKENDS_KEYVAULT_IDENTITY_ASSERTION_H

#include "backends/keyvault/identity/identity.h"
#include <openssl/x509.h>

enum { ASSERTION_LIMIT = 8 * 1024, SIGNATURE_LIMIT = 2048 };

enum assertion_algorithm {
    ASSERTION_PS256, /* RSASSA-PSS with SHA-256, MGF1 with SHA-256 and 32 bytes of salt (RFC 7518, 3.5) */
    ASSERTION_RS256  /* RSASSA-PKCS1-v1_5 with SHA-256 (3.3) */
};

/* Appends the signature of `text` to ret_signature. On failure false, and ret_failure has the words. */
typedef bool assertion_signer(void *arg, struct bytes text, struct buffer *ret_signature,
                              struct identity_failure *ret_failure);

struct assertion {
    const char *audience; /* the token endpoint's address */
    const char *client_id;
    X509 *certificate;
    enum assertion_algorithm algorithm;
    assertion_signer *sign;
    void *arg;
};

/* Appended to ret_assertion: good for ten minutes from now, never the same twice. */
bool assertion_write(const struct assertion *assertion, struct buffer *ret_assertion,
                     struct identity_failure *ret_failure);

/* assertion_signer with PS256; arg is an EVP_PKEY. */
bool assertion_sign_here(void *arg, struct bytes text, struct buffer *ret_signature,
                         struct identity_failure *ret_failure);

#endif
