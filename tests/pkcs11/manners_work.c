/* The work that the tests watch the manners of. */
#include "tests/pkcs11/manners.h"

CK_FUNCTION_LIST *p11;
CK_SESSION_HANDLE manners_session;
CK_OBJECT_HANDLE manners_key;

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static const char *start(void)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_RV rv = p11->C_Initialize(&arguments);

    return rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? NULL : "C_Initialize";
}

static const char *ask_hsm(void)
{
    CK_SESSION_HANDLE session;
    CK_BYTE bytes[16];

    if (p11->C_OpenSession(HSM_SLOT, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK) {
        return "C_OpenSession on the HSM";
    }
    return p11->C_GenerateRandom(session, bytes, sizeof bytes) == CKR_OK ? NULL : "C_GenerateRandom";
}

static CK_OBJECT_HANDLE find_kek(CK_OBJECT_CLASS class)
{
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;

    if (p11->C_FindObjectsInit(manners_session, template, 2) != CKR_OK ||
        p11->C_FindObjects(manners_session, &found, 1, &count) != CKR_OK ||
        p11->C_FindObjectsFinal(manners_session) != CKR_OK) {
        return 0;
    }
    return count == 1 ? found : 0;
}

static const char *wrap_and_unwrap(void)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ULONG size = 32, blob_size = 512;
    CK_ATTRIBUTE made[] = {{CKA_TOKEN, &no, sizeof no},
                           {CKA_EXTRACTABLE, &yes, sizeof yes},
                           {CKA_VALUE_LEN, &size, sizeof size}};
    CK_ATTRIBUTE unwrapped[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_TOKEN, &no, sizeof no}};
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &sha1, sizeof sha1};
    CK_OBJECT_HANDLE key;
    CK_BYTE blob[512];

    if (p11->C_GenerateKey(manners_session, &generate, made, 3, &key) != CKR_OK) {
        return "C_GenerateKey";
    }
    if (p11->C_WrapKey(manners_session, &oaep, find_kek(CKO_PUBLIC_KEY), key, blob, &blob_size) != CKR_OK) {
        return "C_WrapKey";
    }
    return p11->C_UnwrapKey(manners_session, &oaep, find_kek(CKO_PRIVATE_KEY), blob, blob_size, unwrapped, 3,
                            &manners_key) == CKR_OK
               ? NULL
               : "C_UnwrapKey";
}

static const char *open_vault(void)
{
    return p11->C_OpenSession(VAULT_SLOT, CKF_SERIAL_SESSION, NULL, NULL, &manners_session) == CKR_OK
               ? NULL
               : "C_OpenSession on the vault";
}

const char *manners_request(void)
{
    CK_BYTE modulus[512];
    CK_ATTRIBUTE template = {CKA_MODULUS, modulus, sizeof modulus};
    const char *failed = start();

    if (failed == NULL) {
        failed = open_vault();
    }
    if (failed != NULL) {
        return failed;
    }
    return p11->C_GetAttributeValue(manners_session, find_kek(CKO_PUBLIC_KEY), &template, 1) == CKR_OK
               ? NULL
               : "C_GetAttributeValue";
}

const char *manners_work_on_vault(void)
{
    const char *failed = start();

    if (failed == NULL) {
        failed = open_vault();
    }
    return failed == NULL ? wrap_and_unwrap() : failed;
}

const char *manners_work(void)
{
    const char *failed = start();

    if (failed == NULL) {
        failed = ask_hsm();
    }
    return failed == NULL ? manners_work_on_vault() : failed;
}
