/* What the tests of the soft token share: a token over the fake key service, one session, and short calls. */
#ifndef BYOK_TESTS_SOFT_TEST_H
#define BYOK_TESTS_SOFT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "pkcs11/soft/token.h"
#include "tests/fake_key_service.h"
#include <cmocka.h>

extern struct key_service *fake; /* the token's; made by soft_begin */
extern struct token *token;
extern struct token_session *session;
#define CALL(verb, ...) (token->ops->verb(session __VA_OPT__(, ) __VA_ARGS__))

extern CK_BBOOL yes, no;
extern CK_OBJECT_CLASS public_class, private_class, secret_class;
extern CK_KEY_TYPE aes_type, generic_type, rsa_type;

#define ATTRIBUTE(type, variable)                                                                            \
    {                                                                                                        \
        (type), &(variable), sizeof(variable)                                                                \
    }
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* A fresh fake with the key "kek" (2048 bits, configured), to be changed before soft_open. */
int soft_begin(void **state);
/* The token over it, with these lines in its section, and a session. */
void soft_open(const char *options);
/* The token alone, where it may be refused; the service is then another. */
CK_RV soft_try_open(const char *options);
/* Another token beside it, with the same section; it owns the service, and the caller closes it. */
struct token *soft_open_another(struct key_service *service, unsigned number);
/* Both at once, without options. */
int soft_setup(void **state);
int soft_end(void **state);
#define with_token(test)   cmocka_unit_test_setup_teardown(test, soft_setup, soft_end)
#define with_service(test) cmocka_unit_test_setup_teardown(test, soft_begin, soft_end)

/* The folder of this test's own files. */
const char *soft_folder(void);
void soft_write(const char *name, struct bytes content);

/* A whole find; how many there are. */
CK_ULONG find(CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_objects, CK_ULONG most);
/* The one object of this class with this label; fails where there is none or a second. */
CK_OBJECT_HANDLE the(CK_OBJECT_CLASS class, const char *label);
/* How many objects of this class have this label. */
CK_ULONG count_of(CK_OBJECT_CLASS class, const char *label);

/* An AES key that may do everything and is readable. */
CK_OBJECT_HANDLE aes_key(const void *value, CK_ULONG size);
CK_ULONG read_value(CK_OBJECT_HANDLE key, unsigned char *value, CK_ULONG room);

extern CK_MECHANISM oaep_none, oaep_sha1, oaep_sha256, pkcs1;
/* 32 bytes under "kek". */
CK_RV wrap_under(CK_OBJECT_HANDLE kek, CK_MECHANISM *mechanism, unsigned char blob[512], CK_ULONG *size);
CK_RV unwrap_under(CK_OBJECT_HANDLE kek, CK_MECHANISM *mechanism, unsigned char *blob, CK_ULONG size,
                   CK_OBJECT_HANDLE *ret_key);

#define assert_rv(call, expected) assert_int_equal((call), (expected))

#endif
