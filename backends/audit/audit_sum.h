/* What records say in sum: per key and operation, per event. Grows with their number, up to a bound. */
#ifndef BYOK_BACKENDS_AUDIT_SUM_H
#define BYOK_BACKENDS_AUDIT_SUM_H

#include "backends/audit/audit_entry.h"
#include "backends/audit/audit_read.h"

enum { AUDIT_MOST_ROWS = 16 * 1024, AUDIT_TEXT_SIZE = 1024, AUDIT_TIME_SIZE = 32 };

struct audit_row;

struct audit_sums {
    void *uses, *events, *texts; /* trees of tsearch() */
    size_t count;                /* of rows and texts together */
    struct audit_totals totals;
    char first[AUDIT_TIME_SIZE], last[AUDIT_TIME_SIZE];
};

/* CKR_DATA_LEN_RANGE: there are too many tokens and keys for one more; it is in the totals alone. */
MUST_USE CK_RV audit_sums_add(struct audit_sums *sums, const struct audit_entry *entry);

/* The one copy of this text, cut where it is very long; NULL: no memory, or too many. */
const char *audit_sums_text(struct audit_sums *sums, const char *text);

void audit_sums_each_use(const struct audit_sums *sums, audit_use_visitor *visit, void *arg);
void audit_sums_each_event(const struct audit_sums *sums, audit_event_visitor *visit, void *arg);
void audit_sums_done(struct audit_sums *sums);

#endif
