/* Times as people say them. */
#ifndef BYOK_TOOLS_DURATION_H
#define BYOK_TOOLS_DURATION_H

#include <stdint.h>

enum { DURATION_SIZE = 48, DATE_SIZE = 24 };

/* "1 h", "7 min", "90 s", "250 ms": the largest unit that tells it exactly. */
const char *duration_text(int64_t milliseconds, char to[DURATION_SIZE]);

/* "2026-03-01T00:00:00Z" of seconds since 1970; "" for 0. */
const char *date_text(int64_t seconds, char to[DATE_SIZE]);

#endif
