/* An assertion that was sent, taken apart. */
#ifndef BYOK_TESTS_SENT_H
#define BYOK_TESTS_SENT_H

#include "backends/keyvault/json.h"
#include "tests/backends/keyvault/token_world.h"
#include <openssl/evp.h>

struct sent {
    char *assertion;
    cJSON *header, *claims;
    struct buffer signature;
    size_t signed_size;
};

/* Has the identity fetch a token, and reads what it sent for that; it must be a whole assertion. */
void sent_read(struct token_world *world, struct sent *ret_sent);
/* The same of the form that is there. */
void sent_parse(const struct token_world *world, struct sent *ret_sent);
void sent_done(struct sent *sent);

/* Whether the signature is that of `key`, by the algorithm that the header names. */
bool sent_verifies(const struct sent *sent, EVP_PKEY *key);

#endif
