/*
 * The objects of a token by handle: those of each key of the service, which stay as long as the token, and
 * the keys of sessions, which die with their session. All threads.
 */
#ifndef BYOK_PKCS11_SOFT_OBJECT_H
#define BYOK_PKCS11_SOFT_OBJECT_H

#include "backends/base/handle.h"
#include "pkcs11/soft/local_key.h"
#include "pkcs11/soft/policy.h"
#include "pkcs11/soft/service_key.h"
#include <sys/queue.h>

struct held_certificate;

struct object {
    CK_OBJECT_CLASS class;
    struct service_key *key;              /* a key of the service; the catalogue's */
    struct held_certificate *certificate; /* the certificates' */
    struct local_key *_Atomic local;      /* a key that lives here; owned, another one after each change */
    struct object_store *store;
    CK_OBJECT_HANDLE handle;
    struct object_owner *owner; /* NULL: its session has ended, or it has none */
    LIST_ENTRY(object) of_owner;
    TAILQ_ENTRY(object) of_store;
};

/* Whose objects end together: a session's. */
struct object_owner {
    LIST_HEAD(, object) objects;
};

struct object_store {
    struct policy *policy; /* lent */
    struct handle_table handles;
    CK_OBJECT_HANDLE profile;
    pthread_mutex_t lock;                   /* for the lists */
    TAILQ_HEAD(object_list, object) locals; /* in the order they were made */
    unsigned long made;
};

/* `number` is the token's: its handles are unknown to the other tokens. */
void object_store_init(struct object_store *store, unsigned number, struct policy *policy);
/* Nobody is inside any more. */
void object_store_done(struct object_store *store);

/*
 * The objects of a key: a pair, and `with_secret` the secret key that it may turn out to be instead; fills in
 * its handles.
 */
MUST_USE CK_RV object_store_add_key(struct object_store *store, struct service_key *key, bool with_secret);
/* The profile object; fills in its handle. */
MUST_USE CK_RV object_store_add_profile(struct object_store *store);
MUST_USE CK_RV object_store_add_certificate(struct object_store *store, struct held_certificate *certificate,
                                            CK_OBJECT_HANDLE *ret_handle);
/* Owns `local` from then on, also when it fails. */
MUST_USE CK_RV object_store_add_local(struct object_store *store, struct object_owner *owner,
                                      struct local_key *local, CK_OBJECT_HANDLE *ret_handle);

/* The object, which stays until object_leave; NULL: there is none. */
struct object *object_enter(struct object_store *store, CK_OBJECT_HANDLE handle);
void object_leave(struct object *object);

/* C_SetAttributeValue of an object that has been entered. */
MUST_USE CK_RV object_change(struct object *object, const CK_ATTRIBUTE *list, CK_ULONG count);

/* Unknown from now on, wiped when the last user has left. CKR_OBJECT_HANDLE_INVALID. */
MUST_USE CK_RV object_store_destroy(struct object_store *store, CK_OBJECT_HANDLE handle);
void object_store_end_owner(struct object_store *store, struct object_owner *owner);

/* Calls `visit` for each secret key, with a lock held: it only looks. */
void object_store_each_local(struct object_store *store,
                             void (*visit)(const struct object *object, void *arg), void *arg);

static inline void object_leave_scoped(struct object **object)
{
    object_leave(*object);
}

#endif
