/* Asking again. */
#include "backends/keyvault/retry.h"
#include "backends/base/libcrypto.h"
#include <string.h>

enum {
    FIRST_WAIT = 1000, /* milliseconds */
    LONGEST_WAIT = 8000,
    MOST_TRIES_TO_CONNECT = 4 /* nobody is there: the caller should not pay its whole deadline for that */
};

static bool is_worth_it(const struct retry *retry, const struct http_reply *reply)
{
    switch (reply->failure) {
    case HTTP_ANSWERED:
        return reply->status == 408 || reply->status == 429 || reply->status >= 500 ||
               (retry->machine && (reply->status == 404 || reply->status == 410));
    case HTTP_NO_CONNECT:
        return retry->tries < MOST_TRIES_TO_CONNECT;
    case HTTP_BROKEN:
    case HTTP_TIMED_OUT: /* of connecting: the deadline itself is looked at by who waits */
        return true;
    case HTTP_UNTRUSTED:
    case HTTP_REFUSED:
    case HTTP_NOT_ASKED:
    case HTTP_TOO_LARGE:
    case HTTP_UNUSABLE:
        break;
    }
    return false;
}

int64_t retry_jitter(int64_t most)
{
    uint64_t random;

    if (most <= 0) {
        return 0;
    }
    if (libcrypto_random((unsigned char *)&random, sizeof random) != CKR_OK) {
        return most;
    }
    return (int64_t)(random % ((uint64_t)most + 1));
}

int64_t retry_own_wait(unsigned waits)
{
    int64_t wait = FIRST_WAIT;

    for (unsigned i = 0; i < waits && wait < LONGEST_WAIT; i++) {
        wait *= 2;
    }
    return wait;
}

int64_t retry_spread(struct retry *retry)
{
    return retry_jitter(retry_own_wait(retry->waits++) / 2);
}

int64_t retry_next_wait(struct retry *retry, const struct http_reply *reply)
{
    if (reply->failure == HTTP_BROKEN && reply->reused && !reply->began && !retry->went_at_once) {
        retry->went_at_once = true;
        return 0;
    }
    if (reply->failure == HTTP_ANSWERED && reply->retry_after >= 0) {
        return reply->retry_after + retry_spread(retry);
    }
    return retry_jitter(retry_own_wait(retry->waits++));
}

bool retry_is_due(struct retry *retry, const struct http_reply *reply)
{
    retry->tries++;
    return is_worth_it(retry, reply);
}
