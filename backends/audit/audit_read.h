/*
 * Reading records back (audit.h): whether the chain of each process is whole, and what the records say in sum.
 * For `byok-pkcs11 audit FILE`. The file is streamed; what is kept grows with the number of processes that wrote
 * it, not with its length. Whatever stands in it is tolerated. One thread at a time for one report.
 *
 * What a chain cannot tell: records that are missing at its end, and a file that was written anew as a whole.
 * Both show only where the last number and hash of a chain (struct audit_chain_sum) were noted elsewhere.
 */
#ifndef BYOK_BACKENDS_AUDIT_READ_H
#define BYOK_BACKENDS_AUDIT_READ_H

#include "backends/base/buffer.h"
#include <stdint.h>

enum {
    AUDIT_LONGEST_LINE = 64 * 1024, /* bytes of a line that could be a record */
    AUDIT_CHAIN_SIZE = 37,          /* a UUID */
    AUDIT_HASH_SIZE = 65            /* hexadecimal */
};

enum audit_finding_kind {
    /* Failures. */
    AUDIT_MISSING,    /* `count` records from number `sequence` on */
    AUDIT_CHANGED,    /* the record, or the one before it, is not what was written */
    AUDIT_REORDERED,  /* it belongs further up */
    AUDIT_DUPLICATED, /* it was there already */
    AUDIT_CUT_OFF,    /* the end of the file, in the middle of a line */
    AUDIT_DAMAGED,    /* a line that is no record, or not only one */
    AUDIT_TOO_MANY,   /* processes, tokens or keys: what is beyond is not in the report */
    /* For information. */
    AUDIT_BEGINS_LATER, /* the chain's first record here is number `sequence`: the file was rotated */
    AUDIT_LOST          /* the process says itself that it could not write `count` records */
};

struct audit_finding {
    enum audit_finding_kind kind;
    bool is_failure;
    uint64_t line;     /* of the file, from 1 */
    const char *chain; /* lent; "": of none */
    int64_t sequence;  /* 0: of none */
    uint64_t count;
    const char *text; /* the same as a sentence; lent */
};

typedef void audit_finding_visitor(void *arg, const struct audit_finding *finding);

/* In sum, one per token, key and operation. */
struct audit_use_sum {
    const char *token, *key, *operation;
    uint64_t count, failures; /* of them with another result than CKR_OK */
    const char *last_failure; /* CKR_..., "": none */
    const char *first, *last; /* times, RFC 3339 */
};

/* One per event (but uses), token and key. */
struct audit_event_sum {
    const char *event, *token, *key;
    uint64_t count;
    const char *reason; /* of the last, "": none */
    const char *first, *last;
};

/* One per process. */
struct audit_chain_sum {
    const char *chain, *host, *program;
    int64_t process;
    int64_t first, last;   /* numbers */
    const char *last_hash; /* SHA-256 of the last record */
    uint64_t lost;         /* by its own account */
    bool is_whole;         /* no failure */
};

struct audit_totals {
    uint64_t lines, records, uses, failed_uses, events, lost;
    uint64_t findings; /* failures among them */
    const char *first, *last;
};

struct audit_report;

/* `found` (NULL: not wanted) is called for each finding while reading and in audit_report_end. */
MUST_USE CK_RV audit_report_new(audit_finding_visitor *found, void *arg, struct audit_report **ret_report);
void audit_report_free(struct audit_report *report);

/*
 * Reads a whole file; again for the next, in the order of their age: a chain goes on from a rotated file to the
 * next. CKR_GENERAL_ERROR, logged, where it cannot be read; CKR_HOST_MEMORY. Findings are no error.
 */
MUST_USE CK_RV audit_report_read(struct audit_report *report, const char *path);

/* The same in pieces: any number of them, then the end of the file. */
MUST_USE CK_RV audit_report_add(struct audit_report *report, struct bytes piece);
MUST_USE CK_RV audit_report_end_of_file(struct audit_report *report);

/* After the last file: tells what is missing. True: no failures at all. */
bool audit_report_end(struct audit_report *report);

/* What it comes to, sorted; all that they are given is lent for the life of the report. */
struct audit_totals audit_report_totals(const struct audit_report *report);
typedef void audit_use_visitor(void *arg, const struct audit_use_sum *sum);
typedef void audit_event_visitor(void *arg, const struct audit_event_sum *sum);
typedef void audit_chain_visitor(void *arg, const struct audit_chain_sum *sum);
void audit_report_each_use(const struct audit_report *report, audit_use_visitor *visit, void *arg);
void audit_report_each_event(const struct audit_report *report, audit_event_visitor *visit, void *arg);
void audit_report_each_chain(const struct audit_report *report, audit_chain_visitor *visit, void *arg);

static inline void audit_report_free_scoped(struct audit_report **report)
{
    audit_report_free(*report);
}

#endif
