/* The built module, loaded as an application loads it. */
#ifndef BYOK_TESTS_BUILT_MODULE_H
#define BYOK_TESTS_BUILT_MODULE_H

#include "backends/base/cryptoki.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

/* The table of $MODULE; NULL, with a line that says why. */
static inline CK_FUNCTION_LIST *module_functions(void)
{
    const char *path = getenv("MODULE");
    void *library = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = NULL;
    CK_FUNCTION_LIST *functions = NULL;

    if (library == NULL) {
        fprintf(stderr, "%s\n", path == NULL ? "MODULE is not set" : dlerror());
        return NULL;
    }
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    return get != NULL && get(&functions) == CKR_OK ? functions : NULL;
}

#endif
