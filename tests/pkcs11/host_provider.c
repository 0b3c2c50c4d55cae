/*
 * A provider for the host's OpenSSL that asks our own module, as providers over PKCS#11 do: when it is loaded
 * and whenever an algorithm is looked for. It has no algorithms.
 */
#include "tests/suite.h"
#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(default)
extern unsigned host_provider_asked;
unsigned host_provider_asked; /* how often it has come to us */
OSSL_provider_init_fn OSSL_provider_init;
#pragma GCC visibility pop

static void ask_slot(CK_FUNCTION_LIST *functions, CK_SLOT_ID slot)
{
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO token_info;
    CK_SESSION_HANDLE session;
    CK_BYTE byte;

    functions->C_GetSlotInfo(slot, &slot_info);
    functions->C_GetTokenInfo(slot, &token_info);
    if (functions->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK) {
        functions->C_GenerateRandom(session, &byte, 1);
        functions->C_CloseSession(session);
    }
}

static void ask_module(void)
{
    static bool asking; /* the HSM's own module uses this OpenSSL, too */
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_FUNCTION_LIST *functions = module_functions();
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;

    if (asking || functions == NULL) {
        return;
    }
    asking = true;
    functions->C_Initialize(&arguments);
    if (functions->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK) {
        for (CK_ULONG i = 0; i < count; i++) {
            ask_slot(functions, slots[i]);
        }
    }
    host_provider_asked++;
    asking = false;
}

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
    (void)context;
    (void)operation;
    *no_cache = 1;
    ask_module();
    return NULL;
}

static const OSSL_DISPATCH answers[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
                                        {0, NULL}};

int OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
                       void **ret_context)
{
    (void)in;
    *out = answers;
    *ret_context = (void *)(uintptr_t)handle;
    ask_module();
    return 1;
}
