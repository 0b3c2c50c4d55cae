/*
 * What is known of the health of a place that is asked: a not-before after a 429, which all threads share,
 * and a breaker: after five failures in a row one probe every five seconds goes out, and nobody else asks.
 * Times are clock_now()'s, given by the caller. All threads; nothing here waits.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_HEALTH_H
#define BYOK_BACKENDS_KEYVAULT_HEALTH_H

#include "backends/keyvault/http.h"
#include <pthread.h>

enum {
    HEALTH_FAILURES = 5,                 /* in a row: nobody is there */
    HEALTH_PROBE_TIME = 5000,            /* milliseconds between two probes */
    HEALTH_LONGEST_WAIT = 5 * 60 * 1000, /* one wrong Retry-After must not close a vault for a day */
    HEALTH_FAIR_TIME = 1000              /* who gives a request less time has no say about time-outs */
};

struct health {
    pthread_mutex_t lock; /* for all below */
    int64_t not_before;   /* 429: nobody asks before */
    int64_t told_at;      /* when that was learned */
    unsigned refusals;    /* rounds of 429 since the last answer that was none */
    unsigned failures;    /* in a row */
    int64_t next_probe;
    bool probe_is_taken; /* by a caller that waits for it */
    unsigned last_status;
    const char *last_advice;
    char last[160]; /* what the last failure was */
};

enum health_word {
    HEALTH_GO,
    HEALTH_WAIT, /* the limit of requests was reached: until *ret_at */
    HEALTH_DOWN  /* nobody is there; the next probe is at *ret_at */
};

void health_init(struct health *health);
void health_done(struct health *health);

/* Whether a request may go out. Where the breaker is open, HEALTH_GO makes the caller the probe. */
enum health_word health_ask(struct health *health, int64_t now, int64_t *ret_at);
/* For a caller already under way: the next probe is to be its own. False: it is another one's, or not due
 * before `latest`. */
bool health_take_probe(struct health *health, int64_t latest, int64_t *ret_at);
/* The caller with the probe has waited and goes out now. */
void health_probe(struct health *health, int64_t now);

enum health_change { HEALTH_SAME, HEALTH_OPENED, HEALTH_CLOSED };

/* What came of a request that went out at `began` with `allowed` milliseconds of time. */
enum health_change health_note(struct health *health, const struct http_reply *reply, int64_t began,
                               int64_t allowed, int64_t now);

/* The answer to who may not ask: HTTP_NOT_ASKED, in words. */
void health_tell(struct health *health, enum health_word word, int64_t wait, struct http_reply *ret_reply);

#endif
