/* The keys of the service that this token knows. */
#include "pkcs11/soft/catalogue.h"
#include "backends/base/log.h"
#include "pkcs11/soft/service_key_version.h"
#include <string.h>

enum { FIRST_ROOM = 16, FIRST_BUCKETS = 64 };

static size_t hash(struct bytes name)
{
    size_t value = 5381;

    for (size_t i = 0; i < name.size; i++) {
        value = value * 33 + name.data[i];
    }
    return value;
}

/* What stands before the first '/', and what after it (empty: nothing). */
static void split(struct bytes text, struct bytes *ret_name, struct bytes *ret_version)
{
    const unsigned char *slash = text.size == 0 ? NULL : memchr(text.data, '/', text.size);

    *ret_name = text;
    *ret_version = bytes_of(NULL, 0);
    if (slash != NULL) {
        ret_name->size = (size_t)(slash - text.data);
        *ret_version = bytes_of(slash + 1, text.size - ret_name->size - 1);
    }
}

static bool fits(const struct service_key *key, struct bytes name, struct bytes version)
{
    if (!bytes_equal_text(name, key->ref.name)) {
        return false;
    }
    return version.size == 0 ? !key->beside : bytes_equal_text(version, key->ref.version);
}

static struct service_key *find_locked(const struct catalogue *catalogue, struct bytes name,
                                       struct bytes version)
{
    struct service_key *key;

    if (catalogue->bucket_count == 0) {
        return NULL;
    }
    key = catalogue->buckets[hash(name) & (catalogue->bucket_count - 1)];
    while (key != NULL && !fits(key, name, version)) {
        key = key->next;
    }
    return key;
}

static void insert_locked(struct service_key **buckets, size_t count, struct service_key *key)
{
    struct service_key **bucket = &buckets[hash(bytes_of_text(key->ref.name)) & (count - 1)];

    key->next = *bucket;
    *bucket = key;
}

static CK_RV widen_locked(struct catalogue *catalogue)
{
    size_t count = catalogue->bucket_count == 0 ? FIRST_BUCKETS : catalogue->bucket_count * 2;
    struct service_key **buckets;

    if (catalogue->count < catalogue->bucket_count) {
        return CKR_OK;
    }
    buckets = calloc(count, sizeof *buckets);
    if (buckets == NULL) {
        return CKR_HOST_MEMORY;
    }
    for (size_t i = 0; i < catalogue->count; i++) {
        insert_locked(buckets, count, catalogue->keys[i]);
    }
    free(catalogue->buckets);
    catalogue->buckets = buckets;
    catalogue->bucket_count = count;
    return CKR_OK;
}

static CK_RV make_room_locked(struct catalogue *catalogue)
{
    size_t room = catalogue->room == 0 ? FIRST_ROOM : catalogue->room * 2;
    struct service_key **keys;

    if (catalogue->count < catalogue->room) {
        return CKR_OK;
    }
    keys = realloc(catalogue->keys, room * sizeof *keys);
    if (keys == NULL) {
        return CKR_HOST_MEMORY;
    }
    catalogue->keys = keys;
    catalogue->room = room;
    return CKR_OK;
}

static CK_RV add_new_locked(struct catalogue *catalogue, const struct key_ref *ref, bool beside,
                            struct service_key **ret_key)
{
    struct service_key *key;
    CK_RV rv = make_room_locked(catalogue);

    if (rv == CKR_OK) {
        rv = widen_locked(catalogue);
    }
    if (rv == CKR_OK) {
        rv = service_key_new(ref, beside, &key);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    service_key_know_configured(key, &catalogue->access);
    rv = object_store_add_key(catalogue->store, key, catalogue->access.service->ops->aes != NULL);
    if (rv != CKR_OK) {
        service_key_free(key);
        return rv;
    }
    catalogue->keys[catalogue->count++] = key;
    insert_locked(catalogue->buckets, catalogue->bucket_count, key);
    *ret_key = key;
    return CKR_OK;
}

/* The first of a name is the key itself; a further version stands beside it. */
static CK_RV add_locked(struct catalogue *catalogue, const struct key_ref *ref, struct service_key **ret_key)
{
    struct bytes name = bytes_of_text(ref->name), version = bytes_of_text(ref->version);
    struct service_key *key = find_locked(catalogue, name, version);

    if (key != NULL) {
        *ret_key = key;
        return CKR_OK;
    }
    return add_new_locked(catalogue, ref,
                          version.size != 0 && find_locked(catalogue, name, bytes_of(NULL, 0)) != NULL,
                          ret_key);
}

struct naming {
    struct catalogue *catalogue;
    CK_RV rv;
};

static void add_configured(void *arg, const struct key_ref *ref)
{
    struct naming *naming = arg;
    struct service_key *key;

    if (naming->rv == CKR_OK) {
        naming->rv = add_locked(naming->catalogue, ref, &key);
    }
    if (naming->rv == CKR_OK) {
        key->configured = true;
        naming->catalogue->configured++;
    }
}

CK_RV catalogue_init(struct catalogue *catalogue, struct object_store *store)
{
    struct naming naming = {catalogue, CKR_OK};
    struct key_service *service = catalogue->access.service;

    catalogue->store = store;
    pthread_mutex_init(&catalogue->lock, NULL);
    ask_once_init(&catalogue->listing);
    service->ops->each_named(service, add_configured, &naming);
    return naming.rv;
}

void catalogue_done(struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->count; i++) {
        service_key_free(catalogue->keys[i]);
    }
    free(catalogue->keys);
    free(catalogue->buckets);
    ask_once_done(&catalogue->listing);
    pthread_mutex_destroy(&catalogue->lock);
}

