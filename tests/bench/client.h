/*
 * The module as an application uses it:
 * a session and a key-encryption key. All calls but begin: any thread.
 */
#ifndef BYOK_TESTS_BENCH_CLIENT_H
#define BYOK_TESTS_BENCH_CLIENT_H

#include "backends/base/cryptoki.h"
#include <stdbool.h>

extern CK_FUNCTION_LIST *p11;

/* Loads $MODULE, and calls C_Initialize. False, with a line that says why. */
bool client_load(void);
bool client_initialize(void);

struct client {
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE public_kek, private_kek;
    CK_OBJECT_HANDLE data_key; /* to be wrapped; 0: not made */
};

/* A session with the token of this label, and `kek` found by its label: no request. */
bool client_open(const char *label, struct client *ret_client);
bool client_make_data_key(struct client *client);
bool client_find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
                 CK_OBJECT_HANDLE *ret_object);
bool client_slot(const char *label, CK_SLOT_ID *ret_slot);

/* struct client: `count` unwraps of the known blob, each key destroyed again; `count` wraps. */
bool client_unwrap(void *client, unsigned count);
bool client_wrap_sha1(void *client, unsigned count);
bool client_wrap_sha256(void *client, unsigned count);

bool client_expect(CK_RV rv, const char *call);

#endif
