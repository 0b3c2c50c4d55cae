/* The certificates that this token shows. */
#include "pkcs11/soft/certificates.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include <string.h>

/* A name that the service does not know is asked for again after this time: it may be new. In ms. */
enum { MISS_AGE = 10 * 1000, FIRST_ROOM = 16 };

static const struct key_access *access_of(const struct certificates *certificates)
{
    return &certificates->catalogue->access;
}

void certificates_init(struct certificates *certificates, struct catalogue *catalogue,
                       struct object_store *store)
{
    certificates->catalogue = catalogue;
    certificates->store = store;
    pthread_mutex_init(&certificates->lock, NULL);
    ask_once_init(&certificates->listing);
}

void certificates_done(struct certificates *certificates)
{
    for (size_t i = 0; i < certificates->count; i++) {
        certificate_free(certificates->held[i]->content);
        ask_once_done(&certificates->held[i]->asking);
        free(certificates->held[i]);
    }
    free(certificates->held);
    ask_once_done(&certificates->listing);
    pthread_mutex_destroy(&certificates->lock);
}

static struct held_certificate *find_locked(const struct certificates *certificates, struct bytes name)
{
    for (size_t i = 0; i < certificates->count; i++) {
        if (bytes_equal_text(name, certificates->held[i]->name)) {
            return certificates->held[i];
        }
    }
    return NULL;
}

static CK_RV make_room_locked(struct certificates *certificates)
{
    size_t room = certificates->room == 0 ? FIRST_ROOM : certificates->room * 2;
    struct held_certificate **held;

    if (certificates->count < certificates->room) {
        return CKR_OK;
    }
    held = realloc(certificates->held, room * sizeof *held);
    if (held == NULL) {
        return CKR_HOST_MEMORY;
    }
    certificates->held = held;
    certificates->room = room;
    return CKR_OK;
}

CK_RV certificates_hold_locked(struct certificates *certificates, struct bytes name,
                               struct held_certificate **ret_held)
{
    struct held_certificate *held = find_locked(certificates, name);
    CK_RV rv = held != NULL ? CKR_OK : make_room_locked(certificates);

    if (held != NULL || rv != CKR_OK) {
        *ret_held = held;
        return rv;
    }
    held = calloc(1, sizeof *held);
    if (held == NULL) {
        return CKR_HOST_MEMORY;
    }
    text_copy(name, held->name, sizeof held->name);
    rv = object_store_add_certificate(certificates->store, held, &held->handle);
    if (rv != CKR_OK) {
        free(held);
        return rv;
    }
    ask_once_init(&held->asking);
    certificates->held[certificates->count++] = held;
    *ret_held = held;
    return CKR_OK;
}

struct listing {
    struct certificates *certificates;
    unsigned long number;
    CK_RV rv;
};

static bool add_listed(void *arg, const char *name)
{
    struct listing *listing = arg;
    struct held_certificate *held;

    pthread_mutex_lock(&listing->certificates->lock);
    listing->rv = certificates_hold_locked(listing->certificates, bytes_of_text(name), &held);
    if (listing->rv == CKR_OK) {
        held->listed = listing->number;
    }
    pthread_mutex_unlock(&listing->certificates->lock);
    return listing->rv == CKR_OK;
}

static CK_RV ask_names(struct certificates *certificates, struct deadline deadline,
                       struct service_answer *ret_answer)
{
    struct key_service *service = access_of(certificates)->service;
    struct listing listing = {certificates, certificates->listings + 1, CKR_OK};
    CK_RV rv = service->ops->each_certificate(service, deadline, add_listed, &listing, ret_answer);

    return rv == CKR_OK ? listing.rv : rv;
}

/* One line, and no more requests until `refresh` is over. */
static CK_RV note_refusal_locked(struct certificates *certificates, CK_RV rv,
                                 const struct service_answer *answer)
{
    if (rv == CKR_OK || answer->verdict != VERDICT_REFUSED) {
        return rv;
    }
    if (certificates->refused == 0) {
        log_warning(access_of(certificates)->label,
                    "the vault's certificates are not shown, for this needs the permissions get and list "
                    "(certificates)");
    }
    certificates->refused = clock_now();
    return CKR_OK;
}

static CK_RV list_locked(struct certificates *certificates, struct deadline deadline,
                         struct service_answer *answer)
{
    CK_RV rv = CKR_OK;

    if (service_key_is_young(certificates->listed, access_of(certificates)->refresh) ||
        !ask_once_join(&certificates->listing, &certificates->lock, deadline, &rv)) {
        return rv;
    }
    pthread_mutex_unlock(&certificates->lock);
    rv = ask_names(certificates, deadline, answer);
    pthread_mutex_lock(&certificates->lock);
    if (rv == CKR_OK) {
        certificates->listings++;
        certificates->listed = clock_now();
    }
    rv = note_refusal_locked(certificates, rv, answer);
    ask_once_answer(&certificates->listing, rv);
    return rv;
}

struct fetch {
    struct certificates *certificates;
    struct held_certificate *held;
};

