/*
 * What a bench runs against: the stand-in of tests/with-tokens, near and through proxies that are 20 and
 * 60 ms away. Made once, before any trial; a trial is a child process and finds it as it was.
 */
#ifndef BYOK_TESTS_BENCH_WORLD_H
#define BYOK_TESTS_BENCH_WORLD_H

#include "tests/bench/delay.h"
#include <stddef.h>

enum { PLACES = 3, BLOB_SIZE = 256, TEXT_SIZE = 512 };

/* Where the stand-in seems to be. */
struct place {
    unsigned round_trip; /* milliseconds */
    char vault_url[TEXT_SIZE], identity_url[TEXT_SIZE];
    struct delay vault, identity;
};

struct world {
    struct place places[PLACES];
    const char *ca, *tenant, *client_id, *client_secret_file, *dir, *builddir, *srcdir;
    bool quick; /* a few operations each: does it work? */
};

/* Shared by all processes of a bench. */
struct known {
    unsigned char blob[BLOB_SIZE]; /* a data key of 32 bytes under `kek`, RSA-OAEP-256 */
    bool with_sdk;                 /* the JavaScript SDK runs here */
};

extern struct world world;
extern struct known *known;

/* False, with a line that says why: the environment of tests/with-tokens is not there, or no proxy starts. */
bool world_make(bool quick);
void world_end(void);

struct place *place_at(unsigned round_trip);

/* Writes DIR/NAME.conf with a token "vault" over this place, and makes it the module's configuration. */
struct configuration {
    const char *name;
    const struct place *place;
    const char *ca;          /* NULL: the stand-in's */
    unsigned named;          /* keys named besides kek: extra-0, extra-1, ... */
    unsigned also_named;     /* a second token "other" with so many; 0: none */
    const char *first_token; /* another section that comes first; NULL: none */
};
bool world_configure(const struct configuration *how);

/* The stand-in's counts since the last reset: requests by their word, "total", or "vault" (connections). */
void counts_reset(void);
long counts_of(const char *word);
/*
 * Whether the stand-in answers a blob that it has opened before without RSA,
 * which costs more than all the rest.
 */
bool world_opens_once(bool once);
/* A key of the stand-in: "extra-N"; json as its control port takes it. */
bool world_put_key(unsigned number, const char *json);

#endif
