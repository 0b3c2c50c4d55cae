/* One token for all threads, renewed in time, forgotten when refused. */
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* An identity that counts, and does as it is told. */
struct fake {
    struct identity identity;
    atomic_uint fetches, at_once; /* at_once: how many are inside now */
    atomic_bool overlapped, fails;
    atomic_long lifetime, takes; /* milliseconds */
    atomic_uint freed;
    char claims[64], tenant[16]; /* that were last asked for */
    const char *token;           /* NULL: it is told its number */
};

static struct fake fake;

static bool fake_fetch(struct identity *identity, const struct token_scope *asked, struct deadline deadline,
                       struct buffer *ret_token, int64_t *ret_lifetime, struct identity_failure *ret_failure)
{
    struct fake *self = (struct fake *)identity;
    unsigned number = ++self->fetches;

    snprintf(self->claims, sizeof self->claims, "%s", asked->claims == NULL ? "none" : asked->claims);
    snprintf(self->tenant, sizeof self->tenant, "%s", asked->tenant);
    if (++self->at_once > 1) {
        self->overlapped = true;
    }
    (void)deadline_sleep(deadline, self->takes);
    self->at_once--;
    if (self->fails) {
        *ret_failure = (struct identity_failure){CKR_USER_NOT_LOGGED_IN, VERDICT_NO_ACCESS, "no"};
        return false;
    }
    *ret_lifetime = self->lifetime;
    return (self->token != NULL ? buffer_append_text(ret_token, self->token)
                                : buffer_printf(ret_token, "token-%u", number)) == CKR_OK;
}

static void fake_free(struct identity *identity)
{
    ((struct fake *)identity)->freed++;
}

static const struct token_scope scope = {"https://login.example", "tenant", "https://vault.example", NULL};

static const struct identity_ops fake_ops = {fake_fetch, fake_free};

static int set_up(void **state)
{
    struct token_cache *cache;

    memset(&fake, 0, sizeof fake);
    fake.identity.ops = &fake_ops;
    fake.lifetime = 3600 * 1000;
    if (token_cache_new("test", &fake.identity, &cache) != CKR_OK) {
        return 1;
    }
    *state = cache;
    return 0;
}

static int tear_down(void **state)
{
    token_cache_free(*state);
    return fake.freed == 1 ? 0 : 1;
}

static void expect_token(struct token_cache *cache, const char *expected)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    struct identity_failure failure;

    assert_true(token_cache_get(cache, &scope, deadline_in(5000), &token, NULL, &failure));
    assert_string_equal(buffer_text(&token), expected);
}

static struct identity_failure expect_none(struct token_cache *cache, int64_t milliseconds)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    struct identity_failure failure;

    assert_false(token_cache_get(cache, &scope, deadline_in(milliseconds), &token, NULL, &failure));
    assert_int_equal(token.size, 0);
    return failure;
}

static void test_what_is_known_of_it(void **state)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    struct identity_failure failure;
    struct token_facts facts;
    int64_t before = clock_now();

    fake.token = "e30.eyJvaWQiOiJ3aG8ifQ.c2ln"; /* {"oid":"who"} */
    assert_true(token_cache_get(*state, &scope, deadline_in(5000), &token, &facts, &failure));
    assert_string_equal(facts.principal, "who");
    assert_in_range(facts.asked, before, clock_now());
    assert_int_equal(facts.ends, facts.asked + fake.lifetime);
    fake.token = NULL;
    token_cache_drop(*state, buffer_bytes(&token), NULL);
    buffer_clear(&token);
    assert_true(token_cache_get(*state, &scope, deadline_in(5000), &token, &facts, &failure));
    assert_string_equal(facts.principal, "");
}

static void test_fetched_once(void **state)
{
    for (int i = 0; i < 10; i++) {
        expect_token(*state, "token-1");
    }
    assert_int_equal(fake.fetches, 1);
}

static void test_nothing_before_it_is_needed(void **state)
{
    (void)state;
    assert_int_equal(fake.fetches, 0);
}

static void test_ended_token_is_replaced(void **state)
{
    fake.lifetime = 50;
    expect_token(*state, "token-1");
    usleep(60000);
    expect_token(*state, "token-2");
}

