/* The slots and their tokens, made from the sections of the configuration. */
#include "pkcs11/slot.h"
#include "backends/audit/audit_token.h"
#include "backends/base/scope.h"
#include "backends/key_service.h"
#include "backends/policy_token.h"
#include "backends/token_policy.h"
#include "pkcs11/soft/token.h"
#include <stdlib.h>
#include <string.h>

enum {
    LABEL_SIZE = sizeof((CK_TOKEN_INFO *)NULL)->label,
    SLOTS_MOST = 4096 /* as many as soft_token_open can tell apart */
};

static const struct setting_option every_token_options[] = {
    {.name = "backend", .type = SETTING_WORD, .words = backend_words},
    {.name = "label", .type = SETTING_TEXT},
    {.name = "removable", .type = SETTING_YES_NO, .preset = "no"},
};

static const struct setting_group every_token = {NULL, every_token_options,
                                                 sizeof every_token_options / sizeof every_token_options[0]};

void slots_each_group(setting_group_visitor *visit, void *arg)
{
    const struct setting_group policy = {NULL, token_policy_options, token_policy_option_count};

    visit(arg, &every_token);
    visit(arg, &policy);
    for (size_t i = 0; backend_kinds[i] != NULL; i++) {
        const struct backend_kind *kind = backend_kinds[i];
        struct setting_group own = {kind->name, kind->options, kind->option_count};
        struct setting_group soft = {kind->name, soft_token_options, soft_token_option_count};

        visit(arg, &own);
        if (kind->open_service != NULL) {
            visit(arg, &soft);
        }
    }
}

struct groups {
    struct setting_group *group; /* NULL: count them */
    size_t count;
};

static void add_group(void *arg, const struct setting_group *group)
{
    struct groups *to = arg;

    if (to->group != NULL) {
        to->group[to->count] = *group;
    }
    to->count++;
}

CK_RV slots_read(const char *reserved, const struct setting_group *global, struct settings_file **ret_file)
{
    struct groups counted = {NULL, 0};

    slots_each_group(add_group, &counted);
    struct setting_group *groups SCOPED(scope_free) = calloc(counted.count, sizeof *groups);
    struct groups filled = {groups, 0};

    if (groups == NULL) {
        return CKR_HOST_MEMORY;
    }
    slots_each_group(add_group, &filled);
    return settings_read(reserved, global, groups, filled.count, ret_file);
}

/* Clients choose a token by its label, so a label names one token. */
static const struct slot *slot_labelled(const struct slots *slots, const char *label)
{
    for (size_t i = 0; i < slots->count; i++) {
        if (strcmp(slots->slot[i].label, label) == 0) {
            return &slots->slot[i];
        }
    }
    return NULL;
}

static CK_RV label_choose(const struct slots *slots, const struct settings *section, const char **ret_label)
{
    const char *label = settings_text(section, "label");

    if (label == NULL) {
        label = settings_title(section);
    }
    size_t size = strlen(label);

    if (size == 0 || label[size - 1] == ' ') {
        return settings_refuse(section, "label",
                               "the label of a token is not empty and does not end in a blank");
    }
    if (size > LABEL_SIZE) {
        return settings_refuse(section, "label", "the label \"%s\" has %zu bytes; PKCS#11 has room for %d",
                               label, size, LABEL_SIZE);
    }
    if (slot_labelled(slots, label) != NULL) {
        return settings_refuse(section, "label",
                               "two tokens have the label \"%s\"; `label =` can tell them apart", label);
    }
    *ret_label = label;
    return CKR_OK;
}

/*
 * The policy stands on top: what it refuses is not a use. The soft token does both itself, with what the service
 * answered.
 */
static CK_RV guarded_open(const struct backend_kind *kind, const struct settings *section, const char *label,
                          struct token **ret_token)
{
    struct token *token;
    CK_RV rv = kind->open_token(section, &token);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = audit_token_above(section, label, &token);
    if (rv == CKR_OK) {
        rv = policy_token_above(section, label, &token);
    }
    if (rv != CKR_OK) {
        token->ops->close(token);
        return rv;
    }
    *ret_token = token;
    return CKR_OK;
}

static CK_RV token_open(const struct settings *section, CK_SLOT_ID id, const char *label,
                        struct token **ret_token)
{
    const struct backend_kind *kind = backend_kind_of(section);
    struct key_service *service = NULL;
    CK_RV rv;

    if (kind == NULL) {
        return settings_refuse(section, "backend", "a token needs `backend =`, its kind of key store");
    }
    if (kind->open_token != NULL) {
        return guarded_open(kind, section, label, ret_token);
    }
    rv = kind->open_service(section, &service);

    return rv == CKR_OK ? soft_token_open(service, section, (unsigned)id, ret_token) : rv;
}

