/*
 * What was asked of the services: GET /counts, and GET /requests with the last thousand requests, whole:
 * query, headers and body too.
 *
 * Threads: the caller holds the lock of struct standin.
 */
#ifndef STANDIN_COUNTS_H
#define STANDIN_COUNTS_H

#include "tests/standin/words.h"
#include <cjson/cJSON.h>

enum service {
    SERVICE_VAULT,
    SERVICE_MHSM,
    SERVICE_IDENTITY,
    SERVICE_IMDS,
    SERVICE_APP_SERVICE,
    SERVICE_ARC,
    SERVICE_CONTROL,
    SERVICES
};

struct counts {
    unsigned long requests[OPERATIONS];
    unsigned long connections[SERVICES]; /* accepted */
    unsigned long throttled;             /* refused by the quota */
    unsigned long at_once;               /* requests being answered now */
    unsigned long most_at_once;
    cJSON *log; /* array, oldest first; NULL: nothing yet */
    unsigned logged;
};

const char *service_word(enum service service);
/* SERVICES: there is none of that name. */
enum service service_of(const char *word);

void counts_request(struct counts *counts, enum operation operation);
void counts_answered(struct counts *counts);
/* Takes the entry. */
void counts_log(struct counts *counts, cJSON *entry);

cJSON *counts_json(const struct counts *counts);
/* All to zero but what is going on now. */
void counts_clear(struct counts *counts);

#endif
