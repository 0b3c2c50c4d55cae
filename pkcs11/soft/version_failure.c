/* No version opened a blob: what is said and remembered of that. */
#include "backends/base/log.h"
#include "pkcs11/soft/version_trial.h"

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
                "key %s: a ciphertext does not open: %u %s tried, status %u, request id %s; %s%s",
                use->key->text, trial->asked, trial->asked == 1 ? "version" : "versions", answer->status,
                answer->request_id[0] == 0 ? "none" : answer->request_id,
                trial->noted_rv == CKR_OK
                    ? "it was made by another key, version or mechanism, or it was changed"
                    : "it may have been made by one that is disabled, gone or not allowed to open it",
                advice(trial));
}

/* Every version that there is, or that older-versions allows, called the blob bad. */
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

/* A single refusal has its own line. Where no others may be tried, so has a bad blob, and nothing is remembered. */
CK_RV trial_give_up(struct trial *trial)
{
    bool has_others = trial_has_others(trial);

    if (has_others && (trial->noted_rv == CKR_OK || trial->asked > 1)) {
        log_failure(trial);
    }
    if (trial->noted_rv != CKR_OK) {
        *trial->answer = trial->noted;
        return trial->noted_rv;
    }
    if (has_others && is_complete(trial)) {
        trial_keep_failure(trial);
    }
    return trial->use->bad_blob;
}
