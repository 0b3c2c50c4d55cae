/*
 * Handles to things. An entry is one word that says all: its generation, whether it is open, and how many use
 * it. Being open counts as one use, so that the thing is released by whoever leaves last, closed or not.
 */
#include "backends/base/handle.h"
#include <stdlib.h>
#include <string.h>

/* word = generation << 32 | OPEN | users */
#define OPEN             (UINT64_C(1) << 31)
#define USERS            (OPEN - 1)
#define GENERATION(word) ((word) >> 32)
#define LAST_GENERATION  UINT32_MAX

struct handle_entry {
    _Atomic uint64_t word;
    void *thing;
    uint32_t next_spare; /* index + 1 */
} __attribute__((aligned(64)));

enum { CHUNK_ENTRIES = 1 << HANDLE_CHUNK_BITS, MOST_ENTRIES = 1 << HANDLE_INDEX_BITS };

#define TAG_BITS (~((CK_ULONG)0) << (HANDLE_INDEX_BITS + 32))

_Static_assert(sizeof(CK_ULONG) == 8, "a handle holds an index and a generation");
_Static_assert(sizeof(struct handle_entry) == 64, "one cache line each");

static inline CK_ULONG handle_of(const struct handle_table *table, uint64_t generation, uint32_t index)
{
    return table->tag | (CK_ULONG)generation << HANDLE_INDEX_BITS | index;
}

static inline uint32_t index_of(CK_ULONG handle)
{
    return (uint32_t)handle & (MOST_ENTRIES - 1);
}

static inline uint64_t generation_of(CK_ULONG handle)
{
    return (uint32_t)(handle >> HANDLE_INDEX_BITS);
}

static inline struct handle_entry *entry_at(struct handle_table *table, uint32_t index)
{
    struct handle_entry *chunk =
        atomic_load_explicit(&table->chunk[index >> HANDLE_CHUNK_BITS], memory_order_acquire);

    return chunk == NULL ? NULL : &chunk[index & (CHUNK_ENTRIES - 1)];
}

static inline struct handle_entry *find(struct handle_table *table, CK_ULONG handle)
{
    return (handle & TAG_BITS) == table->tag ? entry_at(table, index_of(handle)) : NULL;
}

/* True while `word` is that of an open thing of this generation. */
static inline bool is_open(uint64_t word, CK_ULONG handle)
{
    return (word & ~USERS) == (generation_of(handle) << 32 | OPEN);
}

void handle_table_init(struct handle_table *table, CK_ULONG tag, void (*release)(void *thing))
{
    memset(table, 0, sizeof *table);
    table->tag = tag & TAG_BITS;
    table->release = release;
    pthread_mutex_init(&table->lock, NULL);
}

void handle_table_done(struct handle_table *table)
{
    size_t at;

    for (at = 0; at < HANDLE_CHUNKS; at++) {
        free(atomic_exchange(&table->chunk[at], NULL));
    }
    table->made = 0;
    table->spare = 0;
    pthread_mutex_destroy(&table->lock);
}

static bool chunk_new(struct handle_table *table, uint32_t index)
{
    size_t size = CHUNK_ENTRIES * sizeof(struct handle_entry);
    void *chunk;

    if (posix_memalign(&chunk, sizeof(struct handle_entry), size) != 0) {
        return false;
    }
    memset(chunk, 0, size);
    atomic_store_explicit(&table->chunk[index >> HANDLE_CHUNK_BITS], chunk, memory_order_release);
    return true;
}

/* An entry that nobody else has. */
static bool reserve_locked(struct handle_table *table, uint32_t *ret_index)
{
    if (table->spare != 0) {
        *ret_index = table->spare - 1;
        table->spare = entry_at(table, *ret_index)->next_spare;
        return true;
    }
    if (table->made == MOST_ENTRIES) {
        return false;
    }
    if (entry_at(table, table->made) == NULL && !chunk_new(table, table->made)) {
        return false;
    }
    *ret_index = table->made++;
    return true;
}

