/*
 * libcurl's easy handles, each with its open connections, kept for the next request. A lock is held to take
 * one and to give it back, never while one works. All calls but new and free inside libcurl_enter().
 */
#ifndef BYOK_BACKENDS_KEYVAULT_HTTP_POOL_H
#define BYOK_BACKENDS_KEYVAULT_HTTP_POOL_H

#include "backends/keyvault/http.h"
#include <curl/curl.h>

struct http_line {
    CURL *easy;
    struct http_line *next;
    struct deadline deadline; /* of the request on its way */
    bool connected;           /* it made a connection of its own */
    bool proxied;             /* that goes through a proxy */
    int64_t since;            /* idle */
    const struct http_client *client;
    char error[CURL_ERROR_SIZE];
};

struct http_client {
    char *about;
    char *ca_file; /* NULL: the system's */
    char *proxy;   /* as in struct http_options */
    int64_t connect_timeout;
    int64_t connection_age;
    _Atomic int64_t took;   /* milliseconds that the last answer took */
    pthread_mutex_t lock;   /* for what follows */
    struct http_line *idle; /* the one used last comes first */
    unsigned idle_count;
    int64_t looked_at; /* when the idle ones were last gone through */
    struct http_client *next, *previous;
};

/* An idle one or a new one, with all that is the same for every request set. CKR_HOST_MEMORY. */
MUST_USE CK_RV http_pool_take(struct http_client *client, struct http_line **ret_line);
/* `took`: milliseconds that the answer over it took. */
void http_pool_give(struct http_client *client, struct http_line *line, int64_t took);
/* Closes those that have been idle since before then. */
void http_pool_retire(struct http_client *client, int64_t before);
/* Closes it: after a failure, so that the name is resolved anew. */
void http_pool_drop(struct http_line *line);

/* Milliseconds that a kept connection may give nothing, of those that are left, before it counts as dead. */
int64_t http_pool_patience(const struct http_client *client, int64_t left);

/* Before each request: which protocols and which proxy; see http_request.machine. */
void http_pool_set_way(struct http_line *line, bool machine);

#endif
