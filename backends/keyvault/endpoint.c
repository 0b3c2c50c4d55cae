/* Tries, waits, and the health of the place that is asked. */
#include "backends/keyvault/endpoint.h"
#include "backends/base/log.h"
#include "backends/keyvault/health.h"
#include <stdlib.h>
#include <string.h>

struct endpoint {
    char *about;
    struct http_client *http;
    bool machine;
    struct health health;
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
    health_init(&endpoint->health);
    *ret_endpoint = endpoint;
    return CKR_OK;
}

void endpoint_free(struct endpoint *endpoint)
{
    if (endpoint != NULL) {
        health_done(&endpoint->health);
        free(endpoint->about);
        free(endpoint);
    }
}

/* --- Before a try --- */

static bool sleep_until(struct deadline deadline, int64_t at)
{
    int64_t wait = at - clock_now();

    return wait <= 0 ? !deadline_passed(deadline) : deadline_sleep(deadline, wait);
}

/* Half of what is left is for the request itself. */
static int64_t spread_behind(struct retry *retry, int64_t at)
{
    int64_t most = (retry->deadline.at - at) / 2, spread = retry_spread(retry);

    return at + (spread < most ? spread : most > 0 ? most : 0);
}

/* A call that was under way when the breaker opened may wait for the next probe, one of them, once. */
static bool wait_for_probe(struct endpoint *endpoint, struct retry *retry, int64_t at)
{
    if (retry->tries == 0 || retry->took_probe || at >= retry->deadline.at ||
        !health_take_probe(&endpoint->health, retry->deadline.at, &at)) {
        return false;
    }
    retry->took_probe = true;
    (void)sleep_until(retry->deadline, at);
    health_probe(&endpoint->health, clock_now());
    return !deadline_passed(retry->deadline);
}

/* Until `at` at least, and as long as what other threads have learned meanwhile says. */
static bool wait_for_turn(struct endpoint *endpoint, struct retry *retry, int64_t at,
                          enum health_word *ret_word, int64_t *ret_at)
{
    *ret_word = HEALTH_GO;
    for (;;) {
        if (!sleep_until(retry->deadline, at)) {
            return false;
        }
        *ret_word = health_ask(&endpoint->health, clock_now(), ret_at);
        if (*ret_word == HEALTH_GO) {
            return true;
        }
        if (*ret_word == HEALTH_DOWN) {
            return wait_for_probe(endpoint, retry, *ret_at);
        }
        at = spread_behind(retry, *ret_at);
    }
}

/* --- After a try --- */

static bool is_throttled(const struct http_reply *reply)
{
    return reply->failure == HTTP_ANSWERED && reply->status == 429;
}

static void note(struct endpoint *endpoint, const struct http_reply *reply, int64_t began, int64_t allowed)
{
    switch (health_note(&endpoint->health, reply, began, allowed, clock_now())) {
    case HEALTH_OPENED:
        log_info(endpoint->about, "%u requests in a row failed: one in %d s is made until one is answered",
                 HEALTH_FAILURES, HEALTH_PROBE_TIME / 1000);
        break;
    case HEALTH_CLOSED:
        log_info(endpoint->about, "requests are answered again");
        break;
    case HEALTH_SAME:
        break;
    }
}

/* False: what came last stands. */
static bool wait_for_next(struct endpoint *endpoint, struct retry *retry, const struct http_reply *reply)
{
    enum health_word word;
    int64_t at, wait;

    if (!retry_is_due(retry, reply)) {
        return false;
    }
    wait = is_throttled(reply) ? 0 : retry_next_wait(retry, reply); /* 429: the not-before that all share */
    retry->has_turn = wait_for_turn(endpoint, retry, clock_now() + wait, &word, &at);
    return retry->has_turn;
}

bool endpoint_try(struct endpoint *endpoint, const struct http_request *request, struct retry *retry,
                  struct http_reply *reply)
{
    struct http_request sent = *request;
    int64_t began, at = 0;
    enum health_word word;

    retry->machine = endpoint->machine;
    if (!retry->has_turn && !wait_for_turn(endpoint, retry, 0, &word, &at) && word != HEALTH_GO) {
        health_tell(&endpoint->health, word, at - clock_now(), reply);
        return false;
    }
    retry->has_turn = false;
    sent.fresh = request->fresh || retry->went_at_once;
    began = clock_now();
    http_exchange(endpoint->http, &sent, retry->deadline, reply);
    note(endpoint, reply, began, retry->deadline.at - began);
    return wait_for_next(endpoint, retry, reply);
}

void endpoint_ask(struct endpoint *endpoint, const struct http_request *request, struct deadline deadline,
                  struct http_reply *reply)
{
    struct retry retry = RETRY_INIT(deadline);

    while (endpoint_try(endpoint, request, &retry, reply)) {
    }
}
