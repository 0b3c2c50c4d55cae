/* The objects of a token by handle. */
#include "pkcs11/soft/object.h"
#include "backends/base/scope.h"
#include <stdio.h>

/* Handles of soft tokens have the highest bit, which HSMs do not use, and the token's number under it. */
enum { NUMBER_SHIFT = 52 };
#define SOFT_TAG (UINT64_C(1) << 63)

static void unlink_locked(struct object *object)
{
    if (object->owner != NULL) {
        LIST_REMOVE(object, of_owner);
        object->owner = NULL;
    }
}

static void release(void *thing)
{
    struct object *object = thing;

    if (object->local != NULL) {
        pthread_mutex_lock(&object->store->lock);
        unlink_locked(object);
        TAILQ_REMOVE(&object->store->locals, object, of_store);
        pthread_mutex_unlock(&object->store->lock);
    }
    local_key_free(object->local);
    free(object);
}

void object_store_init(struct object_store *store, unsigned number, struct policy *policy)
{
    store->policy = policy;
    handle_table_init(&store->handles, SOFT_TAG | (CK_ULONG)number << NUMBER_SHIFT, release);
    pthread_mutex_init(&store->lock, NULL);
    TAILQ_INIT(&store->locals);
    store->made = 0;
}

static bool close_one(CK_ULONG handle, void *thing, void *arg)
{
    (void)thing;
    handle_close(arg, handle);
    return true;
}

void object_store_done(struct object_store *store)
{
    handle_each(&store->handles, close_one, &store->handles);
    handle_table_done(&store->handles);
    pthread_mutex_destroy(&store->lock);
}

static struct object *object_new(struct object_store *store, CK_OBJECT_CLASS class)
{
    struct object *object = calloc(1, sizeof *object);

    if (object != NULL) {
        object->store = store;
        object->class = class;
    }
    return object;
}

static CK_RV add(struct object_store *store, struct object *object, CK_OBJECT_HANDLE *ret_handle)
{
    CK_RV rv = object == NULL ? CKR_HOST_MEMORY : handle_add(&store->handles, object, &object->handle);

    if (rv != CKR_OK) {
        free(object);
        return rv;
    }
    *ret_handle = object->handle;
    return CKR_OK;
}

static CK_RV add_one(struct object_store *store, struct service_key *key, CK_OBJECT_CLASS class,
                     CK_OBJECT_HANDLE *ret_handle)
{
    struct object *object = object_new(store, class);

    if (object != NULL) {
        object->key = key;
    }
    return add(store, object, ret_handle);
}

CK_RV object_store_add_profile(struct object_store *store)
{
    return add(store, object_new(store, CKO_PROFILE), &store->profile);
}

CK_RV object_store_add_certificate(struct object_store *store, struct held_certificate *certificate,
                                   CK_OBJECT_HANDLE *ret_handle)
{
    struct object *object = object_new(store, CKO_CERTIFICATE);

    if (object != NULL) {
        object->certificate = certificate;
    }
    return add(store, object, ret_handle);
}

CK_RV object_store_add_key(struct object_store *store, struct service_key *key, bool with_secret)
{
    CK_RV rv = add_one(store, key, CKO_PUBLIC_KEY, &key->public_handle);

    if (rv == CKR_OK) {
        rv = add_one(store, key, CKO_PRIVATE_KEY, &key->private_handle);
    }
    if (rv == CKR_OK && with_secret) {
        rv = add_one(store, key, CKO_SECRET_KEY, &key->secret_handle);
    }
    if (rv != CKR_OK) {
        handle_close(&store->handles, key->private_handle);
        handle_close(&store->handles, key->public_handle);
    }
    return rv;
}

static const char *class_word(CK_OBJECT_CLASS class)
{
    return class == CKO_SECRET_KEY ? "secret" : class == CKO_PRIVATE_KEY ? "private" : "public";
}

static CK_RV link_local_locked(struct object_store *store, struct object_owner *owner, struct object *object)
{
    CK_RV rv;

    snprintf(object->local->unique_id, sizeof object->local->unique_id, "%s-key-%lu",
             class_word(object->class), ++store->made);
    rv = handle_add(&store->handles, object, &object->handle);
    if (rv == CKR_OK) {
        object->owner = owner;
        LIST_INSERT_HEAD(&owner->objects, object, of_owner);
        TAILQ_INSERT_TAIL(&store->locals, object, of_store);
    }
    return rv;
}

CK_RV object_store_add_local(struct object_store *store, struct object_owner *owner, struct local_key *local,
                             CK_OBJECT_HANDLE *ret_handle)
{
    struct object *object = object_new(store, local->class);
    CK_OBJECT_HANDLE handle = 0;
    CK_RV rv = object == NULL ? CKR_HOST_MEMORY : policy_admit(store->policy, local);

    if (rv == CKR_OK) {
        object->local = local;
        pthread_mutex_lock(&store->lock);
        rv = link_local_locked(store, owner, object);
        handle = object->handle;
        pthread_mutex_unlock(&store->lock);
    }
    if (rv != CKR_OK) {
        local_key_free(local);
        free(object);
        return rv;
    }
    *ret_handle = handle;
    return CKR_OK;
}

struct object *object_enter(struct object_store *store, CK_OBJECT_HANDLE handle)
{
    return handle_enter(&store->handles, handle);
}

void object_leave(struct object *object)
{
    if (object != NULL) {
        handle_leave(&object->store->handles, object->handle);
    }
}

/* False: another thread has changed it meanwhile. */
static bool publish(struct object *object, const struct local_key *from, struct local_key *changed)
{
    bool same;

    pthread_mutex_lock(&object->store->lock);
    same = object->local == from;
    if (same) {
        object->local = changed;
    }
    pthread_mutex_unlock(&object->store->lock);
    return same;
}

CK_RV object_change(struct object *object, const CK_ATTRIBUTE *list, CK_ULONG count)
{
    struct local_key *from, *changed;
    CK_RV rv;

    do {
        from = object->local;
        rv = local_key_change(from, list, count, &changed);
        if (rv != CKR_OK) {
            return rv;
        }
        rv = policy_admit(object->store->policy, changed);
        if (rv == CKR_OK && publish(object, from, changed)) {
            return CKR_OK;
        }
        local_key_unchange(changed);
    } while (rv == CKR_OK);
    return rv;
}

CK_RV object_store_destroy(struct object_store *store, CK_OBJECT_HANDLE handle)
{
    return handle_close(&store->handles, handle) ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;
}

/* One of the owner's, which is the owner's no longer; 0: there is none. */
static CK_OBJECT_HANDLE pop(struct object_store *store, struct object_owner *owner)
{
    struct object *object;
    CK_OBJECT_HANDLE handle = 0;

    pthread_mutex_lock(&store->lock);
    object = LIST_FIRST(&owner->objects);
    if (object != NULL) {
        unlink_locked(object);
        handle = object->handle;
    }
    pthread_mutex_unlock(&store->lock);
    return handle;
}

void object_store_end_owner(struct object_store *store, struct object_owner *owner)
{
    CK_OBJECT_HANDLE handle;

    while ((handle = pop(store, owner)) != 0) {
        handle_close(&store->handles, handle);
    }
}

void object_store_each_local(struct object_store *store,
                             void (*visit)(const struct object *object, void *arg), void *arg)
{
    const struct object *object;

    pthread_mutex_lock(&store->lock);
    TAILQ_FOREACH(object, &store->locals, of_store)
    {
        visit(object, arg);
    }
    pthread_mutex_unlock(&store->lock);
}
