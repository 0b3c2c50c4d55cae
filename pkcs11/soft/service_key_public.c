/* The public part of a key of the service: asked for when it is needed, once for all threads. */
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/lease_use.h"
#include "pkcs11/soft/policy.h"
#include "pkcs11/soft/service_key_version.h"
#include <string.h>
#include <time.h>

/* In ms: how long a public part stays known that forbids to wrap. */
enum { FORBIDDEN_AGE = 1000 };

static bool outside_dates(const struct key_info *info, const struct key_access *access)
{
    int64_t now = (int64_t)time(NULL) + atomic_load(&access->clock_ahead);

    return (info->not_before != 0 && now < info->not_before) || (info->expires != 0 && now >= info->expires);
}

bool service_key_may_wrap(const struct public_part *part, const struct key_access *access)
{
    return part->info.enabled && !outside_dates(&part->info, access);
}

/* What forbids a wrap is looked at again soon: its owner may have changed it. */
static int64_t age_of(const struct public_part *part, const struct key_access *access)
{
    return service_key_may_wrap(part, access) || access->refresh < FORBIDDEN_AGE ? access->refresh
                                                                                 : FORBIDDEN_AGE;
}

static bool part_is_current_locked(const struct service_key *key, const struct key_access *access)
{
    return key->part != NULL && !key->doubted &&
           service_key_is_young(key->part->at, age_of(key->part, access)) &&
           service_key_same_version(key->part->info.version, key->version);
}

static void keep_part_locked(struct service_key *key, struct public_part *part)
{
    public_part_free(key->part);
    key->part = part;
    key->type = part->info.type;
    if (part->info.rsa != NULL) {
        key->blob_size = (rsa_public_bits(part->info.rsa) + 7) / 8;
        service_key_note_size_locked(key, part->info.version, key->blob_size);
    }
    if (part->info.ec != NULL) {
        key->blob_size = 2 * ec_curve_size(ec_public_curve(part->info.ec));
    }
}

/* Under a strict policy some usages are not had together, whatever the owner set. */
static void apply_policy(struct key_info *info, const struct key_access *access)
{
    if (access->strict) {
        info->uses = policy_uses(info->uses_known ? info->uses : ~0U);
        info->uses_known = true;
    }
}

static CK_RV keep_refusal(struct service_key *key, struct key_access *access)
{
    struct public_part *part = public_part_from_file(key->ref.name, access->label, access->public_keys);

    if (part != NULL) {
        apply_policy(&part->info, access);
    }
    atomic_store(&access->get_refused, clock_now());
    log_info(access->label,
             "key %s: the service does not give its public part, so wraps are made there; the permission for "
             "it is get (keys)%s",
             key->ref.name, part == NULL ? "" : "; taken from public-keys");
    pthread_mutex_lock(&key->lock);
    key->refused = clock_now();
    key->doubted = false;
    if (part != NULL) {
        keep_part_locked(key, part);
    }
    pthread_mutex_unlock(&key->lock);
    return CKR_OK;
}

static CK_RV ask(struct service_key *key, struct key_access *access, struct deadline deadline,
                 struct service_answer *ret_answer)
{
    struct public_part *part = public_part_new();
    struct version_roll roll = {false};
    CK_RV rv;

    if (part == NULL) {
        return CKR_HOST_MEMORY;
    }
    rv = access->service->ops->public_part(access->service, &key->ref, deadline, &part->info, ret_answer);
    if (rv != CKR_OK) {
        public_part_free(part);
        if (service_key_is_refusal(ret_answer)) {
            soft_lease_hint(access->leases, key, version_asked(&key->ref, ret_answer));
        }
        return ret_answer->verdict == VERDICT_REFUSED ? keep_refusal(key, access) : rv;
    }
    atomic_store(&access->get_works, true);
    apply_policy(&part->info, access);
    pthread_mutex_lock(&key->lock);
    key->refused = 0;
    key->doubted = false;
    service_key_take_version_locked(key, access, part->info.version, &roll);
    keep_part_locked(key, part);
    pthread_mutex_unlock(&key->lock);
    service_key_tell_roll(key, access, &roll, ret_answer);
    return CKR_OK;
}

static CK_RV ask_if_needed_locked(struct service_key *key, struct key_access *access,
                                  struct deadline deadline, struct service_answer *ret_answer)
{
    CK_RV rv = CKR_OK;

    if (part_is_current_locked(key, access) || service_key_is_young(key->refused, access->refresh) ||
        !ask_once_join(&key->asking, &key->lock, deadline, &rv)) {
        return rv;
    }
    pthread_mutex_unlock(&key->lock);
    rv = ask(key, access, deadline, ret_answer);
    pthread_mutex_lock(&key->lock);
    ask_once_answer(&key->asking, rv);
    return rv;
}

CK_RV service_key_public(struct service_key *key, struct key_access *access, struct deadline deadline,
                         struct public_part **ret_part, struct service_answer *ret_answer)
{
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv;

    pthread_mutex_lock(&key->lock);
    rv = ask_if_needed_locked(key, access, deadline, &answer);
    if (rv == CKR_OK) {
        *ret_part = public_part_hold(key->part);
    }
    pthread_mutex_unlock(&key->lock);
    if (ret_answer != NULL && answer.verdict != VERDICT_NONE) {
        *ret_answer = answer;
    }
    return rv;
}

struct public_part *service_key_known(struct service_key *key)
{
    struct public_part *part;

    pthread_mutex_lock(&key->lock);
    part = public_part_hold(key->part);
    pthread_mutex_unlock(&key->lock);
    return part;
}

struct public_part *service_key_current(struct service_key *key, const struct key_access *access)
{
    struct public_part *part = NULL;

    pthread_mutex_lock(&key->lock);
    if (part_is_current_locked(key, access)) {
        part = public_part_hold(key->part);
    }
    pthread_mutex_unlock(&key->lock);
    return part;
}

struct public_part *service_key_judged(struct service_key *key, struct key_access *access, enum key_use use,
                                       struct deadline deadline)
{
    struct public_part *part = service_key_current(key, access);

    bool asks = part == NULL && access->strict && (policy_uses(~0U) & (unsigned)use) == 0;

    if (asks && service_key_public(key, access, deadline, &part, NULL) != CKR_OK) {
        return NULL; /* so it stays forbidden */
    }
    return part;
}

bool service_key_tells(struct service_key *key, const struct key_access *access)
{
    bool tells;

    pthread_mutex_lock(&key->lock);
    tells = !service_key_is_young(key->refused, access->refresh);
    pthread_mutex_unlock(&key->lock);
    return tells;
}

bool service_key_outside_dates(struct service_key *key, const struct key_access *access)
{
    struct public_part *part SCOPED(public_part_free_scoped) = service_key_known(key);

    return part != NULL && outside_dates(&part->info, access);
}
