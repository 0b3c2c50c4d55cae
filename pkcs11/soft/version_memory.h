/*
 * Which version of a key opened a blob, and that none did: by the blob's SHA-256, so that opening it again costs
 * one request, or for a while none. Bounded: what was not asked for longest is forgotten. All threads; no lock is
 * held beyond a call.
 */
#ifndef BYOK_PKCS11_SOFT_VERSION_MEMORY_H
#define BYOK_PKCS11_SOFT_VERSION_MEMORY_H

#include "backends/key_service.h"

enum {
    MOST_REMEMBERED = 4096,        /* blobs */
    FAILURE_REMEMBERED = 60 * 1000 /* ms that a blob which no version opened is not tried again */
};

struct version_memory;

/* A blob and how it is to be opened: one that is none under another padding may be good under its own. */
struct version_blob {
    unsigned char digest[32]; /* SHA-256 of all that is given to the service */
    const void *key;          /* whose it is said to be */
    unsigned how;
};

enum remembered {
    REMEMBERED_NOTHING,
    REMEMBERED_VERSION, /* it opened the blob */
    REMEMBERED_FAILURE  /* none did, lately */
};

/* NULL: no memory. */
struct version_memory *version_memory_new(void);
void version_memory_free(struct version_memory *memory);

/* `epoch` is that of the key's versions: a failure is forgotten when there is another. */
enum remembered version_memory_find(struct version_memory *memory, const struct version_blob *blob,
                                    unsigned epoch, char ret_version[KEY_VERSION_SIZE]);
void version_memory_keep(struct version_memory *memory, const struct version_blob *blob, const char *version);
void version_memory_keep_failure(struct version_memory *memory, const struct version_blob *blob,
                                 unsigned epoch);

#endif
