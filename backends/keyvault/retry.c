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
    case HTTP_TIMED_OUT: /* of connecting: the deadline itself is looked at below */
        return true;
    case HTTP_UNTRUSTED:
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

static int64_t next_own_wait(struct retry *retry)
{
    int64_t wait = FIRST_WAIT;

    for (unsigned i = 0; i < retry->waits && wait < LONGEST_WAIT; i++) {
        wait *= 2;
    }
    retry->waits++;
    return wait;
}

/* Told to wait: exactly so long at least, and a little more, as everybody else was told the same. */
static int64_t next_wait(struct retry *retry, const struct http_reply *reply)
{
    int64_t own = next_own_wait(retry), told, spread;

    if (reply->failure != HTTP_ANSWERED || reply->retry_after < 0) {
        return retry_jitter(own);
    }
    told = reply->retry_after;
    spread = deadline_left(retry->deadline) - told - 1;
    return told + retry_jitter(spread < own / 4 ? spread : own / 4);
}

bool retry_wait(struct retry *retry, const struct http_reply *reply)
{
    retry->tries++;
    if (!is_worth_it(retry, reply)) {
        return false;
    }
    if (reply->failure == HTTP_BROKEN && reply->reused && !reply->began && !retry->went_at_once) {
        retry->went_at_once = true;
        return !deadline_passed(retry->deadline);
    }
    return deadline_sleep(retry->deadline, next_wait(retry, reply));
}
