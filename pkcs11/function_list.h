/* What the module exports, and its two tables (function_list.c). */
#ifndef BYOK_PKCS11_FUNCTION_LIST_H
#define BYOK_PKCS11_FUNCTION_LIST_H

#include "backends/function_table.h"

#ifdef BYOK_LACKS_CRYPTOKI_3_0
/* clang-format off */
#define DECLARE_SESSION_FUNCTION(name, verb, parameters, arguments) \
    CK_RV name(CK_SESSION_HANDLE session UNBRACKET parameters);

#pragma GCC visibility push(default)
CK_RV C_GetInterfaceList(CK_INTERFACE *ret_interfaces, CK_ULONG *count);
CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **ret_interface, CK_FLAGS flags);
EACH_SESSION_FUNCTION_OF_3_0(DECLARE_SESSION_FUNCTION)
#pragma GCC visibility pop

#undef DECLARE_SESSION_FUNCTION
/* clang-format on */
#endif

#endif
