/*
 * The records that an application leaves on both tokens; run under tests/with-tokens. The same uses are made of a
 * key of the HSM and of one of the vault; what is said of them is held against what the application got and what
 * the stand-in vault was asked.
 */
#include "tests/backends/base/base_test.h"

#include "tests/backends/audit/audit_test.h"
#include "tests/built_module.h"

enum { SLOTS = 2, HSM = 0, VAULT = 1, BLOB = 512, MARK = 0xa5 };

static CK_FUNCTION_LIST *p11;
static CK_SESSION_HANDLE session[SLOTS];
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE aes_type = CKK_AES;
static CK_RSA_PKCS_OAEP_PARAMS oaep_parameter = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &oaep_parameter, sizeof oaep_parameter};
static CK_MECHANISM sha256_rsa = {CKM_SHA256_RSA_PKCS, NULL, 0};
static const char *const titles[SLOTS] = {"hsm", "vault"};

static const char *folder(void)
{
    return getenv("TOKENS_DIR");
}

static const char *audit_path(void)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/audit", folder());
    return path;
}

/* The configuration of the two tokens with these lines before it, and this option in each. */
static void start_with(const char *lines, const char *option)
{
    static const char *original;
    char command[2048], path[256];

    if (original == NULL) {
        original = strdup(getenv("BYOK_PKCS11_CONF"));
    }
    snprintf(path, sizeof path, "%s/records.conf", folder());
    snprintf(command, sizeof command,
             "{ printf '%%s\\n' '%s'; sed 's/^ *backend = .*/&\\n    %s/' '%s'; } >'%s'", lines, option,
             original, path);
    assert_int_equal(system(command), 0);
    setenv("BYOK_PKCS11_CONF", path, 1);
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    for (CK_SLOT_ID slot = 0; slot < SLOTS; slot++) {
        assert_int_equal(
            p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session[slot]),
            CKR_OK);
    }
}

static int set_up_with(const char *option)
{
    char lines[300];

    unlink(audit_path());
    snprintf(lines, sizeof lines, "audit-file = \"%s\"", audit_path());
    start_with(lines, option);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return set_up_with("");
}

static int set_up_where_nothing_can_be_written(void **state)
{
    (void)state;
    start_with("audit-file = \"/dev/full\"\naudit-required = yes", "");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return p11->C_Finalize(NULL) == CKR_OK ? 0 : -1;
}

static CK_OBJECT_HANDLE kek(int slot, CK_OBJECT_CLASS class)
{
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG count = 0;

    assert_int_equal(p11->C_FindObjectsInit(session[slot], template, 2), CKR_OK);
    assert_int_equal(p11->C_FindObjects(session[slot], &key, 1, &count), CKR_OK);
    assert_int_equal(p11->C_FindObjectsFinal(session[slot]), CKR_OK);
    assert_int_equal(count, 1);
    return key;
}

static CK_OBJECT_HANDLE new_key(int slot, CK_BBOOL *on_token)
{
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG size = 32;
    char label[] = "records-aes";
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, on_token, sizeof *on_token}, {CKA_LABEL, label, strlen(label)},
                               {CKA_VALUE_LEN, &size, sizeof size},     {CKA_ENCRYPT, &yes, sizeof yes},
                               {CKA_DECRYPT, &yes, sizeof yes},         {CKA_SENSITIVE, &no, sizeof no},
                               {CKA_EXTRACTABLE, &yes, sizeof yes}};
    CK_OBJECT_HANDLE key = 0;

    assert_int_equal(p11->C_GenerateKey(session[slot], &generate, template, 7, &key), CKR_OK);
    return key;
}

static CK_RV wrap(int slot, CK_OBJECT_HANDLE key, CK_BYTE blob[BLOB], CK_ULONG *ret_size)
{
    *ret_size = BLOB;
    return p11->C_WrapKey(session[slot], &oaep, kek(slot, CKO_PUBLIC_KEY), key, blob, ret_size);
}

