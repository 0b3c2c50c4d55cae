/*
 * The keys of a service and their versions. Nothing is ever taken out before the end: a deleted key is only
 * marked and a purged one put aside, so a key pair that was looked up stays good without the lock.
 *
 * Threads: the caller holds the lock of struct standin for every function here.
 */
#ifndef STANDIN_KEYS_H
#define STANDIN_KEYS_H

#include "tests/standin/keypair.h"
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

enum { KEY_NAME_SIZE = 128, KEY_VERSION_SIZE = 33, KEY_YEAR = 365 * 24 * 60 * 60 /* seconds */ };

struct key_version {
    struct key_version *older;
    char id[KEY_VERSION_SIZE];
    struct key_kind kind;
    struct keypair *pair;
    bool enabled;
    bool exportable;
    int64_t nbf, exp; /* seconds since 1970; 0: not set */
    int64_t created, updated;
    unsigned uses;         /* key_ops: a bit for each operation of a key, USE_IMPORT and USE_EXPORT */
    cJSON *tags;           /* NULL: none */
    cJSON *release_policy; /* as the service tells it; NULL: none */
    cJSON *sent;           /* n, e, crv, x and y of an import, as they came; NULL: made here */
};

/* A change between KEY_LIVE and KEY_DELETED may take its time. */
enum key_state { KEY_LIVE, KEY_BEING_DELETED, KEY_DELETED, KEY_BEING_RECOVERED };

struct key {
    struct key *next; /* ordered by name */
    char name[KEY_NAME_SIZE];
    bool deleted;                     /* is, or will be when it has settled */
    int64_t settles;                  /* in milliseconds of CLOCK_MONOTONIC */
    int64_t deleted_date, purge_date; /* seconds since 1970 */
    bool managed;                     /* backs a certificate */
    unsigned count;                   /* of versions */
    struct key_version *newest;
    cJSON *rotation_policy; /* as the service tells it; NULL: none */
};

/* A key as it was. */
struct key_backup {
    struct key_backup *next;
    char *blob;
    struct key *key;
};

struct key_past;

struct key_store {
    struct key *keys;
    struct key *purged;
    struct key_backup *backups;
    struct key_past *pasts; /* oldest first */
    char *cache;            /* how the names of files with key pairs begin; NULL: there are none */
    unsigned made[3];       /* pairs of RSA 2048, 3072, 4096 so far */
};

/* 1 to 127 letters, digits and dashes. */
bool key_name_good(const char *name);

/* In any state; NULL: there is none. Letters of either case. */
struct key *key_find(const struct key_store *store, const char *name);
enum key_state key_state_of(const struct key *key);
/* version "": the one made last, whatever its state. NULL: there is none. */
struct key_version *key_version_find(const struct key *key, const char *version);

/* One more version of the key, which is made where it is not there. */
struct key *key_add_version(struct key_store *store, const char *name, const struct key_kind *kind);
/* The same with a key pair from elsewhere, which it takes. */
struct key *key_add_pair(struct key_store *store, const char *name, const struct key_kind *kind,
                         struct keypair *pair);

/* delay: milliseconds until it shows. days: until it is purged by itself, as it says. */
void key_delete(struct key *key, int delay, int days);
void key_recover(struct key *key, int delay);
/* Whichever it was, it shows now. */
void key_settle(struct key *key);
void key_purge(struct key_store *store, struct key *key);
/* As if there had never been any. */
void key_purge_all(struct key_store *store);

/* Takes the blob. */
void key_back_up(struct key_store *store, const struct key *key, char *blob);
/* NULL: no such blob. */
const struct key *key_backed_up(const struct key_store *store, const char *blob);
/* The key of a backup, live as it was. */
struct key *key_restore(struct key_store *store, const struct key *backup);

/*
 * key_past.c: for `delay` milliseconds requests see the key as it is now,
 * whatever is done to it; 0: not so.
 */
void key_remember(struct key_store *store, const char *name, int delay);
/* They see what is there again. */
void key_forget(struct key_store *store, const char *name);
/* What they see; NULL: no such key. */
struct key *key_seen(const struct key_store *store, const char *name);
void key_pasts_done(struct key_store *store);

/* With all that is its own, and alone. */
struct key *key_copy(const struct key *key);
/* And those that follow it. NULL is fine. */
void keys_free(struct key *key);

/* It backs a certificate from now on: each version is good for a year. */
void key_manage(struct key *key);

void key_store_done(struct key_store *store);

#endif
