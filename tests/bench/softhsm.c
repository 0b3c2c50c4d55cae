/* SoftHSM itself, and other modules beside ours. */
#include "tests/bench/softhsm.h"
#include "tests/bench/client.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CK_FUNCTION_LIST *beside_load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = NULL;
    CK_FUNCTION_LIST *functions = NULL;

    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return NULL;
    }
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    return get != NULL && get(&functions) == CKR_OK ? functions : NULL;
}

bool beside_slot(CK_FUNCTION_LIST *functions, const char *label, CK_SLOT_ID *ret_slot)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    CK_TOKEN_INFO info;

    if (!client_expect(functions->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList")) {
        return false;
    }
    for (CK_ULONG i = 0; i < count; i++) {
        if (functions->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
            memcmp(info.label, label, strlen(label)) == 0) {
            *ret_slot = slots[i];
            return true;
        }
    }
    fprintf(stderr, "no token %s\n", label);
    return false;
}

bool softhsm_path(char *path, int size)
{
    const char *configuration = getenv("SOFTHSM2_CONF"); /* module's path stands in a file beside it */
    char name[512];
    FILE *file;

    snprintf(name, sizeof name, "%.*s/module", (int)(strrchr(configuration, '/') - configuration),
             configuration);
    file = fopen(name, "r");
    if (file == NULL || fgets(path, size, file) == NULL) {
        return false;
    }
    path[strcspn(path, "\n")] = 0;
    fclose(file);
    return true;
}