static CK_RV unwrap(int slot, CK_BYTE *blob, CK_ULONG size, CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                               {CKA_KEY_TYPE, &aes_type, sizeof aes_type},
                               {CKA_TOKEN, &no, sizeof no},
                               {CKA_SENSITIVE, &no, sizeof no},
                               {CKA_EXTRACTABLE, &yes, sizeof yes}};

    return p11->C_UnwrapKey(session[slot], &oaep, kek(slot, CKO_PRIVATE_KEY), blob, size, template, 5,
                            ret_key);
}

static CK_RV sign(int slot, CK_BYTE signature[BLOB], CK_ULONG *ret_size)
{
    CK_BYTE text[] = "text";
    CK_RV rv = p11->C_SignInit(session[slot], &sha256_rsa, kek(slot, CKO_PRIVATE_KEY));

    *ret_size = BLOB;
    return rv == CKR_OK ? p11->C_Sign(session[slot], text, 4, signature, ret_size) : rv;
}

static CK_RV decrypt(int slot, CK_BYTE *blob, CK_ULONG size, CK_BYTE plain[BLOB], CK_ULONG *ret_size)
{
    CK_RV rv = p11->C_DecryptInit(session[slot], &oaep, kek(slot, CKO_PRIVATE_KEY));

    *ret_size = BLOB;
    return rv == CKR_OK ? p11->C_Decrypt(session[slot], blob, size, plain, ret_size) : rv;
}

static void use_everything(int slot)
{
    CK_BYTE blob[BLOB], other[BLOB], value[32];
    CK_OBJECT_HANDLE key = new_key(slot, &no), opened = 0;
    CK_ATTRIBUTE attribute = {CKA_VALUE, value, sizeof value};
    CK_ULONG size, other_size;

    assert_int_equal(wrap(slot, key, blob, &size), CKR_OK);
    assert_int_equal(wrap(slot, key, blob, &size), CKR_OK);
    assert_int_equal(unwrap(slot, blob, size, &opened), CKR_OK);
    assert_int_equal(sign(slot, other, &other_size), CKR_OK);
    assert_int_equal(decrypt(slot, blob, size, other, &other_size), CKR_OK);
    assert_int_equal(p11->C_GetAttributeValue(session[slot], opened, &attribute, 1), CKR_OK);
    assert_memory_equal(value, other, 32);
}

/* --- What is on record --- */

static const char *const expected[SLOTS][5][2] = {
    {{"wrap", "hsm"}, {"wrap", "hsm"}, {"unwrap", "hsm"}, {"sign", "hsm"}, {"decrypt", "hsm"}},
    {{"wrap", "service"},
     {"wrap", "here"},
     {"unwrap", "service"},
     {"sign", "service"},
     {"decrypt", "service"}},
};

static void expect_key(int slot, const char *key)
{
    if (slot == HSM) {
        assert_non_null(strstr(key, "pkcs11:"));
        assert_non_null(strstr(key, "token=hsm"));
        assert_non_null(strstr(key, "object=kek"));
    } else {
        const char *name = strstr(key, "/keys/kek/");

        assert_int_equal(strncmp(key, getenv("VAULT_URL"), strlen(getenv("VAULT_URL"))), 0);
        assert_non_null(name);
        assert_int_equal(strlen(name), strlen("/keys/kek/") + 32);
    }
}

static void expect_uses(int slot)
{
    for (size_t i = 0; i < 5; i++) {
        cJSON *line = audit_line(audit_path(), 1 + i);

        assert_string_equal(audit_member(line, "event"), "use");
        assert_string_equal(audit_member(line, "token"), titles[slot]);
        assert_string_equal(audit_member(line, "backend"), slot == HSM ? "hsm" : "keyvault");
        assert_string_equal(audit_member(line, "operation"), expected[slot][i][0]);
        assert_string_equal(audit_member(line, "place"), expected[slot][i][1]);
        assert_string_equal(audit_member(line, "result"), "CKR_OK");
        assert_int_equal(strlen(audit_member(line, "blob_sha256")), 64);
        expect_key(slot, audit_member(line, "key"));
        cJSON_Delete(line);
    }
    assert_int_equal(audit_line_count(audit_path()), 6);
    assert_true(audit_read_path(audit_path()).is_whole);
}

