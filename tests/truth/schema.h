/* JSON schemas as OpenAPI 2.0 has them. */
#ifndef TRUTH_SCHEMA_H
#define TRUTH_SCHEMA_H

#include "tests/truth/difference.h"
#include <cjson/cJSON.h>

/* A piece of a description, and the document that its references are of. */
struct schema {
    const cJSON *document, *common; /* common: what "common.json#/..." names */
    const cJSON *item;
};

/* What a "$ref" stands for; others as they are. */
struct schema schema_resolve(struct schema schema);
/* Lines begin with `where`. value NULL: it is not there. */
void schema_judge(struct schema schema, const char *where, const cJSON *value, struct differences *found);

#endif
