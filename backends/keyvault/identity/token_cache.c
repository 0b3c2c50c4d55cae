/* One token for all threads. */
#include "backends/base/ask_once.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity.h"
#include "backends/keyvault/identity/token_json.h"
#include "backends/keyvault/retry.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RENEW_AHEAD =
        5 * 60 * 1000,       /* milliseconds before the end, or a tenth of the lifetime where that is less */
    RENEW_AGAIN = 30 * 1000, /* after a renewal that failed while the old token still holds */
    RENEW_TIME = 10 * 1000,  /* what a renewal may take from the call that makes it */
    SCOPE_LIMIT = 2 * 1024
};

struct token_cache {
    char *about;
    struct identity *identity;
    pthread_mutex_t lock; /* for all below */
    struct ask_once fetching;
    struct buffer token;
    struct buffer token_for; /* the scope that it was fetched for, written out */
    struct token_facts facts;
    int64_t renew_at;                /* by clock_now() */
    struct buffer claims;            /* for the next fetch; empty: none */
    struct identity_failure failure; /* of the last fetch that failed */
    struct buffer failure_for;
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
    cache->token_for.limit = cache->failure_for.limit = SCOPE_LIMIT;
    cache->claims.limit = CLAIMS_LIMIT;
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
    buffer_free(&cache->token_for);
    buffer_free(&cache->claims);
    buffer_free(&cache->failure_for);
    ask_once_done(&cache->fetching);
    pthread_mutex_destroy(&cache->lock);
    free(cache->about);
    free(cache);
}

/* Lines, none of which can hold a line's end. */
static CK_RV write_scope(const struct token_scope *scope, struct buffer *ret_text)
{
    return buffer_printf(ret_text, "%s\n%s\n%s\n", scope->authority == NULL ? "" : scope->authority,
                         scope->tenant == NULL ? "" : scope->tenant, scope->audience);
}

/* Goes over one line if it is this one. */
static bool is_line(const char **at, const char *line)
{
    size_t size = line == NULL ? 0 : strlen(line);
    bool equal = (line == NULL || strncmp(*at, line, size) == 0) && (*at)[size] == '\n';

    *at += equal ? size + 1 : 0;
    return equal;
}

static bool is_for(const struct buffer *text, const struct token_scope *scope)
{
    const char *at = buffer_text(text);

    return is_line(&at, scope->authority) && is_line(&at, scope->tenant) && is_line(&at, scope->audience);
}

static bool has_token(const struct token_cache *cache, const struct token_scope *scope)
{
    return cache->token.size != 0 && is_for(&cache->token_for, scope);
}

static bool is_valid(const struct token_cache *cache, const struct token_scope *scope)
{
    return has_token(cache, scope) && cache->facts.ends > clock_now();
}

static bool no_memory(struct identity_failure *ret_failure)
{
    *ret_failure = (struct identity_failure){CKR_HOST_MEMORY, VERDICT_UNREACHABLE, "no memory for the token"};
    return false;
}

static bool copy_locked(const struct token_cache *cache, struct buffer *ret_token,
                        struct token_facts *ret_facts, struct identity_failure *ret_failure)
{
    buffer_clear(ret_token);
    if (buffer_append(ret_token, cache->token.data, cache->token.size) != CKR_OK) {
        return no_memory(ret_failure);
    }
    if (ret_facts != NULL) {
        *ret_facts = cache->facts;
    }
    return true;
}

/* A fetch: what it needs, and what came of it. */
struct fetch {
    struct token_scope scope;
    struct buffer scope_text, claims, token;
    struct token_facts facts;
    int64_t lifetime;
    struct identity_failure failure;
};

static void fetch_done(struct fetch *fetch)
{
    buffer_free(&fetch->scope_text);
    buffer_free(&fetch->claims);
    buffer_free(&fetch->token);
}

/* Claims that were asked for while it was fetched are not in it: it is of no use then. */
static void publish_token_locked(struct token_cache *cache, struct fetch *fetch)
{
    int64_t ahead = fetch->lifetime / 10 < RENEW_AHEAD ? fetch->lifetime / 10 : RENEW_AHEAD;

    if (cache->claims.size != 0) {
        return;
    }
    buffer_move(&cache->token, &fetch->token);
    buffer_move(&cache->token_for, &fetch->scope_text);
    cache->facts = fetch->facts;
    cache->renew_at = cache->facts.ends - ahead - retry_jitter(ahead / 2);
}

