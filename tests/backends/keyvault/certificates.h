/* Keys, certificates and the files that hold them: for the tests of client-certificate. */
#ifndef BYOK_TESTS_CERTIFICATES_H
#define BYOK_TESTS_CERTIFICATES_H

#include <openssl/x509.h>

struct pair {
    EVP_PKEY *key;
    X509 *certificate; /* of itself */
};

/* RSA with so many bits; 0: an elliptic curve. `days` from now it ends. */
struct pair pair_make(unsigned bits, int days);
void pair_done(struct pair *pair);

/* Contents, from malloc. A password encrypts the key. */
char *pem_of_key(const struct pair *pair, const char *password);
char *pem_of_certificate(const struct pair *pair);
unsigned char *pkcs12_of(const struct pair *pair, const struct pair *other, const char *password,
                         size_t *ret_size);

#endif