static void test_the_hsm(void **state)
{
    (void)state;
    use_everything(HSM);
    expect_uses(HSM);
}

static void test_the_vault(void **state)
{
    (void)state;
    use_everything(VAULT);
    expect_uses(VAULT);
}

static char *control(const char *path)
{
    static char answer[1024 * 1024];
    char command[512];
    FILE *from;
    size_t size;

    snprintf(command, sizeof command, "curl -s '%s/%s'", getenv("CONTROL_URL"), path);
    from = popen(command, "r");
    assert_non_null(from);
    size = fread(answer, 1, sizeof answer - 1, from);
    answer[size] = 0;
    assert_int_equal(pclose(from), 0);
    return answer;
}

static void test_the_requests_are_those_that_the_vault_had(void **state)
{
    unsigned asked = 0;
    const char *answer;

    (void)state;
    use_everything(VAULT);
    answer = control("requests");
    for (size_t i = 1; i < audit_line_count(audit_path()); i++) {
        cJSON *line = audit_line(audit_path(), i);
        const char *id = audit_member(line, "client_request_id");

        if (strcmp(audit_member(line, "place"), "service") == 0) {
            assert_int_equal(strlen(id), 36);
            assert_non_null(strstr(answer, id));
            assert_int_equal(strlen(audit_member(line, "request_id")), 36);
            assert_int_equal(audit_number(line, "http_status"), 200);
            assert_int_equal(audit_number(line, "tries"), 1);
            assert_int_not_equal(strlen(audit_member(line, "principal")), 0);
            asked++;
        } else {
            assert_string_equal(id, "");
        }
        cJSON_Delete(line);
    }
    assert_in_range(asked, 3, 4); /* whether the first wrap asks depends on when the last was */
}

