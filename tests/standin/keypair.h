/*
 * Key pairs, made when they are first used: RSA-4096 takes seconds, and most tests never ask for it. With a
 * cache directory a pair is made once and read ever after; these are throw-away keys of tests and guard
 * nothing.
 */
#ifndef STANDIN_KEYPAIR_H
#define STANDIN_KEYPAIR_H

#include <openssl/evp.h>
#include <stdbool.h>

struct key_kind {
    char kty[8];   /* RSA, RSA-HSM, EC, EC-HSM */
    unsigned bits; /* of RSA, else 0 */
    char crv[8];   /* of EC, else "" */
};

struct keypair;

bool key_kind_is_rsa(const struct key_kind *kind);
/* False: no such key type, size or curve. bits 0 and crv NULL are the service's defaults. */
bool key_kind_set(const char *kty, unsigned bits, const char *crv, struct key_kind *ret_kind);

/* `index` tells pairs of one kind apart in the cache. cache: how the names of its files begin, borrowed;
 * NULL: none. */
struct keypair *keypair_new(const struct key_kind *kind, unsigned index, const char *cache);
/* RSA 2048 of two primes, as every library takes it; made in no hurry. */
struct keypair *keypair_new_plain(unsigned index, const char *cache);
void keypair_free(struct keypair *pair);

/* Borrowed, as long as the pair lives; callers wait while it is made. Any thread. */
EVP_PKEY *keypair_key(struct keypair *pair);

/* Makes it now where it can be kept for the next time, so that no request has to wait for it. */
void keypair_prepare(struct keypair *pair);

#endif
