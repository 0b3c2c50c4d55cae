/* The keys of a key service: the configured ones, or all that may be listed; then the versions of each. */
#include "tools/keys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEYS_MOST = 10000, VERSIONS_MOST = 10000 };

struct names {
    char (*name)[KEY_NAME_SIZE]; /* owned */
    size_t count, room;
};

struct listing {
    const struct kek_search *in;
    struct key_service *service;
    struct key_list *list;
    struct names names;
    char in_use[KEY_VERSION_SIZE]; /* of the key at hand, "": not told */
    char type[16];
    struct key_line *versions; /* of the key at hand; owned */
    size_t version_count, version_room;
};

/* A key of which several versions are configured is one key here. */
static bool add_name(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->name[i], name) == 0) {
            return true;
        }
    }
    if (names->count == names->room) {
        size_t room = names->room * 2 + 16;
        void *larger = room > KEYS_MOST ? NULL : reallocarray(names->name, room, sizeof names->name[0]);

        if (larger == NULL) {
            return false;
        }
        names->name = larger;
        names->room = room;
    }
    snprintf(names->name[names->count++], KEY_NAME_SIZE, "%s", name);
    return true;
}

static void add_ref(void *arg, const struct key_ref *key)
{
    (void)add_name(arg, key->name);
}

static bool add_listed(void *arg, struct key_info *info)
{
    return add_name(arg, info->name);
}

static const char *state_of(const struct key_info *info)
{
    int64_t now = (int64_t)time(NULL);

    if (!info->enabled) {
        return "disabled";
    }
    if (info->not_before > now) {
        return "not yet valid";
    }
    return info->expires != 0 && info->expires <= now ? "expired" : "enabled";
}

static void type_text(const struct key_info *info, char ret_text[16])
{
    const char *hardware = info->in_hardware == TOLD_YES ? "-HSM" : "";

    ret_text[0] = '\0';
    if (info->type == KEY_TYPE_RSA && info->rsa != NULL) {
        snprintf(ret_text, 16, "RSA%s %u", hardware, rsa_public_bits(info->rsa));
    } else if (info->type != KEY_TYPE_UNKNOWN) {
        snprintf(ret_text, 16, "%s%s",
                 info->type == KEY_TYPE_RSA  ? "RSA"
                 : info->type == KEY_TYPE_EC ? "EC"
                                             : "oct",
                 hardware);
    }
}

static bool make_room(struct listing *at)
{
    size_t room = at->version_room * 2 + 16;
    void *larger;

    if (at->version_count < at->version_room) {
        return true;
    }
    larger = room > VERSIONS_MOST ? NULL : reallocarray(at->versions, room, sizeof at->versions[0]);
    if (larger == NULL) {
        return false;
    }
    at->versions = larger;
    at->version_room = room;
    return true;
}

static bool add_version(struct listing *at, const struct key_info *info)
{
    struct key_line line = {.state = state_of(info)};

    if (!make_room(at)) {
        return false;
    }
    snprintf(line.name, sizeof line.name, "%s", info->name);
    snprintf(line.version, sizeof line.version, "%s", info->version);
    line.in_use = info->version[0] != '\0' && strcmp(info->version, at->in_use) == 0;
    type_text(info, line.type);
    if (line.type[0] == '\0' && line.in_use) {
        memcpy(line.type, at->type, sizeof line.type);
    }
    date_text(info->created, line.created);
    date_text(info->not_before, line.not_before);
    date_text(info->expires, line.expires);
    at->versions[at->version_count++] = line;
    return true;
}

static bool visit_version(void *arg, struct key_info *info)
{
    return add_version(arg, info);
}

/* The newest first; of the same second the one in use. The service has them in no order. */
static int compare_age(const void *a, const void *b)
{
    const struct key_line *left = a, *right = b;
    int order = strcmp(right->created, left->created);

    return order != 0 ? order : right->in_use - left->in_use;
}

static bool is_any_in_use(const struct listing *at)
{
    for (size_t i = 0; i < at->version_count; i++) {
        if (at->versions[i].in_use) {
            return true;
        }
    }
    return false;
}

/* Without get the module does not know before it wraps; what it will learn then is which one was created last. */
static void mark_newest(struct listing *at)
{
    struct key_line *newest = at->versions;

    if (at->in_use[0] == '\0' && !is_any_in_use(at) &&
        (at->version_count == 1 || strcmp(newest[0].created, newest[1].created) != 0)) {
        newest->in_use = true;
    }
}

static void print_versions(struct listing *at)
{
    if (at->version_count != 0) {
        qsort(at->versions, at->version_count, sizeof at->versions[0], compare_age);
        mark_newest(at);
    }
    for (size_t i = 0; i < at->version_count; i++) {
        key_list_add(at->list, &at->versions[i]);
    }
}