CK_RV handle_add(struct handle_table *table, void *thing, CK_ULONG *ret_handle)
{
    struct handle_entry *entry;
    uint64_t generation;
    uint32_t index;
    bool reserved;

    pthread_mutex_lock(&table->lock);
    reserved = reserve_locked(table, &index);
    pthread_mutex_unlock(&table->lock);
    if (!reserved) {
        return CKR_HOST_MEMORY;
    }
    entry = entry_at(table, index);
    /* Generations begin at 1, so no handle is 0. */
    generation = GENERATION(atomic_load_explicit(&entry->word, memory_order_relaxed)) + 1;
    entry->thing = thing;
    *ret_handle = handle_of(table, generation, index);
    atomic_store_explicit(&entry->word, generation << 32 | OPEN | 1, memory_order_release);
    return CKR_OK;
}

static __attribute__((noinline)) void release(struct handle_table *table, struct handle_entry *entry,
                                              uint32_t index)
{
    uint64_t generation = GENERATION(atomic_load_explicit(&entry->word, memory_order_acquire));

    table->release(entry->thing);
    entry->thing = NULL;
    if (generation == LAST_GENERATION) {
        return; /* its handles are used up */
    }
    pthread_mutex_lock(&table->lock);
    entry->next_spare = table->spare;
    table->spare = index + 1;
    pthread_mutex_unlock(&table->lock);
}

static inline void leave(struct handle_table *table, struct handle_entry *entry, uint32_t index)
{
    uint64_t before = atomic_fetch_sub_explicit(&entry->word, 1, memory_order_acq_rel);

    if (__builtin_expect((before & USERS) == 1, 0)) {
        release(table, entry, index);
    }
}

void *handle_enter(struct handle_table *table, CK_ULONG handle)
{
    struct handle_entry *entry = find(table, handle);
    uint64_t word;

    if (entry == NULL) {
        return NULL;
    }
    word = atomic_load_explicit(&entry->word, memory_order_relaxed);
    do {
        if (!is_open(word, handle)) {
            return NULL;
        }
    } while (!atomic_compare_exchange_weak_explicit(&entry->word, &word, word + 1, memory_order_acquire,
                                                    memory_order_relaxed));
    return entry->thing;
}

void handle_leave(struct handle_table *table, CK_ULONG handle)
{
    uint32_t index = index_of(handle);

    leave(table, entry_at(table, index), index);
}

bool handle_is_alone(struct handle_table *table, CK_ULONG handle)
{
    uint64_t word = atomic_fetch_add(&entry_at(table, index_of(handle))->word, 0);

    return (word & USERS) == ((word & OPEN) != 0 ? 2 : 1);
}

bool handle_close(struct handle_table *table, CK_ULONG handle)
{
    struct handle_entry *entry = find(table, handle);
    uint64_t word;

    if (entry == NULL) {
        return false;
    }
    word = atomic_load_explicit(&entry->word, memory_order_relaxed);
    do {
        if (!is_open(word, handle)) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&entry->word, &word, word & ~OPEN, memory_order_acq_rel,
                                                    memory_order_relaxed));
    leave(table, entry, index_of(handle));
    return true;
}

void handle_each(struct handle_table *table, bool (*visit)(CK_ULONG handle, void *thing, void *arg),
                 void *arg)
{
    uint32_t index, made;
    bool more = true;

    pthread_mutex_lock(&table->lock);
    made = table->made;
    pthread_mutex_unlock(&table->lock);
    for (index = 0; index < made && more; index++) {
        uint64_t word = atomic_load_explicit(&entry_at(table, index)->word, memory_order_relaxed);
        CK_ULONG handle = handle_of(table, GENERATION(word), index);
        void *thing = handle_enter(table, handle);

        if (thing != NULL) {
            more = visit(handle, thing, arg);
            handle_leave(table, handle);
        }
    }
}
