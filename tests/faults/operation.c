/* What an application does with a vault's token; each result is compared with the truth. */
#include "tests/faults/control.h"
#include "tests/faults/faults.h"
#include <string.h>

enum { DEK = 32, BLOB = 512 };

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
/* The data key, the same all the time, and the truth, made while all is well. */
static struct {
    CK_BYTE value[DEK], blob[BLOB], modulus[BLOB], signature[BLOB];
    CK_ULONG blob_size, modulus_size, signature_size;
} truth;
static CK_RSA_PKCS_OAEP_PARAMS sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &sha256, sizeof sha256};

static CK_RV find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG size,
                  CK_OBJECT_HANDLE *ret_found, CK_ULONG most, CK_ULONG *ret_count)
{
    CK_RV rv = p11->C_FindObjectsInit(session, template, size), ended;

    if (rv != CKR_OK) {
        return rv;
    }
    rv = p11->C_FindObjects(session, ret_found, most, ret_count);
    ended = p11->C_FindObjectsFinal(session);
    return rv == CKR_OK ? ended : rv;
}

static CK_OBJECT_HANDLE kek(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;

    return find(session, template, 2, &found, 1, &count) == CKR_OK && count == 1 ? found : 0;
}

static CK_RV data_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *ret_key)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type},
                               {CKA_TOKEN, &no, sizeof no},       {CKA_EXTRACTABLE, &yes, sizeof yes},
                               {CKA_SENSITIVE, &no, sizeof no},   {CKA_VALUE, truth.value, DEK}};

    return p11->C_CreateObject(session, template, 6, ret_key);
}

static CK_RV wrap(CK_SESSION_HANDLE session, CK_BYTE *ret_blob, CK_ULONG *ret_size)
{
    CK_OBJECT_HANDLE key;
    CK_RV rv = data_key(session, &key);

    if (rv != CKR_OK) {
        return rv;
    }
    *ret_size = BLOB;
    rv = p11->C_WrapKey(session, &oaep, kek(session, CKO_PUBLIC_KEY), key, ret_blob, ret_size);
    (void)p11->C_DestroyObject(session, key);
    return rv;
}

static CK_RV unwrap(CK_SESSION_HANDLE session, CK_BYTE *from, CK_ULONG size, CK_BYTE *ret_value,
                    CK_ULONG *ret_size)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {CKA_KEY_TYPE, &type, sizeof type},
                               {CKA_TOKEN, &no, sizeof no},
                               {CKA_EXTRACTABLE, &yes, sizeof yes},
                               {CKA_SENSITIVE, &no, sizeof no}};
    CK_ATTRIBUTE read = {CKA_VALUE, ret_value, DEK};
    CK_OBJECT_HANDLE key;
    CK_RV rv = p11->C_UnwrapKey(session, &oaep, kek(session, CKO_PRIVATE_KEY), from, size, template, 5, &key);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = p11->C_GetAttributeValue(session, key, &read, 1);
    *ret_size = read.ulValueLen;
    (void)p11->C_DestroyObject(session, key);
    return rv;
}

static bool is_value(const CK_BYTE *got, CK_ULONG size)
{
    return size == DEK && memcmp(got, truth.value, DEK) == 0;
}

/* What was wrapped is right when it can be opened; that is looked at when the fault is gone. */
static bool run_wrap(CK_SESSION_HANDLE session, CK_RV *ret_rv)
{
    CK_BYTE made[BLOB];
    CK_ULONG size = 0;

    *ret_rv = wrap(session, made, &size);
    return *ret_rv != CKR_OK || (size == truth.blob_size && memcmp(made, truth.blob, size) != 0);
}

static bool run_unwrap(CK_SESSION_HANDLE session, CK_RV *ret_rv)
{
    CK_BYTE got[DEK];
    CK_ULONG size = 0;

    *ret_rv = unwrap(session, truth.blob, truth.blob_size, got, &size);
    return *ret_rv != CKR_OK || is_value(got, size);
}

/* As with run_wrap; the blob itself is never the same. */
static bool run_encrypt(CK_SESSION_HANDLE session, CK_RV *ret_rv)
{
    CK_BYTE made[BLOB];
    CK_ULONG size = sizeof made;

    *ret_rv = p11->C_EncryptInit(session, &oaep, kek(session, CKO_PUBLIC_KEY));
    if (*ret_rv == CKR_OK) {
        *ret_rv = p11->C_Encrypt(session, truth.value, DEK, made, &size);
    }
    return *ret_rv != CKR_OK || size == truth.blob_size;
}

static bool run_decrypt(CK_SESSION_HANDLE session, CK_RV *ret_rv)
{
    CK_BYTE got[BLOB];
    CK_ULONG size = sizeof got;

    *ret_rv = p11->C_DecryptInit(session, &oaep, kek(session, CKO_PRIVATE_KEY));
    if (*ret_rv == CKR_OK) {
        *ret_rv = p11->C_Decrypt(session, truth.blob, truth.blob_size, got, &size);
    }
    return *ret_rv != CKR_OK || is_value(got, size);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *ret_signature, CK_ULONG *ret_size)
{
    CK_MECHANISM rs256 = {CKM_SHA256_RSA_PKCS, NULL, 0};
    CK_RV rv = p11->C_SignInit(session, &rs256, kek(session, CKO_PRIVATE_KEY));

    *ret_size = BLOB;
    return rv == CKR_OK ? p11->C_Sign(session, truth.value, DEK, ret_signature, ret_size) : rv;
}

