/* Which keys of the service the owner lets be used at all. */
#include "pkcs11/soft/key_policy.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/catalogue.h"
#include "pkcs11/soft/soft_audit.h"
#include <stdio.h>
#include <string.h>

enum { LEAST_BITS = 2048 /* of the service */, REASON_SIZE = 256 };

enum shortfall { FITS, TOO_SMALL, IN_SOFTWARE, PLACE_NOT_TOLD, NOT_PROTECTED, PROTECTION_NOT_TOLD };

static const char *const reasons[] = {
    [IN_SOFTWARE] =
        "require-hsm is set, and it is kept in software; a new version of it with the type RSA-HSM, EC-HSM "
        "or oct-HSM would do",
    [PLACE_NOT_TOLD] =
        "require-hsm is set, and the service does not tell where it is kept; the permission that shows "
        "it is get (keys)",
    [NOT_PROTECTED] =
        "require-purge-protection is set, and the vault's purge protection is off; its owner can "
        "enable it",
    [PROTECTION_NOT_TOLD] =
        "require-purge-protection is set, and the service does not tell whether it is on; the "
        "permission that shows it is get (keys)",
};

/* What only the public part can tell, in time. */
static bool has_questions(struct service_key *key, const struct key_access *access, enum key_use use)
{
    const struct key_rules *rules = &access->rules;
    bool makes = (use & (KEY_USE_UNWRAP | KEY_USE_DECRYPT)) == 0;
    enum key_type type = service_key_type(key);

    return rules->in_hardware || rules->purge_protected ||
           (rules->min_rsa_bits > LEAST_BITS && makes && (type == KEY_TYPE_RSA || type == KEY_TYPE_UNKNOWN));
}

/* CKR_OK with NULL: the service does not tell. What it told before it began to refuse is no longer known. */
static CK_RV ask(struct service_key *key, struct key_access *access, struct deadline deadline,
                 struct public_part **ret_part, struct service_answer *ret_answer)
{
    struct public_part *part = NULL;
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = service_key_public(key, access, deadline, &part, &answer);
    bool told;

    if (rv != CKR_OK) {
        *ret_answer = answer;
        return rv;
    }
    pthread_mutex_lock(&key->lock);
    told = key->refused == 0;
    pthread_mutex_unlock(&key->lock);
    if (!told || (part != NULL && part->info.version[0] == 0)) {
        public_part_free(take(part));
    }
    *ret_part = part;
    return CKR_OK;
}

static enum shortfall judge(const struct key_rules *rules, const struct key_info *info, bool makes)
{
    enum told in_hardware = info == NULL ? NOT_TOLD : info->in_hardware;
    enum told protected = info == NULL ? NOT_TOLD : info->purge_protected;

    if (rules->in_hardware && in_hardware != TOLD_YES) {
        return in_hardware == NOT_TOLD ? PLACE_NOT_TOLD : IN_SOFTWARE;
    }
    if (rules->purge_protected && protected != TOLD_YES) {
        return protected == NOT_TOLD ? PROTECTION_NOT_TOLD : NOT_PROTECTED;
    }
    return makes && info != NULL && info->rsa != NULL && rsa_public_bits(info->rsa) < rules->min_rsa_bits
               ? TOO_SMALL
               : FITS;
}

static bool is_news(struct service_key *key, enum shortfall shortfall)
{
    bool news;

    pthread_mutex_lock(&key->lock);
    news = (key->shortfalls_told & 1U << shortfall) == 0;
    key->shortfalls_told |= 1U << shortfall;
    pthread_mutex_unlock(&key->lock);
    return news;
}

/* What was mended is told again if it comes back. A blob's size is that of some version, so it is told once. */
static void forget(struct service_key *key)
{
    pthread_mutex_lock(&key->lock);
    key->shortfalls_told &= 1U << TOO_SMALL;
    pthread_mutex_unlock(&key->lock);
}

static void say_too_small(const struct key_access *access, unsigned bits, char to[REASON_SIZE])
{
    snprintf(to, REASON_SIZE, "min-rsa-bits is %u, and it has %u", access->rules.min_rsa_bits, bits);
}

