/* Opening a blob of any version of a key: whom to ask first, and what follows. */
#include "pkcs11/soft/version.h"
#include "backends/base/log.h"
#include "pkcs11/soft/version_trial.h"
#include <string.h>

/*
 * `known`: the version that opened it before, "": none. The current one is asked once, by whichever name; but one that
 * is gone was not it.
 */
static CK_RV ask_first(struct trial *trial, const char *known)
{
    const struct version_use *use = trial->use;
    bool is_current = service_key_is_current(use->key, use->access, known);
    CK_RV rv;

    if (known[0] != 0) {
        rv = trial_request(trial, known);
        if (rv == CKR_OK || use->proof != PROOF_FULL || !version_may_differ(trial->answer) ||
            (is_current && trial->answer->verdict != VERDICT_GONE)) {
            return rv;
        }
    }
    return trial_request(trial, use->key->ref.version);
}

/* Without a version's name the service may have used another one than was judged. */
static CK_RV judge_opener(struct trial *trial)
{
    char version[KEY_VERSION_SIZE];
    CK_RV rv;

    memcpy(version, trial->answer->version, sizeof version);
    rv = trial_judge(trial, version[0] == 0 ? NULL : version);
    if (rv == CKR_OK) {
        trial_keep_opener(trial);
    }
    return rv;
}

static CK_RV open_any(struct trial *trial, const char *known)
{
    CK_RV rv = ask_first(trial, known);

    if (rv != CKR_OK && trial_has_others(trial) && version_may_differ(trial->answer)) {
        rv = trial_open_older(trial, known, rv);
    }
    if (rv == CKR_OK) {
        return judge_opener(trial);
    }
    return version_may_differ(trial->answer) ? trial_give_up(trial) : rv;
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
    char known[KEY_VERSION_SIZE] = "";
    CK_RV rv;

    if (trial_recall(&trial, known) == REMEMBERED_FAILURE) {
        return fail_as_before(use, ret_answer);
    }
    rv = open_any(&trial, known);
    ret_answer->tries = trial.requests;
    return rv;
}