/* A renewal that fails while the old token holds is nobody's failed call: a warning, and again later. */
static void publish_failure_locked(struct token_cache *cache, struct fetch *fetch)
{
    if (is_valid(cache, &fetch->scope)) {
        cache->renew_at = clock_now() + RENEW_AGAIN + retry_jitter(RENEW_AGAIN);
        log_warning(cache->about, "the access token could not be renewed ahead of its end: %s",
                    fetch->failure.said);
    }
    if (cache->claims.size == 0) {
        buffer_move(&cache->claims, &fetch->claims);
    }
    cache->failure = fetch->failure;
    buffer_move(&cache->failure_for, &fetch->scope_text);
}

/* The lock is given back meanwhile. */
static CK_RV fetch_locked(struct token_cache *cache, const struct token_scope *scope,
                          struct deadline deadline)
{
    struct fetch fetch SCOPED(fetch_done) = {.scope = *scope,
                                             .scope_text = BUFFER_INIT(SCOPE_LIMIT),
                                             .claims = BUFFER_INIT(CLAIMS_LIMIT),
                                             .token = BUFFER_INIT(TOKEN_LIMIT),
                                             .facts = {.asked = clock_now()},
                                             .failure = {.rv = CKR_OK}};
    bool fetched;

    buffer_move(&fetch.claims, &cache->claims);
    fetch.scope.claims = fetch.claims.size == 0 ? NULL : buffer_text(&fetch.claims);
    pthread_mutex_unlock(&cache->lock);
    fetched = write_scope(scope, &fetch.scope_text) == CKR_OK
                  ? cache->identity->ops->fetch(cache->identity, &fetch.scope, deadline, &fetch.token,
                                                &fetch.lifetime, &fetch.failure)
                  : no_memory(&fetch.failure);
    if (fetched) {
        fetch.facts.ends = fetch.facts.asked + fetch.lifetime;
        token_read_principal(buffer_text(&fetch.token), fetch.facts.principal, sizeof fetch.facts.principal);
    }
    pthread_mutex_lock(&cache->lock);
    if (fetched) {
        publish_token_locked(cache, &fetch);
    } else {
        publish_failure_locked(cache, &fetch);
    }
    ask_once_answer(&cache->fetching, fetch.failure.rv);
    return fetch.failure.rv;
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

/*
 * Shares what the fetch under way, or its own, brings: a token that is over already, too, as nobody could
 * have a longer one. What is for another scope, or lacks the claims that are wanted, is not for this caller.
 */
static bool await_locked(struct token_cache *cache, const struct token_scope *scope, struct deadline deadline,
                         struct buffer *ret_token, struct token_facts *ret_facts,
                         struct identity_failure *ret_failure)
{
    for (;;) {
        CK_RV rv;
        bool own = ask_once_join(&cache->fetching, &cache->lock, deadline, &rv);

        if (own) {
            rv = fetch_locked(cache, scope, deadline);
        } else if (deadline_passed(deadline)) {
            return time_is_over(ret_failure);
        }
        if (rv == CKR_OK && has_token(cache, scope)) {
            return copy_locked(cache, ret_token, ret_facts, ret_failure);
        }
        if (rv != CKR_OK && (own || is_for(&cache->failure_for, scope))) {
            *ret_failure = cache->failure;
            return false;
        }
    }
}

bool token_cache_get(struct token_cache *cache, const struct token_scope *scope, struct deadline deadline,
                     struct buffer *ret_token, struct token_facts *ret_facts,
                     struct identity_failure *ret_failure)
{
    bool got;

    pthread_mutex_lock(&cache->lock);
    if (is_valid(cache, scope)) {
        renew_if_due_locked(cache, scope, deadline);
    }
    got = is_valid(cache, scope) ? copy_locked(cache, ret_token, ret_facts, ret_failure)
                                 : await_locked(cache, scope, deadline, ret_token, ret_facts, ret_failure);
    pthread_mutex_unlock(&cache->lock);
    return got;
}

/* Claims that there is no memory for are asked for again by the service. */
void token_cache_drop(struct token_cache *cache, struct bytes token, const char *claims)
{
    pthread_mutex_lock(&cache->lock);
    if (bytes_equal_secret(buffer_bytes(&cache->token), token)) {
        buffer_clear(&cache->token);
        buffer_clear(&cache->claims);
        if (claims != NULL) {
            (void)!buffer_append_text(&cache->claims, claims);
        }
    }
    pthread_mutex_unlock(&cache->lock);
}
