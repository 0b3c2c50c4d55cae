/*
 * What `policy = strict` adds: usages that together give a key's value away are not had by one key, nor by two
 * keys of one value; unwrapped keys are sensitive; a key of the service that wraps does not decrypt. All threads.
 */
#ifndef BYOK_PKCS11_SOFT_POLICY_H
#define BYOK_PKCS11_SOFT_POLICY_H

#include "backends/key_service.h"
#include "pkcs11/soft/local_key.h"
#include <pthread.h>

struct bound_value; /* what keys of one value have been allowed, by its digest */

struct policy {
    bool strict;
    const char *label;    /* the token's, for the log; lent */
    pthread_mutex_t lock; /* for all below */
    unsigned char salt[32];
    bool salted;
    struct bound_value *values; /* a hash table */
    size_t count, room;         /* `room` is 0 or a power of two */
};

void policy_init(struct policy *policy, const char *label, bool strict);
void policy_done(struct policy *policy);

/* Before a key has its value. CKR_TEMPLATE_INCONSISTENT where its usages conflict. */
MUST_USE CK_RV policy_check(const struct policy *policy, const struct local_key *key);
/*
 * Before it becomes an object, or is changed: the same with all other keys of its value, those that are no more
 * too. Makes it sensitive where it must be. CKR_DEVICE_MEMORY where there have been too many, which is
 * logged.
 */
MUST_USE CK_RV policy_admit(struct policy *policy, struct local_key *key);

/* What of a service key's usages (enum key_use, or-ed) is left. */
unsigned policy_uses(unsigned uses);

#endif
