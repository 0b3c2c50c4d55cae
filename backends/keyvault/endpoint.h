/*
 * A place that is asked again and again, and what is known of its health: tries within the deadline
 * (retry.h), one not-before for all threads after a 429, and a breaker that fails fast while nobody is there.
 * The vault is one, each token endpoint another. All threads; no lock is held while a request is on its way.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_ENDPOINT_H
#define BYOK_BACKENDS_KEYVAULT_ENDPOINT_H

#include "backends/keyvault/http.h"
#include "backends/keyvault/retry.h"

struct endpoint;

struct endpoint_options {
    const char *about;        /* for the log; copied */
    struct http_client *http; /* lent */
    bool machine;             /* a metadata service of this machine: 404 and 410 pass, too (it is updating) */
};

/* No network. CKR_HOST_MEMORY. */
MUST_USE CK_RV endpoint_new(const struct endpoint_options *options, struct endpoint **ret_endpoint);
/* No request may be on its way. NULL is allowed. */
void endpoint_free(struct endpoint *endpoint);

/*
 * One try. True: the reply is not worth keeping, and the time before the next try has passed. False: `reply`
 * is the answer: the service's, or HTTP_NOT_ASKED where nothing was sent, because nobody is there (five
 * failures in a row; one probe every five seconds goes out) or the time for which a 429 asked is not over
 * before the deadline.
 */
MUST_USE bool endpoint_try(struct endpoint *endpoint, const struct http_request *request, struct retry *retry,
                           struct http_reply *reply);

/* All tries. */
void endpoint_ask(struct endpoint *endpoint, const struct http_request *request, struct deadline deadline,
                  struct http_reply *reply);

#endif
