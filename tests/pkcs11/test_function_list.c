/* The tables: complete, in order, and one and the same; the interfaces that lead to them. No C_Initialize. */
#include "tests/pkcs11/house.h"
#include <string.h>

enum { COUNT_2_40 = 68, COUNT_3_0 = 68 + 24, OFFSET = sizeof(void *) /* behind the version */ };

static CK_UTF8CHAR name[] = "PKCS 11";

static CK_FUNCTION_LIST *list_2_40(void)
{
    CK_FUNCTION_LIST *list = NULL;

    assert_int_equal(C_GetFunctionList(&list), CKR_OK);
    return list;
}

static CK_INTERFACE *interface_of(unsigned char major, unsigned char minor)
{
    CK_VERSION version = {major, minor};
    CK_INTERFACE *interface = NULL;

    assert_int_equal(C_GetInterface(name, &version, &interface, 0), CKR_OK);
    return interface;
}

static void assert_full(const void *list, size_t count)
{
    const char *at = (const char *)list + OFFSET;

    for (size_t i = 0; i < count; i++) {
        void *function;

        memcpy(&function, at + i * sizeof function, sizeof function);
        assert_non_null(function);
    }
}

static void test_sizes_are_the_standards(void **state)
{
    (void)state;
    assert_int_equal(sizeof(CK_FUNCTION_LIST), OFFSET + COUNT_2_40 * sizeof(void *));
    assert_int_equal(sizeof(CK_FUNCTION_LIST_3_0), OFFSET + COUNT_3_0 * sizeof(void *));
}

static void test_every_entry_is_there(void **state)
{
    (void)state;
    assert_full(list_2_40(), COUNT_2_40);
    assert_full(interface_of(3, 0)->pFunctionList, COUNT_3_0);
}

static void test_both_tables_agree(void **state)
{
    const char *old_list = (const char *)list_2_40();
    const char *new_list = interface_of(3, 0)->pFunctionList;

    (void)state;
    assert_memory_equal(old_list + OFFSET, new_list + OFFSET, COUNT_2_40 * sizeof(void *));
}

/* Sections 3.6 of 2.40 and 3.0: where each table begins and ends. */
static void test_order_is_the_standards(void **state)
{
    CK_FUNCTION_LIST_3_0 *list = interface_of(3, 0)->pFunctionList;
    void *first, *last_old, *first_new, *last;

    (void)state;
    memcpy(&first, (char *)list + OFFSET, sizeof first);
    memcpy(&last_old, (char *)list + OFFSET + 67 * sizeof first, sizeof first);
    memcpy(&first_new, (char *)list + OFFSET + 68 * sizeof first, sizeof first);
    memcpy(&last, (char *)list + OFFSET + 91 * sizeof first, sizeof first);
    assert_ptr_equal(first, C_Initialize);
    assert_ptr_equal(last_old, C_WaitForSlotEvent);
    assert_ptr_equal(first_new, C_GetInterfaceList);
    assert_ptr_equal(last, C_MessageVerifyFinal);
}

static void test_versions(void **state)
{
    CK_VERSION *version = interface_of(3, 0)->pFunctionList;

    (void)state;
    assert_int_equal(list_2_40()->version.major, 2);
    assert_int_equal(list_2_40()->version.minor, 40);
    assert_int_equal(version->major, 3);
    assert_int_equal(version->minor, 0);
}

static void test_null_list(void **state)
{
    (void)state;
    assert_int_equal(C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
}

static void test_two_interfaces(void **state)
{
    CK_INTERFACE list[2];
    CK_ULONG count = 0;

    (void)state;
    assert_int_equal(C_GetInterfaceList(NULL, &count), CKR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(C_GetInterfaceList(list, &count), CKR_OK);
    assert_int_equal(count, 2);
    assert_string_equal((char *)list[0].pInterfaceName, "PKCS 11");
    assert_string_equal((char *)list[1].pInterfaceName, "PKCS 11");
    assert_int_equal(((CK_VERSION *)list[0].pFunctionList)->major, 3);
    assert_ptr_equal(list[1].pFunctionList, list_2_40());
    assert_int_equal(list[0].flags, 0);
    assert_int_equal(list[1].flags, 0);
}

static void test_interface_list_too_short(void **state)
{
    CK_INTERFACE list[1] = {{NULL, NULL, 99}};
    CK_ULONG count = 1;

    (void)state;
    assert_int_equal(C_GetInterfaceList(list, &count), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(count, 2);
    assert_int_equal(list[0].flags, 99);
    assert_int_equal(C_GetInterfaceList(list, NULL), CKR_ARGUMENTS_BAD);
}

static void test_default_interface_is_3_0(void **state)
{
    CK_INTERFACE *interface = NULL;

    (void)state;
    assert_int_equal(C_GetInterface(NULL, NULL, &interface, 0), CKR_OK);
    assert_ptr_equal(interface, interface_of(3, 0));
    assert_int_equal(C_GetInterface(name, NULL, &interface, 0), CKR_OK);
    assert_ptr_equal(interface, interface_of(3, 0));
}

static void test_interface_by_version(void **state)
{
    CK_VERSION version = {2, 40};
    CK_INTERFACE *interface = NULL;

    (void)state;
    assert_ptr_equal(interface_of(2, 40)->pFunctionList, list_2_40());
    assert_int_equal(C_GetInterface(NULL, &version, &interface, 0), CKR_OK);
    assert_ptr_equal(interface->pFunctionList, list_2_40());
}

/* What pkcs11-provider and NSS ask first. */
static void test_interfaces_that_we_lack(void **state)
{
    CK_UTF8CHAR vendor[] = "Vendor NSS FIPS Interface";
    CK_VERSION newer = {3, 2};
    CK_INTERFACE *interface = NULL;

    (void)state;
    assert_int_equal(C_GetInterface(name, &newer, &interface, 0), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetInterface(vendor, NULL, &interface, 0), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetInterface(name, NULL, &interface, CKF_INTERFACE_FORK_SAFE), CKR_ARGUMENTS_BAD);
    assert_null(interface);
    assert_int_equal(C_GetInterface(name, NULL, NULL, 0), CKR_ARGUMENTS_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_are_the_standards),
        cmocka_unit_test(test_every_entry_is_there),
        cmocka_unit_test(test_both_tables_agree),
        cmocka_unit_test(test_order_is_the_standards),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_null_list),
        cmocka_unit_test(test_two_interfaces),
        cmocka_unit_test(test_interface_list_too_short),
        cmocka_unit_test(test_default_interface_is_3_0),
        cmocka_unit_test(test_interface_by_version),
        cmocka_unit_test(test_interfaces_that_we_lack),
    };

    return cmocka_run_group_tests_name("pkcs11/function_list", tests, NULL, NULL);
}