static void test_failure_is_told_and_not_kept(void **state)
{
    fake.fails = true;
    assert_int_equal(expect_none(*state, 1000).rv, CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(expect_none(*state, 1000).verdict, VERDICT_NO_ACCESS);
    assert_int_equal(fake.fetches, 2);
    fake.fails = false;
    expect_token(*state, "token-3");
}

static void test_refused_token_is_forgotten(void **state)
{
    expect_token(*state, "token-1");
    token_cache_drop(*state, bytes_of_text("token-1"), NULL);
    expect_token(*state, "token-2");
}

static void test_refusal_of_an_older_token_changes_nothing(void **state)
{
    expect_token(*state, "token-1");
    token_cache_drop(*state, bytes_of_text("token-1"), NULL);
    expect_token(*state, "token-2");
    token_cache_drop(*state, bytes_of_text("token-1"), NULL);
    expect_token(*state, "token-2");
}

/* A tenth of 2 s before the end, and up to half of that more: from 1.7 s on. */
static void test_renewed_ahead_of_its_end(void **state)
{
    fake.lifetime = 2000;
    expect_token(*state, "token-1");
    usleep(1000000);
    expect_token(*state, "token-1");
    usleep(850000);
    expect_token(*state, "token-2");
}

static void test_failed_renewal_keeps_the_old_token(void **state)
{
    fake.lifetime =
        5000; /* it is due for its last half second at least: time enough on a machine under load */
    expect_token(*state, "token-1");
    fake.fails = true;
    while (fake.fetches == 1) {
        usleep(5000);
        expect_token(*state, "token-1");
    }
    expect_token(*state, "token-1");
    assert_int_equal(fake.fetches, 2);
}

/* --- Claims and scopes --- */

static void test_claims_are_in_the_next_fetch_and_in_no_other(void **state)
{
    expect_token(*state, "token-1");
    assert_string_equal(fake.claims, "none");
    token_cache_drop(*state, bytes_of_text("token-1"), "{\"a\":1}");
    expect_token(*state, "token-2");
    assert_string_equal(fake.claims, "{\"a\":1}");
    token_cache_drop(*state, bytes_of_text("token-2"), NULL);
    expect_token(*state, "token-3");
    assert_string_equal(fake.claims, "none");
}

/* 32 threads are refused the same token: the first one's claims count, and they cost one fetch. */
static void test_claims_for_an_older_token_change_nothing(void **state)
{
    expect_token(*state, "token-1");
    token_cache_drop(*state, bytes_of_text("token-1"), "{\"a\":1}");
    token_cache_drop(*state, bytes_of_text("token-1"), "{\"a\":2}");
    expect_token(*state, "token-2");
    assert_string_equal(fake.claims, "{\"a\":1}");
    token_cache_drop(*state, bytes_of_text("token-1"), "{\"a\":3}");
    expect_token(*state, "token-2");
    assert_int_equal(fake.fetches, 2);
}

static void test_claims_survive_a_failure(void **state)
{
    expect_token(*state, "token-1");
    token_cache_drop(*state, bytes_of_text("token-1"), "{\"a\":1}");
    fake.fails = true;
    expect_none(*state, 1000);
    fake.fails = false;
    fake.claims[0] = 0;
    expect_token(*state, "token-3");
    assert_string_equal(fake.claims, "{\"a\":1}");
}

static void test_token_of_another_tenant_is_not_used(void **state)
{
    struct token_scope other = scope;
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    struct identity_failure failure;

    expect_token(*state, "token-1");
    other.tenant = "other";
    assert_true(token_cache_get(*state, &other, deadline_in(5000), &token, NULL, &failure));
    assert_string_equal(buffer_text(&token), "token-2");
    assert_string_equal(fake.tenant, "other");
}

static void test_token_of_another_audience_is_not_used(void **state)
{
    struct token_scope other = scope;
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    struct identity_failure failure;

    expect_token(*state, "token-1");
    other.audience = "https://managedhsm.example";
    assert_true(token_cache_get(*state, &other, deadline_in(5000), &token, NULL, &failure));
    assert_string_equal(buffer_text(&token), "token-2");
}

/* It ends while it is fetched, and there is none that lasts longer: it is used, once. */
static void test_token_without_a_lifetime(void **state)
{
    fake.lifetime = 0;
    expect_token(*state, "token-1");
    expect_token(*state, "token-2");
}

struct caller {
    struct token_cache *cache;
    int64_t milliseconds;
    bool got;
    char token[32];
    struct identity_failure failure;
};

static void *call(void *arg)
{
    struct caller *caller = arg;
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);

    caller->got = token_cache_get(caller->cache, &scope, deadline_in(caller->milliseconds), &token, NULL,
                                  &caller->failure);
    snprintf(caller->token, sizeof caller->token, "%s", buffer_text(&token));
    return NULL;
}

