/* One request with one version of a key, and what it says about others. */
#include "pkcs11/soft/version_trial.h"
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

CK_RV trial_request(struct trial *trial, const char *version)
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
    if (rv != CKR_OK) {
        note(trial, rv);
    }
    return rv;
}
