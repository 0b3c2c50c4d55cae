/*
 * An answer beside the recorded one: the same fields of the same types, in the same encodings; the same
 * headers; the same words, where ids, versions, tokens of lists, addresses and times stand for any of theirs.
 */
#ifndef TRUTH_SHAPE_H
#define TRUTH_SHAPE_H

#include "tests/truth/difference.h"
#include <cjson/cJSON.h>

struct comparison {
    struct differences *found;
    bool same_octets;  /* base64url values are equal, not only equally long */
    bool other_expiry; /* "exp" was reckoned by the service, not sent */
};

/* The difference lines begin with "body" and the path of the field. NULL: no body. */
void compare_bodies(const struct comparison *how, const cJSON *recorded, const cJSON *got);

/* `recorded`: names in lower case and values; `got`: header lines as they came. */
void compare_headers(const struct comparison *how, const cJSON *recorded, const char *got);

/* What is told of a text in place of ids and the like. From malloc. */
char *normal_text(const char *text);

#endif
