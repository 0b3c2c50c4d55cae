/*
 * The keys of the service that this token knows: those the configuration names, from the start; those of a
 * listing, which is made when a find needs one; and versions that were asked for by name. A key that was
 * known once stays until the token is closed, so its handles do; one that the last listing lacks is no longer
 * shown. All threads.
 */
#ifndef BYOK_PKCS11_SOFT_CATALOGUE_H
#define BYOK_PKCS11_SOFT_CATALOGUE_H

#include "pkcs11/soft/object.h"

struct catalogue {
    struct key_access access;
    struct object_store *store;

    pthread_mutex_t lock;      /* for all below */
    struct service_key **keys; /* in the order they became known */
    size_t count, room;
    struct service_key **buckets; /* by name */
    size_t bucket_count;          /* a power of two, 0 at first */
    size_t configured;
    struct ask_once listing;
    unsigned long listings;       /* number of the last complete one */
    int64_t listed, list_refused; /* clock_now(), 0: never */
};

/* `access` has been filled in. The configured keys are there afterwards. CKR_HOST_MEMORY: as if empty. */
MUST_USE CK_RV catalogue_init(struct catalogue *catalogue, struct object_store *store);
void catalogue_done(struct catalogue *catalogue);

/* The key with this label or id: its name, or name/version. NULL: not known. No request. */
struct service_key *catalogue_find(struct catalogue *catalogue, struct bytes text);

/*
 * Asks the service whether it has the version that `text` (name/version) means; no request where `text` is
 * not of that form or the version is known. CKR_OK with NULL: it has not, or does not say.
 */
MUST_USE CK_RV catalogue_find_version(struct catalogue *catalogue, struct bytes text,
                                      struct deadline deadline, struct service_key **ret_key,
                                      struct service_answer *ret_answer);

/* One that there is, the key that is pinned to it or stands beside; no request. CKR_HOST_MEMORY. */
MUST_USE CK_RV catalogue_version(struct catalogue *catalogue, const struct key_ref *ref,
                                 struct service_key **ret_key);

/*
 * Lists the service's keys unless that was done less than `age` ms ago. A refused listing counts as done
 * where the configuration names keys: then these are what there is.
 */
MUST_USE CK_RV catalogue_list(struct catalogue *catalogue, int64_t age, struct deadline deadline,
                              struct service_answer *ret_answer);

/* The keys in order, from 0; NULL: no more. False in ret_shown where only its own name finds it. */
struct service_key *catalogue_at(struct catalogue *catalogue, size_t index, bool *ret_shown);

#endif
