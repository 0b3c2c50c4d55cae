/*
 * The service's own description ($BYOK_TEST_DATA/keyvault/openapi, OpenAPI 2.0) as a judge of requests and
 * answers: paths, methods, parameters, required fields, types, formats, enums. A field that the description
 * does not know is a difference too, and so is a keyword of the description that is not understood here.
 */
#ifndef TRUTH_OPENAPI_H
#define TRUTH_OPENAPI_H

#include "tests/truth/difference.h"
#include <cjson/cJSON.h>

struct openapi {
    cJSON *keys, *common; /* keys.json, common.json */
};

/* "7.5". False: it is not there. */
bool openapi_read(const char *version, struct openapi *ret_openapi);
void openapi_done(struct openapi *openapi);

struct exchange {
    const char *method, *target; /* "/keys/kek?api-version=7.5" */
    const cJSON *asked;          /* the body; NULL: none */
    unsigned status;
    const cJSON *answered;
};

/* The lines begin with "request" or "answer". */
void openapi_judge_request(const struct openapi *openapi, const struct exchange *exchange,
                           struct differences *found);
void openapi_judge_answer(const struct openapi *openapi, const struct exchange *exchange,
                          struct differences *found);

#endif
