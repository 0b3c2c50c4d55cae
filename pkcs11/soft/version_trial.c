/* One request with one version of a key: whether it is made, and what its answer says about that and others. */
#include "pkcs11/soft/version_trial.h"
#include "pkcs11/soft/key_policy.h"
#include <stdio.h>

static bool is_passed_over(const struct service_answer *answer)
{
    return answer->verdict == VERDICT_DISABLED || answer->verdict == VERDICT_GONE ||
           (answer->verdict == VERDICT_REFUSED && answer->of_version);
}

bool version_may_differ(const struct service_answer *answer)
{
    return answer->verdict == VERDICT_BAD_BLOB || is_passed_over(answer);
}

/* The first version that was passed over says why nothing opened, if nothing does. */
static void note(struct trial *trial, CK_RV rv)
{
    if (trial->noted_rv == CKR_OK && is_passed_over(trial->answer)) {
        trial->noted = *trial->answer;
        trial->noted_rv = rv;
    }
}

CK_RV trial_judge(struct trial *trial, const char *version)
{
    const struct version_use *use = trial->use;
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = key_policy_check_version(use->key, use->access, version, use->key_use, use->deadline, &answer);

    if (rv == CKR_OK) {
        return rv;
    }
    trial->requests += answer.tries;
    *trial->answer = answer;
    return rv == CKR_KEY_HANDLE_INVALID ? use->gone : rv;
}

static void learn(struct trial *trial, const char *version, CK_RV rv)
{
    const struct version_use *use = trial->use;

    if (version == use->key->ref.version) {
        service_key_learn(use->key, use->access, trial->answer, rv == CKR_OK ? use->blob_size : 0);
        trial->current_at = clock_now();
        trial->no_key = version == NULL && trial->answer->verdict == VERDICT_GONE;
        return;
    }
    service_key_learn_date(use->access, trial->answer);
    if (is_passed_over(trial->answer)) {
        service_key_doubt_version(use->key, version);
    }
}

static CK_RV ask(struct trial *trial, const char *version)
{
    const struct version_use *use = trial->use;
    const struct key_ref ref = {use->key->ref.name, version, trial_has_others(trial)};
    CK_RV rv;

    *trial->answer = (struct service_answer){VERDICT_NONE};
    rv = use->request(use->arg, &ref, trial->answer);
    trial->asked++;
    trial->requests += trial->answer->tries;
    if (rv == CKR_OK && trial->answer->version[0] == 0 && version != NULL) {
        snprintf(trial->answer->version, sizeof trial->answer->version, "%s", version);
    }
    learn(trial, version, rv);
    return rv;
}

CK_RV trial_request(struct trial *trial, const char *version)
{
    CK_RV rv = trial_judge(trial, version);

    if (rv == CKR_OK) {
        rv = ask(trial, version);
    }
    if (rv != CKR_OK) {
        note(trial, rv);
    }
    return rv;
}
