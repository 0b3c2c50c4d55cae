/*
 * A data key whose value this process has never had: it was made in a child, which left only the blob. In the vault's
 * token, under its key "kek"; both of tests/with-tokens.
 */
#ifndef BYOK_TESTS_HAMMER_DATA_KEY_H
#define BYOK_TESTS_HAMMER_DATA_KEY_H

#include "tests/built_module.h"
#include <stdbool.h>

enum { VAULT = 1 };

extern CK_FUNCTION_LIST *p11;
extern CK_MECHANISM oaep;
extern unsigned char blob[512];
extern CK_ULONG blob_size;

/* A setup of cmocka's: makes the window (memory.h), masked_key and the blob. */
int make_blob(void **state);

/* Loads the module and initialises it. */
void begin_module(void);
CK_SESSION_HANDLE open_session(void);
CK_OBJECT_HANDLE kek(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class);

/* A key with the value of masked_key, which is unmasked for the call alone. */
CK_OBJECT_HANDLE create_key(CK_SESSION_HANDLE session, bool extractable);
/* Becomes the blob. */
void wrap_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key);

#endif
