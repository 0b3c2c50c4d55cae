/*
 * One call of version_open (version.c) as its rooms see it: what was asked and answered until now. version_blob.c
 * remembers blobs, version_trial.c makes one request, version_older.c chooses the next older version, and
 * version_failure.c says that none opened it.
 */
#ifndef BYOK_PKCS11_SOFT_VERSION_TRIAL_H
#define BYOK_PKCS11_SOFT_VERSION_TRIAL_H

#include "pkcs11/soft/version.h"

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
    int64_t current_at;       /* when it was asked for no version, or the pinned one; 0: it was not */
    bool left_over;           /* older-versions kept some from being tried */
    bool no_key;              /* asked for no version, the service knew no such key */
    struct service_answer noted;
    CK_RV noted_rv; /* CKR_OK: none was passed over */
};

static inline bool trial_has_others(const struct trial *trial)
{
    return trial->use->proof == PROOF_FULL && trial->use->access->older_versions != 0;
}

/*
 * version_trial.c: one request, for the key's own ref.version (NULL: it names none) or another one. Who is passed over
 * first is noted.
 */
MUST_USE CK_RV trial_request(struct trial *trial, const char *version);
/* Only whether the owner's rules permit it. */
MUST_USE CK_RV trial_judge(struct trial *trial, const char *version);

/* version_blob.c: what is known of the blob, and what is kept of it. */
enum remembered trial_recall(struct trial *trial, char ret_version[KEY_VERSION_SIZE]);
void trial_keep_opener(const struct trial *trial);
void trial_keep_failure(const struct trial *trial);

/*
 * version_older.c: after the current version, and `known` ("": none), gave `rv`. CKR_OK where another opened it; else
 * the answer says whether any more could have.
 */
MUST_USE CK_RV trial_open_older(struct trial *trial, const char *known, CK_RV rv);

/* version_failure.c: none that was asked opened it; the code for that. */
MUST_USE CK_RV trial_give_up(struct trial *trial);

#endif
