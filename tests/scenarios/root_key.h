/*
 * The service's root key. It encrypts the data; it is wrapped by the customer's key, and only that blob is
 * kept, in the folder of the data. With two customer's keys the blob that one of them made is wrapped once
 * more by the other: then both are needed, each time.
 */
#ifndef BYOK_TESTS_SCENARIOS_ROOT_KEY_H
#define BYOK_TESTS_SCENARIOS_ROOT_KEY_H

#include "tests/scenarios/token.h"
#include <stddef.h>

enum { BLOB_MOST = 4096, IV_SIZE = 12, TAG_SIZE = 16, DATA_MOST = 65536 };

struct root_key {
    struct customer_key kek, outer; /* outer.session 0: one layer */
    CK_OBJECT_HANDLE key;           /* one layer: the root key, as long as the service runs */
    CK_OBJECT_HANDLE inner_blob;    /* two: what the outer key gives back, to be unwrapped for each use */
};

struct blob {
    CK_BYTE bytes[BLOB_MOST];
    CK_ULONG size;
};

/* A new one, and the blob to keep. What is used from then on comes out of the blob, as after a restart. */
CK_RV root_key_make(struct root_key *root, struct blob *ret_blob);
CK_RV root_key_open(struct root_key *root, const struct blob *blob);
/* The same root key under the newest version of the customer's key: the data stays as it is. */
CK_RV root_key_wrap_again(struct root_key *root, struct blob *ret_blob);
/* Forgets the root key and whose keys it was wrapped by. */
void root_key_close(struct root_key *root);

/* AES-256-GCM under the root key: IV, ciphertext, tag. The name of the data goes into the tag. Sizes: room on
 * the way in, what there is on the way out. */
CK_RV root_key_encrypt(struct root_key *root, const char *name, const CK_BYTE *plain, CK_ULONG plain_size,
                       CK_BYTE *ret_sealed, CK_ULONG *size);
CK_RV root_key_decrypt(struct root_key *root, const char *name, const CK_BYTE *sealed, CK_ULONG sealed_size,
                       CK_BYTE *ret_plain, CK_ULONG *size);

#endif