/* The module's own word. It knows once it has been asked for the public part. */
static void learn_use(struct listing *at, const char *name)
{
    struct kek kek;
    unsigned char modulus[8];
    CK_ATTRIBUTE part = {CKA_MODULUS, modulus, sizeof modulus};
    CK_ATTRIBUTE version = {CKA_BYOK_KEY_VERSION, at->in_use, sizeof at->in_use - 1};

    memset(at->in_use, 0, sizeof at->in_use);
    if (kek_named(at->in, name, &kek) != CKR_OK || kek.wraps == 0) {
        return;
    }
    (void)at->in->p11->C_GetAttributeValue(at->in->session, kek.wraps, &part, 1);
    if (at->in->p11->C_GetAttributeValue(at->in->session, kek.wraps, &version, 1) != CKR_OK) {
        memset(at->in_use, 0, sizeof at->in_use);
    }
}

/* What listing does not tell: the type. True: the service gave it. */
static CK_RV ask_key(struct listing *at, const char *name, struct key_info *ret_info)
{
    struct key_ref key = {name, at->in_use[0] == '\0' ? NULL : at->in_use};
    struct service_answer answer = {.verdict = VERDICT_NONE};

    return at->service->ops->public_part(at->service, &key, deadline_in(at->service->timeout), ret_info,
                                         &answer);
}

static CK_RV list_versions(struct listing *at, const char *name)
{
    struct service_answer answer = {.verdict = VERDICT_NONE};

    return at->service->ops->each_version == NULL
               ? CKR_FUNCTION_NOT_SUPPORTED
               : at->service->ops->each_version(at->service, name, deadline_in(at->service->timeout),
                                                visit_version, at, &answer);
}

/* No other key will be asked with more luck, and each would be waited for. */
static bool is_of_the_vault(CK_RV rv)
{
    return rv == CKR_DEVICE_ERROR || rv == CKR_USER_NOT_LOGGED_IN;
}

/* Neither list nor get is permitted, which is enough to wrap and unwrap under a key that is named. */
static void add_untold(struct listing *at, const char *name)
{
    struct key_line line = {.state = "not told", .in_use = true};

    snprintf(line.name, sizeof line.name, "%s", name);
    snprintf(line.version, sizeof line.version, "%s", at->in_use);
    key_list_add(at->list, &line);
}

/*
 * Without the permission to list, the version in use alone; without that to get, the versions alone. False: there is
 * no use in asking for another key.
 */
static bool list_key(struct listing *at, const char *name)
{
    struct key_info info = {.name = ""};

    at->version_count = 0;
    at->type[0] = '\0';
    learn_use(at, name);
    diagnosis_forget(at->list->diagnosis);
    CK_RV told = ask_key(at, name, &info);

    if (is_of_the_vault(told)) {
        key_list_failed(at->list, "asking for", name, told);
        return false;
    }
    if (told == CKR_OK) {
        type_text(&info, at->type);
    }
    diagnosis_forget(at->list->diagnosis);
    CK_RV listed = list_versions(at, name);

    if (listed != CKR_OK && told == CKR_OK && at->version_count == 0) {
        snprintf(at->in_use, sizeof at->in_use, "%s", info.version);
        (void)add_version(at, &info);
        listed = CKR_OK;
    }
    print_versions(at);
    if (listed == CKR_KEY_FUNCTION_NOT_PERMITTED && told == listed) {
        add_untold(at, name);
    } else if (listed != CKR_OK) {
        key_list_failed(at->list, "listing the versions of", name, listed);
    }
    key_info_done(&info);
    return true;
}

static CK_RV collect_names(struct listing *at)
{
    struct service_answer answer = {.verdict = VERDICT_NONE};

    at->service->ops->each_named(at->service, add_ref, &at->names);
    return at->names.count != 0 ? CKR_OK
                                : at->service->ops->each_key(at->service, deadline_in(at->service->timeout),
                                                             add_listed, &at->names, &answer);
}

void keys_of_service(const struct kek_search *in, const struct settings *section, struct key_list *list)
{
    struct listing at = {.in = in, .list = list};
    CK_RV rv = backend_kind_of(section)->open_service(section, &at.service);

    if (rv != CKR_OK) {
        key_list_failed(list, "opening the key service", "", rv);
        return;
    }
    rv = collect_names(&at);
    if (rv != CKR_OK) {
        key_list_failed(list, "listing the keys", "", rv);
    } else if (at.names.count == 0) {
        diagnosis_warn(list->diagnosis, "keys", "create a key, or name it by `keys`", "there is no key");
    }
    for (size_t i = 0; i < at.names.count && list_key(&at, at.names.name[i]); i++) {
    }
    at.service->ops->close(at.service);
    free(at.names.name);
    free(at.versions);
}
