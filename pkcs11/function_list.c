/* The two tables of functions, and the interfaces that lead to them. All usable before C_Initialize. */
#include "pkcs11/function_list.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ENTRY(name, ...) .name = name,

/* clang-format off */
static const CK_FUNCTION_LIST functions_2_40 = {
    .version = {2, 40},
    EACH_FUNCTION_OF_2_40(ENTRY)
};

static const CK_FUNCTION_LIST_3_0 functions_3_0 = {
    .version = {3, 0},
    EACH_FUNCTION_OF_2_40(ENTRY)
    ENTRY(C_GetInterfaceList)
    ENTRY(C_GetInterface)
    EACH_SESSION_FUNCTION_OF_3_0(ENTRY)
};
/* clang-format on */

static const CK_UTF8CHAR standard_name[] = "PKCS 11";

/* The standard's types know no const; nobody may write here all the same, and the pages say so. */
#define UNCONST(type, pointer) ((type *)(uintptr_t)(pointer))

/* The first is the default. Clients' test suites want exactly these two, without flags. */
static const CK_INTERFACE interfaces[] = {
    {UNCONST(CK_UTF8CHAR, standard_name), UNCONST(void, &functions_3_0), 0},
    {UNCONST(CK_UTF8CHAR, standard_name), UNCONST(void, &functions_2_40), 0},
};

enum { INTERFACE_COUNT = sizeof interfaces / sizeof interfaces[0] };

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret_list)
{
    if (ret_list == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    *ret_list = UNCONST(CK_FUNCTION_LIST, &functions_2_40);
    return CKR_OK;
}

CK_RV C_GetInterfaceList(CK_INTERFACE *ret_interfaces, CK_ULONG *count)
{
    if (count == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    CK_ULONG room = *count;

    *count = INTERFACE_COUNT;
    if (ret_interfaces == NULL) {
        return CKR_OK;
    }
    if (room < INTERFACE_COUNT) {
        return CKR_BUFFER_TOO_SMALL;
    }
    memcpy(ret_interfaces, interfaces, sizeof interfaces);
    return CKR_OK;
}

/* NULL asks for any name or version, a flag for an interface that has it (section 5.4 of 3.0). */
static bool interface_fits(const CK_INTERFACE *interface, const CK_UTF8CHAR *name, const CK_VERSION *version,
                           CK_FLAGS flags)
{
    const CK_VERSION *have = interface->pFunctionList;

    if (name != NULL && strcmp((const char *)name, (const char *)interface->pInterfaceName) != 0) {
        return false;
    }
    if (version != NULL && (version->major != have->major || version->minor != have->minor)) {
        return false;
    }
    return (interface->flags & flags) == flags;
}

/* Where nothing fits, clients go on to their next wish after CKR_ARGUMENTS_BAD. */
CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **ret_interface, CK_FLAGS flags)
{
    if (ret_interface == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    for (size_t i = 0; i < INTERFACE_COUNT; i++) {
        if (interface_fits(&interfaces[i], name, version, flags)) {
            *ret_interface = UNCONST(CK_INTERFACE, &interfaces[i]);
            return CKR_OK;
        }
    }
    return CKR_ARGUMENTS_BAD;
}
