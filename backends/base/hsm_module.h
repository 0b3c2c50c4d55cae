/*
 * The vendors' modules that this process has loaded. A module is known by its path; tokens with the same path
 * share it. It is loaded and initialised at first use, and what is known of it survives C_Finalize: a module
 * that we have initialised stays so until the process ends, unless every token of it says `finalize = yes`.
 *
 * No lock is held during a call into a vendor's module: it may call this one.
 */
#ifndef BYOK_BASE_HSM_MODULE_H
#define BYOK_BASE_HSM_MODULE_H

#include "backends/base/cryptoki.h"
#include "backends/base/hsm_turn.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Instead of a slot's number, where none is known. */
#define HSM_SLOT_NEVER_SOUGHT ((CK_SLOT_ID)-1)
#define HSM_SLOT_ABSENT       ((CK_SLOT_ID)-2)

struct hsm_login;

/* Who wants to hear of events of a slot. One module's are a list. */
struct hsm_watch {
    struct hsm_watch *next;
    _Atomic CK_SLOT_ID slot;
    atomic_bool happened;
};

struct hsm_module {
    struct hsm_module *next;
    char *path;
    CK_FUNCTION_LIST *_Atomic functions;   /* the vendor's own table while it can be used, or NULL */
    atomic_uint generation;                /* counts its lives: sessions of another one are gone */
    const CK_FUNCTION_LIST_3_0 *table_3_0; /* NULL: none; for who has seen `functions` */

    struct hsm_turn turn;      /* for what follows */
    CK_FUNCTION_LIST *raw;     /* NULL: not loaded */
    CK_FUNCTION_LIST *managed; /* p11-kit's wrapper of it, for counting initialisations; NULL: none */
    bool counted;              /* p11-kit has initialised it for us */
    bool ours;                 /* or we have, past p11-kit */
    bool complained;           /* the log knows that it does not work */
    int64_t born;              /* when its present life began, of clock_now() */

    struct hsm_watch *watches; /* these four: the registry's lock */
    struct hsm_login *logins;  /* what it has said of our PINs; never freed */
    unsigned users;
    bool stays; /* some user has no `finalize = yes` */

    /* Held through us in the present life: see hsm_held.c. Written often, so on a line of its own. */
    _Alignas(64) _Atomic uint64_t held;
};

/* The module of this path; nothing is loaded. It stays until hsm_module_leave() with the same watch. */
MUST_USE CK_RV hsm_module_enter(const char *path, bool finalize, struct hsm_watch *watch,
                                struct hsm_module **ret_module);
void hsm_module_leave(struct hsm_module *module, struct hsm_watch *watch);

/*
 * The vendor's function table, loaded and initialised; NULL, with one line in the log until it works again,
 * when it cannot be used. `about` is the token that asks.
 */
const CK_FUNCTION_LIST *hsm_module_ready(struct hsm_module *module, const char *about);

/*
 * A call that began in `generation` was answered CKR_CRYPTOKI_NOT_INITIALIZED: somebody has finalised the
 * module. Initialises it again, once for all who notice.
 */
void hsm_module_revive(struct hsm_module *module, unsigned generation, const char *about);

/*
 * Finalises and initialises it, for an HSM that went away and returned, or came later: many modules look for
 * their tokens only then. Done only where it has lived for a second and nobody holds a session there. False:
 * not done.
 */
bool hsm_module_restart(struct hsm_module *module, const char *about);

/*
 * Round each session that may be called. CKR_CANCEL: the module is being restarted, ask hsm_module_ready() again.
 * Afterwards the module is not restarted before hsm_module_session_end() with the same life. A life that has ended
 * otherwise took its sessions with it: they are held no longer, ended or not.
 */
MUST_USE CK_RV hsm_module_session_begin(struct hsm_module *module, unsigned *ret_life);
void hsm_module_session_end(struct hsm_module *module, unsigned life);
/* Whether there is one, of the present life. */
bool hsm_module_holds_session(struct hsm_module *module);

/* Asks the module for events, without waiting, and tells its watches. Loads nothing. */
void hsm_module_collect_events(struct hsm_module *module);

/* For hsm_login.c: what `logins` points to, changed only under this lock. */
void hsm_module_lock(void);
void hsm_module_unlock(void);

/* In a forked child, one thread alone. PINs that were refused stay so. */
void hsm_module_after_fork(void);

#endif