struct service_key *catalogue_find(struct catalogue *catalogue, struct bytes text)
{
    struct service_key *key;
    struct bytes name, version;

    split(text, &name, &version);
    pthread_mutex_lock(&catalogue->lock);
    key = find_locked(catalogue, name, version);
    pthread_mutex_unlock(&catalogue->lock);
    return key;
}

CK_RV catalogue_version(struct catalogue *catalogue, const struct key_ref *ref, struct service_key **ret_key)
{
    CK_RV rv = CKR_OK;

    pthread_mutex_lock(&catalogue->lock);
    *ret_key = find_locked(catalogue, bytes_of_text(ref->name), bytes_of_text(ref->version));
    if (*ret_key == NULL) {
        rv = add_new_locked(catalogue, ref, true, ret_key);
    }
    pthread_mutex_unlock(&catalogue->lock);
    return rv;
}

struct listing {
    struct catalogue *catalogue;
    unsigned long number;
    CK_RV rv;
};

static bool add_listed(void *arg, struct key_info *info)
{
    struct listing *listing = arg;
    struct key_ref ref = {info->name, NULL};
    struct service_key *key;

    pthread_mutex_lock(&listing->catalogue->lock);
    listing->rv = add_locked(listing->catalogue, &ref, &key);
    if (listing->rv == CKR_OK) {
        key->listed = listing->number;
        service_key_set_type(key, info->type);
    }
    pthread_mutex_unlock(&listing->catalogue->lock);
    return listing->rv == CKR_OK;
}

static CK_RV ask(struct catalogue *catalogue, struct deadline deadline, struct service_answer *ret_answer)
{
    struct key_service *service = catalogue->access.service;
    struct listing listing = {catalogue, catalogue->listings + 1, CKR_OK};
    CK_RV rv = service->ops->each_key(service, deadline, add_listed, &listing, ret_answer);

    return rv == CKR_OK ? listing.rv : rv;
}

static CK_RV keep_locked(struct catalogue *catalogue, CK_RV rv, const struct service_answer *answer)
{
    if (rv == CKR_OK) {
        catalogue->listings++;
        catalogue->listed = clock_now();
        catalogue->list_refused = 0;
        return CKR_OK;
    }
    if (answer->verdict != VERDICT_REFUSED || catalogue->configured == 0) {
        return rv;
    }
    log_info(catalogue->access.label,
             "keys are not listed, for this needs the permission list (keys); found are "
             "those that `keys` names");
    catalogue->list_refused = clock_now();
    return CKR_OK;
}

static CK_RV list_locked(struct catalogue *catalogue, int64_t age, struct deadline deadline,
                         struct service_answer *answer)
{
    CK_RV rv = CKR_OK;

    if (service_key_is_young(catalogue->listed, age) ||
        service_key_is_young(catalogue->list_refused, catalogue->access.refresh) ||
        !ask_once_join(&catalogue->listing, &catalogue->lock, deadline, &rv)) {
        return rv;
    }
    pthread_mutex_unlock(&catalogue->lock);
    rv = ask(catalogue, deadline, answer);
    pthread_mutex_lock(&catalogue->lock);
    rv = keep_locked(catalogue, rv, answer);
    ask_once_answer(&catalogue->listing, rv);
    return rv;
}

CK_RV catalogue_list(struct catalogue *catalogue, int64_t age, struct deadline deadline,
                     struct service_answer *ret_answer)
{
    CK_RV rv;

    pthread_mutex_lock(&catalogue->lock);
    rv = list_locked(catalogue, age, deadline, ret_answer);
    pthread_mutex_unlock(&catalogue->lock);
    return rv;
}

struct service_key *catalogue_at(struct catalogue *catalogue, size_t index, bool *ret_shown)
{
    struct service_key *key = NULL;

    pthread_mutex_lock(&catalogue->lock);
    if (index < catalogue->count) {
        key = catalogue->keys[index];
        *ret_shown =
            !key->beside && (key->configured || (key->listed != 0 && key->listed >= catalogue->listings));
    }
    pthread_mutex_unlock(&catalogue->lock);
    return key;
}
