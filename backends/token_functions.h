/*
 * The functions of PKCS#11 that belong to a session, once: C name, verb, the parameters that follow the session,
 * and the same as arguments. From these lists, of 2.40 and of what 3.0 adds, are made the fields of struct
 * token_ops (backend.h), the doors (pkcs11/entry.c) and the pass-through of the HSM token (hsm/hsm_pass.c), so
 * that none can be forgotten and none can differ. C_OpenSession, C_CloseSession, C_CloseAllSessions and
 * C_GetSessionInfo are written out where they belong: they are about slots and handles. Order and meaning:
 * PKCS#11 2.40 Base Specification, 5.5 to 5.16.
 *
 * X(C_Name, verb, (, parameters), (, arguments)); the leading comma follows the session.
 */
#ifndef BYOK_BACKENDS_TOKEN_FUNCTIONS_H
#define BYOK_BACKENDS_TOKEN_FUNCTIONS_H

#include "backends/base/cryptoki.h"

/* What stands in the brackets of a row, without them. */
#define UNBRACKET(...) __VA_ARGS__

/* clang-format off */
#define EACH_SESSION_FUNCTION(X) \
    X(C_InitPIN, init_pin, \
      (, CK_BYTE *pin, CK_ULONG pin_size), \
      (, pin, pin_size)) \
    X(C_SetPIN, set_pin, \
      (, CK_BYTE *old_pin, CK_ULONG old_size, CK_BYTE *new_pin, CK_ULONG new_size), \
      (, old_pin, old_size, new_pin, new_size)) \
    X(C_GetOperationState, get_operation_state, \
      (, CK_BYTE *state, CK_ULONG *state_size), \
      (, state, state_size)) \
    X(C_SetOperationState, set_operation_state, \
      (, CK_BYTE *state, CK_ULONG state_size, CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key), \
      (, state, state_size, encryption_key, authentication_key)) \
    X(C_Login, login, \
      (, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG pin_size), \
      (, user, pin, pin_size)) \
    X(C_Logout, logout, (), ()) \
    X(C_CreateObject, create_object, \
      (, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_object), \
      (, template, count, ret_object)) \
    X(C_CopyObject, copy_object, \
      (, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_object), \
      (, object, template, count, ret_object)) \
    X(C_DestroyObject, destroy_object, \
      (, CK_OBJECT_HANDLE object), \
      (, object)) \
    X(C_GetObjectSize, get_object_size, \
      (, CK_OBJECT_HANDLE object, CK_ULONG *ret_size), \
      (, object, ret_size)) \
    X(C_GetAttributeValue, get_attribute_value, \
      (, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count), \
      (, object, template, count)) \
    X(C_SetAttributeValue, set_attribute_value, \
      (, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count), \
      (, object, template, count)) \
    X(C_FindObjectsInit, find_objects_init, \
      (, CK_ATTRIBUTE *template, CK_ULONG count), \
      (, template, count)) \
    X(C_FindObjects, find_objects, \
      (, CK_OBJECT_HANDLE *ret_objects, CK_ULONG most, CK_ULONG *ret_count), \
      (, ret_objects, most, ret_count)) \
    X(C_FindObjectsFinal, find_objects_final, (), ()) \
    X(C_EncryptInit, encrypt_init, \
      (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key), \
      (, mechanism, key)) \
    X(C_Encrypt, encrypt, \
      (, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, data, data_size, out, out_size)) \
    X(C_EncryptUpdate, encrypt_update, \
      (, CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, part, part_size, out, out_size)) \
    X(C_EncryptFinal, encrypt_final, \
      (, CK_BYTE *out, CK_ULONG *out_size), \
      (, out, out_size)) \
    X(C_DecryptInit, decrypt_init, \
      (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key), \
      (, mechanism, key)) \
    X(C_Decrypt, decrypt, \
      (, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, data, data_size, out, out_size)) \
    X(C_DecryptUpdate, decrypt_update, \
      (, CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, part, part_size, out, out_size)) \
    X(C_DecryptFinal, decrypt_final, \
      (, CK_BYTE *out, CK_ULONG *out_size), \
      (, out, out_size)) \
    X(C_DigestInit, digest_init, \
      (, CK_MECHANISM *mechanism), \
      (, mechanism)) \
    X(C_Digest, digest, \
      (, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, data, data_size, out, out_size)) \
    X(C_DigestUpdate, digest_update, \
      (, CK_BYTE *part, CK_ULONG part_size), \
      (, part, part_size)) \
    X(C_DigestKey, digest_key, \
      (, CK_OBJECT_HANDLE key), \
      (, key)) \
    X(C_DigestFinal, digest_final, \
      (, CK_BYTE *out, CK_ULONG *out_size), \
      (, out, out_size)) \
    X(C_SignInit, sign_init, \
      (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key), \
      (, mechanism, key)) \
    X(C_Sign, sign, \
      (, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, data, data_size, out, out_size)) \
    X(C_SignUpdate, sign_update, \
      (, CK_BYTE *part, CK_ULONG part_size), \
      (, part, part_size)) \
    X(C_SignFinal, sign_final, \
      (, CK_BYTE *out, CK_ULONG *out_size), \
      (, out, out_size)) \
    X(C_SignRecoverInit, sign_recover_init, \
      (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key), \
      (, mechanism, key)) \
    X(C_SignRecover, sign_recover, \
      (, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, data, data_size, out, out_size)) \
    X(C_VerifyInit, verify_init, \
      (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key), \
      (, mechanism, key)) \
    X(C_Verify, verify, \
      (, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature, CK_ULONG signature_size), \
      (, data, data_size, signature, signature_size)) \
    X(C_VerifyUpdate, verify_update, \
      (, CK_BYTE *part, CK_ULONG part_size), \
      (, part, part_size)) \
    X(C_VerifyFinal, verify_final, \
      (, CK_BYTE *signature, CK_ULONG signature_size), \
      (, signature, signature_size)) \
    X(C_VerifyRecoverInit, verify_recover_init, \
      (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key), \
      (, mechanism, key)) \
    X(C_VerifyRecover, verify_recover, \
      (, CK_BYTE *signature, CK_ULONG signature_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, signature, signature_size, out, out_size)) \
    X(C_DigestEncryptUpdate, digest_encrypt_update, \
      (, CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, part, part_size, out, out_size)) \
    X(C_DecryptDigestUpdate, decrypt_digest_update, \
      (, CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, part, part_size, out, out_size)) \
    X(C_SignEncryptUpdate, sign_encrypt_update, \
      (, CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, part, part_size, out, out_size)) \
    X(C_DecryptVerifyUpdate, decrypt_verify_update, \
      (, CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, part, part_size, out, out_size)) \
    X(C_GenerateKey, generate_key, \
      (, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_key), \
      (, mechanism, template, count, ret_key)) \
    X(C_GenerateKeyPair, generate_key_pair, \
      (, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_template, CK_ULONG public_count, CK_ATTRIBUTE *private_template, CK_ULONG private_count, CK_OBJECT_HANDLE *ret_public, CK_OBJECT_HANDLE *ret_private), \
      (, mechanism, public_template, public_count, private_template, private_count, ret_public, ret_private)) \
    X(C_WrapKey, wrap_key, \
      (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG *out_size), \
      (, mechanism, wrapping_key, key, out, out_size)) \
    X(C_UnwrapKey, unwrap_key, \
      (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key, CK_BYTE *blob, CK_ULONG blob_size, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_key), \
      (, mechanism, unwrapping_key, blob, blob_size, template, count, ret_key)) \
    X(C_DeriveKey, derive_key, \
      (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_key), \
      (, mechanism, base_key, template, count, ret_key)) \
    X(C_SeedRandom, seed_random, \
      (, CK_BYTE *seed, CK_ULONG seed_size), \
      (, seed, seed_size)) \
    X(C_GenerateRandom, generate_random, \
      (, CK_BYTE *ret_data, CK_ULONG size), \
      (, ret_data, size)) \
    X(C_GetFunctionStatus, get_function_status, (), ()) \
    X(C_CancelFunction, cancel_function, (), ())

