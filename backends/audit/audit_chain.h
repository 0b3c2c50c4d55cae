/*
 * The chain of this process: each record has a number and the hash of the one before it. What could not be
 * written has its number too, and is counted; the next that is written is a record of that.
 */
#ifndef BYOK_BACKENDS_AUDIT_CHAIN_H
#define BYOK_BACKENDS_AUDIT_CHAIN_H

#include "backends/audit/audit_record.h"
#include "backends/base/uuid.h"

struct audit_chain {
    char id[UUID_SIZE];            /* "": not begun */
    int64_t sequence;              /* of the last record that was made, 0: none */
    char previous[AUDIT_HEX_SIZE]; /* its hash */
    uint64_t lost;                 /* records that nobody knows of yet */
};

/* False: there are no random numbers. */
bool audit_chain_begin(struct audit_chain *chain);

/* The next record's line, with a newline at its end, and its hash. False: no memory, or libcrypto is gone. */
bool audit_chain_line(const struct audit_chain *chain, cJSON *record, struct buffer *ret_line,
                      char ret_hash[AUDIT_HEX_SIZE]);

/* The record of that hash is made, written or not. */
void audit_chain_advance(struct audit_chain *chain, const char hash[AUDIT_HEX_SIZE], bool written);

/* That many were lost without a line. */
void audit_chain_lose(struct audit_chain *chain, uint64_t count);

#endif
