/* The stand-in and our client before it, and what the one heard of the other. */
#ifndef TRUTH_ASKED_H
#define TRUTH_ASKED_H

#include "tests/standin/run_standin.h"
#include "tests/truth/client.h"
#include "tests/truth/recorded.h"

extern struct standin_process standin;

/* For a group of tests. */
int asked_start(void **state);
int asked_end(void **state);

/* A call of the control port, which must be accepted. The answer is the caller's. */
cJSON *asked_control(const char *method, const char *path, const char *body);
/* All requests to this service ("vault", "mhsm", "identity", ...) since the last call of asked_forget(). */
cJSON *asked_log(const char *service);
void asked_forget(void);

/* "/keys?api-version=7.6" of an entry of the log; from malloc. */
char *asked_target(const cJSON *entry);
/* Its body as JSON; NULL: it has none. */
cJSON *asked_json(const cJSON *entry);

/* The same request once more. NULL: no JSON came. */
cJSON *asked_again(const char *base, const cJSON *entry, unsigned *ret_status);

/* Our client of a vault there; `words`: more of its configuration. */
struct client asked_client(const char *vault, const struct client_word *words);

#endif
