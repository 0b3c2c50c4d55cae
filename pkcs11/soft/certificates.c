/* The certificates that this token shows. */
#include "pkcs11/soft/certificates.h"
#include <stdlib.h>

enum { FIRST_ROOM = 16 };

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

struct held_certificate *certificates_find_locked(const struct certificates *certificates, struct bytes name)
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
    struct held_certificate *held = certificates_find_locked(certificates, name);
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
        rv = name.size != 0 ? certificates_learn_one_locked(certificates, name, deadline, ret_answer)
                            : certificates_list_locked(certificates, deadline, ret_answer);
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
        rv = certificates_fetch_locked(certificates, held, deadline, ret_answer);
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
