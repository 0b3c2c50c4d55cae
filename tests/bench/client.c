/* The module as an application uses it. */
#include "tests/bench/client.h"
#include "tests/bench/world.h"
#include "tests/built_module.h"
#include <string.h>

enum { MOST_SLOTS = 16 };

CK_FUNCTION_LIST *p11;

static CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_RSA_PKCS_OAEP_PARAMS sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES;
static CK_ATTRIBUTE data_key_template[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                                           {CKA_KEY_TYPE, &aes, sizeof aes},
                                           {CKA_TOKEN, &no, sizeof no},
                                           {CKA_ENCRYPT, &yes, sizeof yes},
                                           {CKA_DECRYPT, &yes, sizeof yes},
                                           {CKA_EXTRACTABLE, &yes, sizeof yes}};
enum { TEMPLATE_SIZE = sizeof data_key_template / sizeof data_key_template[0] };

bool client_expect(CK_RV rv, const char *call)
{
    if (rv != CKR_OK) {
        fprintf(stderr, "bench: %s gave 0x%lx\n", call, rv);
    }
    return rv == CKR_OK;
}

bool client_load(void)
{
    if (p11 == NULL) {
        p11 = module_functions();
    }
    return p11 != NULL;
}

bool client_initialize(void)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};

    return client_load() && client_expect(p11->C_Initialize(&arguments), "C_Initialize");
}

bool client_slot(const char *label, CK_SLOT_ID *ret_slot)
{
    CK_SLOT_ID slots[MOST_SLOTS];
    CK_ULONG count = MOST_SLOTS;
    size_t size = strlen(label);
    CK_TOKEN_INFO info;

    if (!client_expect(p11->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList")) {
        return false;
    }
    for (CK_ULONG i = 0; i < count; i++) {
        if (p11->C_GetTokenInfo(slots[i], &info) == CKR_OK && memcmp(info.label, label, size) == 0 &&
            (size == sizeof info.label || info.label[size] == ' ')) {
            *ret_slot = slots[i];
            return true;
        }
    }
    fprintf(stderr, "bench: there is no token %s\n", label);
    return false;
}

bool client_find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
                 CK_OBJECT_HANDLE *ret_object)
{
    CK_ULONG found = 0;

    if (!client_expect(p11->C_FindObjectsInit(session, template, count), "C_FindObjectsInit")) {
        return false;
    }
    p11->C_FindObjects(session, ret_object, 1, &found);
    p11->C_FindObjectsFinal(session);
    return found == 1;
}

static bool find_kek(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret_object)
{
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};

    if (!client_find(session, template, 2, ret_object)) {
        fputs("bench: there is no kek\n", stderr);
        return false;
    }
    return true;
}

bool client_open(const char *label, struct client *ret_client)
{
    CK_SLOT_ID slot;

    memset(ret_client, 0, sizeof *ret_client);
    return client_slot(label, &slot) &&
           client_expect(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &ret_client->session),
                         "C_OpenSession") &&
           find_kek(ret_client->session, CKO_PUBLIC_KEY, &ret_client->public_kek) &&
           find_kek(ret_client->session, CKO_PRIVATE_KEY, &ret_client->private_kek);
}

bool client_make_data_key(struct client *client)
{
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG size = 32;
    CK_ATTRIBUTE template[TEMPLATE_SIZE + 1];

    memcpy(template, data_key_template, sizeof data_key_template);
    template[TEMPLATE_SIZE] = (CK_ATTRIBUTE){CKA_VALUE_LEN, &size, sizeof size};
    return client_expect(
        p11->C_GenerateKey(client->session, &generate, template, TEMPLATE_SIZE + 1, &client->data_key),
        "C_GenerateKey");
}

bool client_unwrap(void *arg, unsigned count)
{
    struct client *client = arg;
    CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &sha256, sizeof sha256};
    CK_OBJECT_HANDLE key;

    for (unsigned i = 0; i < count; i++) {
        if (!client_expect(p11->C_UnwrapKey(client->session, &oaep, client->private_kek, known->blob,
                                            sizeof known->blob, data_key_template, TEMPLATE_SIZE, &key),
                           "C_UnwrapKey") ||
            !client_expect(p11->C_DestroyObject(client->session, key), "C_DestroyObject")) {
            return false;
        }
    }
    return true;
}

static bool wrap(struct client *client, CK_RSA_PKCS_OAEP_PARAMS *hash, unsigned count)
{
    CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, hash, sizeof *hash};
    CK_BYTE blob[BLOB_SIZE];

    for (unsigned i = 0; i < count; i++) {
        CK_ULONG size = sizeof blob;

        if (!client_expect(
                p11->C_WrapKey(client->session, &oaep, client->public_kek, client->data_key, blob, &size),
                "C_WrapKey")) {
            return false;
        }
    }
    return true;
}

bool client_wrap_sha1(void *client, unsigned count)
{
    return wrap(client, &sha1, count);
}

bool client_wrap_sha256(void *client, unsigned count)
{
    return wrap(client, &sha256, count);
}
