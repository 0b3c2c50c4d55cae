/*
 * An HSM token of ours, and finding the slot below that holds it. Looking is done at first use and again when
 * a session is opened; an absent token is never an error of anything but C_OpenSession and C_InitToken.
 */
#ifndef BYOK_BACKENDS_HSM_HSM_TOKEN_H
#define BYOK_BACKENDS_HSM_HSM_TOKEN_H

#include "backends/backend.h"
#include "backends/base/hsm_login.h"
#include "backends/hsm/hsm_mechanism.h"

/* As which user the application believes to be logged in. Where we log in, its C_Login and C_Logout answer as
 * those of a token that needs no login. */
enum hsm_application { HSM_NOBODY, HSM_USER, HSM_OFFICER };

struct hsm_token {
    struct token base;
    const char *label; /* for the log */
    struct hsm_uri uri;
    struct hsm_module *module;
    struct hsm_login *login; /* how we log in by ourselves; NULL: the application does */

    enum hsm_rfc5649 rfc5649;

    struct hsm_watch watch; /* its slot is where the token was last found */
    struct hsm_turn looking;
    atomic_bool found_once;
    _Atomic int64_t look_after; /* when an absent token is worth another look by those that only ask */

    _Atomic int64_t checked; /* when its slot was last seen to hold it, of a coarse clock */

    pthread_mutex_t lock; /* for what was last known */
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO token_info;

    /* Only where we log in: */
    atomic_int application; /* enum hsm_application: what the application believes to be logged in as */
    atomic_ulong sessions;  /* open, to know when that login ends */
};

enum hsm_look {
    HSM_LOOK_FIRST, /* where nobody has looked yet, or it was absent and that was some seconds ago */
    HSM_LOOK_AGAIN  /* where it is not known to be */
};

/* A call below. CKR_CANCEL: to be asked again. */
typedef CK_RV hsm_question(struct hsm_token *token, const CK_FUNCTION_LIST *functions, CK_SLOT_ID slot,
                           void *arg);

/*
 * The answer to `question`, with the vendor's table and the slot of the token. When the answer means that
 * module or slot are not what they were, the token is looked for and the question asked once more.
 * CKR_TOKEN_NOT_PRESENT when it is not there or its module cannot be used, of which the log has the cause, once;
 * and when this thread is inside the module.
 */
MUST_USE CK_RV hsm_token_ask(struct hsm_token *token, enum hsm_look look, hsm_question *question, void *arg);

/*
 * Whether the slot still holds our token, asked at most once a second: CKR_TOKEN_NOT_PRESENT when another one is
 * in it, as after a restart that numbered the slots anew; CKR_OK when nothing speaks against it.
 */
MUST_USE CK_RV hsm_token_check(struct hsm_token *token, const CK_FUNCTION_LIST *functions, CK_SLOT_ID slot);

/* The next question looks for the token first. */
void hsm_token_look_soon(struct hsm_token *token);

/* The functions of token_ops that are about a token alone. */
bool hsm_token_present(struct token *base);
CK_RV hsm_token_get_slot_info(struct token *base, CK_SLOT_INFO *ret_info);
CK_RV hsm_token_get_token_info(struct token *base, CK_TOKEN_INFO *ret_info);
CK_RV hsm_token_get_mechanism_list(struct token *base, CK_MECHANISM_TYPE *ret_list, CK_ULONG *ret_count);
CK_RV hsm_token_get_mechanism_info(struct token *base, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info);
CK_RV hsm_token_init(struct token *base, CK_BYTE *pin, CK_ULONG pin_size, CK_UTF8CHAR *label);
CK_RV hsm_token_poll_event(struct token *base);

/* Before the first look: what the configuration says. */
void hsm_token_describe(struct hsm_token *token);

#endif
