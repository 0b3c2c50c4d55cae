/* What is remembered of a blob: which version opened it, or that none did. */
#include "backends/base/hash.h"
#include "backends/base/libcrypto.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/version_trial.h"
#include <string.h>

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

enum remembered trial_recall(struct trial *trial, char ret_version[KEY_VERSION_SIZE])
{
    const struct version_use *use = trial->use;

    trial->identified = identify(use, &trial->blob);
    return trial->identified
               ? version_memory_find(use->access->memory, &trial->blob, trial->epoch, ret_version)
               : REMEMBERED_NOTHING;
}

void trial_keep_opener(const struct trial *trial)
{
    if (trial->identified && trial->answer->version[0] != 0) {
        version_memory_keep(trial->use->access->memory, &trial->blob, trial->answer->version);
    }
}

void trial_keep_failure(const struct trial *trial)
{
    if (trial->identified) {
        version_memory_keep_failure(trial->use->access->memory, &trial->blob, trial->epoch);
    }
}
