/* Where the next wrap or encryption under a key of the service is made: here, or by the service. */
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/service_key.h"
#include <string.h>

/* Known well enough to wrap with, without a request: the version that the service accepted, lately. */
static struct public_part *accepted_part(struct service_key *key, const struct key_access *access,
                                         bool *ret_accepted)
{
    struct public_part *part = NULL;

    pthread_mutex_lock(&key->lock);
    *ret_accepted = service_key_is_young(key->wrapped, access->lease_check);
    if (*ret_accepted && key->part != NULL && strcmp(key->part->info.version, key->version) == 0 &&
        (service_key_is_young(key->part->at, access->refresh) ||
         service_key_is_young(key->wrapped, access->refresh))) {
        part = public_part_hold(key->part);
    }
    pthread_mutex_unlock(&key->lock);
    return part;
}

/* wrap = auto: the service must have accepted just this version. */
static struct public_part *part_for_auto(struct service_key *key, struct key_access *access,
                                         struct deadline deadline, struct service_answer *ret_answer)
{
    struct public_part *part SCOPED(public_part_free_scoped) = NULL;
    bool accepted;

    part = accepted_part(key, access, &accepted);
    if (part != NULL || !accepted) {
        return take(part);
    }
    if (service_key_public(key, access, deadline, &part, ret_answer) != CKR_OK) {
        return NULL; /* the service itself shall say what is wrong */
    }
    public_part_free(take(part));
    return accepted_part(key, access, &accepted);
}

/* No request is made for it, so nobody else has a line. */
static void tell_refusal(const struct service_key *key, const struct key_access *access,
                         struct public_part *part)
{
    if (!atomic_exchange(&part->refusal_told, true)) {
        log_error(
            access->label, "key %s: nothing is wrapped, encrypted or signed with its version %s, which is %s",
            key->text, part->info.version,
            part->info.enabled ? "outside its dates (nbf, exp); rotate the key, or have its owner change them"
                               : "disabled; its owner can enable it");
    }
}

CK_RV service_key_check_use(struct service_key *key, struct key_access *access, struct deadline deadline,
                            struct service_answer *ret_answer)
{
    struct public_part *part SCOPED(public_part_free_scoped) = service_key_known(key);
    CK_RV rv;

    if (part == NULL || service_key_may_wrap(part, access)) {
        return CKR_OK;
    }
    public_part_free(take(part));
    rv = service_key_public(key, access, deadline, &part, ret_answer);
    if (rv != CKR_OK || part == NULL || service_key_may_wrap(part, access) ||
        !service_key_tells(key, access)) {
        return rv;
    }
    tell_refusal(key, access, part);
    return CKR_KEY_FUNCTION_NOT_PERMITTED;
}

static CK_RV give_if_rsa(struct public_part *part, struct public_part **ret_part)
{
    if (part != NULL && part->info.rsa == NULL) {
        public_part_free(take(part));
    }
    *ret_part = part;
    return CKR_OK;
}

CK_RV service_key_wrap_here(struct service_key *key, struct key_access *access, struct deadline deadline,
                            struct public_part **ret_part, struct service_answer *ret_answer)
{
    struct public_part *part = NULL;
    CK_RV rv = CKR_OK;

    if (access->place == WRAP_LOCAL) {
        rv = service_key_public(key, access, deadline, &part, ret_answer);
    } else if (access->place == WRAP_AUTO) {
        part = part_for_auto(key, access, deadline, ret_answer);
    }
    if (rv == CKR_OK) {
        rv = service_key_check_use(key, access, deadline, ret_answer);
    }
    if (rv != CKR_OK) {
        public_part_free(part);
        return rv;
    }
    return give_if_rsa(part, ret_part);
}

CK_RV service_key_encrypt_here(struct service_key *key, struct key_access *access, struct deadline deadline,
                               struct public_part **ret_part, struct service_answer *ret_answer)
{
    struct public_part *part = NULL;
    CK_RV rv = CKR_OK;

    if (access->place != WRAP_SERVICE) {
        rv = service_key_public(key, access, deadline, &part, ret_answer);
    }
    if (rv == CKR_OK) {
        rv = service_key_check_use(key, access, deadline, ret_answer);
    }
    if (rv != CKR_OK) {
        public_part_free(part);
        return rv;
    }
    return give_if_rsa(part, ret_part);
}

void service_key_wrapped(struct service_key *key, const struct service_answer *answer)
{
    pthread_mutex_lock(&key->lock);
    if (answer->verdict == VERDICT_ACCEPTED && answer->version[0] != 0 &&
        strcmp(answer->version, key->version) == 0) {
        key->wrapped = clock_now();
    }
    pthread_mutex_unlock(&key->lock);
}
