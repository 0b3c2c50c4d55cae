/* One not-before, one breaker. */
#include "backends/keyvault/health.h"
#include "backends/keyvault/retry.h"
#include <stdio.h>
#include <string.h>

void health_init(struct health *health)
{
    memset(health, 0, sizeof *health);
    health->last_advice = "";
    pthread_mutex_init(&health->lock, NULL);
}

void health_done(struct health *health)
{
    pthread_mutex_destroy(&health->lock);
}

static bool is_open(const struct health *health)
{
    return health->failures >= HEALTH_FAILURES;
}

static enum health_word ask_locked(struct health *health, int64_t now, int64_t *ret_at)
{
    if (now < health->not_before) {
        *ret_at = health->not_before;
        return HEALTH_WAIT;
    }
    if (!is_open(health)) {
        return HEALTH_GO;
    }
    if (now < health->next_probe || health->probe_is_taken) {
        *ret_at = health->next_probe;
        return HEALTH_DOWN;
    }
    health->next_probe = now + HEALTH_PROBE_TIME;
    return HEALTH_GO;
}

enum health_word health_ask(struct health *health, int64_t now, int64_t *ret_at)
{
    enum health_word word;

    pthread_mutex_lock(&health->lock);
    word = ask_locked(health, now, ret_at);
    pthread_mutex_unlock(&health->lock);
    return word;
}

bool health_take_probe(struct health *health, int64_t latest, int64_t *ret_at)
{
    bool taken;

    pthread_mutex_lock(&health->lock);
    taken = !health->probe_is_taken && health->next_probe < latest;
    if (taken) {
        health->probe_is_taken = true;
        *ret_at = health->next_probe;
    }
    pthread_mutex_unlock(&health->lock);
    return taken;
}

void health_probe(struct health *health, int64_t now)
{
    pthread_mutex_lock(&health->lock);
    health->probe_is_taken = false;
    health->next_probe = now + HEALTH_PROBE_TIME;
    pthread_mutex_unlock(&health->lock);
}

/* --- What came of a request --- */

/*
 * How long, where the service does not say. Its limits count ten seconds, so the first wait is longer than
 * after other failures: 4 s, then 8 s, with full jitter, or half of what the call has left, at least 1 s
 * (measured with 200 processes at a limit of 20 a second: 664 requests when it begins with 1 s, 506 so; all
 * are done at the same time).
 */
static int64_t own_wait(unsigned refusals, int64_t allowed)
{
    int64_t most = retry_own_wait(refusals + 1), least = retry_own_wait(0);

    if (most > allowed / 2) {
        most = allowed / 2 > least ? allowed / 2 : least;
    }
    return retry_jitter(most);
}

/* Those that were on their way together when the limit was reached count as one. */
static void note_refusal_locked(struct health *health, const struct http_reply *reply, int64_t began,
                                int64_t allowed, int64_t now)
{
    int64_t wait = reply->retry_after;

    if (began >= health->told_at) {
        health->refusals++;
        if (wait <= 0) {
            wait = own_wait(health->refusals, allowed);
        }
        health->told_at = now;
    }
    wait = wait < HEALTH_LONGEST_WAIT ? wait : HEALTH_LONGEST_WAIT;
    if (wait >= 0 && now + wait > health->not_before) {
        health->not_before = now + wait;
    }
}

/* A connection that breaks at once is one that was not made. */
static bool is_outage(const struct http_reply *reply, int64_t allowed)
{
    switch (reply->failure) {
    case HTTP_ANSWERED:
        return reply->status >= 500;
    case HTTP_NO_CONNECT:
        return true;
    case HTTP_TIMED_OUT:
        return allowed >= HEALTH_FAIR_TIME;
    case HTTP_BROKEN:
        return !reply->reused && !reply->began;
    default:
        break;
    }
    return false;
}

static void note_outage_locked(struct health *health, const struct http_reply *reply, int64_t now)
{
    health->failures++;
    if (health->failures == HEALTH_FAILURES) {
        health->next_probe = now + HEALTH_PROBE_TIME;
    }
    health->last_status = reply->status;
    health->last_advice = reply->advice;
    if (reply->failure == HTTP_ANSWERED) {
        snprintf(health->last, sizeof health->last, "status %u", reply->status);
    } else {
        snprintf(health->last, sizeof health->last, "%.*s", (int)sizeof health->last - 1, reply->cause);
    }
}

static void note_answer_locked(struct health *health, const struct http_reply *reply, int64_t began,
                               int64_t allowed, int64_t now)
{
    health->failures = 0;
    if (reply->status == 429) {
        note_refusal_locked(health, reply, began, allowed, now);
    } else if (began >= health->told_at) {
        health->refusals = 0;
    }
}

enum health_change health_note(struct health *health, const struct http_reply *reply, int64_t began,
                               int64_t allowed, int64_t now)
{
    bool was_open, open;

    pthread_mutex_lock(&health->lock);
    was_open = is_open(health);
    if (is_outage(reply, allowed)) {
        note_outage_locked(health, reply, now);
    } else if (reply->failure == HTTP_ANSWERED) {
        note_answer_locked(health, reply, began, allowed, now);
    }
    open = is_open(health);
    pthread_mutex_unlock(&health->lock);
    return open == was_open ? HEALTH_SAME : open ? HEALTH_OPENED : HEALTH_CLOSED;
}

void health_tell(struct health *health, enum health_word word, int64_t wait, struct http_reply *ret_reply)
{
    double seconds = (double)(wait > 0 ? wait : 0) / 1000;

    pthread_mutex_lock(&health->lock);
    if (word == HEALTH_WAIT) {
        http_reply_fail(ret_reply, HTTP_NOT_ASKED, "fewer requests are needed, or a longer `timeout`",
                        "not asked: the limit of requests is reached (429), next try in %.1f s", seconds);
        ret_reply->status = 429;
    } else {
        http_reply_fail(ret_reply, HTTP_NOT_ASKED, health->last_advice,
                        "not asked: it failed %u times in a row, last: %s; next try in %.1f s",
                        health->failures, health->last, seconds);
        ret_reply->status = health->last_status;
    }
    pthread_mutex_unlock(&health->lock);
}
