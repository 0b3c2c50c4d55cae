/* Sessions behind handles. */
#include "pkcs11/session.h"
#include "backends/base/handle.h"
#include "backends/base/process.h"
#include <stdlib.h>
#include <string.h>

enum { TAG_SHIFT = 52, TAG_BITS = 12 };

/*
 * A parent's table in a forked child: never used again,
 * but still somebody's, should anyone count the memory.
 */
struct abandoned_table {
    struct abandoned_table *before;
    struct handle_table table;
};

static struct {
    struct handle_table table;
    struct abandoned_table *abandoned;
    unsigned long tables_made;
} sessions;

static void session_release(void *thing)
{
    struct session *session = thing;

    session->ops->close_session(session->below);
    slots_unref(session->slot->home);
    free(session);
}

/* The parent's handles stay unknown in the child: the count of tables is part of each handle. */
CK_RV sessions_prepare(void)
{
    if (sessions.tables_made > 0) {
        struct abandoned_table *abandoned = malloc(sizeof *abandoned);

        if (abandoned == NULL) {
            return CKR_HOST_MEMORY;
        }
        memcpy(&abandoned->table, &sessions.table, sizeof abandoned->table);
        abandoned->before = sessions.abandoned;
        sessions.abandoned = abandoned;
    }
    CK_ULONG tag = sessions.tables_made % (1UL << TAG_BITS) << TAG_SHIFT;

    sessions.tables_made++;
    handle_table_init(&sessions.table, tag, session_release);
    return CKR_OK;
}

static CK_RV session_notify(void *arg, CK_NOTIFICATION event)
{
    const struct session *session = arg;

    return session->notify(session->handle, event, session->application);
}

/* Still without the token's session, and unknown. By malloc: calloc does without glibc's quickest list. */
static struct session *session_new(struct slot *slot, void *application, CK_NOTIFY notify)
{
    struct session *session = malloc(sizeof *session);

    if (session != NULL) {
        *session = (struct session){
            .ops = slot->token->ops,
            .slot = slot,
            .others_look = slots_others_look(slot->home, slot->token),
            .notify = notify,
            .application = application,
        };
    }
    return session;
}

/*
 * Once it has a handle, any thread may close the session; the set of slots is the caller's to hold meanwhile.
 * Either C_Finalize, which sweeps the table after it has counted up `closing`, finds the session there, or
 * its mark is seen here: both are exchanges of one word, so one comes first.
 */
static CK_RV session_publish(struct session *session, CK_SESSION_HANDLE *ret_handle)
{
    struct slots *home = session->slot->home;
    bool notifies = session->notify != NULL;
    CK_SESSION_HANDLE handle;
    CK_RV rv = handle_add(&sessions.table, session, &handle);

    if (rv != CKR_OK) {
        session_release(session);
        return rv;
    }
    /* A C_Finalize in another thread may have freed it by now: it is entered like any other session. */
    if (notifies && session_enter(handle) != NULL) {
        atomic_store_explicit(&session->handle, handle, memory_order_relaxed);
        session_leave(handle);
    }
    if (atomic_fetch_add(&home->closing, 0) > 0) {
        session_close(handle);
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    *ret_handle = handle;
    return CKR_OK;
}

static bool is_alone(void *arg)
{
    return handle_is_alone(&sessions.table, *(const CK_ULONG *)arg);
}

struct letting_go {
    const struct slot *slot;
    bool any;
};

static bool let_go_of_slot(CK_ULONG handle, void *thing, void *arg)
{
    const struct session *session = thing;
    struct letting_go *letting = arg;

    if (session->slot == letting->slot && session->ops->let_go(session->below, is_alone, &handle)) {
        letting->any = true;
    }
    return true;
}

/* The token is absent: its own sessions that nobody is in shall not keep it so. True: there were some. */
static bool sessions_let_go(const struct slot *slot)
{
    struct letting_go letting = {slot, false};

    if (slot->token->ops->let_go != NULL) {
        handle_each(&sessions.table, let_go_of_slot, &letting);
    }
    return letting.any;
}

static CK_RV open_below(struct session *session, CK_FLAGS flags)
{
    struct token *token = session->slot->token;

    return token->ops->open_session(token, flags, session->notify == NULL ? NULL : session_notify, session,
                                    &session->below);
}

CK_RV session_open(struct slot *slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                   CK_SESSION_HANDLE *ret_handle)
{
    if ((flags & CKF_SERIAL_SESSION) == 0) {
        return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    }
    struct session *session = session_new(slot, application, notify);

    if (session == NULL) {
        return CKR_HOST_MEMORY;
    }
    CK_RV rv = open_below(session, flags);

    if (rv == CKR_TOKEN_NOT_PRESENT && sessions_let_go(slot)) {
        rv = open_below(session, flags);
    }
    if (rv != CKR_OK) {
        free(session);
        return rv;
    }
    slots_ref(slot->home);
    return session_publish(session, ret_handle);
}

struct session *session_enter(CK_SESSION_HANDLE handle)
{
    struct session *session = process_is_marked() ? handle_enter(&sessions.table, handle) : NULL;

    if (session != NULL && session->others_look) {
        slots_look_all(session->slot->home, session->slot->token);
    }
    return session;
}

void session_leave(CK_SESSION_HANDLE handle)
{
    handle_leave(&sessions.table, handle);
}

bool session_close(CK_SESSION_HANDLE handle)
{
    return process_is_marked() && handle_close(&sessions.table, handle);
}

static bool close_of_slot(CK_ULONG handle, void *thing, void *arg)
{
    const struct session *session = thing;

    if (session->slot == arg) {
        handle_close(&sessions.table, handle);
    }
    return true;
}

static bool close_of_slots(CK_ULONG handle, void *thing, void *arg)
{
    const struct session *session = thing;

    if (session->slot->home == arg) {
        handle_close(&sessions.table, handle);
    }
    return true;
}

void sessions_close_of_slot(struct slot *slot)
{
    handle_each(&sessions.table, close_of_slot, slot);
}

void sessions_close_of_slots(struct slots *slots)
{
    atomic_fetch_add(&slots->closing, 1);
    handle_each(&sessions.table, close_of_slots, slots);
}
