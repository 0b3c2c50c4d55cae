/*
 * Faults on demand. A fault is a JSON object: which requests it meets ("match": op, path, server), how many
 * of them it lets pass ("skip") and meets ("times"; absent: all), and what happens then:
 *
 *   delay_ms, stall        wait that long; for ever (till the client goes away)
 *   cut                    true: the connection closes without an answer; "answer": in the middle of its body
 *   status                 instead of the true answer: this status with `body` (text, or JSON), or with code,
 *                          message, inner of an error, or what the service says with such a status
 *   html                   instead of the true answer: a web page (status 502 if none is given)
 *   retry_after, headers   a header, more of them by name
 *   truncated              the true answer, half of it, well framed
 *   oversize, chunked      followed by 8 MiB of spaces, or as many as said; without Content-Length
 *   wrong_kid, wrong_length  the true answer under another version; its value an octet short
 *
 * Threads: the caller holds the lock of struct standin for faults_*, and for fault_* its own copy.
 */
#ifndef STANDIN_FAULTS_H
#define STANDIN_FAULTS_H

#include "tests/standin/answer.h"
#include "tests/standin/counts.h"
#include <cjson/cJSON.h>

struct fault {
    struct fault *next;
    cJSON *what;
    int skip;  /* requests it lets pass yet */
    int times; /* requests it still meets; below 0: all */
};

/* A list from an array. False: a word that no fault knows; ret_wrong (from malloc) names it. */
bool faults_read(const cJSON *array, struct fault **ret_faults, char **ret_wrong);
/* Takes what is added. */
void faults_append(struct fault **faults, struct fault *added);
void faults_free(struct fault *faults);
cJSON *faults_json(const struct fault *faults);

/* What is to happen to this request, from cJSON's malloc; NULL: nothing. */
cJSON *faults_take(struct fault *faults, enum service service, enum operation operation, const char *path);

/* Milliseconds to wait; below 0: for ever. */
int fault_wait(const cJSON *fault);
bool fault_cuts(const cJSON *fault);
/* True: there is no true answer; this is it. */
bool fault_answers(const cJSON *fault, enum service service, struct answer *answer);
/* What it does to an answer of whatever kind. */
void fault_spoils(const cJSON *fault, struct answer *answer);

#endif
