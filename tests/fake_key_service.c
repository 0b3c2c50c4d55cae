/* A key service in memory: its keys and versions, what tests set and count. */
#include "tests/fake_pairs.h"
#include "tests/fake_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct fake_rule fake_refused = {VERDICT_REFUSED, CKR_KEY_FUNCTION_NOT_PERMITTED, 403};
const struct fake_rule fake_gone = {VERDICT_GONE, CKR_UNWRAPPING_KEY_HANDLE_INVALID, 404};
const struct fake_rule fake_unreachable = {VERDICT_UNREACHABLE, CKR_DEVICE_ERROR, 503};

struct held_key *fake_key_locked(struct fake *fake, const char *name)
{
    for (size_t i = 0; i < fake->key_count; i++) {
        if (strcmp(fake->key[i].name, name) == 0) {
            return &fake->key[i];
        }
    }
    return NULL;
}

struct held_version *fake_version_locked(struct fake *fake, const struct key_ref *ref)
{
    struct held_key *key = fake_key_locked(fake, ref->name);

    if (key == NULL) {
        return NULL;
    }
    if (ref->version == NULL) {
        return &key->version[key->count - 1];
    }
    for (unsigned i = 0; i < key->count; i++) {
        if (strcmp(key->version[i].open.version, ref->version) == 0) {
            return &key->version[i];
        }
    }
    return NULL;
}

static void close_fake(struct key_service *service)
{
    if (service != NULL) {
        pthread_mutex_destroy(&fake_of(service)->lock);
        free(service);
    }
}

static void each_named(struct key_service *service, key_ref_visitor *visit, void *arg)
{
    struct fake *fake = fake_of(service);
    struct key_ref ref;
    char *slash;

    for (size_t i = 0; i < fake->named_count; i++) {
        slash = strchr(fake->named[i], '/');
        ref.name = slash == NULL ? fake->named[i] : fake->named_name[i];
        ref.version = slash == NULL ? NULL : slash + 1;
        visit(arg, &ref);
    }
}

static void identify(struct key_service *service, const struct key_ref *key, char ret_text[KEY_TEXT_SIZE])
{
    (void)service;
    snprintf(ret_text, KEY_TEXT_SIZE, "fake:%s%s%s", key->name, key->version == NULL ? "" : "/",
             key->version == NULL ? "" : key->version);
}

CK_RV fake_begin(struct fake *fake, enum fake_verb verb, struct deadline deadline,
                 struct service_answer *answer)
{
    struct fake_rule rule;
    int64_t delay;

    pthread_mutex_lock(&fake->lock);
    fake->count[verb]++;
    rule = fake->rule[verb];
    delay = fake->delay[verb];
    memset(answer, 0, sizeof *answer);
    answer->tries = 1;
    answer->date = (int64_t)time(NULL) + fake->clock_ahead;
    pthread_mutex_unlock(&fake->lock);
    if (delay != 0 && !deadline_sleep(deadline, delay)) {
        rule = (struct fake_rule){VERDICT_UNREACHABLE, CKR_DEVICE_ERROR, 0};
    }
    answer->verdict = rule.verdict == VERDICT_NONE ? VERDICT_ACCEPTED : rule.verdict;
    answer->status = rule.verdict == VERDICT_NONE ? 200 : rule.status;
    return rule.rv;
}

CK_RV fake_refuse(struct service_answer *answer, enum service_verdict verdict, unsigned status, CK_RV rv)
{
    answer->verdict = verdict;
    answer->status = status;
    return rv;
}

static CK_RV each_key(struct key_service *service, struct deadline deadline, key_visitor *visit, void *arg,
                      struct service_answer *ret_answer)
{
    struct fake *fake = fake_of(service);
    CK_RV rv = fake_begin(fake, FAKE_LIST, deadline, ret_answer);
    struct key_info info;

    for (size_t i = 0; rv == CKR_OK; i++) {
        memset(&info, 0, sizeof info);
        pthread_mutex_lock(&fake->lock);
        if (i < fake->key_count) {
            snprintf(info.name, sizeof info.name, "%s", fake->key[i].name);
        }
        pthread_mutex_unlock(&fake->lock);
        info.enabled = true;
        if (info.name[0] == 0 || !visit(arg, &info)) {
            break;
        }
    }
    return rv;
}

static void tell_locked(const struct key_ref *ref, const struct held_version *from, struct key_info *to)
{
    memset(to, 0, sizeof *to);
    snprintf(to->name, sizeof to->name, "%s", ref->name);
    snprintf(to->version, sizeof to->version, "%s", from->open.version);
    to->type = from->open.aes_bits != 0 ? KEY_TYPE_OCT : fake_is_rsa(from->pair) ? KEY_TYPE_RSA : KEY_TYPE_EC;
    to->enabled = from->open.enabled;
    to->in_hardware = from->open.in_hardware;
    to->purge_protected = from->open.purge_protected;
    to->uses_known = from->open.uses_known;
    to->uses = from->open.uses;
    to->created = from->open.created;
    to->not_before = from->open.not_before;
    to->expires = from->open.expires;
    to->rsa = fake_is_rsa(from->pair) ? fake_rsa_public(from->pair) : NULL;
    to->ec = from->pair == NULL || fake_is_rsa(from->pair) ? NULL : fake_ec_public(from->pair);
}

