/* One token for all threads. */
#include "backends/base/ask_once.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity.h"
#include "backends/keyvault/retry.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RENEW_AHEAD =
        5 * 60 * 1000,       /* milliseconds before the end, or a tenth of the lifetime where that is less */
    RENEW_AGAIN = 30 * 1000, /* after a renewal that failed while the old token still holds */
    RENEW_TIME = 10 * 1000   /* what a renewal may take from the call that makes it */
};

struct token_cache {
    char *about;
    struct identity *identity;
    pthread_mutex_t lock; /* for all below */
    struct ask_once fetching;
    struct buffer token;
    int64_t ends; /* by clock_now(); 0: there is none */
    int64_t renew_at;
    struct identity_failure failure; /* of the last fetch that failed */
};

CK_RV token_cache_new(const char *about, struct identity *identity, struct token_cache **ret_cache)
{
    struct token_cache *cache = calloc(1, sizeof *cache);

    if (cache != NULL) {
        cache->about = strdup(about);
    }
    if (cache == NULL || cache->about == NULL) {
        free(cache);
        identity->ops->free(identity);
        return CKR_HOST_MEMORY;
    }
    cache->identity = identity;
    pthread_mutex_init(&cache->lock, NULL);
    ask_once_init(&cache->fetching);
    cache->token.limit = TOKEN_LIMIT;
    *ret_cache = cache;
    return CKR_OK;
}

void token_cache_free(struct token_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    cache->identity->ops->free(cache->identity);
    buffer_free(&cache->token);
    ask_once_done(&cache->fetching);
    pthread_mutex_destroy(&cache->lock);
    free(cache->about);
    free(cache);
}

static bool is_valid(const struct token_cache *cache)
{
    return cache->ends > clock_now();
}

static bool copy_locked(const struct token_cache *cache, struct buffer *ret_token,
                        struct identity_failure *ret_failure)
{
    buffer_clear(ret_token);
    if (buffer_append(ret_token, cache->token.data, cache->token.size) != CKR_OK) {
        *ret_failure =
            (struct identity_failure){CKR_HOST_MEMORY, VERDICT_UNREACHABLE, "no memory for the token"};
        return false;
    }
    return true;
}

static void publish_token_locked(struct token_cache *cache, struct buffer *token, int64_t asked,
                                 int64_t lifetime)
{
    int64_t ahead = lifetime / 10 < RENEW_AHEAD ? lifetime / 10 : RENEW_AHEAD;

    buffer_move(&cache->token, token);
    cache->ends = asked + lifetime;
    cache->renew_at = cache->ends - ahead - retry_jitter(ahead / 2);
}

/* A renewal that fails while the old token holds is nobody's failed call: a warning, and again later. */
static void publish_failure_locked(struct token_cache *cache, const struct identity_failure *failure)
{
    if (is_valid(cache)) {
        cache->renew_at = clock_now() + RENEW_AGAIN + retry_jitter(RENEW_AGAIN);
        log_warning(cache->about, "the access token could not be renewed ahead of its end: %s",
                    failure->said);
    }
    cache->failure = *failure;
}

/* The lock is given back meanwhile. */
static CK_RV fetch_locked(struct token_cache *cache, const struct token_scope *scope,
                          struct deadline deadline)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    struct identity_failure failure = {.rv = CKR_OK};
    int64_t asked = clock_now(), lifetime = 0;
    bool fetched;

    pthread_mutex_unlock(&cache->lock);
    fetched = cache->identity->ops->fetch(cache->identity, scope, deadline, &token, &lifetime, &failure);
    pthread_mutex_lock(&cache->lock);
    if (fetched) {
        publish_token_locked(cache, &token, asked, lifetime);
    } else {
        publish_failure_locked(cache, &failure);
    }
    ask_once_answer(&cache->fetching, failure.rv);
    return failure.rv;
}

/* What comes of it, the callers learn from the token that is there or not. */
static void renew_if_due_locked(struct token_cache *cache, const struct token_scope *scope,
                                struct deadline deadline)
{
    int64_t time = deadline_left(deadline) / 2;
    CK_RV rv;

    if (clock_now() >= cache->renew_at && !cache->fetching.running &&
        ask_once_join(&cache->fetching, &cache->lock, deadline, &rv)) {
        (void)fetch_locked(cache, scope, deadline_in(time < RENEW_TIME ? time : RENEW_TIME));
    }
}

static bool time_is_over(struct identity_failure *ret_failure)
{
    *ret_failure = (struct identity_failure){CKR_DEVICE_ERROR, VERDICT_UNREACHABLE,
                                             "the identity service takes longer than the call may"};
    return false;
}

/* Shares what the fetch under way, or its own, brings. */
static bool await_locked(struct token_cache *cache, const struct token_scope *scope, struct deadline deadline,
                         struct buffer *ret_token, struct identity_failure *ret_failure)
{
    CK_RV rv;

    if (ask_once_join(&cache->fetching, &cache->lock, deadline, &rv)) {
        rv = fetch_locked(cache, scope, deadline);
    } else if (rv != CKR_OK && deadline_passed(deadline)) {
        return time_is_over(ret_failure);
    }
    if (rv != CKR_OK) {
        *ret_failure = cache->failure;
        return false;
    }
    return copy_locked(cache, ret_token, ret_failure);
}

bool token_cache_get(struct token_cache *cache, const struct token_scope *scope, struct deadline deadline,
                     struct buffer *ret_token, struct identity_failure *ret_failure)
{
    bool got;

    pthread_mutex_lock(&cache->lock);
    if (is_valid(cache)) {
        renew_if_due_locked(cache, scope, deadline);
    }
    got = is_valid(cache) ? copy_locked(cache, ret_token, ret_failure)
                          : await_locked(cache, scope, deadline, ret_token, ret_failure);
    pthread_mutex_unlock(&cache->lock);
    return got;
}

void token_cache_drop(struct token_cache *cache, struct bytes token)
{
    pthread_mutex_lock(&cache->lock);
    if (bytes_equal_secret(buffer_bytes(&cache->token), token)) {
        buffer_clear(&cache->token);
        cache->ends = 0;
    }
    pthread_mutex_unlock(&cache->lock);
}
