/*
 * The application's sessions: each is one session of a token. Closing one while another thread is inside it
 * is safe: from then on its handle is unknown, and the token's session is closed when the last call has left
 * it. The table of handles stays for the life of the process, so a handle of an earlier C_Initialize never
 * names a session of a later one.
 */
#ifndef BYOK_PKCS11_SESSION_H
#define BYOK_PKCS11_SESSION_H

#include "pkcs11/slot.h"

/* Written once, by session_open; what a call needs comes first. */
struct session {
    const struct token_ops *ops;
    struct token_session *below;
    struct slot *slot;                /* holds the set of slots */
    bool others_look;                 /* tokens of the set do at each call of it */
    _Atomic CK_SESSION_HANDLE handle; /* for Notify */
    CK_NOTIFY notify;                 /* NULL: none */
    void *application;
};

/* An empty table: before the first session and again in each forked child. One thread alone. */
MUST_USE CK_RV sessions_prepare(void);

/*
 * C_OpenSession: CKR_SESSION_PARALLEL_NOT_SUPPORTED, CKR_CRYPTOKI_NOT_INITIALIZED when C_Finalize came
 * between, CKR_HOST_MEMORY, what the token says. The set of slots is held by the caller for the call.
 */
MUST_USE CK_RV session_open(struct slot *slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                            CK_SESSION_HANDLE *ret_handle);

/* The session, which stays until session_leave(); NULL: none. No lock, no system call. */
struct session *session_enter(CK_SESSION_HANDLE handle);
void session_leave(CK_SESSION_HANDLE handle);

/* False: there was none. */
bool session_close(CK_SESSION_HANDLE handle);
void sessions_close_of_slot(struct slot *slot);
/* From now on no session of the set can be opened either. */
void sessions_close_of_slots(struct slots *slots);

#endif
