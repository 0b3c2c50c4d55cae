/* Tries, and the health of the place that is asked. */
#include "backends/keyvault/endpoint.h"
#include <stdlib.h>
#include <string.h>

struct endpoint {
    char *about;
    struct http_client *http;
    bool machine;
};

CK_RV endpoint_new(const struct endpoint_options *options, struct endpoint **ret_endpoint)
{
    struct endpoint *endpoint = calloc(1, sizeof *endpoint);

    if (endpoint != NULL) {
        endpoint->about = strdup(options->about);
    }
    if (endpoint == NULL || endpoint->about == NULL) {
        free(endpoint);
        return CKR_HOST_MEMORY;
    }
    endpoint->http = options->http;
    endpoint->machine = options->machine;
    *ret_endpoint = endpoint;
    return CKR_OK;
}

void endpoint_free(struct endpoint *endpoint)
{
    if (endpoint != NULL) {
        free(endpoint->about);
        free(endpoint);
    }
}

bool endpoint_try(struct endpoint *endpoint, const struct http_request *request, struct retry *retry,
                  struct http_reply *reply)
{
    retry->machine = endpoint->machine;
    http_exchange(endpoint->http, request, retry->deadline, reply);
    return retry_wait(retry, reply);
}

void endpoint_ask(struct endpoint *endpoint, const struct http_request *request, struct deadline deadline,
                  struct http_reply *reply)
{
    struct retry retry = RETRY_INIT(deadline);

    while (endpoint_try(endpoint, request, &retry, reply)) {
    }
}
