/* What the rooms of the suite share: the row, the session, and keys to work with. */
#include "tests/contract/contract.h"
#include <stdio.h>
#include <string.h>

static const struct contract_row rows[] = {
    {
        .name = "hsm",
        .token = "hsm",
        .kek = "kek",
        .kek_id = "\x01",
        .codes =
            {
                /* SoftHSM 2.6 has one code for all that does not open. */
                .bad_blob = CKR_GENERAL_ERROR,
                .bad_blob_length = CKR_GENERAL_ERROR,
                .bad_tag = CKR_GENERAL_ERROR,
                .bad_padding = CKR_GENERAL_ERROR,
                .bad_wrapped = CKR_GENERAL_ERROR,
                .key_too_long = CKR_KEY_SIZE_RANGE,
                .missing_key_type = CKR_TEMPLATE_INCOMPLETE,
                .wrong_parameters = CKR_ARGUMENTS_BAD,
                .not_a_wrapping_key = CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
                .unknown_key = CKR_OBJECT_HANDLE_INVALID,
            },
    },
#define SOFT_TOKEN_CODES                                                                                     \
    {                                                                                                        \
        .bad_blob = CKR_WRAPPED_KEY_INVALID, .bad_blob_length = CKR_WRAPPED_KEY_INVALID,                     \
        .bad_tag = CKR_ENCRYPTED_DATA_INVALID, .bad_padding = CKR_ENCRYPTED_DATA_INVALID,                    \
        .bad_wrapped = CKR_WRAPPED_KEY_INVALID, .key_too_long = CKR_KEY_SIZE_RANGE,                          \
        .missing_key_type = CKR_TEMPLATE_INCOMPLETE, .wrong_parameters = CKR_MECHANISM_PARAM_INVALID,        \
        .not_a_wrapping_key = CKR_WRAPPING_KEY_TYPE_INCONSISTENT, .unknown_key = CKR_KEY_HANDLE_INVALID      \
    }
    {
        .name = "vault",
        .token = "vault",
        .kek = "kek",
        .kek_id = "kek",
        .sha256 = true,
        .login_once = true,
        .key_info = true,
        .codes = SOFT_TOKEN_CODES,
    },
    {
        .name = "mhsm",
        .token = "mhsm",
        .kek = "kek",
        .kek_id = "kek",
        .sha256 = true,
        .login_once = true,
        .key_info = true,
        .codes = SOFT_TOKEN_CODES,
    },
    {
        .name = "soft",
        .token = "soft",
        .kek = "kek",
        .kek_id = "kek",
        .sha256 = true,
        .login_once = true,
        .key_info = true,
        .codes = SOFT_TOKEN_CODES,
    },
};

const struct contract_row *row;
CK_FUNCTION_LIST *p11;
CK_SLOT_ID slot;
CK_SESSION_HANDLE session;
CK_BBOOL truth = CK_TRUE, untruth = CK_FALSE;

static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE aes_type = CKK_AES;

CK_ATTRIBUTE data_key_template[TEMPLATE_SIZE] = {
    ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type), ATTRIBUTE(CKA_TOKEN, untruth),
    ATTRIBUTE(CKA_ENCRYPT, truth),      ATTRIBUTE(CKA_DECRYPT, truth),     ATTRIBUTE(CKA_WRAP, truth),
    ATTRIBUTE(CKA_UNWRAP, truth),       ATTRIBUTE(CKA_SENSITIVE, untruth), ATTRIBUTE(CKA_EXTRACTABLE, truth),
};

static CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_RSA_PKCS_OAEP_PARAMS sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};

const struct wrapping wrappings[] = {
    {"OAEP, SHA-1", {CKM_RSA_PKCS_OAEP, &sha1, sizeof sha1}, 214},
    {"PKCS #1 v1.5", {CKM_RSA_PKCS, NULL, 0}, 245},
    {"OAEP, SHA-256", {CKM_RSA_PKCS_OAEP, &sha256, sizeof sha256}, 190},
};

CK_ULONG wrapping_count(void)
{
    return row->sha256 ? 3 : 2;
}

