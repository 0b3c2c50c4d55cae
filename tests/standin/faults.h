/*
 * Faults on demand. A fault is a JSON object: whom it meets, and what happens then.
 *
 *   match            {"server": vault, mhsm, identity, imds, app-service or arc; "op": as in GET /counts;
 *                    "path": a part of the path}; absent: everyone
 *   skip, times      how many it lets pass first; how many it meets then (absent: all)
 *
 * Of a connection, before its first request. "op" and "path" cannot be matched, and connections that are
 * there already are not met:
 *   connect          "stall": accepted, then nothing, before any TLS; "cut": reset; "garbage": plain words of
 *                    another protocol; "delay": taken up after delay_ms
 *   certificate      "wrong-host", "expired", "not-yet" (valid), "unknown-ca"
 *   tls              "1.1": nothing newer; "no-ecdhe": TLS 1.2 without forward secrecy
 *   half_open        new connections stall as above, and no request on any that is there is answered: what a
 *                    machine that vanished looks like
 *
 * Of a request, before or instead of the true answer:
 *   delay_ms         wait that long
 *   stall            true: for ever, till the client goes away; "headers", "body": in the middle of them
 *   cut              true: the connection closes without an answer; "headers", "answer": in the middle of
 *                    the headers, of the body
 *   status           this status with `body` (text, or JSON), or with code, message, inner of an error, or
 *                    with what the service says with such a status
 *   refusal          "firewall", "private-link", "throttled", "operation-limit", "akv10046" (a good token
 *                    whose key is not found): status and words of that
 *   claims           a claims challenge with this JSON
 *   redirect         302 (or `status`) to this URL
 *   html             a web page (status 502 if none is given)
 *   garbage          octets that are no HTTP
 *
 * To whatever answer there is:
 *   retry_after, retry_after_ms, x_ms_retry_after_ms
 *                    the three spellings of that header, each a text or a number
 *   retry_after_date Retry-After as a date, so many seconds from now
 *   headers          more of them by name
 *   truncated        half of it, well framed
 *   oversize         followed by 8 MiB of spaces, or as many as said
 *   chunked          without Content-Length
 *   header_flood     with 1 MiB of more headers, or as many octets as said
 *   drip_ms          its body an octet at a time, with this pause
 *   wrong_kid        under another version
 *   wrong_length     its value an octet short
 *
 * Threads: the caller holds the lock of struct standin for faults_*, and for fault_* its own copy.
 */
#ifndef STANDIN_FAULTS_H
#define STANDIN_FAULTS_H

#include "tests/standin/answer.h"
#include "tests/standin/counts.h"
#include "tests/standin/tls.h"
#include <cjson/cJSON.h>

struct standin;

struct fault {
    struct fault *next;
    cJSON *what;
    int skip;  /* it lets pass yet */
    int times; /* it still meets; below 0: all */
};

/* A list from an array. False: a word or value that no fault knows; ret_wrong (from malloc) names it. */
bool faults_read(const cJSON *array, struct fault **ret_faults, char **ret_wrong);
/* Takes what is added. */
void faults_append(struct fault **faults, struct fault *added);
void faults_free(struct fault *faults);
cJSON *faults_json(const struct fault *faults);

/* What is to happen to this request, or to a new connection; from cJSON's malloc. NULL: nothing. */
cJSON *faults_take(struct fault *faults, enum service service, enum operation operation, const char *path);
cJSON *faults_take_connection(struct fault *faults, enum service service);

/* --- fault.c: one of them; NULL is none --- */

bool fault_meets_connections(const cJSON *fault);
bool fault_meets_requests(const cJSON *fault);
int fault_number(const cJSON *fault, const char *name, int otherwise);
/* The words of "refusal"; NULL ends them. */
const char *const *fault_refusals(void);

enum door_fault { DOOR_OPENS, DOOR_STALLS, DOOR_CUTS, DOOR_SPEAKS_NONSENSE };
enum door_fault fault_at_door(const cJSON *fault);
/* Milliseconds until it opens. */
int fault_delays_connection(const cJSON *fault);
enum tls_profile fault_tls_profile(const cJSON *fault);

/* Milliseconds to wait; below 0: for ever. */
int fault_wait(const cJSON *fault);
bool fault_cuts(const cJSON *fault);
/* True: there is no true answer; this is it. Without the lock. */
bool fault_answers(const cJSON *fault, const struct standin *standin, enum service service,
                   struct answer *answer);
/* What it does to an answer of whatever kind. */
void fault_spoils(const cJSON *fault, struct answer *answer);

#endif
