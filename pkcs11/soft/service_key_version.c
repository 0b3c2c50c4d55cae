/* Which version of a key is in use, and which others are known. */
#include "pkcs11/soft/service_key_version.h"
#include "backends/base/log.h"
#include "pkcs11/soft/soft_audit.h"
#include <stdio.h>
#include <string.h>

/* In ms: how long a refused listing is not asked for again; its permission may be granted meanwhile. */
enum { REFUSAL_AGE = 60 * 1000 };

/* An answer to a request that was made before the latest version changed may come after it. */
static bool comes_late_locked(const struct service_key *key, const struct key_access *access,
                              const char *version)
{
    const struct known_version *known = version_list_find(&key->versions, version);

    return known != NULL && known->used != 0 && clock_now() - key->rolled < access->service->timeout;
}

static void note_use_locked(struct service_key *key, const char *version)
{
    struct known_version *known = version_list_add(&key->versions, version);

    if (known != NULL) {
        known->used = atomic_load(&key->rolls) + 1;
        version_list_sort(&key->versions);
    }
}

static void forget_old_locked(struct service_key *key)
{
    key->wrapped = 0;
    key->blob_size = 0;
    key->latest_at = 0;
    atomic_store(&key->aes_bits, 0);
    key->rolled = clock_now();
    atomic_fetch_add(&key->rolls, 1);
}

void service_key_take_version_locked(struct service_key *key, const struct key_access *access,
                                     const char *version, struct version_roll *ret_roll)
{
    if (version[0] == 0 || key->ref.version != NULL) {
        return;
    }
    if (strcmp(key->version, version) == 0) {
        atomic_store(&key->learned, clock_now());
        return;
    }
    if (key->version[0] != 0 && comes_late_locked(key, access, version)) {
        return;
    }
    if (key->version[0] != 0) {
        ret_roll->rolled = true;
        memcpy(ret_roll->from, key->version, sizeof ret_roll->from);
        snprintf(ret_roll->to, sizeof ret_roll->to, "%s", version);
        forget_old_locked(key);
    }
    snprintf(key->version, sizeof key->version, "%s", version);
    atomic_store(&key->learned, clock_now());
    note_use_locked(key, version);
}

void service_key_note_size_locked(struct service_key *key, const char *version, size_t blob_size)
{
    struct known_version *known = version_list_find(&key->versions, version);

    if (known != NULL) {
        known->blob_size = (uint32_t)blob_size;
    }
}

unsigned service_key_aes_bits(struct service_key *key, const char *version)
{
    const struct known_version *known;
    unsigned bits;

    pthread_mutex_lock(&key->lock);
    known = version_list_find(&key->versions, version);
    bits = known == NULL ? 0 : known->aes_bits;
    pthread_mutex_unlock(&key->lock);
    return bits;
}

void service_key_note_aes_bits(struct service_key *key, const char *version, unsigned bits)
{
    struct known_version *known;

    if (bits == 0 || version[0] == 0) {
        return;
    }
    pthread_mutex_lock(&key->lock);
    known = version_list_add(&key->versions, version);
    if (known != NULL && known->aes_bits == 0) {
        known->aes_bits = (uint16_t)bits;
        version_list_sort(&key->versions);
    }
    pthread_mutex_unlock(&key->lock);
}

void service_key_tell_roll(const struct service_key *key, const struct key_access *access,
                           const struct version_roll *roll, const struct service_answer *answer)
{
    char reason[KEY_VERSION_SIZE + 32];

    if (!roll->rolled) {
        return;
    }
    log_info(access->label, "key %s: version %s is the latest and in use now; until now it was %s",
             key->ref.name, roll->to, roll->from);
    snprintf(reason, sizeof reason, "in use before: %s", roll->from);
    soft_audit_event(AUDIT_ROLLED, access, key->ref.name, roll->to, reason, answer);
}

static void doubt(struct service_key *key)
{
    pthread_mutex_lock(&key->lock);
    key->doubted = true;
    key->wrapped = 0;
    key->versions_listed = 0;
    atomic_store(&key->learned, 0);
    pthread_mutex_unlock(&key->lock);
}

void service_key_doubt_version(struct service_key *key, const char *version)
{
    char in_use[KEY_VERSION_SIZE];

    service_key_version(key, in_use);
    if (strcmp(in_use, version) == 0) {
        doubt(key);
    }
}

bool service_key_version_is_young(const struct service_key *key, const struct key_access *access)
{
    return key->ref.version != NULL || service_key_is_young(atomic_load(&key->learned), access->refresh);
}

bool service_key_is_current(struct service_key *key, const struct key_access *access, const char *version)
{
    char in_use[KEY_VERSION_SIZE];

    service_key_version(key, in_use);
    return strcmp(in_use, version) == 0 && service_key_version_is_young(key, access);
}

void service_key_learn_version(struct service_key *key, struct key_access *access, struct deadline deadline)
{
    struct public_part *part = NULL;
    struct service_answer answer = {VERDICT_NONE};
    char version[KEY_VERSION_SIZE];

    service_key_version(key, version);
    if (version[0] == 0 || service_key_version_is_young(key, access)) {
        return;
    }
    if (service_key_public(key, access, deadline, &part, NULL) == CKR_OK) {
        public_part_free(part);
    }
    if (!service_key_version_is_young(key, access) && !service_key_tells(key, access) &&
        service_key_listing_helps(key, access)) {
        (void)!service_key_list_versions(key, access, deadline, &answer);
    }
}

