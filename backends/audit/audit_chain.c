/* The chain of this process. */
#include "backends/audit/audit_chain.h"
#include <string.h>

bool audit_chain_begin(struct audit_chain *chain)
{
    return chain->id[0] != 0 || uuid_make(chain->id);
}

bool audit_chain_line(const struct audit_chain *chain, cJSON *record, struct buffer *ret_line,
                      char ret_hash[AUDIT_HEX_SIZE])
{
    return record != NULL && chain->id[0] != 0 &&
           audit_record_finish(record, chain->id, chain->sequence + 1, chain->previous, ret_line) &&
           audit_hash(buffer_bytes(ret_line), ret_hash) && buffer_append_text(ret_line, "\n") == CKR_OK;
}

void audit_chain_advance(struct audit_chain *chain, const char hash[AUDIT_HEX_SIZE], bool written)
{
    chain->sequence++;
    chain->lost += written ? 0 : 1;
    memcpy(chain->previous, hash, AUDIT_HEX_SIZE);
}

void audit_chain_lose(struct audit_chain *chain, uint64_t count)
{
    chain->sequence += (int64_t)count;
    chain->lost += count;
}
