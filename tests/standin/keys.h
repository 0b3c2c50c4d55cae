/*
 * The keys of the vault and their versions. Nothing is ever taken out before the end: a deleted key is only
 * marked, so a key pair that was looked up stays good without the lock.
 *
 * Threads: the caller holds the lock of struct standin for every function here.
 */
#ifndef STANDIN_KEYS_H
#define STANDIN_KEYS_H

#include "tests/standin/keypair.h"
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

enum { KEY_NAME_SIZE = 128, KEY_VERSION_SIZE = 33 };

struct key_version {
    struct key_version *older;
    char id[KEY_VERSION_SIZE];
    struct key_kind kind;
    struct keypair *pair;
    bool enabled;
    bool exportable;
    int64_t nbf, exp; /* seconds since 1970; 0: not set */
    int64_t created, updated;
    unsigned uses; /* key_ops, one bit for each of the first KEY_OPERATIONS */
    cJSON *tags;   /* NULL: none */
};

struct key {
    struct key *next; /* ordered by name */
    char name[KEY_NAME_SIZE];
    bool deleted;
    unsigned count; /* of versions */
    struct key_version *newest;
};

struct key_store {
    struct key *keys;
    char *cache;      /* how the names of files with key pairs begin; NULL: there are none */
    unsigned made[3]; /* pairs of RSA 2048, 3072, 4096 so far */
};

/* 1 to 127 letters, digits and dashes. */
bool key_name_good(const char *name);

/* Also a deleted one; NULL: there is none. Letters of either case. */
struct key *key_find(const struct key_store *store, const char *name);
/* version "": the one made last, whatever its state. NULL: there is none. */
struct key_version *key_version_find(const struct key *key, const char *version);

/* One more version of the key, which is made where it is not there. */
struct key *key_add_version(struct key_store *store, const char *name, const struct key_kind *kind);

void key_store_done(struct key_store *store);

#endif
