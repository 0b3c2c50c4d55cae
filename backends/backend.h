/*
 * What a token does for a session: the upper of the two interfaces between the module and the key stores.
 * A kind of token (the HSM token here; the soft token in pkcs11/soft over a key service) fills in one constant
 * struct token_ops by field name; its private structs hold struct token and struct token_session as their first
 * member.
 *
 * Threads: every function may be called by several threads at once, also for one session. Nothing here is called
 * with a lock of the caller held. A session that is being closed by one thread is closed when the last call in it
 * has returned; after close_session nothing is called for it.
 *
 * Results are those of the standard for the C_ function of the same name, and reach the application unchanged.
 */
#ifndef BYOK_BACKENDS_BACKEND_H
#define BYOK_BACKENDS_BACKEND_H

#include "backends/base/settings.h"
#include "backends/diagnosis.h"
#include "backends/token_functions.h"

struct token_ops;
struct key_service;

struct token {
    const struct token_ops *ops;
};

struct token_session {
    const struct token_ops *ops; /* those of its token: one step less on every call */
};

/* Passes an event of the HSM up; `arg` is what open_session was given. */
typedef CK_RV token_notify(void *arg, CK_NOTIFICATION event);

/* clang-format off */
#define TOKEN_OPS_FIELD(name, verb, parameters, arguments) \
    CK_RV (*verb)(struct token_session *session UNBRACKET parameters);
/* clang-format on */

/* A NULL field answers CKR_FUNCTION_NOT_SUPPORTED; the ones marked * must be filled in. */
struct token_ops {
    const char *name; /* * for the log */

    /* * Wipes and frees it. All its sessions have been closed. No network. */
    void (*close)(struct token *token);

    /*
     * * False where the last look found no token (an absent HSM): it is left out of C_GetSlotList(CK_TRUE).
     * Looks at nothing itself, loads nothing.
     */
    bool (*present)(struct token *token);

    /*
     * * Never touch the network, never fail because a key store is down. The module overwrites the label of
     * CK_TOKEN_INFO and CKF_REMOVABLE_DEVICE with what is configured. Texts are blank-padded.
     */
    CK_RV (*get_slot_info)(struct token *token, CK_SLOT_INFO *ret_info);
    CK_RV (*get_token_info)(struct token *token, CK_TOKEN_INFO *ret_info);
    CK_RV (*get_mechanism_list)(struct token *token, CK_MECHANISM_TYPE *ret_list, CK_ULONG *ret_count);
    CK_RV (*get_mechanism_info)(struct token *token, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info);

    CK_RV (*init_token)(struct token *token, CK_BYTE *pin, CK_ULONG pin_size, CK_UTF8CHAR *label);

    /* CKR_OK: something happened to this token since the last call; CKR_NO_EVENT. Never waits. */
    CK_RV (*poll_event)(struct token *token);

    /*
     * Does what time alone asks for (a lease that has ended). Called at the beginning of each call into the module
     * that is not for a session of this token, where the token looks itself. No network. NULL: nothing.
     */
    void (*look)(struct token *token);

    /*
     * * Never touches the network. CKF_SERIAL_SESSION has been checked. `notify` (NULL: none) may be called with
     * notify_arg until close_session has returned.
     */
    CK_RV (*open_session)(struct token *token, CK_FLAGS flags, token_notify *notify, void *notify_arg,
                          struct token_session **ret_session);
    /* * The session is gone afterwards, whatever it returns. */
    CK_RV (*close_session)(struct token_session *session);
    /*
     * Where the token was found absent: what the session holds at its key store, which may hinder the token's return,
     * is let go of, unless somebody is in it. is_alone(arg) tells that, and is asked once whoever enters afterwards
     * would notice. The caller has entered the session itself. True: something was let go of. NULL: it holds nothing.
     */
    bool (*let_go)(struct token_session *session, bool (*is_alone)(void *arg), void *arg);
    /* * slotID is the module's to fill in. ulDeviceError: the HTTP status or HSM code of the last failure. */
    CK_RV (*get_session_info)(struct token_session *session, CK_SESSION_INFO *ret_info);

    EACH_SESSION_FUNCTION(TOKEN_OPS_FIELD)
    EACH_SESSION_FUNCTION_OF_3_0(TOKEN_OPS_FIELD)
};

/* A kind of key store: the word after `backend =`, its options, and one of the two ways to open it. No network. */
struct backend_kind {
    const char *name;
    const struct setting_option *options;
    size_t option_count;
    CK_RV (*open_token)(const struct settings *section, struct token **ret_token);           /* or NULL */
    CK_RV (*open_service)(const struct settings *section, struct key_service **ret_service); /* or NULL */
    /*
     * Examines a section of which a token could be opened, and tells what it finds: first what needs no network,
     * then the way there, then what is there. It opens and closes what it needs and changes nothing there that
     * anybody could notice but in a log. After a failure it goes on only with what does not depend on that. NULL:
     * there is nothing that PKCS#11 could not tell.
     */
    void (*diagnose)(const struct settings *section, struct diagnosis *diagnosis);
    /*
     * What so many processes with this section ask of the key store, against what it allows. After `diagnose`: where
     * that ended for want of a way, nothing is asked. NULL: no limits.
     */
    void (*diagnose_fleet)(const struct settings *section, unsigned processes, struct diagnosis *diagnosis);
    /* In a forked child, one thread alone: forget what the parent had, touch none of it. */
    void (*after_fork)(void);
};

/* Every kind there is, ended by NULL; its options are settings_read's groups. */
extern const struct backend_kind *const backend_kinds[];

/* The words of `backend =`, ended by NULL. */
extern const char *const backend_words[];

/* The kind that `section` names with `backend`, which settings_read has checked. */
const struct backend_kind *backend_kind_of(const struct settings *section);

void backend_after_fork(void);

#endif