/* What PKCS#11 3.0 adds for a session: Base Specification 3.0, 5.6 and 5.9 to 5.16. */
#define EACH_SESSION_FUNCTION_OF_3_0(X) \
    X(C_LoginUser, login_user, \
      (, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG pin_size, CK_BYTE *name, CK_ULONG name_size), \
      (, user, pin, pin_size, name, name_size)) \
    X(C_SessionCancel, session_cancel, \
      (, CK_FLAGS operations), \
      (, operations)) \
    X(C_MessageEncryptInit, message_encrypt_init, \
      (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key), \
      (, mechanism, key)) \
    X(C_EncryptMessage, encrypt_message, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *associated, CK_ULONG associated_size, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, parameter, parameter_size, associated, associated_size, data, data_size, out, out_size)) \
    X(C_EncryptMessageBegin, encrypt_message_begin, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *associated, CK_ULONG associated_size), \
      (, parameter, parameter_size, associated, associated_size)) \
    X(C_EncryptMessageNext, encrypt_message_next, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out, CK_ULONG *out_size, CK_FLAGS flags), \
      (, parameter, parameter_size, part, part_size, out, out_size, flags)) \
    X(C_MessageEncryptFinal, message_encrypt_final, (), ()) \
    X(C_MessageDecryptInit, message_decrypt_init, \
      (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key), \
      (, mechanism, key)) \
    X(C_DecryptMessage, decrypt_message, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *associated, CK_ULONG associated_size, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, parameter, parameter_size, associated, associated_size, data, data_size, out, out_size)) \
    X(C_DecryptMessageBegin, decrypt_message_begin, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *associated, CK_ULONG associated_size), \
      (, parameter, parameter_size, associated, associated_size)) \
    X(C_DecryptMessageNext, decrypt_message_next, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out, CK_ULONG *out_size, CK_FLAGS flags), \
      (, parameter, parameter_size, part, part_size, out, out_size, flags)) \
    X(C_MessageDecryptFinal, message_decrypt_final, (), ()) \
    X(C_MessageSignInit, message_sign_init, \
      (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key), \
      (, mechanism, key)) \
    X(C_SignMessage, sign_message, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, parameter, parameter_size, data, data_size, out, out_size)) \
    X(C_SignMessageBegin, sign_message_begin, \
      (, void *parameter, CK_ULONG parameter_size), \
      (, parameter, parameter_size)) \
    X(C_SignMessageNext, sign_message_next, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *part, CK_ULONG part_size, CK_BYTE *out, CK_ULONG *out_size), \
      (, parameter, parameter_size, part, part_size, out, out_size)) \
    X(C_MessageSignFinal, message_sign_final, (), ()) \
    X(C_MessageVerifyInit, message_verify_init, \
      (, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key), \
      (, mechanism, key)) \
    X(C_VerifyMessage, verify_message, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature, CK_ULONG signature_size), \
      (, parameter, parameter_size, data, data_size, signature, signature_size)) \
    X(C_VerifyMessageBegin, verify_message_begin, \
      (, void *parameter, CK_ULONG parameter_size), \
      (, parameter, parameter_size)) \
    X(C_VerifyMessageNext, verify_message_next, \
      (, void *parameter, CK_ULONG parameter_size, CK_BYTE *part, CK_ULONG part_size, CK_BYTE *signature, CK_ULONG signature_size), \
      (, parameter, parameter_size, part, part_size, signature, signature_size)) \
    X(C_MessageVerifyFinal, message_verify_final, (), ())
/* clang-format on */

#endif
