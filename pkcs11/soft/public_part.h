/*
 * One answer about a key of the service: its public part and what its owner set, constant and shared by
 * whoever needs it at the moment. Where the service does not tell, a file may.
 */
#ifndef BYOK_PKCS11_SOFT_PUBLIC_PART_H
#define BYOK_PKCS11_SOFT_PUBLIC_PART_H

#include "backends/key_service.h"
#include <stdatomic.h>

struct public_part {
    atomic_uint holders;
    atomic_bool refusal_told; /* that it forbids to wrap: one line for each answer that says so */
    int64_t at;               /* clock_now() when it came */
    struct key_info info;     /* `version` is empty where it came from a file */
};

/* Empty, held once. NULL: no memory. */
struct public_part *public_part_new(void);
/* NULL is allowed in both. */
struct public_part *public_part_hold(struct public_part *part);
void public_part_free(struct public_part *part);

/* That of NAME.pem in `directory` (NULL: none); NULL where there is none, or neither RSA nor EC (logged). */
struct public_part *public_part_from_file(const char *name, const char *label, const char *directory);

static inline void public_part_free_scoped(struct public_part **part)
{
    public_part_free(*part);
}

#endif
