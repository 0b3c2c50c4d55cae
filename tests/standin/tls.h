/* A certificate authority made on the spot, and a certificate of the servers by it. */
#ifndef STANDIN_TLS_H
#define STANDIN_TLS_H

#include <stdbool.h>

/* PEM, from malloc. */
struct certificate {
    char *authority; /* the CA's own: what clients trust */
    char *server;
    char *key; /* the server's */
};

/* For localhost, 127.0.0.1 and the names of the vault in the clouds. False: OpenSSL failed. */
bool certificate_make(const char *vault_name, struct certificate *ret_certificate);
void certificate_done(struct certificate *certificate);

#endif
