/*
 * Wraps or unwraps a key value with the built module, for tests of other programs that do the same without
 * it:
 *
 *     module_wrap wrap|unwrap LABEL RSA-OAEP|RSA-OAEP-256|RSA1_5 HEX
 *
 * The key-encryption key is the one of that label in the token "vault" of $BYOK_PKCS11_CONF. Prints the
 * outcome in hexadecimal, or the failure on stderr.
 */
#include "tests/built_module.h"
#include <err.h>
#include <p11-kit/p11-kit.h>
#include <string.h>

enum { LARGEST = 512 };

static CK_FUNCTION_LIST *p11;
static CK_SESSION_HANDLE session;

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
#define ALL_OF(value) &(value), sizeof(value)

static void must(CK_RV rv, const char *function)
{
    if (rv != CKR_OK) {
        errx(1, "%s: 0x%lx %s", function, rv, p11_kit_strerror(rv));
    }
}

static void open_session(void)
{
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;
    CK_TOKEN_INFO token;

    must(p11->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    for (CK_ULONG i = 0; i < count; i++) {
        must(p11->C_GetTokenInfo(slots[i], &token), "C_GetTokenInfo");
        if (memcmp(token.label, "vault ", 6) == 0) {
            must(p11->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL, NULL, &session), "C_OpenSession");
            return;
        }
    }
    errx(1, "there is no token \"vault\"");
}

static CK_OBJECT_HANDLE find(CK_OBJECT_CLASS class, char *label)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, ALL_OF(class)}, {CKA_LABEL, label, strlen(label)}};
    CK_OBJECT_HANDLE found;
    CK_ULONG count;

    must(p11->C_FindObjectsInit(session, template, 2), "C_FindObjectsInit");
    must(p11->C_FindObjects(session, &found, 1, &count), "C_FindObjects");
    must(p11->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    if (count != 1) {
        errx(1, "there is no key \"%s\"", label);
    }
    return found;
}

static CK_MECHANISM mechanism_of(const char *algorithm)
{
    static CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    static CK_RSA_PKCS_OAEP_PARAMS sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};

    if (strcmp(algorithm, "RSA-OAEP") == 0) {
        return (CK_MECHANISM){CKM_RSA_PKCS_OAEP, ALL_OF(sha1)};
    }
    if (strcmp(algorithm, "RSA-OAEP-256") == 0) {
        return (CK_MECHANISM){CKM_RSA_PKCS_OAEP, ALL_OF(sha256)};
    }
    if (strcmp(algorithm, "RSA1_5") == 0) {
        return (CK_MECHANISM){CKM_RSA_PKCS, NULL, 0};
    }
    errx(2, "there is no algorithm %s", algorithm);
}

static CK_ULONG wrap(char *label, CK_MECHANISM *how, unsigned char *value, CK_ULONG size,
                     unsigned char *ret_blob)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, ALL_OF(secret_class)}, {CKA_KEY_TYPE, ALL_OF(generic)},
                               {CKA_TOKEN, ALL_OF(no)},           {CKA_SENSITIVE, ALL_OF(no)},
                               {CKA_EXTRACTABLE, ALL_OF(yes)},    {CKA_VALUE, value, size}};
    CK_ULONG blob_size = LARGEST;
    CK_OBJECT_HANDLE key;

    must(p11->C_CreateObject(session, template, 6, &key), "C_CreateObject");
    must(p11->C_WrapKey(session, how, find(CKO_PUBLIC_KEY, label), key, ret_blob, &blob_size), "C_WrapKey");
    return blob_size;
}

static CK_ULONG unwrap(char *label, CK_MECHANISM *how, unsigned char *blob, CK_ULONG size,
                       unsigned char *ret_value)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, ALL_OF(secret_class)},
                               {CKA_KEY_TYPE, ALL_OF(generic)},
                               {CKA_TOKEN, ALL_OF(no)},
                               {CKA_SENSITIVE, ALL_OF(no)},
                               {CKA_EXTRACTABLE, ALL_OF(yes)}};
    CK_ATTRIBUTE read = {CKA_VALUE, ret_value, LARGEST};
    CK_OBJECT_HANDLE key;

    must(p11->C_UnwrapKey(session, how, find(CKO_PRIVATE_KEY, label), blob, size, template, 5, &key),
         "C_UnwrapKey");
    must(p11->C_GetAttributeValue(session, key, &read, 1), "C_GetAttributeValue");
    return read.ulValueLen;
}

static CK_ULONG read_hex(const char *hex, unsigned char bytes[LARGEST])
{
    CK_ULONG size = 0;

    for (; size < LARGEST && sscanf(hex, "%2hhx", &bytes[size]) == 1; hex += 2) {
        size++;
    }
    return *hex == '\0' ? size : (errx(2, "no hexadecimal, or too much of it: %s", hex), 0);
}

int main(int argc, char **argv)
{
    unsigned char in[LARGEST], out[LARGEST];
    CK_MECHANISM how;
    CK_ULONG size;

    if (argc != 5 || (strcmp(argv[1], "wrap") != 0 && strcmp(argv[1], "unwrap") != 0)) {
        errx(2, "usage: module_wrap wrap|unwrap LABEL ALGORITHM HEX");
    }
    how = mechanism_of(argv[3]);
    size = read_hex(argv[4], in);
    p11 = module_functions();
    if (p11 == NULL) {
        return 1;
    }
    must(p11->C_Initialize(NULL), "C_Initialize");
    open_session();
    size = (argv[1][0] == 'w' ? wrap : unwrap)(argv[2], &how, in, size, out);
    for (CK_ULONG i = 0; i < size; i++) {
        printf("%02x", out[i]);
    }
    puts("");
    must(p11->C_Finalize(NULL), "C_Finalize");
    let_threads_end();
    return 0;
}
