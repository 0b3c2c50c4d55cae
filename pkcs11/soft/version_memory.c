/* Which version of a key opened a blob: a hash table, and a list from the blob asked for last to the one to be
 * forgotten. */
#include "pkcs11/soft/version_memory.h"
#include "backends/base/deadline.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { BUCKETS = MOST_REMEMBERED }; /* a power of two */

struct entry {
    struct version_blob blob;
    char version[KEY_VERSION_SIZE]; /* "": none opened it */
    int64_t failed;                 /* clock_now() */
    unsigned epoch;
    LIST_ENTRY(entry) of_bucket;
    TAILQ_ENTRY(entry) of_age;
};

struct version_memory {
    pthread_mutex_t lock; /* for all below */
    LIST_HEAD(bucket, entry) buckets[BUCKETS];
    TAILQ_HEAD(ages, entry) ages; /* the last is forgotten next */
    size_t count;
    struct entry entries[MOST_REMEMBERED];
};

struct version_memory *version_memory_new(void)
{
    struct version_memory *memory = calloc(1, sizeof *memory);

    if (memory != NULL) {
        pthread_mutex_init(&memory->lock, NULL);
        TAILQ_INIT(&memory->ages);
    }
    return memory;
}

void version_memory_free(struct version_memory *memory)
{
    if (memory != NULL) {
        pthread_mutex_destroy(&memory->lock);
        free(memory);
    }
}

static struct bucket *bucket_of(struct version_memory *memory, const struct version_blob *blob)
{
    size_t at;

    memcpy(&at, blob->digest, sizeof at);
    return &memory->buckets[at & (BUCKETS - 1)];
}

static bool same(const struct version_blob *a, const struct version_blob *b)
{
    return a->key == b->key && a->how == b->how && memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

/* NULL: not known. What is found is forgotten last. */
static struct entry *find_locked(struct version_memory *memory, const struct version_blob *blob)
{
    struct entry *entry;

    LIST_FOREACH(entry, bucket_of(memory, blob), of_bucket)
    {
        if (same(&entry->blob, blob)) {
            TAILQ_REMOVE(&memory->ages, entry, of_age);
            TAILQ_INSERT_HEAD(&memory->ages, entry, of_age);
            return entry;
        }
    }
    return NULL;
}

static struct entry *spare_locked(struct version_memory *memory)
{
    struct entry *entry;

    if (memory->count < MOST_REMEMBERED) {
        return &memory->entries[memory->count++];
    }
    entry = TAILQ_LAST(&memory->ages, ages);
    TAILQ_REMOVE(&memory->ages, entry, of_age);
    LIST_REMOVE(entry, of_bucket);
    return entry;
}

static struct entry *add_locked(struct version_memory *memory, const struct version_blob *blob)
{
    struct entry *entry = find_locked(memory, blob);

    if (entry == NULL) {
        entry = spare_locked(memory);
        entry->blob = *blob;
        LIST_INSERT_HEAD(bucket_of(memory, blob), entry, of_bucket);
        TAILQ_INSERT_HEAD(&memory->ages, entry, of_age);
    }
    return entry;
}

static bool still_fails(const struct entry *entry, unsigned epoch)
{
    return entry->epoch == epoch && clock_now() - entry->failed < FAILURE_REMEMBERED;
}

enum remembered version_memory_find(struct version_memory *memory, const struct version_blob *blob,
                                    unsigned epoch, char ret_version[KEY_VERSION_SIZE])
{
    enum remembered result = REMEMBERED_NOTHING;
    const struct entry *entry;

    pthread_mutex_lock(&memory->lock);
    entry = find_locked(memory, blob);
    if (entry != NULL && entry->version[0] != 0) {
        memcpy(ret_version, entry->version, KEY_VERSION_SIZE);
        result = REMEMBERED_VERSION;
    } else if (entry != NULL && still_fails(entry, epoch)) {
        result = REMEMBERED_FAILURE;
    }
    pthread_mutex_unlock(&memory->lock);
    return result;
}

void version_memory_keep(struct version_memory *memory, const struct version_blob *blob, const char *version)
{
    struct entry *entry;

    pthread_mutex_lock(&memory->lock);
    entry = add_locked(memory, blob);
    snprintf(entry->version, sizeof entry->version, "%s", version);
    pthread_mutex_unlock(&memory->lock);
}

void version_memory_keep_failure(struct version_memory *memory, const struct version_blob *blob,
                                 unsigned epoch)
{
    struct entry *entry;

    pthread_mutex_lock(&memory->lock);
    entry = add_locked(memory, blob);
    entry->version[0] = 0;
    entry->failed = clock_now();
    entry->epoch = epoch;
    pthread_mutex_unlock(&memory->lock);
}