static void expect_refused(int slot)
{
    CK_BYTE blob[BLOB];
    size_t before = audit_line_count(audit_path());
    CK_ULONG size;
    cJSON *line;

    assert_int_equal(wrap(slot, new_key(slot, &no), blob, &size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    line = audit_line(audit_path(), before);
    assert_string_equal(audit_member(line, "event"), "refused");
    assert_string_equal(audit_member(line, "token"), titles[slot]);
    assert_non_null(strstr(audit_member(line, "reason"), "min-rsa-bits is 4096, and it has "));
    expect_key(slot, audit_member(line, "key"));
    cJSON_Delete(line);
}

static void test_what_the_policy_refuses(void **state)
{
    set_up_with("min-rsa-bits = 4096");
    expect_refused(HSM);
    expect_refused(VAULT);
    tear_down(state);
}

/* In hexadecimal and as it is. */
static void expect_absent(const CK_BYTE *value, size_t size)
{
    char hex[129] = "";

    for (size_t i = 0; i < size && i < 64; i++) {
        sprintf(hex + 2 * i, "%02x", value[i]);
    }
    assert_null(strstr(audit_text(audit_path()), hex));
    assert_null(memmem(audit_text(audit_path()), strlen(audit_text(audit_path())), value, size));
}

static void test_no_secret_is_on_record(void **state)
{
    (void)state;
    for (int slot = 0; slot < SLOTS; slot++) {
        CK_BYTE blob[BLOB], value[32];
        CK_OBJECT_HANDLE key = new_key(slot, &no), opened;
        CK_ATTRIBUTE attribute = {CKA_VALUE, value, sizeof value};
        CK_ULONG size;

        assert_int_equal(wrap(slot, key, blob, &size), CKR_OK);
        assert_int_equal(unwrap(slot, blob, size, &opened), CKR_OK);
        assert_int_equal(p11->C_GetAttributeValue(session[slot], opened, &attribute, 1), CKR_OK);
        expect_absent(value, sizeof value);
    }
    assert_int_equal(audit_line_count(audit_path()), 5);
    assert_null(strstr(audit_text(audit_path()), getenv("HSM_PIN")));
    assert_null(strstr(audit_text(audit_path()), "eyJ")); /* how a token begins */
}

/* --- Parts, with a key of the HSM that stays there --- */

static CK_MECHANISM cbc_pad(CK_BYTE iv[16])
{
    memset(iv, 0, 16);
    return (CK_MECHANISM){CKM_AES_CBC_PAD, iv, 16};
}

static CK_ULONG encrypt_in_parts(CK_OBJECT_HANDLE key, CK_BYTE cipher[BLOB])
{
    CK_BYTE iv[16], plain[40] = "what comes in parts";
    CK_MECHANISM mechanism = cbc_pad(iv);
    CK_ULONG first = BLOB, last;

    assert_int_equal(p11->C_EncryptInit(session[HSM], &mechanism, key), CKR_OK);
    assert_int_equal(p11->C_EncryptUpdate(session[HSM], plain, sizeof plain, cipher, &first), CKR_OK);
    last = BLOB - first;
    assert_int_equal(p11->C_EncryptFinal(session[HSM], cipher + first, &last), CKR_OK);
    return first + last;
}

static CK_RV decrypt_in_parts(CK_OBJECT_HANDLE key, CK_BYTE *cipher, CK_ULONG size, CK_BYTE plain[BLOB])
{
    CK_BYTE iv[16];
    CK_MECHANISM mechanism = cbc_pad(iv);
    CK_ULONG first = BLOB, last;
    CK_RV rv;

    assert_int_equal(p11->C_DecryptInit(session[HSM], &mechanism, key), CKR_OK);
    rv = p11->C_DecryptUpdate(session[HSM], cipher, size, plain, &first);
    if (rv != CKR_OK) {
        return rv;
    }
    last = BLOB - first;
    return p11->C_DecryptFinal(session[HSM], plain + first, &last);
}

static void expect_line(size_t number, const char *event, const char *operation)
{
    cJSON *line = audit_line(audit_path(), number);

    assert_string_equal(audit_member(line, "event"), event);
    assert_string_equal(audit_member(line, "operation"), operation);
    assert_string_equal(audit_member(line, "mechanism"), "CKM_AES_CBC_PAD");
    assert_non_null(strstr(audit_member(line, "key"), "object=records-aes"));
    cJSON_Delete(line);
}

static void test_parts_are_said_to_have_begun(void **state)
{
    CK_OBJECT_HANDLE key = new_key(HSM, &yes);
    CK_BYTE cipher[BLOB], plain[BLOB];
    CK_ULONG size = encrypt_in_parts(key, cipher);
    cJSON *sealed, *opened;

    (void)state;
    assert_int_equal(decrypt_in_parts(key, cipher, size, plain), CKR_OK);
    assert_int_equal(p11->C_DestroyObject(session[HSM], key), CKR_OK);
    assert_int_equal(audit_line_count(audit_path()), 5);
    expect_line(1, "begun", "encrypt");
    expect_line(2, "use", "encrypt");
    expect_line(3, "begun", "decrypt");
    expect_line(4, "use", "decrypt");
    sealed = audit_line(audit_path(), 2);
    opened = audit_line(audit_path(), 4);
    assert_int_equal(strlen(audit_member(sealed, "blob_sha256")), 64);
    assert_string_equal(audit_member(sealed, "blob_sha256"), audit_member(opened, "blob_sha256"));
    cJSON_Delete(sealed);
    cJSON_Delete(opened);
}

static void test_keys_of_a_session_are_nobodys_concern(void **state)
{
    CK_BYTE cipher[BLOB];

    (void)state;
    encrypt_in_parts(new_key(HSM, &no), cipher);
    assert_int_equal(audit_line_count(audit_path()), 1);
}

/* --- Where the record must be written and cannot be --- */

static void expect_wiped(const CK_BYTE *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        assert_true(out[i] == MARK || out[i] == 0);
    }
}

static CK_ULONG secret_keys(int slot)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &secret_class, sizeof secret_class}};
    CK_OBJECT_HANDLE found[16];
    CK_ULONG count = 0;

    assert_int_equal(p11->C_FindObjectsInit(session[slot], template, 1), CKR_OK);
    assert_int_equal(p11->C_FindObjects(session[slot], found, 16, &count), CKR_OK);
    assert_int_equal(p11->C_FindObjectsFinal(session[slot]), CKR_OK);
    return count;
}

