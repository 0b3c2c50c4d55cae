/* Certificates of the service: their names by a listing or one by one, and what is in them when somebody looks. */
#include "backends/base/log.h"
#include "pkcs11/soft/certificates.h"

/* A name that the service does not know, or did not list, is asked for after this time: it may be new. In ms. */
enum { MISS_AGE = 10 * 1000 };

static const struct key_access *access_of(const struct certificates *certificates)
{
    return &certificates->catalogue->access;
}

struct listing {
    struct certificates *certificates;
    unsigned long number;
    CK_RV rv;
};

static bool add_listed(void *arg, const char *name)
{
    struct listing *listing = arg;
    struct held_certificate *held;

    pthread_mutex_lock(&listing->certificates->lock);
    listing->rv = certificates_hold_locked(listing->certificates, bytes_of_text(name), &held);
    if (listing->rv == CKR_OK) {
        held->listed = listing->number;
    }
    pthread_mutex_unlock(&listing->certificates->lock);
    return listing->rv == CKR_OK;
}

static CK_RV ask_names(struct certificates *certificates, struct deadline deadline,
                       struct service_answer *ret_answer)
{
    struct key_service *service = access_of(certificates)->service;
    struct listing listing = {certificates, certificates->listings + 1, CKR_OK};
    CK_RV rv = service->ops->each_certificate(service, deadline, add_listed, &listing, ret_answer);

    return rv == CKR_OK ? listing.rv : rv;
}

/* One line, and no more requests until `refresh` is over. */
static CK_RV note_refusal_locked(struct certificates *certificates, CK_RV rv,
                                 const struct service_answer *answer)
{
    if (rv == CKR_OK || answer->verdict != VERDICT_REFUSED) {
        return rv;
    }
    if (!certificates->told) {
        log_warning(
            access_of(certificates)->label,
            "not all of the vault's certificates are shown, for this needs the permissions get and list "
            "(certificates)");
    }
    certificates->told = true;
    return CKR_OK;
}

static CK_RV ask_list_locked(struct certificates *certificates, struct deadline deadline,
                             struct service_answer *answer)
{
    CK_RV rv;

    pthread_mutex_unlock(&certificates->lock);
    rv = ask_names(certificates, deadline, answer);
    pthread_mutex_lock(&certificates->lock);
    if (rv == CKR_OK) {
        certificates->listings++;
        certificates->listed = clock_now();
    } else if (answer->verdict == VERDICT_REFUSED) {
        certificates->refused = clock_now();
    }
    rv = note_refusal_locked(certificates, rv, answer);
    ask_once_answer(&certificates->listing, rv);
    return rv;
}

static bool is_listed_locked(const struct certificates *certificates)
{
    int64_t refresh = access_of(certificates)->refresh;

    return service_key_is_young(certificates->listed, refresh) ||
           service_key_is_young(certificates->refused, refresh);
}

/* Whoever was waited for may have asked for one name alone. */
CK_RV certificates_list_locked(struct certificates *certificates, struct deadline deadline,
                               struct service_answer *answer)
{
    CK_RV rv = CKR_OK;

    while (rv == CKR_OK && !is_listed_locked(certificates)) {
        if (ask_once_join(&certificates->listing, &certificates->lock, deadline, &rv)) {
            return ask_list_locked(certificates, deadline, answer);
        }
    }
    return rv;
}

struct fetch {
    struct certificates *certificates;
    struct held_certificate *held; /* NULL: the first that is known of it */
    struct service_key *key;       /* that it certifies, where the service tells and the key is known */
};

static CK_RV keep_locked(struct fetch *fetch, const struct certificate_info *info,
                         struct certificate *content)
{
    CK_RV rv = CKR_OK;

    if (fetch->held == NULL) {
        rv = certificates_hold_locked(fetch->certificates, bytes_of_text(info->name), &fetch->held);
    }
    if (rv != CKR_OK) {
        certificate_free(content);
        return rv;
    }
    certificate_free(fetch->held->content);
    fetch->held->content = content;
    fetch->held->bad = content == NULL;
    fetch->held->asked = clock_now();
    fetch->held->key = fetch->key;
    return CKR_OK;
}

static CK_RV keep_content(void *arg, const struct certificate_info *info)
{
    struct fetch *fetch = arg;
    struct certificate *content = NULL;
    CK_RV rv = certificate_new(info->der, &content);

    if (rv == CKR_HOST_MEMORY) {
        return rv;
    }
    if (content == NULL) {
        log_warning(access_of(fetch->certificates)->label, "certificate %s: the service's answer holds none",
                    info->name);
    }
    fetch->key = info->key_name[0] == 0
                     ? NULL
                     : catalogue_find(fetch->certificates->catalogue, bytes_of_text(info->key_name));
    pthread_mutex_lock(&fetch->certificates->lock);
    rv = keep_locked(fetch, info, content);
    pthread_mutex_unlock(&fetch->certificates->lock);
    return rv;
}

