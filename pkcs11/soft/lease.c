/* Leases: what is due, and what an answer means. */
#include "pkcs11/soft/lease.h"
#include "backends/base/libcrypto.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/leasehold.h"
#include "pkcs11/soft/opener.h"
#include <stdio.h>
#include <string.h>

enum {
    REFUSALS = 3,      /* close it */
    SPREAD = 5,        /* when they are a fifth of `check` apart */
    PATIENCE = 14,     /* tenths of `check`: how old an acceptance may be before one waits */
    TENTHS = 10,       /* the first pause after an outage is one of `check` */
    HINT_PAUSE = 1000, /* ms between two checks for the sake of other verbs */
    END_WARNING = 10 * 60 * 1000
};

void lease_book_init(struct lease_book *book, struct key_access *access, int64_t length, int64_t check,
                     bool keeps)
{
    book->access = access;
    book->length = length > 0 ? length : 0;
    book->check = check;
    book->keeps = keeps;
    book->leases = NULL;
    atomic_init(&book->first_end, INT64_MAX);
    pthread_mutex_init(&book->lock, NULL);
}

void lease_book_done(struct lease_book *book)
{
    struct lease *lease;

    while ((lease = book->leases) != NULL) {
        book->leases = lease->next;
        opener_unhold(lease->proof);
        ask_once_done(&lease->asking);
        free(lease);
    }
    pthread_mutex_destroy(&book->lock);
}

struct lease *lease_find_locked(struct lease_book *book, const char *name, const char *version)
{
    struct lease *lease = book->leases;

    while (lease != NULL &&
           (strcmp(lease->key->ref.name, name) != 0 || strcmp(lease->version, version) != 0)) {
        lease = lease->next;
    }
    return lease;
}

struct lease *lease_make_locked(struct lease_book *book, struct service_key *key, const char *version)
{
    struct lease *lease = lease_find_locked(book, key->ref.name, version);

    if (lease != NULL || (lease = calloc(1, sizeof *lease)) == NULL) {
        return lease;
    }
    lease->key = key;
    snprintf(lease->version, sizeof lease->version, "%s", version);
    ask_once_init(&lease->asking);
    LIST_INIT(&lease->holds);
    lease->next = book->leases;
    book->leases = lease;
    return lease;
}

