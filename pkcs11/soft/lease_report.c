/* What becomes of leases, for the operator: once for each change. */
#include "backends/base/log.h"
#include "pkcs11/soft/lease.h"
#include "pkcs11/soft/soft_audit.h"
#include <inttypes.h>
#include <stdio.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, TEXT_SIZE = 32 };

static const char *duration(int64_t ms, char text[TEXT_SIZE])
{
    ms = ms < 0 ? 0 : ms;
    if (ms >= 2 * MINUTE) {
        snprintf(text, TEXT_SIZE, "%" PRId64 " min", ms / MINUTE);
    } else {
        snprintf(text, TEXT_SIZE, "%" PRId64 ".%" PRId64 " s", ms / SECOND, ms % SECOND / 100);
    }
    return text;
}

static const char *words_of(const struct lease_news *news)
{
    switch (news->refused) {
    case VERDICT_DISABLED:
        return "the key is disabled";
    case VERDICT_REFUSED:
        return "the service refuses to unwrap with it";
    case VERDICT_GONE:
        return "the service has no such key or version";
    case VERDICT_NO_CALLER:
        return "the identity service says that the application is disabled or unknown";
    default:
        return "the service did not confirm that it may be used";
    }
}

static void report_closed(const struct lease_book *book, const struct lease_news *news, const char *key)
{
    char age[TEXT_SIZE];

    duration(news->age, age);
    if (news->idle) {
        log_info(book->access->label,
                 "key %s: what it unwrapped has not been used for %s (lease) and is wiped; its next use asks "
                 "the service for it again",
                 key, age);
        return;
    }
    log_error(
        book->access->label,
        "key %s is closed: %s; last accepted %s ago. What it unwrapped is wiped; it opens by itself as soon "
        "as the service unwraps with it again%s",
        key, words_of(news), age,
        news->refused != VERDICT_NONE
            ? ""
            : " (see the lines above for why it could not be asked; `byok-pkcs11 check` names the cause)");
}

static void report_time(const struct lease_book *book, const struct lease_news *news, const char *key)
{
    char age[TEXT_SIZE], left[TEXT_SIZE];

    duration(news->age, age);
    duration(news->left, left);
    if (news->what == LEASE_GOES_ON) {
        log_warning(
            book->access->label,
            "key %s: the service has not confirmed for %s that it may be used, longer than its lease; what "
            "it unwrapped stays in use, as outage = keep says",
            key, age);
        return;
    }
    log_warning(book->access->label,
                "key %s: the service has not confirmed for %s that it may be used; in %s its lease ends%s",
                key, age, left,
                book->keeps ? ", which closes nothing (outage = keep)"
                            : " and what it unwrapped is wiped, unless the service can be reached by then");
}

void lease_report(const struct lease_book *book, const struct lease_news *news,
                  const struct service_answer *answer)
{
    struct key_service *service = book->access->service;
    struct key_ref ref;
    char key[KEY_TEXT_SIZE];

    if (news->what == LEASE_NO_NEWS) {
        return;
    }
    ref = (struct key_ref){news->lease->key->ref.name,
                           news->lease->version[0] == 0 ? NULL : news->lease->version};
    service->ops->identify(service, &ref, key);
    switch (news->what) {
    case LEASE_CLOSES:
        report_closed(book, news, key);
        soft_audit_event(AUDIT_CLOSED, book->access, ref.name, ref.version,
                         news->idle ? "not used for the length of its lease" : words_of(news), answer);
        break;
    case LEASE_OPENS:
        soft_audit_event(AUDIT_OPENED, book->access, ref.name, ref.version, NULL, answer);
        if (!news->idle) {
            log_warning(book->access->label, "key %s is open again: the service unwraps with it", key);
        }
        break;
    default:
        report_time(book, news, key);
        break;
    }
}
