/*
 * Handles to things and back. A handle is safe to close while another thread uses what it stands for: from
 * then on the handle is unknown, and the thing is released when the last user has left. A handle is not given
 * out twice (a generation is part of it). Entering and leaving takes no lock and no system call: one atomic
 * exchange each, on a cache line that no other handle shares.
 *
 * Stands on the ground floor because sessions (pkcs11/) and objects (pkcs11/soft/) both need it.
 */
#ifndef BYOK_BASE_HANDLE_H
#define BYOK_BASE_HANDLE_H

#include "backends/base/cryptoki.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    HANDLE_INDEX_BITS = 20, /* a million things a table */
    HANDLE_CHUNK_BITS = 8,
    HANDLE_CHUNKS = 1 << (HANDLE_INDEX_BITS - HANDLE_CHUNK_BITS)
};

struct handle_entry; /* one thing, its generation and its users */

struct handle_table {
    void (*release)(void *thing);      /* called once for each thing, when nobody uses it any more; no lock held */
    CK_ULONG tag;                      /* high bits of every handle of this table, 0 for none */
    pthread_mutex_t lock;              /* adding and recycling, never entering */
    struct handle_entry *_Atomic chunk[HANDLE_CHUNKS]; /* grown by need, freed only with the table */
    uint32_t made;                     /* entries ever used */
    uint32_t spare;                    /* head of the list of entries to use again, index + 1; 0: none */
};

/* `tag` is or-ed into every handle; it may use bits 52 and up. */
void handle_table_init(struct handle_table *table, CK_ULONG tag, void (*release)(void *thing));
/* Everything must have been closed and left. */
void handle_table_done(struct handle_table *table);

/*
 * The thing gets a handle, never 0. CKR_HOST_MEMORY, also when the table is full. The table owns the thing
 * from then on. The handle is written to *ret_handle before other threads can find the thing by it.
 */
MUST_USE CK_RV handle_add(struct handle_table *table, void *thing, CK_ULONG *ret_handle);

/* The thing, which stays until handle_leave() with the same handle; NULL: there is none. */
void *handle_enter(struct handle_table *table, CK_ULONG handle);
void handle_leave(struct handle_table *table, CK_ULONG handle);

/* Of a handle that the caller has entered: nobody else has. Whoever enters afterwards sees what came before. */
bool handle_is_alone(struct handle_table *table, CK_ULONG handle);

/* Nobody finds it from now on. False: there was none (or another thread closed it). */
bool handle_close(struct handle_table *table, CK_ULONG handle);

/*
 * Calls `visit` for each thing that is open at some time during the call, entered, in the order of the table's
 * places; it may close the handle. Stops when `visit` returns false.
 */
void handle_each(struct handle_table *table, bool (*visit)(CK_ULONG handle, void *thing, void *arg), void *arg);

#endif
