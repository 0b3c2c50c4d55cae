/* One record as JSON: what it says, member by member, in an order that people can read. */
#ifndef BYOK_BACKENDS_AUDIT_RECORD_H
#define BYOK_BACKENDS_AUDIT_RECORD_H

#include "backends/audit.h"
#include "backends/base/scope.h"
#include <cjson/cJSON.h>

/* Every record begins so, wherever in a line it stands. */
#define AUDIT_RECORD_START "{\"time\":\""

enum { AUDIT_LONGEST_RECORD = 16 * 1024, AUDIT_DIGEST_SIZE = 32, AUDIT_HEX_SIZE = 65 };

/* NULL: no memory. The number and the hash are added last. */
cJSON *audit_record_of_use(const struct audit_use *use);
cJSON *audit_record_of_event(enum audit_event event, const char *token, const char *backend, const char *key,
                             const char *reason, const struct service_answer *answer);
/* `configuration` is the SHA-256 of the file, in hex. */
cJSON *audit_record_of_start(const char *configuration);
cJSON *audit_record_of_loss(uint64_t count);

/* The whole line without its newline. `previous` "": there is none. False: no memory. */
bool audit_record_finish(cJSON *record, const char *chain, int64_t sequence, const char *previous,
                         struct buffer *ret_line);

/* SHA-256 in hexadecimal. False: libcrypto has failed, or is not there any more. */
bool audit_hash(struct bytes data, char ret_hex[AUDIT_HEX_SIZE]);

DEFINE_SCOPED(cJSON, cJSON_Delete)

#endif
