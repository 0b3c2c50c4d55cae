/*
 * A program with C_ functions of its own, as one that links another module's library has: our tables must not
 * name them.
 */
#include "tests/suite.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Exported by the linker's option, and found by every library before its own. */
static unsigned asked;

CK_RV C_Initialize(void *arguments)
{
    (void)arguments;
    asked++;
    return CKR_HOST_MEMORY;
}

CK_RV C_GetSlotList(CK_BBOOL present, CK_SLOT_ID *ret_list, CK_ULONG *count)
{
    (void)present;
    (void)ret_list;
    (void)count;
    asked++;
    return CKR_HOST_MEMORY;
}

static int build(void **state)
{
    const char *builddir = getenv("BUILDDIR");
    static char path[512];

    (void)state;
    snprintf(path, sizeof path, "%s/.libs/byok-pkcs11.so", builddir == NULL ? "." : builddir);
    setenv("MODULE", path, 1);
    setenv("BYOK_PKCS11_CONF", "/dev/null", 1);
    setenv("BYOK_PKCS11_LOG", "error", 1);
    return 0;
}

static void test_the_programs_are_in_sight(void **state)
{
    (void)state;
    assert_ptr_equal(dlsym(RTLD_DEFAULT, "C_Initialize"), C_Initialize);
}

static void test_our_tables_name_ours(void **state)
{
    CK_FUNCTION_LIST *functions = module_functions();
    CK_ULONG count = 9;

    (void)state;
    assert_non_null(functions);
    assert_ptr_not_equal(functions->C_Initialize, C_Initialize);
    assert_int_equal(functions->C_GetSlotList(CK_FALSE, NULL, &count), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(asked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_programs_are_in_sight),
        cmocka_unit_test(test_our_tables_name_ours),
    };

    return cmocka_run_group_tests_name("pkcs11/manners_symbols", tests, build, NULL);
}