static CK_RV slot_open(struct slots *slots, const struct settings *section)
{
    struct slot *slot = &slots->slot[slots->count];
    CK_RV rv = label_choose(slots, section, &slot->label);

    if (rv != CKR_OK) {
        return rv;
    }
    slot->home = slots;
    slot->id = slots->count;
    slot->removable = settings_yes(section, "removable");
    rv = token_open(section, slot->id, slot->label, &slot->token);
    if (rv == CKR_OK) {
        slots->count++;
    }
    return rv;
}

static CK_RV slots_open_all(struct slots *slots)
{
    size_t sections = slots->file == NULL ? 0 : settings_section_count(slots->file);

    for (size_t i = 0; i < sections; i++) {
        const struct settings *section = settings_section(slots->file, i);
        CK_RV rv = i < SLOTS_MOST ? slot_open(slots, section)
                                  : settings_refuse(section, NULL, "more than %d tokens", SLOTS_MOST);

        if (rv != CKR_OK) {
            return rv;
        }
    }
    return CKR_OK;
}

void slots_look_all(const struct slots *slots, const struct token *but)
{
    for (size_t i = 0; i < slots->count; i++) {
        struct token *token = slots->slot[i].token;

        if (token != but && token->ops->look != NULL) {
            token->ops->look(token);
        }
    }
}

static unsigned count_lookers(const struct slots *slots)
{
    unsigned count = 0;

    for (size_t i = 0; i < slots->count; i++) {
        count += slots->slot[i].token->ops->look != NULL;
    }
    return count;
}

CK_RV slots_open(struct settings_file *file, struct slots **ret_slots)
{
    size_t sections = file == NULL ? 0 : settings_section_count(file);
    struct slots *slots SCOPED(slots_unref_scoped) =
        calloc(1, sizeof *slots + sections * sizeof slots->slot[0]);

    if (slots == NULL) {
        settings_free(file);
        return CKR_HOST_MEMORY;
    }
    atomic_init(&slots->users, 1);
    slots->file = file;
    CK_RV rv = slots_open_all(slots);

    if (rv == CKR_OK) {
        slots->lookers = count_lookers(slots);
        *ret_slots = take(slots);
    }
    return rv;
}

void slots_ref(struct slots *slots)
{
    atomic_fetch_add_explicit(&slots->users, 1, memory_order_relaxed);
}

void slots_unref(struct slots *slots)
{
    if (slots == NULL || atomic_fetch_sub_explicit(&slots->users, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = slots->count; i > 0; i--) {
        struct token *token = slots->slot[i - 1].token;

        token->ops->close(token);
    }
    settings_free(slots->file);
    free(slots);
}

struct slot *slots_at(struct slots *slots, CK_SLOT_ID id)
{
    return id < slots->count ? &slots->slot[id] : NULL;
}

CK_RV slots_list(struct slots *slots, bool present_only, CK_SLOT_ID *ret_list, CK_ULONG *count)
{
    CK_ULONG room = *count;
    CK_ULONG found = 0;

    for (size_t i = 0; i < slots->count; i++) {
        struct token *token = slots->slot[i].token;

        if (present_only && !token->ops->present(token)) {
            continue;
        }
        if (ret_list != NULL && found < room) {
            ret_list[found] = slots->slot[i].id;
        }
        found++;
    }
    *count = found;
    return ret_list != NULL && found > room ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

CK_RV slots_poll_event(struct slots *slots, CK_SLOT_ID *ret_id)
{
    for (size_t i = 0; i < slots->count; i++) {
        struct token *token = slots->slot[i].token;

        if (token->ops->poll_event != NULL && token->ops->poll_event(token) == CKR_OK) {
            *ret_id = slots->slot[i].id;
            return CKR_OK;
        }
    }
    return CKR_NO_EVENT;
}

CK_RV slot_get_info(const struct slot *slot, CK_SLOT_INFO *ret_info)
{
    CK_SLOT_INFO info;
    CK_RV rv = slot->token->ops->get_slot_info(slot->token, &info);

    if (rv != CKR_OK) {
        return rv;
    }
    info.flags &= ~(CK_FLAGS)CKF_REMOVABLE_DEVICE;
    if (slot->removable) {
        info.flags |= CKF_REMOVABLE_DEVICE;
    }
    *ret_info = info;
    return CKR_OK;
}

CK_RV slot_get_token_info(const struct slot *slot, CK_TOKEN_INFO *ret_info)
{
    CK_TOKEN_INFO info;
    CK_RV rv = slot->token->ops->get_token_info(slot->token, &info);

    if (rv != CKR_OK) {
        return rv;
    }
    memset(info.label, ' ', sizeof info.label);
    memcpy(info.label, slot->label, strlen(slot->label));
    *ret_info = info;
    return CKR_OK;
}
