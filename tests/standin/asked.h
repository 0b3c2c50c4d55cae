/* What GET /requests tells of one request: all of it. */
#ifndef STANDIN_ASKED_H
#define STANDIN_ASKED_H

#include "tests/standin/answer.h"
#include "tests/standin/counts.h"

/* {server, op, method, path, query, headers, body, ...}; headers by lower-case names. */
cJSON *asked_entry(enum service service, enum operation operation, const struct request *request);

#endif
