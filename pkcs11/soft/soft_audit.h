/* Records of what happens to keys of the service; what they are used for, soft_audit_use() in soft.h records. */
#ifndef BYOK_PKCS11_SOFT_SOFT_AUDIT_H
#define BYOK_PKCS11_SOFT_SOFT_AUDIT_H

#include "backends/audit.h"
#include "pkcs11/soft/service_key.h"

/* `version` "" or NULL: the key as a whole. `reason` and `answer` may be NULL. */
void soft_audit_event(enum audit_event event, const struct key_access *access, const char *name,
                      const char *version, const char *reason, const struct service_answer *answer);

#endif
