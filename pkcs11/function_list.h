/*
 * The functions of PKCS#11 by name, once each, in the standard's order: from these lists are made the tables
 * of 2.40 and 3.0 (function_list.c) and the functions that no token has yet (unsupported.c).
 */
#ifndef BYOK_PKCS11_FUNCTION_LIST_H
#define BYOK_PKCS11_FUNCTION_LIST_H

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

/* What 3.0 adds for a session, after C_GetInterfaceList and C_GetInterface: name, parameters after the session. */
#define EACH_SESSION_FUNCTION_OF_3_0(X) \
    X(C_LoginUser, \
      (, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG pin_size, CK_BYTE *name, CK_ULONG name_size)) \
    X(C_SessionCancel, (, CK_FLAGS operations)) \
    X(C_MessageEncryptInit, (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
    X(C_EncryptMessage, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *associated, CK_ULONG associated_size, \
       CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out, CK_ULONG *out_size)) \
    X(C_EncryptMessageBegin, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *associated, CK_ULONG associated_size)) \
    X(C_EncryptMessageNext, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *part, CK_ULONG part_size, \
       CK_BYTE *out, CK_ULONG *out_size, CK_FLAGS flags)) \
    X(C_MessageEncryptFinal, ()) \
    X(C_MessageDecryptInit, (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
    X(C_DecryptMessage, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *associated, CK_ULONG associated_size, \
       CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out, CK_ULONG *out_size)) \
    X(C_DecryptMessageBegin, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *associated, CK_ULONG associated_size)) \
    X(C_DecryptMessageNext, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *part, CK_ULONG part_size, \
       CK_BYTE *out, CK_ULONG *out_size, CK_FLAGS flags)) \
    X(C_MessageDecryptFinal, ()) \
    X(C_MessageSignInit, (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
    X(C_SignMessage, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *data, CK_ULONG data_size, \
       CK_BYTE *out, CK_ULONG *out_size)) \
    X(C_SignMessageBegin, (, void *parameter, CK_ULONG parameter_size)) \
    X(C_SignMessageNext, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *part, CK_ULONG part_size, \
       CK_BYTE *out, CK_ULONG *out_size)) \
    X(C_MessageSignFinal, ()) \
    X(C_MessageVerifyInit, (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
    X(C_VerifyMessage, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *data, CK_ULONG data_size, \
       CK_BYTE *signature, CK_ULONG signature_size)) \
    X(C_VerifyMessageBegin, (, void *parameter, CK_ULONG parameter_size)) \
    X(C_VerifyMessageNext, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *part, CK_ULONG part_size, \
       CK_BYTE *signature, CK_ULONG signature_size)) \
    X(C_MessageVerifyFinal, ())

#ifdef BYOK_LACKS_CRYPTOKI_3_0
#define DECLARE_SESSION_FUNCTION(name, parameters) CK_RV name(CK_SESSION_HANDLE session UNBRACKET parameters);
#define FIELD_OF_2_40(name) CK_##name name;
#define FIELD_OF_3_0(name, parameters) CK_RV (*name)(CK_SESSION_HANDLE session UNBRACKET parameters);

#pragma GCC visibility push(default)
CK_RV C_GetInterfaceList(CK_INTERFACE *ret_interfaces, CK_ULONG *count);
CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **ret_interface, CK_FLAGS flags);
EACH_SESSION_FUNCTION_OF_3_0(DECLARE_SESSION_FUNCTION)
#pragma GCC visibility pop

/* Section 3.6 of 3.0. */
typedef struct CK_FUNCTION_LIST_3_0 {
    CK_VERSION version;
    EACH_FUNCTION_OF_2_40(FIELD_OF_2_40)
    CK_RV (*C_GetInterfaceList)(CK_INTERFACE *ret_interfaces, CK_ULONG *count);
    CK_RV (*C_GetInterface)(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **ret_interface, CK_FLAGS flags);
    EACH_SESSION_FUNCTION_OF_3_0(FIELD_OF_3_0)
} CK_FUNCTION_LIST_3_0;

#undef DECLARE_SESSION_FUNCTION
#undef FIELD_OF_2_40
#undef FIELD_OF_3_0
#endif
/* clang-format on */

#endif
