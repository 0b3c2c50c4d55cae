/* The files with which a client of the stand-in proves who it is. */
#ifndef STANDIN_CREDENTIALS_H
#define STANDIN_CREDENTIALS_H

#include <openssl/evp.h>
#include <stdbool.h>

/*
 * A certificate that signs itself, with its key behind it:
 * as PEM, and as PKCS#12 without a password. From malloc.
 */
struct client_certificate {
    char *pem;
    unsigned char *p12;
    int p12_size;
};

bool client_certificate_make(EVP_PKEY *key, struct client_certificate *ret_certificate);
void client_certificate_done(struct client_certificate *certificate);

#endif