static CK_RV refuse(struct service_key *key, struct key_access *access, enum shortfall shortfall,
                    unsigned bits)
{
    char reason[REASON_SIZE], version[KEY_VERSION_SIZE];

    if (shortfall == TOO_SMALL) {
        say_too_small(access, bits, reason);
    } else {
        snprintf(reason, sizeof reason, "%s", reasons[shortfall]);
    }
    if (is_news(key, shortfall)) {
        log_warning(access->label, "key %s is refused: %s", key->text, reason);
    }
    service_key_version(key, version);
    soft_audit_event(AUDIT_REFUSED, access, key->ref.name, version, reason, NULL);
    return CKR_KEY_FUNCTION_NOT_PERMITTED;
}

static CK_RV check_part(struct service_key *key, struct key_access *access, enum key_use use,
                        const struct public_part *part, enum shortfall *ret_shortfall)
{
    bool makes = (use & (KEY_USE_UNWRAP | KEY_USE_DECRYPT)) == 0;

    *ret_shortfall = judge(&access->rules, part == NULL ? NULL : &part->info, makes);
    if (*ret_shortfall == FITS) {
        forget(key);
        return CKR_OK;
    }
    return refuse(key, access, *ret_shortfall,
                  part != NULL && part->info.rsa != NULL ? rsa_public_bits(part->info.rsa) : 0);
}

CK_RV key_policy_check(struct service_key *key, struct key_access *access, enum key_use use,
                       struct deadline deadline, struct service_answer *ret_answer)
{
    struct public_part *part SCOPED(public_part_free_scoped) = NULL;
    enum shortfall shortfall;
    CK_RV rv;

    if (!has_questions(key, access, use)) {
        return CKR_OK;
    }
    rv = ask(key, access, deadline, &part, ret_answer);
    return rv == CKR_OK ? check_part(key, access, use, part, &shortfall) : rv;
}

/* The version in use is what the key itself knows; another one stands beside it. */
static CK_RV ask_for_version(struct service_key *key, struct key_access *access, const char *version,
                             struct deadline deadline, struct service_key **ret_judged,
                             struct public_part **ret_part, struct service_answer *ret_answer)
{
    const struct key_ref ref = {key->ref.name, version};
    struct public_part *part SCOPED(public_part_free_scoped) = service_key_current(key, access);
    CK_RV rv;

    *ret_judged = key;
    if (version == NULL) {
        return ask(key, access, deadline, ret_part, ret_answer);
    }
    if (part != NULL && strcmp(part->info.version, version) == 0 && service_key_tells(key, access)) {
        *ret_part = take(part);
        return CKR_OK;
    }
    rv = catalogue_version(access->keys, &ref, ret_judged);
    return rv == CKR_OK ? ask(*ret_judged, access, deadline, ret_part, ret_answer) : rv;
}

CK_RV key_policy_check_version(struct service_key *key, struct key_access *access, const char *version,
                               enum key_use use, struct deadline deadline, struct service_answer *ret_answer)
{
    struct public_part *part SCOPED(public_part_free_scoped) = NULL;
    enum shortfall shortfall = FITS;
    struct service_key *judged;
    CK_RV rv;

    if (!has_questions(key, access, use)) {
        return CKR_OK;
    }
    rv = ask_for_version(key, access, version, deadline, &judged, &part, ret_answer);
    if (rv == CKR_OK) {
        rv = check_part(judged, access, use, part, &shortfall);
    }
    if (shortfall != FITS) {
        *ret_answer =
            (struct service_answer){.verdict = VERDICT_REFUSED, .of_version = shortfall == IN_SOFTWARE};
        snprintf(ret_answer->version, sizeof ret_answer->version, "%s", version == NULL ? "" : version);
    }
    return rv;
}

bool key_policy_fits(const struct key_access *access, unsigned bits)
{
    return bits >= access->rules.min_rsa_bits;
}

CK_RV key_policy_check_size(struct service_key *key, struct key_access *access, size_t size)
{
    unsigned bits = (unsigned)size * 8;

    return key_policy_fits(access, bits) ? CKR_OK : refuse(key, access, TOO_SMALL, bits);
}

CK_RV key_policy_check_local(struct key_access *access, struct bytes label, unsigned bits)
{
    char reason[REASON_SIZE];

    if (key_policy_fits(access, bits)) {
        return CKR_OK;
    }
    if (atomic_exchange(&access->local_bits_told, bits) != bits) {
        say_too_small(access, bits, reason);
        log_warning(access->label, "a key that an application brought (label \"%.*s\") is refused: %s",
                    (int)label.size, (const char *)label.data, reason);
    }
    return CKR_KEY_FUNCTION_NOT_PERMITTED;
}
