/*
 * The functions of PKCS#11 by name, once each, in the standard's order, and the table of 3.0 that is made from
 * them where p11-kit's header lacks it. Ours are filled in by pkcs11/function_list.c; the HSM token calls others'.
 */
#ifndef BYOK_BACKENDS_FUNCTION_TABLE_H
#define BYOK_BACKENDS_FUNCTION_TABLE_H

#include "backends/token_functions.h"

/* clang-format off */

/* CK_FUNCTION_LIST, section 3.6 of 2.40. */
#define EACH_FUNCTION_OF_2_40(X) \
    X(C_Initialize) X(C_Finalize) X(C_GetInfo) X(C_GetFunctionList) \
    X(C_GetSlotList) X(C_GetSlotInfo) X(C_GetTokenInfo) X(C_GetMechanismList) X(C_GetMechanismInfo) \
    X(C_InitToken) X(C_InitPIN) X(C_SetPIN) \
    X(C_OpenSession) X(C_CloseSession) X(C_CloseAllSessions) X(C_GetSessionInfo) \
    X(C_GetOperationState) X(C_SetOperationState) X(C_Login) X(C_Logout) \
    X(C_CreateObject) X(C_CopyObject) X(C_DestroyObject) X(C_GetObjectSize) \
    X(C_GetAttributeValue) X(C_SetAttributeValue) \
    X(C_FindObjectsInit) X(C_FindObjects) X(C_FindObjectsFinal) \
    X(C_EncryptInit) X(C_Encrypt) X(C_EncryptUpdate) X(C_EncryptFinal) \
    X(C_DecryptInit) X(C_Decrypt) X(C_DecryptUpdate) X(C_DecryptFinal) \
    X(C_DigestInit) X(C_Digest) X(C_DigestUpdate) X(C_DigestKey) X(C_DigestFinal) \
    X(C_SignInit) X(C_Sign) X(C_SignUpdate) X(C_SignFinal) X(C_SignRecoverInit) X(C_SignRecover) \
    X(C_VerifyInit) X(C_Verify) X(C_VerifyUpdate) X(C_VerifyFinal) X(C_VerifyRecoverInit) X(C_VerifyRecover) \
    X(C_DigestEncryptUpdate) X(C_DecryptDigestUpdate) X(C_SignEncryptUpdate) X(C_DecryptVerifyUpdate) \
    X(C_GenerateKey) X(C_GenerateKeyPair) X(C_WrapKey) X(C_UnwrapKey) X(C_DeriveKey) \
    X(C_SeedRandom) X(C_GenerateRandom) X(C_GetFunctionStatus) X(C_CancelFunction) X(C_WaitForSlotEvent)

#ifdef BYOK_LACKS_CRYPTOKI_3_0
#define FIELD_OF_2_40(name) CK_##name name;
#define FIELD_OF_3_0(name, verb, parameters, arguments) CK_RV (*name)(CK_SESSION_HANDLE session UNBRACKET parameters);

/* Section 3.6 of 3.0. */
struct CK_FUNCTION_LIST_3_0 {
    CK_VERSION version;
    EACH_FUNCTION_OF_2_40(FIELD_OF_2_40)
    CK_RV (*C_GetInterfaceList)(CK_INTERFACE *ret_interfaces, CK_ULONG *count);
    CK_RV (*C_GetInterface)(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **ret_interface, CK_FLAGS flags);
    EACH_SESSION_FUNCTION_OF_3_0(FIELD_OF_3_0)
};

#undef FIELD_OF_2_40
#undef FIELD_OF_3_0
#endif
/* clang-format on */

#endif
