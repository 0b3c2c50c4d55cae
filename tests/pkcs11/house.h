/*
 * What the tests of the module need around it: a folder of their own, a configuration in it, the log as a
 * file, and the fake module underneath. Every function fails the test when it cannot do what it says.
 */
#ifndef BYOK_TESTS_HOUSE_H
#define BYOK_TESTS_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pkcs11/function_list.h"
#include "tests/pkcs11/fake_module.h"

/* Group fixtures. The environment's own configuration is hidden from the module. */
int house_build(void **state);
int house_tear_down(void **state);

/* A path in the folder; good until the eighth next call. */
const char *house_path(const char *name);
/* Writes a file into the folder that only we may read; returns its path as above. */
const char *house_write(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for the configuration, which $BYOK_PKCS11_CONF then names. */
void house_configure(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "hsm" sections of the tokens fake-0 and fake-1, titled "first" and "second". */
void house_configure_fakes(void);
/* The URI of a token of the fake module. */
const char *house_fake_uri(int token);

/* The built file under the build folder. */
const char *house_built(const char *name);
/* Looks into the fake module, which stays loaded. */
struct fake_module *house_fake(void);

/* What was logged since the last call; good until the next. */
const char *house_log(void);

/* A session on `slot`. */
CK_SESSION_HANDLE house_session(CK_SLOT_ID slot);

#endif
