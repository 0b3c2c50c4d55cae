/* The older versions of a key, one after the other from the newest down. */
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/version_trial.h"
#include <string.h>

static bool was_tried(const struct trial *trial, const char *version)
{
    for (unsigned i = 0; i < trial->tried_count; i++) {
        if (strcmp(trial->tried[i], version) == 0) {
            return true;
        }
    }
    return false;
}

static bool could_open(const struct trial *trial, const struct known_version *version)
{
    const struct version_use *use = trial->use;

    return (use->key->ref.version == NULL || version->place != 0) && !was_tried(trial, version->name) &&
           (use->blob_size == 0 || version->blob_size == 0 || version->blob_size == use->blob_size);
}

/* The newest that is not the current one. */
static bool next_known(struct trial *trial, char ret_version[KEY_VERSION_SIZE])
{
    struct service_key *key = trial->use->key;
    const struct known_version *found = NULL;

    pthread_mutex_lock(&key->lock);
    for (size_t i = 0; i < key->versions.count && found == NULL; i++) {
        const struct known_version *version = &key->versions.items[i];

        if (strcmp(version->name, key->version) != 0 && could_open(trial, version)) {
            found = version;
        }
    }
    if (found != NULL) {
        memcpy(ret_version, found->name, KEY_VERSION_SIZE);
    }
    pthread_mutex_unlock(&key->lock);
    return found != NULL;
}

/*
 * The version that was taken for the latest. Which one the service asked in its place is not told with a bad blob:
 * it may have another since. So it is tried, too, but last, unless it is certain that it was asked. One that came into
 * use meanwhile was asked as if it were the one before: a symmetric key's size, which is in the question, may differ.
 */
static bool believed_current(const struct trial *trial, char ret_version[KEY_VERSION_SIZE])
{
    struct service_key *key = trial->use->key;
    bool doubtful;

    pthread_mutex_lock(&key->lock);
    memcpy(ret_version, key->version, KEY_VERSION_SIZE);
    doubtful = trial->current_at == 0 || key->latest_at == 0 || key->latest_at < trial->current_at ||
               atomic_load(&key->rolls) != trial->epoch;
    pthread_mutex_unlock(&key->lock);
    return key->ref.version == NULL && trial->use->access->service->ops->each_version != NULL &&
           ret_version[0] != 0 && doubtful && !was_tried(trial, ret_version);
}

static bool listing_helps(const struct trial *trial)
{
    return service_key_listing_helps(trial->use->key, trial->use->access);
}

static CK_RV learn_more(struct trial *trial)
{
    const struct version_use *use = trial->use;
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = service_key_list_versions(use->key, use->access, use->deadline, &answer);

    if (rv != CKR_OK) {
        *trial->answer = answer;
        if (answer.verdict == VERDICT_NONE) {
            trial->answer->verdict = VERDICT_UNREACHABLE; /* another thread's listing */
        }
    }
    return rv;
}

/* The version in use may not be the latest any more: then an older blob is most likely its own. */
static CK_RV learn_order(struct trial *trial)
{
    const struct version_use *use = trial->use;
    char version[KEY_VERSION_SIZE];

    service_key_version(use->key, version);
    return version[0] != 0 && !service_key_version_is_young(use->key, use->access) && listing_helps(trial)
               ? learn_more(trial)
               : CKR_OK;
}

/* CKR_OK with "": there is none left. */
static CK_RV next_version(struct trial *trial, char ret_version[KEY_VERSION_SIZE])
{
    const struct version_use *use = trial->use;
    bool more = next_known(trial, ret_version);

    if (!more && trial->older_count < use->access->older_versions && listing_helps(trial)) {
        CK_RV rv = learn_more(trial);

        if (rv != CKR_OK) {
            return rv;
        }
        more = next_known(trial, ret_version);
    }
    if (more && trial->older_count < use->access->older_versions) {
        trial->older_count++;
        return CKR_OK;
    }
    trial->left_over = more;
    if (trial->no_key || !believed_current(trial, ret_version)) {
        ret_version[0] = 0;
    }
    return CKR_OK;
}

static int64_t take_turn(struct service_key *key)
{
    int64_t wait;

    pthread_mutex_lock(&key->lock);
    wait = failure_limit_wait(&key->trials, clock_now());
    if (wait == 0) {
        failure_limit_note(&key->trials, clock_now());
    }
    pthread_mutex_unlock(&key->lock);
    return wait;
}

static CK_RV wait_turn(struct trial *trial)
{
    const struct version_use *use = trial->use;
    int64_t wait;

    while ((wait = take_turn(use->key)) != 0) {
        if (!deadline_sleep(use->deadline, wait)) {
            log_warning(use->access->label,
                        "key %s: too many ciphertexts that the current version does not open; older versions "
                        "are tried %d times a second, and the timeout of this call does not permit to wait "
                        "%lld ms",
                        use->key->text, MOST_FAILURES, (long long)wait);
            *trial->answer = (struct service_answer){VERDICT_UNREACHABLE};
            return CKR_DEVICE_ERROR;
        }
    }
    return CKR_OK;
}

/* It opened what the latest version would not: if it was taken for the latest, it is no more. */
static void note_opener(const struct trial *trial)
{
    const struct version_use *use = trial->use;

    service_key_doubt_version(use->key, trial->answer->version);
    pthread_mutex_lock(&use->key->lock);
    service_key_note_size_locked(use->key, trial->answer->version, use->blob_size);
    pthread_mutex_unlock(&use->key->lock);
}

static CK_RV try_one(struct trial *trial, const char *version)
{
    CK_RV rv = wait_turn(trial);

    if (rv != CKR_OK) {
        return rv;
    }
    memcpy(trial->tried[trial->tried_count++], version, KEY_VERSION_SIZE);
    rv = trial_request(trial, version);
    if (rv == CKR_OK) {
        note_opener(trial);
    }
    return rv;
}

/* From the newest down, until one opens it or what came is final. */
static CK_RV try_all(struct trial *trial, CK_RV rv)
{
    char version[KEY_VERSION_SIZE];

    while (rv != CKR_OK && version_may_differ(trial->answer)) {
        CK_RV next = next_version(trial, version);

        if (next != CKR_OK) {
            return next;
        }
        if (version[0] == 0) {
            break;
        }
        rv = try_one(trial, version);
    }
    return rv;
}

CK_RV trial_open_older(struct trial *trial, const char *known, CK_RV rv)
{
    char(*tried)[KEY_VERSION_SIZE] SCOPED(scope_free) = NULL;
    CK_RV learned = learn_order(trial);

    if (learned != CKR_OK) {
        return learned;
    }
    tried =
        calloc((size_t)trial->use->access->older_versions + 2, sizeof *tried); /* `known`, the one in use */
    if (tried == NULL) {
        *trial->answer = (struct service_answer){VERDICT_NONE};
        return CKR_HOST_MEMORY;
    }
    memcpy(tried[0], known, KEY_VERSION_SIZE);
    trial->tried = tried;
    trial->tried_count = known[0] != 0;
    return try_all(trial, rv);
}
