/* Opening a blob of any version of a key. */
#include "pkcs11/soft/version.h"
#include "backends/base/hash.h"
#include "backends/base/libcrypto.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include <stdio.h>
#include <string.h>

/* One call of version_open. */
struct trial {
    const struct version_use *use;
    struct service_answer *answer; /* of the last request */
    bool identified;               /* `blob` is filled in */
    struct version_blob blob;
    unsigned epoch;
    char (*tried)[KEY_VERSION_SIZE]; /* room for all */
    unsigned tried_count;
    unsigned older_count;     /* of these, what counts against older-versions */
    unsigned asked, requests; /* versions, the current one too; requests on the wire */
    int64_t current_at;       /* when the current version had refused the blob */
    bool left_over;           /* older-versions kept some from being tried */
    bool no_key;              /* asked for no version, the service knew no such key */
    struct service_answer noted;
    CK_RV noted_rv; /* CKR_OK: none was passed over */
};

static bool is_passed_over(const struct service_answer *answer)
{
    return answer->verdict == VERDICT_DISABLED || answer->verdict == VERDICT_GONE ||
           (answer->verdict == VERDICT_REFUSED && answer->of_version);
}

bool version_may_differ(const struct service_answer *answer)
{
    return answer->verdict == VERDICT_BAD_BLOB || is_passed_over(answer);
}

static bool tries_others(const struct version_use *use)
{
    return use->proof == PROOF_FULL && use->access->older_versions != 0;
}

/* --- The memory --- */

DEFINE_SCOPED(EVP_MD_CTX, EVP_MD_CTX_free)

/* Each part with its length, so that two ways to cut the same bytes differ. */
static CK_RV digest_parts(const struct version_use *use, unsigned char ret_digest[LONGEST_HASH])
{
    EVP_MD_CTX *context SCOPED(EVP_MD_CTX_free_scoped) = NULL;
    CK_RV rv = hash_begin(&context, HASH_SHA256);

    for (size_t i = 0; rv == CKR_OK && i < use->part_count; i++) {
        size_t size = use->parts[i].size;

        if (use->part_count > 1) {
            rv = hash_add(context, bytes_of((const unsigned char *)&size, sizeof size));
        }
        if (rv == CKR_OK && size != 0) {
            rv = hash_add(context, use->parts[i]);
        }
    }
    return rv == CKR_OK ? hash_end(context, ret_digest) : rv;
}

/* Without a digest there is no memory, and all else works. */
static bool identify(const struct version_use *use, struct version_blob *ret_blob)
{
    unsigned char digest[LONGEST_HASH];

    if (use->proof == PROOF_NONE || digest_parts(use, digest) != CKR_OK) {
        return false;
    }
    *ret_blob = (struct version_blob){.key = use->key, .how = use->how};
    memcpy(ret_blob->digest, digest, sizeof ret_blob->digest);
    return true;
}

bool version_is_remembered(const struct version_use *use)
{
    char version[KEY_VERSION_SIZE];
    struct version_blob blob;

    return identify(use, &blob) &&
           version_memory_find(use->access->memory, &blob, 0, version) == REMEMBERED_VERSION;
}

/* --- One request --- */

/* The first version that was passed over says why nothing opened, if nothing does. */
static void note(struct trial *trial, CK_RV rv)
{
    if (trial->noted_rv == CKR_OK && is_passed_over(trial->answer)) {
        trial->noted = *trial->answer;
        trial->noted_rv = rv;
    }
}

static CK_RV request(struct trial *trial, const char *version)
{
    const struct version_use *use = trial->use;
    const struct key_ref ref = {use->key->ref.name, version, tries_others(use)};
    CK_RV rv;

    *trial->answer = (struct service_answer){VERDICT_NONE};
    rv = use->request(use->arg, &ref, trial->answer);
    trial->asked++;
    trial->requests += trial->answer->tries;
    if (rv == CKR_OK && trial->answer->version[0] == 0 && version != NULL) {
        snprintf(trial->answer->version, sizeof trial->answer->version, "%s", version);
    }
    if (rv != CKR_OK) {
        note(trial, rv);
    }
    return rv;
}

static void remember(const struct trial *trial)
{
    if (trial->identified && trial->answer->version[0] != 0) {
        version_memory_keep(trial->use->access->memory, &trial->blob, trial->answer->version);
    }
}

/* --- The version that opened it before --- */

static CK_RV ask_remembered(struct trial *trial, const char *version)
{
    const struct version_use *use = trial->use;
    CK_RV rv = request(trial, version);

    service_key_learn_date(use->access, trial->answer);
    if (is_passed_over(trial->answer)) {
        service_key_doubt_version(use->key, version);
    }
    return rv;
}

/*
 * A version that is disabled, or may not do it, is still the one that the blob was made with, so no other is tried.
 * One that is gone or calls the blob bad is not: the key may have been made anew, or come from a backup.
 */
static bool settles(const struct trial *trial, CK_RV rv)
{
    return rv == CKR_OK || trial->use->proof != PROOF_FULL ||
           (trial->answer->verdict != VERDICT_BAD_BLOB && trial->answer->verdict != VERDICT_GONE);
}

/* --- The current version --- */

static CK_RV ask_current(struct trial *trial)
{
    const struct version_use *use = trial->use;
    CK_RV rv = request(trial, use->key->ref.version);

    service_key_learn(use->key, use->access, trial->answer, rv == CKR_OK ? use->blob_size : 0);
    trial->current_at = clock_now();
    trial->no_key = use->key->ref.version == NULL && trial->answer->verdict == VERDICT_GONE;
    return rv;
}