static CK_RV keep_content(void *arg, const struct certificate_info *info)
{
    struct fetch *fetch = arg;
    struct certificate *content = NULL;
    CK_RV rv = certificate_new(info->der, &content);

    if (rv == CKR_HOST_MEMORY) {
        return rv;
    }
    if (content == NULL) {
        log_warning(access_of(fetch->certificates)->label, "certificate %s: the service's answer holds none",
                    fetch->held->name);
    }
    pthread_mutex_lock(&fetch->certificates->lock);
    certificate_free(fetch->held->content);
    fetch->held->content = content;
    fetch->held->bad = content == NULL;
    text_copy(bytes_of_text(info->key_name), fetch->held->key_name, sizeof fetch->held->key_name);
    pthread_mutex_unlock(&fetch->certificates->lock);
    return CKR_OK;
}

static CK_RV fetch_locked(struct certificates *certificates, struct held_certificate *held,
                          struct deadline deadline, struct service_answer *answer)
{
    struct key_service *service = access_of(certificates)->service;
    struct fetch fetch = {certificates, held};
    int64_t age = access_of(certificates)->refresh;
    CK_RV rv = CKR_OK;

    age = held->bad && age > MISS_AGE ? MISS_AGE : age;
    if (service_key_is_young(held->asked, age) ||
        !ask_once_join(&held->asking, &certificates->lock, deadline, &rv)) {
        return rv;
    }
    pthread_mutex_unlock(&certificates->lock);
    rv = service->ops->certificate(service, held->name, deadline, keep_content, &fetch, answer);
    pthread_mutex_lock(&certificates->lock);
    if (rv != CKR_OK && (answer->verdict == VERDICT_GONE || answer->verdict == VERDICT_REFUSED)) {
        held->bad = true;
    }
    rv = answer->verdict == VERDICT_GONE ? CKR_OK : note_refusal_locked(certificates, rv, answer);
    if (rv == CKR_OK) {
        held->asked = clock_now();
    }
    ask_once_answer(&held->asking, rv);
    return rv;
}

/* What a name of the service's consists of; no other is asked for. */
static bool is_name(struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (!((name.data[i] | 0x20) >= 'a' && (name.data[i] | 0x20) <= 'z') &&
            !(name.data[i] >= '0' && name.data[i] <= '9') && name.data[i] != '-') {
            return false;
        }
    }
    return name.size != 0 && name.size < KEY_NAME_SIZE;
}

/* Without a listing; one that is known costs nothing. */
static CK_RV learn_one_locked(struct certificates *certificates, struct bytes name, struct deadline deadline,
                              struct service_answer *answer)
{
    struct held_certificate *held = find_locked(certificates, name);
    bool known = held != NULL && !held->bad && (held->asked != 0 || held->listed != 0);
    CK_RV rv = CKR_OK;

    if (known || !is_name(name)) {
        return CKR_OK;
    }
    rv = certificates_hold_locked(certificates, name, &held);
    return rv == CKR_OK ? fetch_locked(certificates, held, deadline, answer) : rv;
}

CK_RV certificates_learn(struct certificates *certificates, struct bytes name, struct deadline deadline,
                         struct service_answer *ret_answer)
{
    CK_RV rv = CKR_OK;

    if (certificates->place == CERTIFICATES_IN_FILES) {
        certificates_read_folder(certificates, deadline);
        return CKR_OK;
    }
    pthread_mutex_lock(&certificates->lock);
    if (certificates->place == CERTIFICATES_OF_SERVICE &&
        !service_key_is_young(certificates->refused, access_of(certificates)->refresh)) {
        rv = name.size != 0 ? learn_one_locked(certificates, name, deadline, ret_answer)
                            : list_locked(certificates, deadline, ret_answer);
    }
    pthread_mutex_unlock(&certificates->lock);
    return rv;
}

static bool is_shown_locked(const struct certificates *certificates, const struct held_certificate *held)
{
    if (certificates->place == CERTIFICATES_IN_FILES) {
        return held->content != NULL && held->listed >= certificates->listings;
    }
    return !held->bad && !service_key_is_young(certificates->refused, access_of(certificates)->refresh) &&
           (held->listed == 0 ? held->content != NULL : held->listed >= certificates->listings);
}

struct held_certificate *certificates_at(struct certificates *certificates, size_t index, bool *ret_shown)
{
    struct held_certificate *held = NULL;

    pthread_mutex_lock(&certificates->lock);
    if (index < certificates->count) {
        held = certificates->held[index];
        *ret_shown = is_shown_locked(certificates, held);
    }
    pthread_mutex_unlock(&certificates->lock);
    return held;
}

CK_RV certificates_content(struct certificates *certificates, struct held_certificate *held,
                           struct deadline deadline, struct certificate **ret_content,
                           struct service_answer *ret_answer)
{
    CK_RV rv = CKR_OK;

    pthread_mutex_lock(&certificates->lock);
    if (certificates->place == CERTIFICATES_OF_SERVICE &&
        !service_key_is_young(certificates->refused, access_of(certificates)->refresh)) {
        rv = fetch_locked(certificates, held, deadline, ret_answer);
    }
    if (rv == CKR_OK) {
        *ret_content = certificate_hold(held->content);
    }
    pthread_mutex_unlock(&certificates->lock);
    return rv;
}

struct bytes certificates_text(struct certificates *certificates, struct held_certificate *held)
{
    struct service_key *key;

    pthread_mutex_lock(&certificates->lock);
    key = held->key;
    pthread_mutex_unlock(&certificates->lock);
    return bytes_of_text(key != NULL ? key->text : held->name);
}
