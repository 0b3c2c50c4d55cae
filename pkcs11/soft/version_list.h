/*
 * The versions of a key that are known, from the newest down: those that were in use, those the configuration
 * names, and those of a listing. The owner's lock guards it.
 */
#ifndef BYOK_PKCS11_SOFT_VERSION_LIST_H
#define BYOK_PKCS11_SOFT_VERSION_LIST_H

#include "backends/key_service.h"

enum { MOST_VERSIONS = 1024 /* of one key; more are not remembered */ };

struct known_version {
    char name[KEY_VERSION_SIZE];
    uint16_t place;     /* in the configuration, from 1; 0: not there */
    uint16_t aes_bits;  /* of a symmetric key, 0: not known */
    uint32_t blob_size; /* bytes of its RSA ciphertexts, 0: not known */
    uint32_t used;      /* which in a row that was in use, from 1; 0: never */
    int64_t created;    /* seconds since 1970, 0: not listed */
};

struct version_list {
    struct known_version *items;
    size_t count, room;
};

void version_list_done(struct version_list *list);

/* NULL: it is not there. Lent until one is added. */
struct known_version *version_list_find(const struct version_list *list, const char *name);
/* The same; it is added where it is not there. NULL: no memory, or too many. */
struct known_version *version_list_add(struct version_list *list, const char *name);
/* To be called after each change of what tells their order. */
void version_list_sort(struct version_list *list);

#endif
