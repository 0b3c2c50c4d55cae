/*
 * Azure Arc's proof that a caller is privileged on its machine: a 401 names a file that only root and the
 * group himds can read, and the request is repeated with its content. The answer could be anybody's who
 * listens in the agent's place, so it is not let choose what is read.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_IDENTITY_ARC_KEY_H
#define BYOK_BACKENDS_KEYVAULT_IDENTITY_ARC_KEY_H

#include "backends/keyvault/identity/identity.h"

/*
 * `challenge`: as http_reply.challenge; the file must be directly in `folder`, which and itself may be no
 * symbolic link, be called NAME.key, be regular, not writable by others, and at most 4096 bytes long. Appends
 * the header line to ret_header.
 */
bool arc_key_read(const char *about, const char *folder, const struct buffer *challenge,
                  struct buffer *ret_header, struct identity_failure *ret_failure);

#endif
