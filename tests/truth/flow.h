/* A request as a flow, or a recording, has it, beside the request that was made. */
#ifndef TRUTH_FLOW_H
#define TRUTH_FLOW_H

#include "tests/truth/difference.h"
#include <cjson/cJSON.h>

/* name=value pairs, percent signs resolved, as texts of an object. */
cJSON *flow_fields(const char *form);

/*
 * `flow`: method, url, headers, form, assertion_header, assertion_claims; what is not there is not compared.
 * A value in angle brackets stands for any. `entry`: of the stand-in's log.
 */
void flow_compare(const cJSON *flow, const cJSON *entry, struct differences *found);

/* An answer as it would come: a placeholder is no token. From malloc. */
char *flow_answer(const cJSON *body);

/* Of {"flows":[...]}; fails the test where there is none. Borrowed. */
const cJSON *flow_of(const cJSON *flows, const char *name);

#endif