/* --- What the configuration says --- */

static void add_configured(void *arg, const struct key_ref *ref)
{
    struct service_key *key = arg;
    struct known_version *known;

    if (ref->version == NULL || strcmp(ref->name, key->ref.name) != 0 ||
        (key->ref.version != NULL && strcmp(ref->version, key->ref.version) == 0)) {
        return;
    }
    known = version_list_add(&key->versions, ref->version);
    if (known != NULL && known->place == 0) {
        known->place = (uint16_t)++key->older_configured;
    }
}

void service_key_know_configured(struct service_key *key, const struct key_access *access)
{
    const struct key_service_ops *ops = access->service->ops;

    if (ops->each_older != NULL) {
        ops->each_older(access->service, add_configured, key);
    }
    if (key->ref.version == NULL) {
        ops->each_named(access->service, add_configured, key);
    }
    version_list_sort(&key->versions);
}

/* --- What the service lists --- */

bool service_key_listing_helps(struct service_key *key, const struct key_access *access)
{
    bool helps;

    if (key->ref.version != NULL || access->service->ops->each_version == NULL) {
        return false;
    }
    pthread_mutex_lock(&key->lock);
    helps = !service_key_is_young(key->versions_listed, access->refresh) &&
            !service_key_is_young(key->versions_refused,
                                  access->refresh < REFUSAL_AGE ? access->refresh : REFUSAL_AGE);
    pthread_mutex_unlock(&key->lock);
    return helps;
}

/* Of very many the newest are kept. */
static bool collect(void *arg, struct key_info *info)
{
    struct version_list *list = arg;
    struct known_version *version;

    if (list->count == MOST_VERSIONS) {
        version_list_sort(list);
        list->count /= 2;
    }
    version = info->version[0] == 0 ? NULL : version_list_add(list, info->version);
    if (version != NULL) {
        version->created = info->created;
    }
    return info->version[0] == 0 || version != NULL;
}

/* The latest of a sorted listing; NULL where it does not tell. A listing may lag behind. */
static const struct known_version *latest_of(const struct version_list *listed, const char *in_use)
{
    const struct known_version *first = listed->items;

    if (listed->count == 0 || first->created == 0 ||
        (listed->count > 1 && listed->items[1].created == first->created)) {
        return NULL;
    }
    return in_use[0] == 0 || version_list_find(listed, in_use) != NULL ? first : NULL;
}

/* The current one, those that are tried, and one more: that there is one is told. */
static void merge_locked(struct service_key *key, const struct key_access *access,
                         const struct version_list *listed)
{
    size_t most = (size_t)access->older_versions + 2;
    struct known_version *known;

    for (size_t i = 0; i < listed->count && i < most; i++) {
        known = version_list_add(&key->versions, listed->items[i].name);
        if (known != NULL) {
            known->created = listed->items[i].created;
        }
    }
    version_list_sort(&key->versions);
}

static void keep_listing_locked(struct service_key *key, const struct key_access *access,
                                struct version_list *listed, int64_t asked, struct version_roll *ret_roll)
{
    const struct known_version *latest;

    version_list_sort(listed);
    merge_locked(key, access, listed);
    key->versions_listed = asked;
    key->versions_refused = 0;
    latest = latest_of(listed, key->version);
    if (latest == NULL) {
        return;
    }
    service_key_take_version_locked(key, access, latest->name, ret_roll);
    if (strcmp(key->version, latest->name) == 0) {
        key->latest_at = asked;
    }
}

/* Who may not list makes do with what is known. */
static CK_RV keep_refusal_locked(struct service_key *key, CK_RV rv, const struct service_answer *answer)
{
    if (answer->verdict != VERDICT_REFUSED && answer->verdict != VERDICT_GONE) {
        return rv;
    }
    key->versions_refused = clock_now();
    return CKR_OK;
}

static CK_RV list(struct service_key *key, struct key_access *access, struct deadline deadline,
                  struct service_answer *ret_answer)
{
    struct version_list listed = {NULL};
    struct version_roll roll = {false};
    int64_t asked = clock_now();
    CK_RV rv;

    rv = access->service->ops->each_version(access->service, key->ref.name, deadline, collect, &listed,
                                            ret_answer);
    pthread_mutex_lock(&key->lock);
    if (rv == CKR_OK) {
        keep_listing_locked(key, access, &listed, asked, &roll);
    } else {
        rv = keep_refusal_locked(key, rv, ret_answer);
    }
    ask_once_answer(&key->listing, rv);
    pthread_mutex_unlock(&key->lock);
    version_list_done(&listed);
    service_key_tell_roll(key, access, &roll, ret_answer);
    return rv;
}

CK_RV service_key_list_versions(struct service_key *key, struct key_access *access, struct deadline deadline,
                                struct service_answer *ret_answer)
{
    CK_RV rv = CKR_OK;
    bool asks;

    pthread_mutex_lock(&key->lock);
    asks = ask_once_join(&key->listing, &key->lock, deadline, &rv);
    pthread_mutex_unlock(&key->lock);
    return asks ? list(key, access, deadline, ret_answer) : rv;
}
