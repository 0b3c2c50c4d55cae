/*
 * Leases: how long what a key of the service has unwrapped may be used here without the service's word. One
 * belongs to one version of a key; the values that it opened hold it (leasehold.h). What stands here judges: what
 * is due, and what an answer means. Who asks is lease_check.c, who is asked to wait lease_use.c.
 *
 * Each token has a book of its own, also beside another of the same vault: it may be another caller, to whom the
 * service gives another answer, and its configuration sets its intervals.
 *
 * Everything that ends in _locked is called with the book's lock; no request is made under it.
 */
#ifndef BYOK_PKCS11_SOFT_LEASE_H
#define BYOK_PKCS11_SOFT_LEASE_H

#include "backends/base/ask_once.h"
#include "backends/key_service.h"
#include "pkcs11/soft/service_key.h"
#include <stdatomic.h>
#include <sys/queue.h>

struct leasehold;
struct opener;

enum {
    LONGEST_CHECK = 2000, /* milliseconds */
    REOPEN_PAUSE = 1000   /* milliseconds between two attempts to open what is closed */
};

enum lease_state {
    LEASE_OPEN,
    LEASE_REFUSED, /* closed: the service refused to use the key */
    LEASE_LOST     /* closed: it was not renewed in time */
};

struct lease {
    struct lease *next;
    struct service_key *key;        /* lent; one of those with this name */
    char version[KEY_VERSION_SIZE]; /* "": the service has no versions */
    _Atomic int64_t quiet_until;    /* clock_now(): until then its holders ask nobody; 0: it is closed */

    /* The book's lock. Times are of clock_now(). */
    LIST_HEAD(, leasehold) holds;
    struct leasehold *emptying; /* of them, the next to be looked at by who wipes what is closed */
    size_t count;               /* of them; 0: it says nothing */
    enum lease_state state;
    struct ask_once asking;
    int64_t accepted; /* when the request began that the service accepted last */
    int64_t due;      /* the next check */
    int64_t closed_at;
    int64_t attempted;     /* the last attempt to open it again, 0: none since it closed */
    int64_t hinted;        /* for when a refusal of another verb last made a check due */
    int64_t first_refusal; /* of `refusals`, which came since it was accepted */
    unsigned refusals;
    enum service_verdict refused; /* the last of them */
    int64_t pause;                /* ms from an unanswered check to the next, 0: the last one was answered */
    bool told_half, told_soon, told_kept;
    bool idle;            /* it closed, and nobody had been asked */
    bool made_is_bad;     /* the service did not open what was made here */
    struct opener *proof; /* held: a blob that it opened; NULL: it has no holders */
};

struct lease_book {
    struct key_access *access;
    int64_t length, check;     /* ms; length 0: there are no leases */
    bool keeps;                /* outage = keep */
    _Atomic int64_t first_end; /* clock_now() when the first lease ends; INT64_MAX: nothing is leased */
    atomic_bool used;          /* something was leased once */
    atomic_uint closed;        /* leases that are */
    atomic_ulong closings;     /* so many times all sessions have been looked into */
    pthread_mutex_t lock;
    struct lease *leases;
};

/* What became of a lease, to be told when the lock is no longer held. */
struct lease_news {
    enum { LEASE_NO_NEWS, LEASE_CLOSES, LEASE_OPENS, LEASE_RUNS_OUT, LEASE_GOES_ON } what;
    struct lease *lease;
    enum service_verdict refused; /* why it closes; NONE: nobody said so */
    bool idle;                    /* it closes, or was closed, and nobody had been asked */
    int64_t age, left;
};

void lease_book_init(struct lease_book *book, struct key_access *access, int64_t length, int64_t check,
                     bool keeps);
/* All that held a lease is gone. */
void lease_book_done(struct lease_book *book);

/*
 * The lease of a version; NULL: there is none, and none is to be made, or no memory. They last as the book: one for
 * each version that was ever used, which are as few as the service keeps; what they hold goes with the last holder.
 */
struct lease *lease_find_locked(struct lease_book *book, const char *name, const char *version);
struct lease *lease_make_locked(struct lease_book *book, struct service_key *key, const char *version);

/* What somebody who is about to use a value has to do about its lease. */
enum lease_look {
    LEASE_GO,   /* nothing */
    LEASE_ASK,  /* a check is due; while another one asks: nothing */
    LEASE_WAIT, /* a check is due, and its outcome is waited for */
    LEASE_SHUT  /* it is closed, maybe just now */
};
enum lease_look lease_look_locked(struct lease_book *book, struct lease *lease, int64_t now,
                                  struct lease_news *ret_news);
/* A check begins: the others need not look before it ends or the lease is too old to go on. */
void lease_asks_locked(struct lease_book *book, struct lease *lease, int64_t now);

/*
 * What an answer of unwrapKey to a request that began at `began` means. `checks`: it was asked for the lease's
 * sake, so silence counts.
 */
void lease_told_locked(struct lease_book *book, struct lease *lease, const struct service_answer *answer,
                       int64_t began, bool checks, struct lease_news *ret_news);
/* Another verb has been refused: a check is due, but not twice in a second. */
void lease_hint_locked(struct lease_book *book, struct lease *lease, int64_t now);
/* Those that have ended are closed, one for each call; false: none is left. */
bool lease_end_one_locked(struct lease_book *book, int64_t now, struct lease_news *ret_news);

/* Its version has opened this: so may a check. */
void lease_prove_locked(struct lease *lease, struct opener *opener);
void lease_add_locked(struct lease_book *book, struct lease *lease, struct leasehold *hold);
void lease_remove_locked(struct lease_book *book, struct lease *lease, struct leasehold *hold);

/* CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_DEVICE_ERROR. */
CK_RV lease_code(enum lease_state state);

/* The log and the audit. `answer`: of the request that it came from, NULL: none. */
void lease_report(const struct lease_book *book, const struct lease_news *news,
                  const struct service_answer *answer);

#endif
