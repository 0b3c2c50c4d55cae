/*
 * Key pairs, made when they are first used: RSA-4096 takes seconds, and most tests never ask for it. With a
 * cache directory a pair is made once and read ever after; these are throw-away keys of tests and guard
 * nothing.
 */
#ifndef STANDIN_KEYPAIR_H
#define STANDIN_KEYPAIR_H

#include "tests/standin/text.h"
#include <openssl/evp.h>
#include <stdbool.h>

struct key_kind {
    char kty[8];   /* RSA, RSA-HSM, EC, EC-HSM, oct-HSM */
    unsigned bits; /* of RSA and oct, else 0 */
    char crv[8];   /* of EC, else "" */
};

struct keypair;

bool key_kind_is_rsa(const struct key_kind *kind);
bool key_kind_is_ec(const struct key_kind *kind);
bool key_kind_is_oct(const struct key_kind *kind);
bool key_kind_is_hsm(const struct key_kind *kind);
/* False: no such key type, size or curve. bits 0 and crv NULL are the service's defaults. */
bool key_kind_set(const char *kty, unsigned bits, const char *crv, struct key_kind *ret_kind);

/*
 * `index` tells pairs of one kind apart in the cache. cache:
 * how the names of its files begin, borrowed; NULL: none.
 */
struct keypair *keypair_new(const struct key_kind *kind, unsigned index, const char *cache);
/* RSA 2048 of two primes, as every library takes it; made in no hurry. */
struct keypair *keypair_new_plain(unsigned index, const char *cache);
/* One that came from elsewhere; takes the key, or the octets of an oct key (key NULL). */
struct keypair *keypair_of(EVP_PKEY *key, const struct blob *secret);
/* What it is, under that kty; the kind of a key in keypair_of. False: the kty is another, or the size. */
bool key_kind_of(const char *kty, EVP_PKEY *key, const struct blob *secret, struct key_kind *ret_kind);

/* Counted: both with the lock of struct standin. */
struct keypair *keypair_ref(struct keypair *pair);
void keypair_free(struct keypair *pair);

/* Borrowed, as long as the pair lives; callers wait while it is made. Any thread. Not of oct. */
EVP_PKEY *keypair_key(struct keypair *pair);
/* The octets of an oct key. */
const struct blob *keypair_secret(const struct keypair *pair);

/* Of an X.509 certificate over the key, signed with it, DER; the first call says for which name and time.
 * Borrowed as the key. Empty where the key is oct. */
const struct blob *keypair_certificate(struct keypair *pair, const char *name, int64_t from, int64_t until);

/* Makes it now where it can be kept for the next time, so that no request has to wait for it. */
void keypair_prepare(struct keypair *pair);

#endif