static CK_ULONG sealed(int slot, CK_BYTE blob[BLOB])
{
    CK_ULONG size;

    set_up(NULL);
    assert_int_equal(wrap(slot, new_key(slot, &no), blob, &size), CKR_OK);
    tear_down(NULL);
    set_up_where_nothing_can_be_written(NULL);
    return size;
}

static void refuse_on(int slot)
{
    CK_BYTE blob[BLOB], out[BLOB];
    CK_OBJECT_HANDLE opened = 0;
    CK_ULONG size = sealed(slot, blob), out_size, keys;

    memset(out, MARK, sizeof out);
    keys = secret_keys(slot);
    assert_int_equal(unwrap(slot, blob, size, &opened), CKR_FUNCTION_FAILED);
    assert_int_equal(secret_keys(slot), keys);
    assert_int_equal(sign(slot, out, &out_size), CKR_FUNCTION_FAILED);
    expect_wiped(out, sizeof out);
    assert_int_equal(decrypt(slot, blob, size, out, &out_size), CKR_FUNCTION_FAILED);
    expect_wiped(out, sizeof out);
    assert_int_equal(wrap(slot, new_key(slot, &no), out, &out_size), CKR_FUNCTION_FAILED);
    expect_wiped(out, sizeof out);
    tear_down(NULL);
}

static void test_nothing_comes_of_the_hsm_unrecorded(void **state)
{
    (void)state;
    refuse_on(HSM);
}

static void test_nothing_comes_of_the_vault_unrecorded(void **state)
{
    (void)state;
    refuse_on(VAULT);
}

static void test_no_part_comes_unrecorded(void **state)
{
    CK_BYTE cipher[BLOB] = "0123456789abcdef", plain[BLOB];
    CK_OBJECT_HANDLE key = new_key(HSM, &yes);

    (void)state;
    memset(plain, MARK, sizeof plain);
    assert_int_equal(decrypt_in_parts(key, cipher, 32, plain), CKR_FUNCTION_FAILED);
    expect_wiped(plain, sizeof plain);
    assert_int_equal(decrypt_in_parts(key, cipher, 32, plain), CKR_FUNCTION_FAILED); /* ended below, too */
    assert_int_equal(p11->C_DestroyObject(session[HSM], key), CKR_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_hsm),
        TEST(test_the_vault),
        TEST(test_the_requests_are_those_that_the_vault_had),
        cmocka_unit_test(test_what_the_policy_refuses),
        TEST(test_no_secret_is_on_record),
        TEST(test_parts_are_said_to_have_begun),
        TEST(test_keys_of_a_session_are_nobodys_concern),
        cmocka_unit_test(test_nothing_comes_of_the_hsm_unrecorded),
        cmocka_unit_test(test_nothing_comes_of_the_vault_unrecorded),
        cmocka_unit_test_setup_teardown(test_no_part_comes_unrecorded, set_up_where_nothing_can_be_written,
                                        tear_down),
    };

    p11 = module_functions();
    return p11 == NULL ? 99 : cmocka_run_group_tests(tests, NULL, NULL);
}
