/* What makes a key like the one that a recorded answer tells of. */
#ifndef TRUTH_CREATION_H
#define TRUTH_CREATION_H

#include <cjson/cJSON.h>

/* The item at that path, if it is there, under its own name. */
void copy_item(const cJSON *from, const char *path, cJSON *to);
/* As "attributes" of body: those of the answer, but what the request is about to change (NULL: nothing). */
void copy_attributes(cJSON *body, const cJSON *answer, const cJSON *change);
/*
 * The body of a request. alg: of the operation that the key is for,
 * where the answer does not tell its type.
 */
cJSON *creation_of(const cJSON *answer, const cJSON *change, const char *alg);

#endif