static CK_RV public_part(struct key_service *service, const struct key_ref *ref, struct deadline deadline,
                         struct key_info *ret_info, struct service_answer *ret_answer)
{
    struct fake *fake = fake_of(service);
    CK_RV rv = fake_begin(fake, FAKE_GET, deadline, ret_answer);
    struct held_version *version;

    if (rv != CKR_OK) {
        return rv;
    }
    pthread_mutex_lock(&fake->lock);
    version = fake_version_locked(fake, ref);
    if (version == NULL) {
        rv = fake_refuse(ret_answer, VERDICT_GONE, 404, CKR_KEY_HANDLE_INVALID);
    } else {
        tell_locked(ref, version, ret_info);
        memcpy(ret_answer->version, version->open.version, sizeof ret_answer->version);
    }
    pthread_mutex_unlock(&fake->lock);
    return rv;
}

const struct fake_verb_row fake_verbs[FAKE_VERBS] = {
    [FAKE_WRAP] = {KEY_USE_WRAP, CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_OK, true},
    [FAKE_UNWRAP] = {KEY_USE_UNWRAP, CKR_UNWRAPPING_KEY_HANDLE_INVALID, CKR_WRAPPED_KEY_INVALID, false},
    [FAKE_ENCRYPT] = {KEY_USE_ENCRYPT, CKR_KEY_HANDLE_INVALID, CKR_OK, true},
    [FAKE_DECRYPT] = {KEY_USE_DECRYPT, CKR_KEY_HANDLE_INVALID, CKR_ENCRYPTED_DATA_INVALID, false},
    [FAKE_SIGN] = {KEY_USE_SIGN, CKR_KEY_HANDLE_INVALID, CKR_OK, true},
};

