/* Asking a vendor's module for its table of 3.0. */
#include "backends/base/hsm_interface.h"
#include <dlfcn.h>
#include <stddef.h>

typedef CK_RV get_interface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **ret_interface,
                            CK_FLAGS flags);

/*
 * Sought by dlsym(), which also looks into the libraries that this one needs: libp11-kit, which some modules
 * are linked with, has a C_GetInterface of its own.
 */
static get_interface *find(const CK_FUNCTION_LIST *functions)
{
    get_interface *get = NULL;
    Dl_info module, found;

    if (dladdr((void *)functions->C_Initialize, &module) == 0) {
        return NULL;
    }
    void *library = dlopen(module.dli_fname, RTLD_LAZY | RTLD_NOLOAD);

    if (library == NULL) {
        return NULL;
    }
    *(void **)&get = dlsym(library, "C_GetInterface");
    dlclose(library);
    if (get == NULL || dladdr((void *)get, &found) == 0 || found.dli_fbase != module.dli_fbase) {
        return NULL;
    }
    return get;
}

const CK_FUNCTION_LIST_3_0 *hsm_interface_3_0(const CK_FUNCTION_LIST *functions)
{
    get_interface *get = find(functions);
    CK_UTF8CHAR name[] = "PKCS 11";
    CK_VERSION version = {3, 0};
    CK_INTERFACE *interface = NULL;

    if (get == NULL) {
        return NULL;
    }
    if (get(name, &version, &interface, 0) != CKR_OK || interface == NULL) {
        interface = NULL;
        if (get(name, NULL, &interface, 0) != CKR_OK || interface == NULL) {
            return NULL;
        }
    }
    const CK_VERSION *have = interface->pFunctionList;

    return have != NULL && have->major == 3 ? interface->pFunctionList : NULL;
}
