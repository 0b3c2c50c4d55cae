/*
 * Whether this is still the process that was started: a byte in a page that the kernel empties at fork
 * (MADV_WIPEONFORK), because getpid() costs more than a whole pass through the module. Where the kernel
 * lacks that, pthread_atfork does it.
 */
#ifndef BYOK_BASE_PROCESS_H
#define BYOK_BASE_PROCESS_H

#include "backends/base/cryptoki.h"
#include <stdbool.h>
#include <stddef.h>

/*
 * Marks this process as the one that works. Again in a child, once it has put its house in order. One thread at
 * a time; others may ask meanwhile. CKR_HOST_MEMORY.
 */
MUST_USE CK_RV process_mark(void);

extern unsigned char *process_marked; /* use process_is_marked() */

/* False before process_mark() and in a forked child that has not called it. No system call. */
static inline bool process_is_marked(void)
{
    const unsigned char *mark = __atomic_load_n(&process_marked, __ATOMIC_ACQUIRE);

    return mark != NULL && __atomic_load_n(mark, __ATOMIC_ACQUIRE) != 0;
}

/* True in a set-id process (AT_SECURE): whoever started it must not steer it. */
bool process_is_secure(void);

#endif
