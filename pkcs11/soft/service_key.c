/* One key of the service: what it is, and what answers teach. */
#include "pkcs11/soft/service_key.h"
#include "pkcs11/soft/lease_use.h"
#include "pkcs11/soft/service_key_version.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool has_text_of_its_own(const struct service_key *key)
{
    return key->beside && key->ref.version != NULL;
}

/* There may be thousands of keys, and hardly one of them stands beside another. */
static void text_make(struct service_key *key)
{
    char *text = NULL;

    if (!has_text_of_its_own(key)) {
        key->text = key->ref.name;
    } else if (asprintf(&text, "%s/%s", key->ref.name, key->ref.version) >= 0) {
        key->text = text;
    }
}

CK_RV service_key_new(const struct key_ref *ref, bool beside, struct service_key **ret_key)
{
    struct service_key *key = calloc(1, sizeof *key);

    if (key == NULL) {
        return CKR_HOST_MEMORY;
    }
    pthread_mutex_init(&key->lock, NULL);
    ask_once_init(&key->asking);
    ask_once_init(&key->listing);
    key->beside = beside;
    key->ref.name = strdup(ref->name);
    key->ref.version = ref->version == NULL ? NULL : strdup(ref->version);
    if (key->ref.name != NULL && (ref->version == NULL || key->ref.version != NULL)) {
        text_make(key);
    }
    if (key->text == NULL) {
        service_key_free(key);
        return CKR_HOST_MEMORY;
    }
    if (ref->version != NULL) {
        snprintf(key->version, sizeof key->version, "%s", ref->version);
    }
    *ret_key = key;
    return CKR_OK;
}

static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

void service_key_free(struct service_key *key)
{
    if (key == NULL) {
        return;
    }
    public_part_free(key->part);
    version_list_done(&key->versions);
    ask_once_done(&key->asking);
    ask_once_done(&key->listing);
    pthread_mutex_destroy(&key->lock);
    if (has_text_of_its_own(key)) {
        free_text(key->text);
    }
    free_text(key->ref.name);
    free_text(key->ref.version);
    free(key);
}

enum key_type service_key_type(struct service_key *key)
{
    enum key_type type;

    pthread_mutex_lock(&key->lock);
    type = key->type;
    pthread_mutex_unlock(&key->lock);
    return type;
}

void service_key_set_type(struct service_key *key, enum key_type type)
{
    pthread_mutex_lock(&key->lock);
    if (type != KEY_TYPE_UNKNOWN) {
        key->type = type;
    }
    pthread_mutex_unlock(&key->lock);
}

void service_key_version(struct service_key *key, char ret_version[KEY_VERSION_SIZE])
{
    pthread_mutex_lock(&key->lock);
    memcpy(ret_version, key->version, KEY_VERSION_SIZE);
    pthread_mutex_unlock(&key->lock);
}

size_t service_key_blob_size(struct service_key *key)
{
    size_t size;

    pthread_mutex_lock(&key->lock);
    size = key->blob_size;
    pthread_mutex_unlock(&key->lock);
    return size;
}

static void learn_locked(struct service_key *key, const struct key_access *access,
                         const struct service_answer *answer, size_t blob_size, struct version_roll *ret_roll)
{
    if (answer->verdict == VERDICT_ACCEPTED) {
        service_key_take_version_locked(key, access, answer->version, ret_roll);
        if (blob_size != key->blob_size && blob_size != 0 &&
            service_key_same_version(answer->version, key->version)) {
            key->blob_size = blob_size;
            service_key_note_size_locked(key, key->version, blob_size);
        }
    }
    if (service_key_is_refusal(answer)) {
        key->wrapped = 0;
        key->doubted = answer->verdict != VERDICT_REFUSED || answer->of_version;
    }
}

void service_key_learn(struct service_key *key, struct key_access *access,
                       const struct service_answer *answer, size_t blob_size)
{
    struct version_roll roll = {false};

    service_key_learn_date(access, answer);
    pthread_mutex_lock(&key->lock);
    learn_locked(key, access, answer, blob_size, &roll);
    pthread_mutex_unlock(&key->lock);
    service_key_tell_roll(key, access, &roll, answer);
    if (service_key_is_refusal(answer)) {
        soft_lease_hint(access->leases, key, version_asked(&key->ref, answer));
    }
}

void service_key_learn_date(struct key_access *access, const struct service_answer *answer)
{
    if (answer->date != 0) {
        atomic_store(&access->clock_ahead, answer->date - (int64_t)time(NULL));
    }
}

int64_t service_key_failure_wait(struct service_key *key)
{
    int64_t wait;

    pthread_mutex_lock(&key->lock);
    wait = failure_limit_wait(&key->failures, clock_now());
    pthread_mutex_unlock(&key->lock);
    return wait;
}

void service_key_failed(struct service_key *key)
{
    pthread_mutex_lock(&key->lock);
    failure_limit_note(&key->failures, clock_now());
    pthread_mutex_unlock(&key->lock);
}
