/*
 * The slots: one token for each section of the configuration, in the order of the file, numbered from 0.
 * All slots of one C_Initialize are one counted set. It outlives C_Finalize for as long as a call or a
 * session is still in one of its tokens; whoever leaves last closes the tokens.
 */
#ifndef BYOK_PKCS11_SLOT_H
#define BYOK_PKCS11_SLOT_H

#include "backends/backend.h"
#include <stdatomic.h>

struct slots;

struct slot {
    struct slots *home;
    struct token *token;
    const char *label; /* 1 to 32 bytes, no other slot's */
    bool removable;
    CK_SLOT_ID id;
};

struct slots {
    atomic_uint users;          /* the module, calls, sessions */
    atomic_uint closing;        /* above 0: C_Finalize has come by, no new sessions */
    struct settings_file *file; /* tokens may keep what it lends; NULL: no configuration */
    struct slots *abandoned;    /* after a fork: the set that was abandoned before */
    unsigned lookers;           /* tokens that want to look */
    size_t count;
    struct slot slot[];
};

/* The options of a section: of every token, then of each kind. The group is lent for the call. */
typedef void setting_group_visitor(void *arg, const struct setting_group *group);
void slots_each_group(setting_group_visitor *visit, void *arg);

/*
 * Reads the configuration (settings_read's results) with the options of every kind of token. `global` are the
 * options outside the sections. *ret_file is NULL when there is none.
 */
MUST_USE CK_RV slots_read(const char *reserved, const struct setting_group *global,
                          struct settings_file **ret_file);

/*
 * Opens every token. `file` (NULL: no slots) belongs to the set from then on, also when it fails. No network.
 * CKR_GENERAL_ERROR for bad content, logged with file and line; CKR_HOST_MEMORY.
 */
MUST_USE CK_RV slots_open(struct settings_file *file, struct slots **ret_slots);

void slots_ref(struct slots *slots);
/* The last one closes the tokens. NULL is allowed. */
void slots_unref(struct slots *slots);

/* At the beginning of each call: tokens look what time alone asks for; `but` (NULL: none) does so itself. */
void slots_look_all(const struct slots *slots, const struct token *but);
/* Whether one of them does; the same for the life of the set. */
static inline bool slots_others_look(const struct slots *slots, const struct token *but)
{
    return slots->lookers > (but != NULL && but->ops->look != NULL ? 1 : 0);
}

/* NULL: there is no such slot. Lent for as long as the set is held. */
struct slot *slots_at(struct slots *slots, CK_SLOT_ID id);

/* C_GetSlotList without the check of `count`. */
MUST_USE CK_RV slots_list(struct slots *slots, bool present_only, CK_SLOT_ID *ret_list, CK_ULONG *count);
/* C_WaitForSlotEvent with CKF_DONT_BLOCK. */
MUST_USE CK_RV slots_poll_event(struct slots *slots, CK_SLOT_ID *ret_id);

/*
 * C_GetSlotInfo and C_GetTokenInfo:
 * the token's answer under the configured label and CKF_REMOVABLE_DEVICE.
 */
MUST_USE CK_RV slot_get_info(const struct slot *slot, CK_SLOT_INFO *ret_info);
MUST_USE CK_RV slot_get_token_info(const struct slot *slot, CK_TOKEN_INFO *ret_info);

static inline void slots_unref_scoped(struct slots **slots)
{
    slots_unref(*slots);
}

#endif