/* One and the same each time. */
static bool run_sign(CK_SESSION_HANDLE session, CK_RV *ret_rv)
{
    CK_BYTE made[BLOB];
    CK_ULONG size;

    *ret_rv = sign(session, made, &size);
    return *ret_rv != CKR_OK || (size == truth.signature_size && memcmp(made, truth.signature, size) == 0);
}

static bool run_get(CK_SESSION_HANDLE session, CK_RV *ret_rv)
{
    CK_BYTE got[BLOB];
    CK_ATTRIBUTE read = {CKA_MODULUS, got, sizeof got};

    *ret_rv = p11->C_GetAttributeValue(session, kek(session, CKO_PUBLIC_KEY), &read, 1);
    return *ret_rv != CKR_OK || truth.modulus_size == 0 ||
           (read.ulValueLen == truth.modulus_size && memcmp(got, truth.modulus, truth.modulus_size) == 0);
}

static bool run_list(CK_SESSION_HANDLE session, CK_RV *ret_rv)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    CK_OBJECT_HANDLE found[32];
    CK_ULONG count = 0;

    *ret_rv = find(session, &template, 1, found, 32, &count);
    return *ret_rv != CKR_OK || count == 4;
}

static bool run_certificates(CK_SESSION_HANDLE session, CK_RV *ret_rv)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    CK_OBJECT_HANDLE found[32];
    CK_ULONG count = 0;

    *ret_rv = find(session, &template, 1, found, 32, &count);
    return *ret_rv != CKR_OK || count == 1;
}

const struct operation operations[] = {
    {"unwrap", "unwrapkey", "vault", run_unwrap, CKR_UNWRAPPING_KEY_HANDLE_INVALID, CKR_WRAPPED_KEY_INVALID},
    {"wrap", "wrapkey", "vault", run_wrap, CKR_WRAPPING_KEY_HANDLE_INVALID,
     CKR_WRAPPING_KEY_TYPE_INCONSISTENT},
    {"encrypt", "encrypt", "vault", run_encrypt, CKR_KEY_HANDLE_INVALID, CKR_FUNCTION_FAILED},
    {"decrypt", "decrypt", "vault", run_decrypt, CKR_KEY_HANDLE_INVALID, CKR_ENCRYPTED_DATA_INVALID},
    {"sign", "sign", "vault", run_sign, CKR_KEY_HANDLE_INVALID, CKR_FUNCTION_FAILED},
    {"get", "get", "vault", run_get, CKR_KEY_HANDLE_INVALID, CKR_FUNCTION_FAILED},
    {"list", "list", "vault", run_list, CKR_KEY_HANDLE_INVALID, CKR_FUNCTION_FAILED},
    {"certificates", "listcertificates", "vault", run_certificates, CKR_KEY_HANDLE_INVALID,
     CKR_FUNCTION_FAILED},
    {"token", "token", "identity", run_unwrap, CKR_DEVICE_ERROR, CKR_USER_NOT_LOGGED_IN},
    {NULL, NULL, NULL, NULL, CKR_OK, CKR_OK},
};

const struct operation *operation_of(const char *name)
{
    for (const struct operation *operation = operations; operation->name != NULL; operation++) {
        if (strcmp(operation->name, name) == 0) {
            return operation;
        }
    }
    return NULL;
}

bool operations_begin(CK_SESSION_HANDLE *ret_session)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_RV rv = p11->C_Initialize(&arguments);

    return (rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED) &&
           p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, ret_session) == CKR_OK;
}

bool operations_renew(CK_SESSION_HANDLE session)
{
    return wrap(session, truth.blob, &truth.blob_size) == CKR_OK;
}

bool operations_prepare(void)
{
    CK_SESSION_HANDLE session;
    CK_RV rv;

    memset(truth.value, 0x5a, sizeof truth.value);
    control("PUT", "/keys/signer", "{\"managed\":true}");
    if (!operations_begin(&session) || wrap(session, truth.blob, &truth.blob_size) != CKR_OK ||
        sign(session, truth.signature, &truth.signature_size) != CKR_OK) {
        return false;
    }
    CK_ATTRIBUTE read = {CKA_MODULUS, truth.modulus, sizeof truth.modulus};

    rv = p11->C_GetAttributeValue(session, kek(session, CKO_PUBLIC_KEY), &read, 1);
    truth.modulus_size = read.ulValueLen;
    return rv == CKR_OK && p11->C_Finalize(NULL) == CKR_OK;
}

bool operations_save(const char *path)
{
    FILE *file = fopen(path, "we");
    bool written = file != NULL && fwrite(&truth, sizeof truth, 1, file) == 1;

    return file != NULL && fclose(file) == 0 && written;
}

bool operations_load(const char *path)
{
    FILE *file = fopen(path, "re");
    bool got = file != NULL && fread(&truth, sizeof truth, 1, file) == 1;

    if (file != NULL) {
        fclose(file);
    }
    return got;
}