/* --- Older ones --- */

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
 * it may have another since. So it is tried, too, but last, unless it is certain that it was asked.
 */
static bool believed_current(const struct trial *trial, char ret_version[KEY_VERSION_SIZE])
{
    struct service_key *key = trial->use->key;
    bool doubtful;

    pthread_mutex_lock(&key->lock);
    memcpy(ret_version, key->version, KEY_VERSION_SIZE);
    doubtful = key->latest_at == 0 || key->latest_at < trial->current_at;
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
    rv = request(trial, version);
    service_key_learn_date(trial->use->access, trial->answer);
    if (rv == CKR_OK) {
        note_opener(trial);
    }
    return rv;
}

/* CKR_OK where one of them opened it; else the answer says whether any more could have. */
static CK_RV try_older(struct trial *trial, CK_RV rv)
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

/* --- The end --- */

/* What would have helped, for the operator. */
static const char *advice(const struct trial *trial)
{
    const struct version_use *use = trial->use;
    bool refused;

    if (use->key->ref.version != NULL) {
        return "; the key is pinned to one version, and others are tried where `older` names them";
    }
    if (trial->left_over) {
        return "; there are older ones, which older-versions keeps from being tried";
    }
    pthread_mutex_lock(&use->key->lock);
    refused = use->key->versions_refused != 0;
    pthread_mutex_unlock(&use->key->lock);
    return refused ? "; older ones would be found with the permission list (keys), or are named in `older`"
                   : "";
}

static void log_failure(const struct trial *trial)
{
    const struct version_use *use = trial->use;
    const struct service_answer *answer = trial->answer;

    log_warning(use->access->label,
                "key %s: a ciphertext does not open: %u %s tried, status %u, request id %s; it was made by "
                "another key, version or mechanism, or it was changed%s",
                use->key->text, trial->asked, trial->asked == 1 ? "version" : "versions", answer->status,
                answer->request_id[0] == 0 ? "none" : answer->request_id, advice(trial));
}

/* Every version that there is called the blob bad. */
static bool is_complete(const struct trial *trial)
{
    const struct version_use *use = trial->use;
    bool listed;

    if (use->key->ref.version != NULL || use->access->service->ops->each_version == NULL) {
        return true;
    }
    pthread_mutex_lock(&use->key->lock);
    listed = use->key->versions_refused == 0 && use->key->versions_listed != 0;
    pthread_mutex_unlock(&use->key->lock);
    return listed;
}

static CK_RV give_up(struct trial *trial)
{
    const struct version_use *use = trial->use;

    if (trial->noted_rv == CKR_OK || trial->asked > 1) { /* else the refusal has its own line */
        log_failure(trial);
    }
    if (trial->noted_rv != CKR_OK) {
        *trial->answer = trial->noted;
        return trial->noted_rv;
    }
    if (trial->identified && is_complete(trial)) {
        version_memory_keep_failure(use->access->memory, &trial->blob, trial->epoch);
    }
    return use->bad_blob;
}

static CK_RV try_all(struct trial *trial, CK_RV rv)
{
    CK_RV learned = learn_order(trial);

    if (learned != CKR_OK) {
        return learned;
    }
    rv = try_older(trial, rv);
    if (rv == CKR_OK) {
        remember(trial);
        return rv;
    }
    return version_may_differ(trial->answer) ? give_up(trial) : rv;
}

/* The current version, and the others where these may be tried. `known` is what was tried before, "" nothing. */
static CK_RV open_anew(struct trial *trial, const char *known)
{
    const struct version_use *use = trial->use;
    char(*tried)[KEY_VERSION_SIZE] SCOPED(scope_free) = NULL;
    CK_RV rv = ask_current(trial);

    if (rv == CKR_OK) {
        remember(trial);
        return rv;
    }
    if (!tries_others(use) || !version_may_differ(trial->answer)) {
        return rv;
    }
    tried = calloc((size_t)use->access->older_versions + 2, sizeof *tried);
    if (tried == NULL) {
        return CKR_HOST_MEMORY;
    }
    trial->tried = tried;
    memcpy(tried[0], known, KEY_VERSION_SIZE);
    trial->tried_count = known[0] != 0;
    return try_all(trial, rv);
}

static CK_RV fail_as_before(const struct version_use *use, struct service_answer *ret_answer)
{
    log_info(use->access->label,
             "key %s: a ciphertext that no version opened less than a minute ago is not tried again",
             use->key->text);
    *ret_answer = (struct service_answer){VERDICT_BAD_BLOB};
    return use->bad_blob;
}

CK_RV version_open(const struct version_use *use, struct service_answer *ret_answer)
{
    struct trial trial = {.use = use, .answer = ret_answer, .epoch = atomic_load(&use->key->rolls)};
    enum remembered remembered = REMEMBERED_NOTHING;
    char known[KEY_VERSION_SIZE] = "";
    CK_RV rv = CKR_OK;

    trial.identified = identify(use, &trial.blob);
    if (trial.identified) {
        remembered = version_memory_find(use->access->memory, &trial.blob, trial.epoch, known);
    }
    if (remembered == REMEMBERED_FAILURE) {
        return fail_as_before(use, ret_answer);
    }
    if (remembered == REMEMBERED_VERSION) {
        rv = ask_remembered(&trial, known);
    }
    if (remembered != REMEMBERED_VERSION || !settles(&trial, rv)) {
        rv = open_anew(&trial, known);
    }
    ret_answer->tries = trial.requests;
    return rv;
}
