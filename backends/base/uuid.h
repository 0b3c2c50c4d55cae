/* Random UUIDs: names for requests and assertions. No secret hangs on them. */
#ifndef BYOK_BASE_UUID_H
#define BYOK_BASE_UUID_H

#include <stdbool.h>

enum { UUID_SIZE = 37 };

/* RFC 9562, 5.4, in lower case. False, where the kernel has no random bytes yet. */
bool uuid_make(char ret_id[UUID_SIZE]);

#endif