static int64_t patience(const struct lease_book *book)
{
    return book->check * PATIENCE / TENTHS;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Once refused, it ends early, also where nobody asks or answers any more. */
static int64_t end_of(const struct lease_book *book, const struct lease *lease)
{
    int64_t end = book->keeps ? INT64_MAX - 1 : lease->accepted + book->length;

    return lease->refusals == 0 ? end : earlier(end, lease->accepted + patience(book));
}

/* What others read without the lock. */
static void settle_locked(struct lease_book *book, struct lease *changed)
{
    int64_t end = INT64_MAX;

    atomic_store(&changed->quiet_until,
                 changed->state == LEASE_OPEN ? earlier(changed->due, end_of(book, changed)) : 0);
    for (const struct lease *lease = book->leases; lease != NULL; lease = lease->next) {
        if (lease->count != 0 && lease->state == LEASE_OPEN) {
            end = earlier(end, end_of(book, lease));
        }
    }
    atomic_store(&book->first_end, end);
}

static struct lease_news news_of(const struct lease_book *book, struct lease *lease, int64_t now)
{
    int64_t age = now - lease->accepted;

    return (struct lease_news){.lease = lease,
                               .refused = lease->refusals == 0 ? VERDICT_NONE : lease->refused,
                               .idle = lease->idle,
                               .age = age,
                               .left = lease->accepted + book->length - now};
}

static void close_locked(struct lease_book *book, struct lease *lease, int64_t now,
                         struct lease_news *ret_news)
{
    struct leasehold *hold;

    lease->idle = lease->pause == 0 && lease->refusals == 0;
    *ret_news = news_of(book, lease, now);
    ret_news->what = LEASE_CLOSES;
    lease->state = lease->refusals != 0 ? LEASE_REFUSED : LEASE_LOST;
    lease->closed_at = now;
    lease->attempted = 0;
    LIST_FOREACH(hold, &lease->holds, of_lease)
    {
        leasehold_shut(hold);
    }
    atomic_fetch_add(&book->closed, 1);
    atomic_fetch_add(&book->closings, 1);
    settle_locked(book, lease);
}

enum lease_look lease_look_locked(struct lease_book *book, struct lease *lease, int64_t now,
                                  struct lease_news *ret_news)
{
    int64_t age = now - lease->accepted;

    if (lease->state == LEASE_OPEN && now >= end_of(book, lease)) {
        close_locked(book, lease, now, ret_news);
    }
    if (lease->state != LEASE_OPEN) {
        return LEASE_SHUT;
    }
    if (now < lease->due) {
        return LEASE_GO;
    }
    return age >= patience(book) || age >= book->length ? LEASE_WAIT : LEASE_ASK;
}

void lease_asks_locked(struct lease_book *book, struct lease *lease, int64_t now)
{
    int64_t until = earlier(now + LONGEST_CHECK, lease->accepted + patience(book));

    if (lease->state == LEASE_OPEN && until > now) {
        atomic_store(&lease->quiet_until, earlier(until, end_of(book, lease)));
    }
}

/* Between a half and the whole of it, so that many processes do not ask together. */
static int64_t drawn(int64_t interval)
{
    uint32_t random = 0;

    if (libcrypto_random((unsigned char *)&random, sizeof random) != CKR_OK) {
        random = (uint32_t)clock_now() * 2654435761U;
    }
    return interval / 2 + (int64_t)((uint64_t)(interval - interval / 2) * random >> 32);
}

/* An answer to what was asked before it closed opens nothing. */
static void accept_locked(struct lease_book *book, struct lease *lease, int64_t began, int64_t interval,
                          struct lease_news *ret_news)
{
    bool opens = lease->state != LEASE_OPEN;

    if (opens && began < lease->closed_at) {
        return;
    }
    lease->accepted = began > lease->accepted ? began : lease->accepted;
    lease->due = lease->accepted + interval;
    if (lease->hinted > began) {
        lease->due = earlier(lease->due, lease->hinted); /* that came later, and still wants an answer */
    }
    lease->state = LEASE_OPEN;
    lease->refusals = began < lease->first_refusal ? lease->refusals : 0; /* they came later */
    lease->pause = 0;
    lease->told_half = lease->told_soon = lease->told_kept = false;
    if (opens) {
        atomic_fetch_sub(&book->closed, 1);
        *ret_news = news_of(book, lease, clock_now());
        ret_news->what = LEASE_OPENS;
    }
    settle_locked(book, lease);
}

static void refuse_locked(struct lease_book *book, struct lease *lease, enum service_verdict verdict,
                          int64_t began, struct lease_news *ret_news)
{
    int64_t now = clock_now();

    if (began < lease->accepted) {
        return; /* it has been accepted since */
    }
    if (lease->state != LEASE_OPEN) {
        lease->state = LEASE_REFUSED;
        return;
    }
    lease->first_refusal = lease->refusals == 0 ? now : lease->first_refusal;
    lease->refusals++;
    lease->refused = verdict;
    lease->pause = 0;
    if (verdict == VERDICT_DISABLED || now - lease->accepted >= patience(book) ||
        (lease->refusals >= REFUSALS && now - lease->first_refusal >= book->check / SPREAD)) {
        close_locked(book, lease, now, ret_news);
        lease->attempted = now;
        return;
    }
    lease->due = now + book->check / SPREAD / (REFUSALS - 1);
    settle_locked(book, lease);
}

static void warn_locked(const struct lease_book *book, struct lease *lease, int64_t now,
                        struct lease_news *ret_news)
{
    struct lease_news news = news_of(book, lease, now);
    bool half = news.age >= book->length / 2, soon = news.left <= END_WARNING;

    if (news.left <= 0) {
        news.what = lease->told_kept ? LEASE_NO_NEWS : LEASE_GOES_ON;
        lease->told_kept = true;
    } else if ((half && !lease->told_half) || (soon && !lease->told_soon)) {
        news.what = LEASE_RUNS_OUT;
        lease->told_half |= half;
        lease->told_soon |= soon;
    }
    if (news.what != LEASE_NO_NEWS) {
        *ret_news = news;
    }
}

/* Nobody answered. */
static void miss_locked(struct lease_book *book, struct lease *lease, struct lease_news *ret_news)
{
    int64_t now = clock_now();

    if (lease->state != LEASE_OPEN) {
        return;
    }
    lease->pause = lease->pause == 0 ? book->check / TENTHS : earlier(2 * lease->pause, book->check);
    lease->due = now + lease->pause;
    if (now >= end_of(book, lease)) {
        close_locked(book, lease, now, ret_news);
        lease->attempted = now;
        return;
    }
    warn_locked(book, lease, now, ret_news);
    settle_locked(book, lease);
}

void lease_told_locked(struct lease_book *book, struct lease *lease, const struct service_answer *answer,
                       int64_t began, bool checks, struct lease_news *ret_news)
{
    if (lease->count == 0 && answer->verdict != VERDICT_ACCEPTED) {
        return; /* the last one has gone meanwhile: there is nothing to close */
    }
    switch (answer->verdict) {
    case VERDICT_ACCEPTED:
        accept_locked(book, lease, began, drawn(book->check), ret_news);
        return;
    case VERDICT_DISABLED:
    case VERDICT_REFUSED:
    case VERDICT_GONE:
    case VERDICT_NO_CALLER:
        refuse_locked(book, lease, answer->verdict, began, ret_news);
        return;
    default:
        if (checks) {
            miss_locked(book, lease, ret_news);
        }
    }
}

void lease_hint_locked(struct lease_book *book, struct lease *lease, int64_t now)
{
    int64_t at = lease->hinted + HINT_PAUSE;

    if (lease->state != LEASE_OPEN || lease->count == 0) {
        return;
    }
    if (lease->hinted <= now) { /* else that check is still to come */
        lease->hinted = at > now ? at : now;
    }
    lease->due = earlier(lease->due, lease->hinted);
    settle_locked(book, lease);
}

bool lease_end_one_locked(struct lease_book *book, int64_t now, struct lease_news *ret_news)
{
    for (struct lease *lease = book->leases; lease != NULL; lease = lease->next) {
        if (lease->count != 0 && lease->state == LEASE_OPEN && now >= end_of(book, lease)) {
            (void)lease_look_locked(book, lease, now, ret_news);
            return true;
        }
    }
    return false;
}

void lease_prove_locked(struct lease *lease, struct opener *opener)
{
    opener_unhold(lease->proof);
    lease->proof = opener_hold(opener);
}

void lease_add_locked(struct lease_book *book, struct lease *lease, struct leasehold *hold)
{
    atomic_store(&book->used, true);
    LIST_INSERT_HEAD(&lease->holds, hold, of_lease);
    atomic_store(&hold->lease, lease);
    lease->count++;
    settle_locked(book, lease);
}

/* Without holders it says nothing, and a key without leases is not closed. */
void lease_remove_locked(struct lease_book *book, struct lease *lease, struct leasehold *hold)
{
    lease->emptying = lease->emptying == hold ? LIST_NEXT(hold, of_lease) : lease->emptying;
    LIST_REMOVE(hold, of_lease);
    lease->count--;
    if (lease->count == 0 && lease->state != LEASE_OPEN) {
        lease->state = LEASE_OPEN;
        atomic_fetch_sub(&book->closed, 1);
    }
    if (lease->count == 0) {
        opener_unhold(take(lease->proof));
    }
    settle_locked(book, lease);
}

CK_RV lease_code(enum lease_state state)
{
    return state == LEASE_REFUSED ? CKR_KEY_FUNCTION_NOT_PERMITTED : CKR_DEVICE_ERROR;
}
