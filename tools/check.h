/* The steps of `check` for one section of the configuration, in their order. */
#ifndef BYOK_TOOLS_CHECK_H
#define BYOK_TOOLS_CHECK_H

#include "backends/backend.h"
#include "tools/start.h"

/* Files that the section names: no network. */
void check_files(const struct settings *section, struct diagnosis *diagnosis);

/* Through PKCS#11: the token, its key-encryption keys, one round trip with each. */
void check_token(const struct start *start, size_t index, struct diagnosis *diagnosis);

/* What becomes of keys in use when the key store is out of reach, and when its owner takes a key away. */
void check_outage(const struct settings *section, struct diagnosis *diagnosis);

#endif
