/*
 * Key values, in pages of the module's own: locked in memory, left out of core dumps, empty in a forked
 * child, wiped before they are used again. mlock may be refused (RLIMIT_MEMLOCK): that is one line in the
 * log, and work goes on. Never OpenSSL's secure heap, which is one per process and belongs to the host.
 * Any thread may call these at any time; one value must not be freed while another thread uses it.
 */
#ifndef BYOK_BASE_SECRET_H
#define BYOK_BASE_SECRET_H

#include "backends/base/buffer.h"

struct secret {
    unsigned char *data; /* NULL when there is none */
    size_t size;         /* bytes */
};

#define SECRET_INIT                                                                                          \
    {                                                                                                        \
        NULL, 0                                                                                              \
    }

/* `size` zero bytes, at most 1 MiB. CKR_HOST_MEMORY. ret_secret is overwritten: it must hold nothing. */
MUST_USE CK_RV secret_new(size_t size, struct secret *ret_secret);
/* The same with the bytes of `from`. */
MUST_USE CK_RV secret_copy(struct bytes from, struct secret *ret_secret);
/* Wiped and given back; an empty one is allowed. */
void secret_free(struct secret *secret);
/* Shorter from now on; what falls off is wiped. `size` is at most the present one. */
void secret_shorten(struct secret *secret, size_t size);

static inline struct bytes secret_bytes(const struct secret *secret)
{
    return (struct bytes){secret->data, secret->size};
}

/* In a forked child: the parent's values are gone, a new set of pages begins. Called by one thread alone. */
void secret_after_fork(void);

#endif
