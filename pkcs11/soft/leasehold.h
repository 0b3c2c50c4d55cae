/*
 * What a value holds of a lease, and what guards it while it is used. A call enters the value, which costs one
 * atomic exchange, and leaves it; a value that has been shut is entered by nobody, and emptied by whoever leaves
 * last. It may be filled again. Values without a lease have none of this.
 */
#ifndef BYOK_PKCS11_SOFT_LEASEHOLD_H
#define BYOK_PKCS11_SOFT_LEASEHOLD_H

#include "pkcs11/soft/key_value.h"
#include "pkcs11/soft/lease.h"

#define LEASEHOLD_OPEN (UINT32_C(1) << 31)

struct leasehold {
    _Atomic uint32_t word;          /* LEASEHOLD_OPEN | how many are inside */
    _Atomic unsigned long fillings; /* an operation goes on with the one that it began with */
    struct lease *_Atomic lease;
    struct lease_book *book;
    struct key_value *value;  /* whose it is */
    struct key_value *parent; /* held: what unwrapped it here; NULL: the service did */
    struct leasehold *root;   /* the one that the service unwrapped */

    /* The book's lock. */
    LIST_ENTRY(leasehold) of_lease;
    struct ask_once filling;
    int64_t attempted;     /* clock_now() of the last attempt to fill it that failed, 0: none */
    CK_RV failed;          /* how that went */
    struct opener *opener; /* held */
    struct opener *next;   /* held: the value is wrapped under another version, too; NULL: it is not */
    char next_version[KEY_VERSION_SIZE];
};

/*
 * The value, not an object's yet, holds a lease from now on: that of its parent, or this one. The caller is inside
 * and leaves it. Owns `opener`, also when it fails. CKR_HOST_MEMORY.
 */
MUST_USE CK_RV leasehold_new(struct lease_book *book, struct key_value *value, struct opener *opener,
                             struct key_value *parent, struct lease *lease);
/* By the value that nobody holds any more. NULL is allowed. */
void leasehold_free(struct leasehold *hold);

static inline bool leasehold_is_open(const struct leasehold *hold)
{
    return (atomic_load_explicit(&hold->word, memory_order_acquire) & LEASEHOLD_OPEN) != 0;
}

/* False: it is shut. */
bool leasehold_enter(struct leasehold *hold);
void leasehold_leave(struct leasehold *hold);

/* Under the book's lock: nobody enters any more. */
void leasehold_shut(struct leasehold *hold);
/* What has been shut and left is wiped; for all who hold the lease. */
void leaseholds_empty(struct lease_book *book, struct lease *lease);
/*
 * Opened again with the value `secret`, which it takes; CKR_CANCEL where its lease has been closed meanwhile.
 */
MUST_USE CK_RV leasehold_fill(struct leasehold *hold, struct secret *secret);

/* Under the book's lock: it, and what it unwrapped, goes over to another lease. */
void leasehold_move_locked(struct leasehold *root, struct lease *to);

#endif
