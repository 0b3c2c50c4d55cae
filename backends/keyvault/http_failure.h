/* What libcurl's codes mean, in words and with the operator's next step. */
#ifndef BYOK_BACKENDS_KEYVAULT_HTTP_FAILURE_H
#define BYOK_BACKENDS_KEYVAULT_HTTP_FAILURE_H

#include "backends/keyvault/http.h"
#include <curl/curl.h>

/* Turns the reply into a failure, without what it held; who answered and how far it came stays. */
void http_failure_set(struct http_reply *reply, enum http_failure failure, const char *words,
                      const char *advice);

/* `code` is not CURLE_OK, `own` are libcurl's own words ("": none), `proxy_status` is what a proxy answered
 * to CONNECT, 0: nothing. */
void http_failure_explain(struct http_reply *reply, CURLcode code, const char *own, long proxy_status);

#endif
