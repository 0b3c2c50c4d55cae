/* Signed JSON web tokens (RFC 7515, compact): read, checked, made. */
#ifndef STANDIN_JWT_H
#define STANDIN_JWT_H

#include "tests/standin/text.h"
#include <openssl/evp.h>

struct jwt {
    cJSON *header, *claims;
    char *content; /* what the signature is over */
    struct blob signature;
};

/* False: it has not three parts, or the first two are no JSON objects. */
bool jwt_read(const char *token, struct jwt *ret_jwt);
void jwt_done(struct jwt *jwt);

/* RS256 or PS256, as the header says. False: another algorithm, or not by this key. */
bool jwt_verify(const struct jwt *jwt, EVP_PKEY *key);
/* RS256 under a header with this kid. From malloc. */
char *jwt_sign(const cJSON *claims, const char *kid, EVP_PKEY *key);

/* A claim, "" where it is none or no text. */
const char *json_text(const cJSON *object, const char *name);
/* A number, 0 where it is none. */
double json_number(const cJSON *object, const char *name);

#endif
