/* Whether the chain of each process is whole, as far as its records were seen. */
#ifndef BYOK_BACKENDS_AUDIT_VERIFY_H
#define BYOK_BACKENDS_AUDIT_VERIFY_H

#include "backends/audit/audit_entry.h"
#include "backends/audit/audit_read.h"

enum { AUDIT_MOST_CHAINS = 1024 * 1024, AUDIT_MOST_GAPS = 64 };

struct audit_gap {
    int64_t from, to; /* numbers of records that are not there */
    uint64_t line;    /* where that was noticed */
};

struct audit_process {
    struct audit_chain_sum sum; /* what it lends is here and in the report's texts */
    char id[AUDIT_CHAIN_SIZE], last_hash[AUDIT_HASH_SIZE];
    struct audit_gap *gaps;
    size_t gap_count;
};

struct audit_chains {
    void *tree; /* of struct audit_process, by id */
    size_t count;
    audit_finding_visitor *found; /* NULL: nobody wants to know */
    void *arg;
    uint64_t failures;
};

/* The process of that record, new where it is the first; NULL: no memory, or too many. */
struct audit_process *audit_chains_process(struct audit_chains *chains, const struct audit_entry *entry,
                                           bool *ret_new);

/* One more record of it; `hash` is its own. */
void audit_chains_verify(struct audit_chains *chains, struct audit_process *process, bool is_new,
                         const struct audit_entry *entry, const char hash[AUDIT_HASH_SIZE], uint64_t line);

/* After the last record: what is still missing. */
void audit_chains_end(struct audit_chains *chains);

/* Tells of one finding; `process` NULL: of none. `text` is a sentence about it. */
void audit_chains_find(struct audit_chains *chains, struct audit_process *process,
                       const struct audit_finding *finding);

void audit_chains_each(const struct audit_chains *chains, audit_chain_visitor *visit, void *arg);
void audit_chains_done(struct audit_chains *chains);

#endif