CK_RV certificates_fetch_locked(struct certificates *certificates, struct held_certificate *held,
                                struct deadline deadline, struct service_answer *answer)
{
    struct key_service *service = access_of(certificates)->service;
    struct fetch fetch = {certificates, held, NULL};
    int64_t age = access_of(certificates)->refresh;
    CK_RV rv = CKR_OK;

    age = held->bad && age > MISS_AGE ? MISS_AGE : age;
    if (service_key_is_young(held->asked, age) ||
        !ask_once_join(&held->asking, &certificates->lock, deadline, &rv)) {
        return rv;
    }
    pthread_mutex_unlock(&certificates->lock);
    rv = service->ops->certificate(service, held->name, deadline, keep_content, &fetch, answer);
    pthread_mutex_lock(&certificates->lock);
    if (rv != CKR_OK && (answer->verdict == VERDICT_GONE || answer->verdict == VERDICT_REFUSED)) {
        held->bad = true;
    }
    rv = answer->verdict == VERDICT_GONE ? CKR_OK : note_refusal_locked(certificates, rv, answer);
    if (rv == CKR_OK) {
        held->asked = clock_now();
    }
    ask_once_answer(&held->asking, rv);
    return rv;
}

/* What a name of the service's consists of; no other is asked for. */
static bool is_name(struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (!((name.data[i] | 0x20) >= 'a' && (name.data[i] | 0x20) <= 'z') &&
            !(name.data[i] >= '0' && name.data[i] <= '9') && name.data[i] != '-') {
            return false;
        }
    }
    return name.size != 0 && name.size < KEY_NAME_SIZE;
}

/* A listing that has just been made misses all that it did not name. */
static bool is_missed_locked(const struct certificates *certificates, struct bytes name)
{
    int64_t refresh = access_of(certificates)->refresh, age = refresh < MISS_AGE ? refresh : MISS_AGE;

    for (size_t i = 0; i < MISSED_NAMES; i++) {
        if (bytes_equal_text(name, certificates->missed[i].name) &&
            service_key_is_young(certificates->missed[i].at, age)) {
            return true;
        }
    }
    return service_key_is_young(certificates->listed, age);
}

static void note_miss_locked(struct certificates *certificates, struct bytes name)
{
    struct missed_name *missed = &certificates->missed[certificates->next_missed++ % MISSED_NAMES];

    text_copy(name, missed->name, sizeof missed->name);
    missed->at = clock_now();
}

/* What is to be known of a name is known. */
static bool is_settled_locked(const struct certificates *certificates, struct bytes name)
{
    return !is_name(name) || certificates_find_locked(certificates, name) != NULL ||
           is_missed_locked(certificates, name);
}

/* Without a listing. Only a name that the service knows is kept. */
static CK_RV ask_for_name_locked(struct certificates *certificates, struct bytes name,
                                 struct deadline deadline, struct service_answer *answer)
{
    struct key_service *service = access_of(certificates)->service;
    struct fetch fetch = {certificates, NULL, NULL};
    char text[KEY_NAME_SIZE];
    CK_RV rv;

    text_copy(name, text, sizeof text);
    pthread_mutex_unlock(&certificates->lock);
    rv = service->ops->certificate(service, text, deadline, keep_content, &fetch, answer);
    pthread_mutex_lock(&certificates->lock);
    if (answer->verdict == VERDICT_GONE || answer->verdict == VERDICT_REFUSED) {
        note_miss_locked(certificates, name);
        rv = answer->verdict == VERDICT_GONE ? CKR_OK : note_refusal_locked(certificates, rv, answer);
    }
    ask_once_answer(&certificates->listing, rv);
    return rv;
}

CK_RV certificates_learn_one_locked(struct certificates *certificates, struct bytes name,
                                    struct deadline deadline, struct service_answer *answer)
{
    struct held_certificate *held;
    CK_RV rv = CKR_OK;

    while (rv == CKR_OK && !is_settled_locked(certificates, name)) {
        if (ask_once_join(&certificates->listing, &certificates->lock, deadline, &rv)) {
            return ask_for_name_locked(certificates, name, deadline, answer);
        }
    }
    held = rv == CKR_OK && is_name(name) ? certificates_find_locked(certificates, name) : NULL;
    return held != NULL && held->bad ? certificates_fetch_locked(certificates, held, deadline, answer) : rv;
}
