/*
 * Opening a blob of any version of a key: with the version that opened it before, else with the current one, and
 * where the service calls the blob bad, with older ones from the newest down. A version that is disabled, gone or
 * may not do it is passed over, and so is one that is not as the owner's rules want it (key_policy.h), without asking it;
 * whatever else is refused, or an unreachable service, ends it.
 */
#ifndef BYOK_PKCS11_SOFT_VERSION_H
#define BYOK_PKCS11_SOFT_VERSION_H

#include "pkcs11/soft/service_key_version.h"

/*
 * One request with this version of the key. What opens goes where `arg` says, which stays empty where nothing
 * does.
 */
typedef CK_RV version_request(void *arg, const struct key_ref *ref, struct service_answer *ret_answer);

/* Of how much use a success is. */
enum version_proof {
    PROOF_NONE, /* any version may seem to open it: only the key's own is asked */
    PROOF_SOME, /* one may now and then: it is remembered which it was, but no other is tried */
    PROOF_FULL
};

struct version_use {
    struct service_key *key;
    struct key_access *access;
    struct deadline deadline;
    version_request *request;
    void *arg;
    enum version_proof proof;
    unsigned how;              /* padding or algorithm, and the verb */
    const struct bytes *parts; /* all that is given to the service, for the memory */
    size_t part_count;
    size_t blob_size; /* bytes of the RSA ciphertext; 0: no length excludes a version */
    enum key_use key_use;
    CK_RV bad_blob, gone;
};

/*
 * The answer's `version` is the one that opened the blob. Where none does: the code and the answer of the first
 * version that was passed over, else use->bad_blob. CKR_DEVICE_ERROR where trials are more than ten a second for
 * this key, and the call may not wait as long.
 */
MUST_USE CK_RV version_open(const struct version_use *use, struct service_answer *ret_answer);

/* Whether it is remembered which version opened such a blob. */
bool version_is_remembered(const struct version_use *use);

/* Whether another version, or another cut of the blob, may still open it. */
bool version_may_differ(const struct service_answer *answer);

#endif
