/*
 * The least program that unwraps $BLOB (hexadecimal,
 * RSA-OAEP-256) under `kek` of the first slot with the module.
 */
#include "tests/built_module.h"
#include <string.h>

enum { MOST_BLOB = 512 };

static CK_RSA_PKCS_OAEP_PARAMS sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &sha256, sizeof sha256};
static CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY, secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES;
static CK_BBOOL no = CK_FALSE;
static char label[] = "kek";

static CK_ULONG read_blob(unsigned char blob[MOST_BLOB])
{
    const char *hex = getenv("BLOB");
    CK_ULONG size = 0;

    while (hex != NULL && size < MOST_BLOB && sscanf(hex, "%2hhx", &blob[size]) == 1) {
        size++;
        hex += 2;
    }
    return size;
}

static CK_RV unwrap(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session)
{
    CK_ATTRIBUTE kek_is[] = {{CKA_CLASS, &private_class, sizeof private_class}, {CKA_LABEL, label, 3}};
    CK_ATTRIBUTE key_is[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                             {CKA_KEY_TYPE, &aes, sizeof aes},
                             {CKA_TOKEN, &no, sizeof no}};
    unsigned char blob[MOST_BLOB];
    CK_OBJECT_HANDLE kek = 0, key;
    CK_ULONG found = 0, size = read_blob(blob);
    CK_RV rv = p11->C_FindObjectsInit(session, kek_is, 2);

    if (rv == CKR_OK) {
        rv = p11->C_FindObjects(session, &kek, 1, &found);
        p11->C_FindObjectsFinal(session);
    }
    return rv != CKR_OK || found != 1 ? CKR_KEY_HANDLE_INVALID
                                      : p11->C_UnwrapKey(session, &oaep, kek, blob, size, key_is, 3, &key);
}

int main(void)
{
    CK_FUNCTION_LIST *p11 = module_functions();
    CK_SESSION_HANDLE session;
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    CK_RV rv = p11 == NULL ? CKR_GENERAL_ERROR : p11->C_Initialize(NULL);

    if (rv == CKR_OK) {
        rv = p11->C_GetSlotList(CK_TRUE, slots, &count);
    }
    if (rv == CKR_OK) {
        rv = p11->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &session);
    }
    if (rv == CKR_OK) {
        rv = unwrap(p11, session);
    }
    if (rv != CKR_OK) {
        fprintf(stderr, "cold_module: 0x%lx\n", rv);
        return 1;
    }
    p11->C_Finalize(NULL);
    return 0;
}
