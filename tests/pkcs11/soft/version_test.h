/* What the tests of key versions share: blobs of each version of "kek", and what a call cost. */
#ifndef BYOK_TESTS_VERSION_TEST_H
#define BYOK_TESTS_VERSION_TEST_H

#include "tests/fake_versions.h"
#include "tests/pkcs11/soft/soft_test.h"

/* "kek" with this many versions, which may be listed; before soft_open. */
void versions_of_kek(unsigned count, unsigned bits);
/* The same and the token over it: the oldest is 0, the current one 4. */
void open_with_five(const char *options);
/* Since it was made. */
void assert_asked(unsigned index, unsigned times);
/* A wrapped key of 32 bytes under one of them (0 is the oldest), made without a request. */
struct bytes blob_of(unsigned index);
/* What no version opens, another one each time. */
struct bytes garbage(void);

/* C_UnwrapKey by "kek". */
CK_RV open_blob(struct bytes blob, CK_OBJECT_HANDLE *ret_key);
CK_RV open_with(CK_OBJECT_HANDLE kek, CK_MECHANISM *mechanism, struct bytes blob, CK_OBJECT_HANDLE *ret_key);
/* It opens, to the right value, and the key tells this version. */
void assert_opened_by(struct bytes blob, unsigned index);
/* What an object tells as its version; "" nothing. */
const char *version_told(CK_OBJECT_HANDLE object);
const char *version_name(unsigned index);

/* Requests since the last call of it. */
unsigned unwraps(void);
unsigned listings(void);

/* Lines of the log since the test began that have all this in them. */
unsigned lines_with(const char *text);
int version_begin(void **state);
int version_end(void **state);
#define with_versions(test) cmocka_unit_test_setup_teardown(test, version_begin, version_end)

#endif