CK_RV fake_choose_locked(struct fake *fake, enum fake_verb verb, const struct key_ref *ref,
                         EVP_PKEY **ret_pair, struct service_answer *answer)
{
    struct held_version *version = fake_version_locked(fake, ref);
    int64_t now = (int64_t)time(NULL) + fake->clock_ahead;

    if (version == NULL) {
        return fake_refuse(answer, VERDICT_GONE, 404, fake_verbs[verb].gone);
    }
    version->open.asked++;
    if (version->open.rule.verdict != VERDICT_NONE) {
        return fake_refuse(answer, version->open.rule.verdict, version->open.rule.status,
                           version->open.rule.rv);
    }
    memcpy(answer->version, version->open.version, sizeof answer->version);
    if (!version->open.enabled) {
        return fake_refuse(answer, VERDICT_DISABLED, 403, CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    if (version->open.uses_known && (version->open.uses & fake_verbs[verb].use) == 0) {
        answer->of_version = true;
        return fake_refuse(answer, VERDICT_REFUSED, 403, CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    /* A 403 that names no reason, as a service may answer outside the dates. */
    if (fake_verbs[verb].seals && ((version->open.not_before != 0 && now < version->open.not_before) ||
                                   (version->open.expires != 0 && now >= version->open.expires))) {
        return fake_refuse(answer, VERDICT_UNREACHABLE, 403, CKR_DEVICE_ERROR);
    }
    *ret_pair = version->pair;
    return CKR_OK;
}

CK_RV fake_request(struct key_service *service, enum fake_verb verb, const struct key_ref *ref,
                   struct deadline deadline, struct fake_version *ret_version, struct service_answer *answer)
{
    struct fake *fake = fake_of(service);
    CK_RV rv = fake_begin(fake, verb, deadline, answer);
    EVP_PKEY *pair;

    if (rv != CKR_OK || ret_version == NULL) {
        return rv;
    }
    pthread_mutex_lock(&fake->lock);
    rv = fake_choose_locked(fake, verb, ref, &pair, answer);
    if (rv == CKR_OK) {
        *ret_version = fake_version_locked(fake, ref)->open;
    }
    pthread_mutex_unlock(&fake->lock);
    return rv;
}

CK_RV fake_refuse_blob(enum fake_verb verb, struct service_answer *answer)
{
    return fake_verbs[verb].seals ? fake_refuse(answer, VERDICT_BAD_REQUEST, 400, CKR_FUNCTION_FAILED)
                                  : fake_refuse(answer, VERDICT_BAD_BLOB, 400, fake_verbs[verb].bad_blob);
}

struct key_service_ops *fake_ops(struct key_service *service)
{
    return &fake_of(service)->ops;
}

static const struct key_service_ops ops = {
    .name = "fake",
    .close = close_fake,
    .each_named = each_named,
    .identify = identify,
    .each_key = each_key,
    .public_part = public_part,
    .wrap = fake_wrap,
    .unwrap = fake_unwrap,
    .encrypt = fake_encrypt_there,
    .decrypt = fake_decrypt,
    .sign = fake_sign,
    .each_certificate = fake_each_certificate,
    .certificate = fake_certificate,
};

struct key_service *fake_key_service_new(void)
{
    struct fake *fake = calloc(1, sizeof *fake);

    if (fake == NULL) {
        abort();
    }
    fake->ops = ops;
    fake->base = (struct key_service){&fake->ops, 2000, "Nobody", "fake", "0123456789abcdef"};
    pthread_mutex_init(&fake->lock, NULL);
    return &fake->base;
}

void fake_configure(struct key_service *service, const char *text)
{
    struct fake *fake = fake_of(service);
    size_t at = fake->named_count++;

    snprintf(fake->named[at], sizeof fake->named[at], "%s", text);
    snprintf(fake->named_name[at], sizeof fake->named_name[at], "%.*s", (int)strcspn(text, "/"), text);
}

struct fake_version *fake_add(struct key_service *service, const char *name, unsigned bits)
{
    struct fake *fake = fake_of(service);
    struct held_version *version;
    struct held_key *key;
    EVP_PKEY *pair;

    pthread_mutex_lock(&fake->lock);
    key = fake_key_locked(fake, name);
    pair = bits == 0 ? NULL : fake_make_pair(bits, key == NULL ? 0 : key->count);
    if (key == NULL) {
        key = &fake->key[fake->key_count++];
        memset(key, 0, sizeof *key); /* one that was removed may have been there */
        snprintf(key->name, sizeof key->name, "%s", name);
    }
    version = &key->version[key->count++];
    *version = (struct held_version){{.enabled = true}, pair};
    snprintf(version->open.version, sizeof version->open.version, "%032x", ++fake->versions_made);
    version->open.created = 1000000 + fake->versions_made;
    pthread_mutex_unlock(&fake->lock);
    return &version->open;
}

struct fake_version *fake_repeat(struct key_service *service, const char *name, unsigned index)
{
    struct fake_version *version = fake_add(service, name, 0);
    struct held_key *key = fake_key_locked(fake_of(service), name);

    key->version[key->count - 1].pair = key->version[index].pair;
    return version;
}

struct fake_version *fake_version(struct key_service *service, const char *name)
{
    const struct key_ref ref = {name, NULL};
    struct held_version *version = fake_version_locked(fake_of(service), &ref);

    return version == NULL ? NULL : &version->open;
}

struct fake_version *fake_version_at(struct key_service *service, const char *name, unsigned index)
{
    struct held_key *key = fake_key_locked(fake_of(service), name);

    return key == NULL || index >= key->count ? NULL : &key->version[index].open;
}

void fake_remove(struct key_service *service, const char *name)
{
    struct fake *fake = fake_of(service);
    struct held_key *key;

    pthread_mutex_lock(&fake->lock);
    key = fake_key_locked(fake, name);
    if (key != NULL) {
        *key = fake->key[--fake->key_count];
    }
    pthread_mutex_unlock(&fake->lock);
}

void fake_rule(struct key_service *service, enum fake_verb verb, struct fake_rule rule)
{
    pthread_mutex_lock(&fake_of(service)->lock);
    fake_of(service)->rule[verb] = rule;
    pthread_mutex_unlock(&fake_of(service)->lock);
}

void fake_delay(struct key_service *service, enum fake_verb verb, int64_t milliseconds)
{
    pthread_mutex_lock(&fake_of(service)->lock);
    fake_of(service)->delay[verb] = milliseconds;
    pthread_mutex_unlock(&fake_of(service)->lock);
}

void fake_clock(struct key_service *service, int64_t ahead)
{
    pthread_mutex_lock(&fake_of(service)->lock);
    fake_of(service)->clock_ahead = ahead;
    pthread_mutex_unlock(&fake_of(service)->lock);
}

unsigned fake_count(struct key_service *service, enum fake_verb verb)
{
    unsigned count;

    pthread_mutex_lock(&fake_of(service)->lock);
    count = fake_of(service)->count[verb];
    pthread_mutex_unlock(&fake_of(service)->lock);
    return count;
}

unsigned fake_count_all(struct key_service *service)
{
    unsigned count = 0;

    for (int verb = 0; verb < FAKE_VERBS; verb++) {
        count += fake_count(service, (enum fake_verb)verb);
    }
    return count;
}

EVP_PKEY *fake_pair(struct key_service *service, const char *name)
{
    const struct key_ref ref = {name, NULL};

    return fake_version_locked(fake_of(service), &ref)->pair;
}
