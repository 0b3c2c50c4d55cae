/*
 * The names of PKCS#11. p11-kit's header has those of 2.40; what 3.0 adds and p11-kit before 0.25 lacks
 * stands here, with the values of the standard (OASIS PKCS#11 Base Specification 3.0). Everything that is
 * foreign becomes a CK_RV at the edge where it came in, so this is the first header of every room.
 */
#ifndef BYOK_BASE_CRYPTOKI_H
#define BYOK_BASE_CRYPTOKI_H

/* The C_ functions are the module's only exports; all else is hidden by -fvisibility=hidden. */
#pragma GCC visibility push(default)
#include <p11-kit/pkcs11.h>
#pragma GCC visibility pop

/* A result that must be looked at. */
#define MUST_USE __attribute__((warn_unused_result))

#ifndef CKM_AES_KEY_WRAP_KWP
#define CKM_AES_KEY_WRAP_KWP 0x210bUL
#endif
#ifndef CKA_UNIQUE_ID
#define CKA_UNIQUE_ID 0x04UL
#endif
#ifndef CKO_PROFILE
#define CKO_PROFILE 0x09UL
#endif
#ifndef CKA_PROFILE_ID
#define CKA_PROFILE_ID 0x601UL
#endif
#ifndef CKP_BASELINE_PROVIDER
#define CKP_BASELINE_PROVIDER 0x01UL
#endif
#ifndef CKR_OPERATION_CANCEL_FAILED
#define CKR_OPERATION_CANCEL_FAILED 0x202UL
#endif

#ifndef CKR_AEAD_DECRYPT_FAILED
#define CKR_AEAD_DECRYPT_FAILED 0x42UL
#endif
#ifndef CKR_TOKEN_RESOURCE_EXCEEDED
#define CKR_TOKEN_RESOURCE_EXCEEDED 0x201UL
#endif
#ifndef CKF_MESSAGE_ENCRYPT
#define CKF_MESSAGE_ENCRYPT 0x02UL
#define CKF_MESSAGE_DECRYPT 0x04UL
#endif
#ifndef CKF_MULTI_MESSAGE
#define CKF_MULTI_MESSAGE 0x20UL
#endif
#ifndef CKF_FIND_OBJECTS
#define CKF_FIND_OBJECTS 0x40UL
#endif
#ifndef CKF_END_OF_MESSAGE
#define CKF_END_OF_MESSAGE 0x01UL
#endif
#ifndef CKG_NO_GENERATE
#define CKG_NO_GENERATE          0x00UL
#define CKG_GENERATE             0x01UL
#define CKG_GENERATE_COUNTER     0x02UL
#define CKG_GENERATE_RANDOM      0x03UL
#define CKG_GENERATE_COUNTER_XOR 0x04UL
#endif

/* The parameter of one message under CKM_AES_GCM, 2.12.3 of the 3.0 mechanisms. */
struct gcm_message_params {
    CK_BYTE *iv;
    CK_ULONG iv_size, iv_fixed_bits;
    CK_ULONG generator;
    CK_BYTE *tag;
    CK_ULONG tag_bits;
};

/* The parameter of CKM_RSA_AES_KEY_WRAP, 2.1.21 of the 2.40 mechanisms; headers differ in having a name for it. */
struct rsa_aes_key_wrap_params {
    CK_ULONG aes_bits;
    CK_RSA_PKCS_OAEP_PARAMS *oaep;
};

/* Which version of a vault key is in use: 32 characters, empty while it is not known. Ours. */
#define CKA_BYOK_KEY_VERSION (CKA_VENDOR_DEFINED | 0x42594f4bUL)

/* Sections 3.6 and 5.2 of 3.0: interfaces. p11-kit knows them as soon as it knows this flag. */
#ifndef CKF_INTERFACE_FORK_SAFE
#define CKF_INTERFACE_FORK_SAFE 0x01UL
typedef struct CK_INTERFACE {
    CK_CHAR *pInterfaceName;
    void *pFunctionList;
    CK_FLAGS flags;
} CK_INTERFACE;
typedef CK_INTERFACE *CK_INTERFACE_PTR;
typedef CK_INTERFACE **CK_INTERFACE_PTR_PTR;
typedef struct CK_FUNCTION_LIST_3_0 CK_FUNCTION_LIST_3_0; /* backends/function_table.h */
#define BYOK_LACKS_CRYPTOKI_3_0 1
#endif

#endif
