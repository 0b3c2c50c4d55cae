/*
 * A certificate authority made on the spot, the servers' certificate by it, and the ways in which their TLS
 * can be wrong.
 */
#ifndef STANDIN_TLS_H
#define STANDIN_TLS_H

#include <openssl/evp.h>
#include <stdbool.h>

enum tls_profile {
    TLS_GOOD,       /* TLS 1.2 and 1.3 */
    TLS_WRONG_HOST, /* the certificate is another host's */
    TLS_EXPIRED,    /* it was valid until yesterday */
    TLS_NOT_YET,    /* it is valid from tomorrow */
    TLS_UNKNOWN_CA, /* another authority signed it */
    TLS_OLD,        /* TLS 1.1 and nothing newer */
    TLS_NO_ECDHE,   /* TLS 1.2 with a key exchange that has no forward secrecy */
    TLS_PROFILES
};

/* PEM, from malloc. */
struct certificates {
    char *authority; /* the CA's own: what clients trust */
    struct {
        char *server, *key;
        const char *priorities; /* as GnuTLS has them */
    } of[TLS_PROFILES];
};

/*
 * For localhost, 127.0.0.1 and the names of the vault in the clouds.
 * rsa_key: of those that need one. False: OpenSSL failed.
 */
bool certificates_make(const char *vault_name, EVP_PKEY *rsa_key, struct certificates *ret_certificates);
void certificates_done(struct certificates *certificates);

#endif