static void call_from_threads(struct caller *callers, unsigned count, struct token_cache *cache, int64_t time)
{
    pthread_t threads[32];

    for (unsigned i = 0; i < count; i++) {
        callers[i] = (struct caller){.cache = cache, .milliseconds = time};
        pthread_create(&threads[i], NULL, call, &callers[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void test_32_threads_fetch_one_token(void **state)
{
    struct caller callers[32];

    fake.takes = 200;
    call_from_threads(callers, 32, *state, 5000);
    for (int i = 0; i < 32; i++) {
        assert_true(callers[i].got);
        assert_string_equal(callers[i].token, "token-1");
    }
    assert_int_equal(fake.fetches, 1);
}

static void test_threads_share_a_failure(void **state)
{
    struct caller callers[32];

    fake.takes = 300;
    fake.fails = true;
    call_from_threads(callers, 32, *state, 5000);
    for (int i = 0; i < 32; i++) {
        assert_false(callers[i].got);
        assert_int_equal(callers[i].failure.rv, CKR_USER_NOT_LOGGED_IN);
    }
    assert_in_range(fake.fetches, 1, 3); /* a thread that started late has its own */
    assert_false(fake.overlapped);
}

/* The token at hand is refused for its claims while its renewal is on its way: what comes lacks them. */
static void test_claims_while_a_fetch_is_on_its_way(void **state)
{
    struct caller renewer = {.cache = *state, .milliseconds = 5000};
    pthread_t thread;

    fake.lifetime = 1000;
    expect_token(*state, "token-1");
    usleep(960000);
    fake.takes = 300;
    fake.lifetime = 3600000;
    pthread_create(&thread, NULL, call, &renewer);
    while (fake.fetches == 1) {
        usleep(1000);
    }
    token_cache_drop(*state, bytes_of_text("token-1"), "{\"a\":1}");
    expect_token(*state, "token-3");
    assert_string_equal(fake.claims, "{\"a\":1}");
    pthread_join(thread, NULL);
    assert_string_equal(renewer.token, "token-3");
}

static void *refuse_and_call(void *arg)
{
    struct caller *caller = arg;

    token_cache_drop(caller->cache, bytes_of_text("token-1"), "{\"a\":1}");
    return call(arg);
}

static void test_32_threads_with_claims_fetch_one_token(void **state)
{
    struct caller callers[32];
    pthread_t threads[32];

    expect_token(*state, "token-1");
    fake.takes = 100;
    for (int i = 0; i < 32; i++) {
        callers[i] = (struct caller){.cache = *state, .milliseconds = 5000};
        pthread_create(&threads[i], NULL, refuse_and_call, &callers[i]);
    }
    for (int i = 0; i < 32; i++) {
        pthread_join(threads[i], NULL);
        assert_string_equal(callers[i].token, "token-2");
    }
    assert_int_equal(fake.fetches, 2);
}

static void test_waiting_ends_at_the_deadline(void **state)
{
    struct caller first = {.cache = *state, .milliseconds = 3000};
    pthread_t thread;
    int64_t begun;

    fake.takes = 1000;
    pthread_create(&thread, NULL, call, &first);
    while (fake.fetches == 0) {
        usleep(1000);
    }
    begun = clock_now();
    assert_int_equal(expect_none(*state, 100).verdict, VERDICT_UNREACHABLE);
    assert_in_range(clock_now() - begun, 95, 700);
    pthread_join(thread, NULL);
    assert_true(first.got);
}

static void test_others_go_on_while_one_renews(void **state)
{
    struct caller renewer = {.cache = *state, .milliseconds = 5000};
    pthread_t thread;
    int64_t begun;

    fake.lifetime = 8000; /* its last tenth is long enough for a machine under load */
    expect_token(*state, "token-1");
    usleep(7250000);
    fake.takes = 1000;
    fake.lifetime = 3600000;
    pthread_create(&thread, NULL, call, &renewer);
    while (fake.fetches == 1) {
        usleep(1000);
    }
    begun = clock_now();
    expect_token(*state, "token-1");
    assert_true(clock_now() - begun < 500);
    pthread_join(thread, NULL);
    assert_string_equal(renewer.token, "token-2");
    assert_int_equal(fake.fetches, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CACHE_TEST(test_what_is_known_of_it),
        CACHE_TEST(test_fetched_once),
        CACHE_TEST(test_nothing_before_it_is_needed),
        CACHE_TEST(test_ended_token_is_replaced),
        CACHE_TEST(test_failure_is_told_and_not_kept),
        CACHE_TEST(test_refused_token_is_forgotten),
        CACHE_TEST(test_refusal_of_an_older_token_changes_nothing),
        CACHE_TEST(test_renewed_ahead_of_its_end),
        CACHE_TEST(test_failed_renewal_keeps_the_old_token),
        CACHE_TEST(test_claims_are_in_the_next_fetch_and_in_no_other),
        CACHE_TEST(test_claims_for_an_older_token_change_nothing),
        CACHE_TEST(test_claims_survive_a_failure),
        CACHE_TEST(test_token_of_another_tenant_is_not_used),
        CACHE_TEST(test_token_of_another_audience_is_not_used),
        CACHE_TEST(test_token_without_a_lifetime),
        CACHE_TEST(test_claims_while_a_fetch_is_on_its_way),
        CACHE_TEST(test_32_threads_with_claims_fetch_one_token),
        CACHE_TEST(test_32_threads_fetch_one_token),
        CACHE_TEST(test_threads_share_a_failure),
        CACHE_TEST(test_waiting_ends_at_the_deadline),
        CACHE_TEST(test_others_go_on_while_one_renews),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
