/* One line of a file of records, read back. */
#ifndef BYOK_BACKENDS_AUDIT_ENTRY_H
#define BYOK_BACKENDS_AUDIT_ENTRY_H

#include "backends/base/buffer.h"
#include <cjson/cJSON.h>
#include <stdint.h>

struct audit_entry {
    cJSON *object;
    struct bytes record; /* of the line: what the next record has the hash of */
    bool is_alone;       /* no part of another record stands before it; what syslog puts there may */

    /* "" where it has none; of the object. */
    const char *time, *host, *program, *event, *chain, *previous;
    const char *token, *key, *operation, *result, *reason, *version;
    int64_t process, sequence;
    uint64_t count;
};

/* False: it is no record. */
bool audit_entry_read(struct bytes line, struct audit_entry *ret_entry);
void audit_entry_done(struct audit_entry *entry);

#endif
