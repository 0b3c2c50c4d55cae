/*
 * Secrets, and whether a text holds one: as it is, in base64url, base64, or hexadecimal digits of either
 * case; any twenty characters of its begin, middle or end count.
 */
#ifndef BYOK_TESTS_FAILURES_NEEDLES_H
#define BYOK_TESTS_FAILURES_NEEDLES_H

#include <stdbool.h>
#include <stddef.h>

struct needles;

struct needles *needles_new(void);
void needles_free(struct needles *needles);

/* A secret of eight bytes or more; `what` it is, a literal. One that is there already is not added. */
void needles_add(struct needles *needles, const char *what, const void *data, size_t size);
/*
 * All that the stand-in was sent and that is secret, from GET /requests (JSON): access tokens, what forms and
 * headers prove an identity with, the keys in requests to wrap and encrypt, and what is signed. False: that is no JSON.
 */
bool needles_add_requests(struct needles *needles, const char *json);
size_t needles_count(const struct needles *needles, const char *what);

/* What of them is in the text, NULL: nothing. */
const char *needles_in(const struct needles *needles, const char *text, size_t size);

#endif
