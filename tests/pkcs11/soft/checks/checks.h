/*
 * What attackers and strict test suites try at the PKCS#11 interface, against the soft token over a key service
 * in memory. The checks have numbers; a test is named after the one that it makes. main.c says which are elsewhere.
 */
#ifndef BYOK_TESTS_SOFT_CHECKS_H
#define BYOK_TESTS_SOFT_CHECKS_H

#include "tests/pkcs11/soft/soft_test.h"
#include "tests/suite.h"

extern const struct room role_room, aes_oracle_room, forgery_room, handle_room, key_room, oracle_room,
    private_key_room, service_room, session_room, signing_room, suite_room, template_room, usage_room,
    wrapping_room;

/* What fails leaves these as they were. */
enum { UNTOUCHED = 0xc5 };

/* How an AES key came into the token. */
enum origin { CREATED, GENERATED, UNWRAPPED, ORIGINS };

/*
 * A key of DATA_KEY's bytes (random ones where it is generated). `more` is added to the least template that
 * makes one; UNWRAPPED opens a fresh blob under "kek".
 */
#define DATA_KEY "0123456789abcdef0123456789abcdef"
CK_RV make_key(enum origin origin, const CK_ATTRIBUTE *more, CK_ULONG count, CK_OBJECT_HANDLE *ret_key);
/* The same where it must succeed. */
CK_OBJECT_HANDLE key_with(enum origin origin, const CK_ATTRIBUTE *more, CK_ULONG count);
/* A created key for which just this one flag is true, and which says nothing else. */
CK_OBJECT_HANDLE key_that_may(CK_ATTRIBUTE_TYPE use);

bool flag_of(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
CK_ULONG number_of(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

/* An attempt at a function that takes a template with one flag in it. */
CK_RV set_flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool flag);
CK_RV copy_with_flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool flag, CK_OBJECT_HANDLE *ret_copy);

/* `text` under the newest version of "kek", as anybody could make it who knows the public key. */
struct buffer sealed(enum rsa_padding padding, struct bytes text);

/* Under "kek", into a template of CLASS and this type, and VALUE_LEN where it is not 0. */
CK_RV unwrap_as(CK_KEY_TYPE type, CK_ULONG value_len, CK_MECHANISM *mechanism, struct bytes blob,
                CK_OBJECT_HANDLE *ret_key);
CK_RV decrypt_with(CK_OBJECT_HANDLE key, CK_MECHANISM *mechanism, struct bytes blob, CK_BYTE *out,
                   CK_ULONG *out_size);

bool lists(CK_MECHANISM_TYPE type, CK_FLAGS flag);

/* A change that is not made: one of the standard's codes for that. */
#define assert_refused(call) assert_refused_at((call), #call, __FILE__, __LINE__)
void assert_refused_at(CK_RV rv, const char *call, const char *file, int line);
#define assert_either(call, a, b) assert_either_at((call), (a), (b), #call, __FILE__, __LINE__)
void assert_either_at(CK_RV rv, CK_RV a, CK_RV b, const char *call, const char *file, int line);

#endif