void assert_rv_at(CK_RV got, CK_RV expected, const char *call, const char *file, int line)
{
    if (got != expected) {
        print_error("# %s\n# is 0x%lx instead of 0x%lx\n", call, got, expected);
        _fail(file, line);
    }
}

static bool find_slot(void)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    CK_TOKEN_INFO info;

    if (p11->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK) {
        return false;
    }
    for (CK_ULONG i = 0; i < count; i++) {
        size_t size = strlen(row->token);

        if (p11->C_GetTokenInfo(slots[i], &info) == CKR_OK && memcmp(info.label, row->token, size) == 0 &&
            info.label[size] == ' ') {
            slot = slots[i];
            return true;
        }
    }
    return false;
}

bool contract_begin(CK_FUNCTION_LIST *functions, const char *name)
{
    CK_RV rv;

    p11 = functions;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        row = strcmp(rows[i].name, name) == 0 ? &rows[i] : row;
    }
    if (row == NULL) {
        fprintf(stderr, "contract: there is no row %s\n", name);
        return false;
    }
    if ((rv = p11->C_Initialize(NULL)) != CKR_OK || !find_slot()) {
        fprintf(stderr, "contract: C_Initialize gave 0x%lx; no token %s\n", rv, row->token);
        return false;
    }
    return true;
}

int contract_run(void)
{
    const struct room *const rooms[] = {&session_room,    &object_room, &wrap_room,
                                        &secret_key_room, &sign_room,   &bad_call_room};
    int failed = run_rooms(row->name, rooms, sizeof rooms / sizeof rooms[0]);

    p11->C_Finalize(NULL);
    return failed;
}

int in(void **state)
{
    (void)state;
    return p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) == CKR_OK ? 0
                                                                                                         : -1;
}

int out(void **state)
{
    (void)state;
    return p11->C_CloseSession(session) == CKR_OK ? 0 : -1;
}

CK_ULONG find(CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_objects, CK_ULONG most)
{
    CK_ULONG found = 0;

    assert_rv(p11->C_FindObjectsInit(session, template, count), CKR_OK);
    assert_rv(p11->C_FindObjects(session, ret_objects, most, &found), CKR_OK);
    assert_rv(p11->C_FindObjectsFinal(session), CKR_OK);
    return found;
}

static CK_OBJECT_HANDLE kek_of(CK_OBJECT_CLASS class)
{
    CK_OBJECT_HANDLE keys[2];
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, class),
                               {CKA_LABEL, (void *)(uintptr_t)row->kek, strlen(row->kek)}};

    assert_int_equal(find(template, 2, keys, 2), 1);
    return keys[0];
}

CK_OBJECT_HANDLE public_kek(void)
{
    return kek_of(CKO_PUBLIC_KEY);
}

CK_OBJECT_HANDLE private_kek(void)
{
    return kek_of(CKO_PRIVATE_KEY);
}

CK_OBJECT_HANDLE generate_aes(CK_ULONG size)
{
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE template[TEMPLATE_SIZE + 1];
    CK_OBJECT_HANDLE key;

    memcpy(template, data_key_template, sizeof data_key_template);
    template[TEMPLATE_SIZE] = (CK_ATTRIBUTE)ATTRIBUTE(CKA_VALUE_LEN, size);
    assert_rv(p11->C_GenerateKey(session, &generate, template, TEMPLATE_SIZE + 1, &key), CKR_OK);
    return key;
}

CK_OBJECT_HANDLE create_aes(const unsigned char *value, CK_ULONG size)
{
    CK_ATTRIBUTE template[TEMPLATE_SIZE + 1];
    CK_OBJECT_HANDLE key;

    memcpy(template, data_key_template, sizeof data_key_template);
    template[TEMPLATE_SIZE] = (CK_ATTRIBUTE){CKA_VALUE, (void *)(uintptr_t)value, size};
    assert_rv(p11->C_CreateObject(session, template, TEMPLATE_SIZE + 1, &key), CKR_OK);
    return key;
}

CK_ULONG value_of(CK_OBJECT_HANDLE key, unsigned char *value)
{
    CK_ATTRIBUTE attribute = {CKA_VALUE, value, 64};

    assert_rv(p11->C_GetAttributeValue(session, key, &attribute, 1), CKR_OK);
    return attribute.ulValueLen;
}
