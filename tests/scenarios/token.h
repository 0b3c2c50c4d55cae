/*
 * The module, as an application loads it, and the customer's key in one of its tokens. The service of the
 * scenarios speaks PKCS#11 and nothing else; what kind of key store answers, it cannot tell.
 */
#ifndef BYOK_TESTS_SCENARIOS_TOKEN_H
#define BYOK_TESTS_SCENARIOS_TOKEN_H

#include "backends/base/cryptoki.h"
#include <stdbool.h>

extern CK_FUNCTION_LIST *p11;
extern const char *asked; /* the function that was called last, for who tells of a failure */
#define ASK(function, ...) (asked = #function, p11->function(__VA_ARGS__))

/* Loads $MODULE and initialises it. False: a line on stderr says why. */
bool module_open(void);
/* "CKR_DEVICE_ERROR"; a code that no scenario meets, as a number. Until the next call. */
const char *code_name(CK_RV rv);

/* A key-encryption key of the customer's: whoever may use it, only its owner has it. */
struct customer_key {
    CK_SESSION_HANDLE session; /* of the token where it is */
    CK_OBJECT_HANDLE public, private;
};

/*
 * By an RFC 7512 URI, like pkcs11:token=vault;object=kek. CKR_ARGUMENTS_BAD: that is none;
 * CKR_TOKEN_NOT_PRESENT, CKR_KEY_HANDLE_INVALID: there is no such token or key.
 */
CK_RV customer_key_find(const char *uri, struct customer_key *ret_key);
void customer_key_close(struct customer_key *key);

/* The labels of the keys in the token that the URI names, each after a space. */
CK_RV token_keys(const char *uri, char *ret_labels, size_t size);

/* Which version of a key in a vault is in use; "-": it has none. */
void key_version(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, char ret_version[40]);

#endif
