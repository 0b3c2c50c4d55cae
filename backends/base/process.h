/*
 * Whether this is still the process that was started: a byte in a page that the kernel empties at fork
 * (MADV_WIPEONFORK), because getpid() costs more than a whole pass through the module. Where the kernel
 * lacks that, pthread_atfork does it.
 */
#ifndef BYOK_BASE_PROCESS_H
#define BYOK_BASE_PROCESS_H

#include "backends/base/cryptoki.h"
#include <stdbool.h>

/* Marks this process as the one that works. Again in a child, once it has put its house in order. */
MUST_USE CK_RV process_mark(void);

extern const volatile unsigned char *process_marked; /* use process_is_marked() */

/* False before process_mark() and in a forked child that has not called it. No system call. */
static inline bool process_is_marked(void)
{
    const volatile unsigned char *mark = process_marked;

    return mark != NULL && *mark != 0;
}

/* True in a set-id process (AT_SECURE): whoever started it must not steer it. */
bool process_is_secure(void);

#endif
