/* What the tests of C_WrapKey and C_UnwrapKey under a service's key share: the key of soft_begin, and one blob. */
#ifndef BYOK_TESTS_WRAP_TEST_H
#define BYOK_TESTS_WRAP_TEST_H

#include "tests/pkcs11/soft/soft_test.h"

extern unsigned char blob[512];
extern CK_ULONG blob_size;

CK_OBJECT_HANDLE public_kek(void);
CK_OBJECT_HANDLE private_kek(void);

/* Makes the blob. */
void wrap_ok(void);
/* The blob opens, to what wrap_under wraps. */
void assert_opens(CK_MECHANISM *mechanism);

#endif
